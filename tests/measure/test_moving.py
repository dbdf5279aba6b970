"""A moving picture of a film in several styles."""

import io
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from murai.cli import run
from murai.errors import MuraiError, SourceError
from murai.measure.moving import QUALITIES, as_webp, grid, moments
from murai.sources.file import FileSource
from murai.sources.pattern import PatternSource
from tests.sources.kit import make_video

WHITE, BLACK = np.full((36, 64, 3), 255, np.uint8), np.zeros((36, 64, 3), np.uint8)


class Filled:
    """Paints everything in one grey."""

    def __init__(self, level):
        self.level = level

    def __call__(self, image):
        return np.full_like(image, self.level)


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def film(*times):
    return FileSource(make_video("film.mp4", list(times)))


def seen(source, rate, seconds):
    """Which frames of a made-up film are taken."""
    return [round((float(image[-8:, -8:].mean()) - 40) / 5) for image in moments(source, Fraction(rate), seconds)]


@pytest.mark.parametrize(
    ("rate", "seconds", "taken"),
    [
        (5, 10.0, [0, 2, 4]),
        (10, 0.3, [0, 1, 2]),
        (20, 0.2, [0, 0, 1, 1]),
        (4, 10.0, [0, 2, 5]),
    ],
)
def test_at_each_tick_the_newest_picture_is_taken(rate, seconds, taken):
    assert seen(film(*range(6)), rate, seconds) == taken


def test_a_live_source_does_not_wait_for_painting():
    with pytest.raises(SourceError, match="live"):
        list(moments(PatternSource(32, 32), Fraction(10), 1.0))


def test_what_does_not_move_is_refused():
    Image.fromarray(WHITE).save("white.png")
    with pytest.raises(SourceError, match="two moments"):
        list(moments(FileSource("white.png"), Fraction(10), 1.0))


def at(sheet, x, y):
    return int(np.asarray(sheet)[y, x, 0])


def test_four_styles_lie_two_by_two_and_a_place_that_is_left_has_the_film_itself():
    painters = [(str(level), Filled(level)) for level in (10, 60, 110, 160)]
    four, three, one = (grid(WHITE, painters[:count], 32) for count in (4, 3, 1))
    assert four.size == three.size == (64, 36)
    assert one.size == (32, 18)
    middles = [(30, 2), (62, 2), (30, 20), (62, 20)]
    assert [at(four, *place) for place in middles] == [10, 60, 110, 160]
    assert [at(three, *place) for place in middles] == [10, 60, 110, 255]


def test_the_names_can_be_read_on_black_and_on_white():
    for picture in (BLACK, WHITE):
        sheet = np.asarray(grid(picture, [("wall", lambda image: image)], 128))
        assert sheet.min() < 40
        assert sheet.max() > 215


def noise(count):
    random = np.random.default_rng(0)
    return [Image.fromarray(random.integers(0, 256, (64, 96, 3), dtype=np.uint8)) for _ in range(count)]


def test_it_is_as_good_as_the_bytes_allow():
    best = as_webp(noise(4), Fraction(25, 2))
    assert len(as_webp(noise(4), Fraction(25, 2), len(best))) == len(best)
    assert len(as_webp(noise(4), Fraction(25, 2), len(best) - 1)) < len(best)
    with pytest.raises(MuraiError, match="--seconds"):
        as_webp(noise(4), Fraction(25, 2), 1000)
    assert list(QUALITIES) == sorted(QUALITIES, reverse=True)


def test_its_pictures_stay_as_long_as_the_rate_says_and_it_goes_on_for_ever():
    for rate in (Fraction(25, 2), Fraction(12)):
        with Image.open(io.BytesIO(as_webp(noise(12), rate))) as picture:
            lengths = []
            for number in range(picture.n_frames):
                picture.seek(number)
                picture.load()
                lengths.append(picture.info["duration"])
            assert picture.info["loop"] == 0
        assert sum(lengths) == 12_000 / rate
        assert max(lengths) - min(lengths) <= 1


def test_the_command_paints_the_clip(tiny_pack, capsys):
    styles = [f"{tiny_pack}/invert", f"{tiny_pack}/warm"]
    size = ["--width", "64", "--rate", "5", "--seconds", "1"]
    assert run(["measure", "moving", "--style", *styles, "--out", "a.webp", *size]) == 0
    assert "5 pictures" in capsys.readouterr().err
    with Image.open("a.webp") as picture:
        assert (picture.format, picture.n_frames, picture.size) == ("WEBP", 5, (128, 36))
        painted = np.asarray(picture.convert("RGB")).astype(int)
    inverted, warm = painted[:20, :64], painted[:20, 64:]
    assert np.abs(inverted - warm).mean() > 30


def test_the_command_paints_a_video(tiny_pack):
    make_video("film.mp4", list(range(6)))
    command = ["measure", "moving", "--style", f"{tiny_pack}/invert", "--source", "film.mp4", "--out", "a.webp"]
    assert run([*command, "--rate", "10"]) == 0
    with Image.open("a.webp") as picture:
        assert (picture.n_frames, picture.size) == (6, (320, 240))


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (["--out", "a.mp4"], ".webp"),
        (["--out", "nowhere/a.webp"], "not a folder"),
        (["--out", "mine.webp"], "--overwrite"),
        (["--source", "missing.mp4"], "missing.mp4"),
        (["--source", "pattern"], "live"),
        (["--source", "white.png"], "two moments"),
        (["--style", "nobody"], "nobody"),
        (["--rate", "0"], "rate"),
        (["--seconds", "-1"], "seconds"),
    ],
)
def test_what_cannot_be_made_is_said_in_a_sentence_and_nothing_is_left(tiny_pack, tmp_path, capsys, wrong, expected):
    (tmp_path / "mine.webp").write_bytes(b"mine")
    Image.fromarray(WHITE).save("white.png")
    usual = {"--style": f"{tiny_pack}/invert", "--out": "a.webp", "--seconds": "0.2", "--width": "32"}
    usual |= dict([wrong])
    assert run(["measure", "moving", *(word for pair in usual.items() for word in pair)]) == 2
    assert expected in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.webp", "white.png"]
    assert (tmp_path / "mine.webp").read_bytes() == b"mine"


def test_a_full_disk_leaves_nothing(tiny_pack, tmp_path, monkeypatch, capsys):
    def full(self, data):
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    command = ["measure", "moving", "--style", f"{tiny_pack}/invert", "--out", "a.webp", "--seconds", "0.2"]
    assert run(command) == 2
    assert "No space left" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
