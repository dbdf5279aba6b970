"""QR codes. The only file that imports segno."""

from io import BytesIO

import numpy as np
import segno

from murai.frame import Image

QUIET = 4
"""Modules of white around a code, without which phones do not find it."""


def qr_picture(text: str, side: int) -> Image:
    """A square picture of a QR code for `text`, black on white with its quiet zone, at most `side` pixels wide.

    Every module is a whole number of pixels, so it may be smaller; at least one pixel, so it may be larger.
    """
    modules = 1 - np.array([list(row) for row in _code(text).matrix_iter(border=QUIET)], np.uint8)
    scale = max(1, side // len(modules))
    return np.repeat(np.kron(modules * np.uint8(255), np.ones((scale, scale), np.uint8))[..., None], 3, axis=2)


def qr_svg(text: str) -> bytes:
    """The same as an SVG picture, as large as its place."""
    file = BytesIO()
    _code(text).save(file, kind="svg", border=QUIET, light="white", omitsize=True, xmldecl=False)
    return file.getvalue()


def _code(text: str) -> segno.QRCode:
    return segno.make_qr(text, error="m")
