"""QR codes are read by a reader of another kind."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from murai.booth.qr import QUIET, qr_picture, qr_svg

LINK = "http://192.168.178.123:8080/p/kQ9yJ1cY3mJ8wWn0aB_2-Q"


def read(image: np.ndarray) -> str:
    return cv2.QRCodeDetectorAruco().detectAndDecode(image)[0]  # the older one misses one code in forty


@pytest.mark.parametrize("side", [150, 240, 481])
def test_a_code_says_what_it_was_made_of(side: int) -> None:
    image = qr_picture(LINK, side)
    assert (image.dtype, image.shape[2]) == (np.uint8, 3)
    assert side * 0.7 < image.shape[0] == image.shape[1] <= side
    assert set(np.unique(image)) == {0, 255}
    assert read(image) == LINK


def test_it_is_read_on_a_dark_picture_from_afar() -> None:
    code = qr_picture(LINK, 300)
    wall = np.full((720, 1280, 3), 30, np.uint8)
    wall[400 : 400 + len(code), 900 : 900 + len(code)] = code
    assert read(cv2.GaussianBlur(wall, (5, 5), 1.2)) == LINK


def test_a_quiet_zone_surrounds_it() -> None:
    modules = qr_picture(LINK, 1)
    assert (modules[:QUIET] == 255).all()
    assert (modules[:, -QUIET:] == 255).all()
    assert (modules[QUIET, QUIET : QUIET + 7] == 0).all()


@settings(max_examples=30, deadline=None)
@given(st.from_regex(r"https://[a-z0-9.-]{1,60}/p/[A-Za-z0-9_-]{22}", fullmatch=True))
def test_any_link(link: str) -> None:
    assert read(qr_picture(link, 300)) == link


def test_a_drawing_says_the_same() -> None:
    drawing = qr_svg(LINK).decode()
    assert drawing.startswith("<svg")
    modules = len(qr_picture(LINK, 1))
    assert f'viewBox="0 0 {modules} {modules}"' in drawing
