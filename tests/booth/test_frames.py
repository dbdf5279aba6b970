"""What surrounds a picture."""

import numpy as np
import PIL.Image
import pytest

from murai.booth.frames import DPI, PAGES, PAPER, Look, Sheet, open_look, page
from murai.booth.letters import fitting, letters, shortened, widest, wrapped
from murai.booth.settings import Pictures
from murai.errors import BoothError

RED, BLUE = (200, 0, 0), (0, 0, 200)


def plain(colour, width=320, height=180):
    return np.full((height, width, 3), colour, np.uint8)


def share(image, colour):
    """How much of an image has exactly this colour."""
    return float((image == colour).all(2).mean())


def test_every_picture_is_there_whole_and_in_reading_order():
    colours = [(10, 0, 0), (20, 0, 0), (30, 0, 0), (40, 0, 0)]
    sheet = Sheet(Look("Party"), (320, 180), "", columns=2, rows=2)([plain(colour) for colour in colours])
    found = [np.argwhere((sheet == colour).all(2)) for colour in colours]
    assert all(len(places) == 320 * 180 for places in found)
    tops, lefts = zip(*(places.min(0) for places in found), strict=True)
    assert tops[0] == tops[1] < tops[2] == tops[3]
    assert lefts[0] == lefts[2] < lefts[1] == lefts[3]


def test_the_event_and_the_caption_are_written_below_and_nowhere_else():
    silent = Sheet(Look(), (320, 180), "")([plain(RED)])
    named = Sheet(Look("Anna & Émile"), (320, 180), "The Kiss")([plain(RED)])
    assert share(silent, RED) + share(silent, PAPER) == pytest.approx(1)
    ink = ~((named == RED).all(2) | (named == PAPER).all(2))
    below = int(np.argwhere((named == RED).all(2))[:, 0].max())
    assert ink.any()
    assert np.argwhere(ink)[:, 0].min() > below


def test_a_name_that_is_too_long_stays_on_the_paper():
    sheet = Sheet(Look("A party of very many words " * 9), (320, 180), "caption " * 40)([plain(RED)])
    assert share(sheet[:, -4:], PAPER) == 1
    assert sheet.shape == Sheet(Look("A party"), (320, 180), "c")([plain(RED)]).shape


def test_a_frame_covers_each_picture_where_it_is_not_transparent(tmp_path):
    frame = PIL.Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    frame.paste((0, 0, 200, 255), (0, 0, 32, 64))
    frame.save(tmp_path / "frame.png")
    look = open_look("", Pictures(frame=tmp_path / "frame.png"))
    sheet = Sheet(look, (320, 180), "", rows=2)([plain(RED), plain(RED)])
    for colour in (RED, BLUE):
        assert (sheet == colour).all(2).sum() == pytest.approx(2 * 160 * 180, rel=0.1)


def test_a_logo_stands_at_the_right_of_the_caption(tmp_path):
    PIL.Image.new("RGB", (200, 100), BLUE).save(tmp_path / "logo.jpg", quality=100)
    look = open_look("Party", Pictures(logo=tmp_path / "logo.jpg"))
    sheet = Sheet(look, (640, 360), "The Kiss")([plain(RED, 640, 360)]).astype(int)
    blue = np.argwhere(np.abs(sheet - BLUE).max(2) < 8)
    assert len(blue) > 100
    assert blue[:, 0].min() > 360
    assert blue[:, 1].min() > sheet.shape[1] / 2


@pytest.mark.parametrize("content", [b"no picture", None])
def test_a_frame_that_cannot_be_read_is_said(tmp_path, content):
    file = tmp_path / "frame.png"
    if content:
        file.write_bytes(content)
    with pytest.raises(BoothError, match="name another file"):
        open_look("", Pictures(frame=file))


@pytest.mark.parametrize(
    ("caption", "artist", "text"),
    [
        ("{style}, {artist}", "Gustav Klimt", "The Kiss, Gustav Klimt"),
        ("{style}, {artist}", "", "The Kiss"),
        ("{artist} at {event}", "{event}", "{event} at Party"),
        ("", "Gustav Klimt", ""),
    ],
)
def test_captions_are_filled_in(caption, artist, text):
    assert Look("Party", caption).text("The Kiss", artist) == text


@pytest.mark.parametrize(
    ("size", "inches"),
    [
        ("4x6", (4, 6)),
        ("5x7", (5, 7)),
        ("6x8", (6, 8)),
        ("a5", (5.83, 8.27)),
        ("a4", (8.27, 11.69)),
        ("letter", (8.5, 11)),
    ],
)
def test_pages_have_their_size_the_way_the_picture_lies(size, inches):
    assert [side / DPI for side in PAGES[size]] == pytest.approx(inches, abs=0.01)
    width, height = PAGES[size]
    assert page(plain(RED, 640, 360), size).shape == (width, height, 3)
    assert page(plain(RED, 360, 640), size).shape == (height, width, 3)


@pytest.mark.parametrize("size", PAGES)
def test_a_strip_is_on_its_page_twice(size):
    sheet = page(plain(RED, 100, 300), size)
    width, height = PAGES[size]
    assert sheet.shape == (height, width, 3)
    assert np.array_equal(sheet[:, : width // 2], sheet[:, width // 2 :])
    assert share(sheet, RED) > 0.75


def test_letters_have_the_accents_of_the_languages_that_ship():
    font = letters(40)
    missing = font.getmask("\ufffe").getbbox(), bytes(font.getmask("\ufffe"))
    for letter in "éèêëàâçùûôîïœÉÀÇ«»’…ßäöüñøå€":
        mask = font.getmask(letter)
        assert (mask.getbbox(), bytes(mask)) != missing, letter


def test_lines_are_broken_between_words_and_fit():
    font = letters(20)
    lines = wrapped("one two three four five six seven", font, 120)
    assert len(lines) > 1
    assert widest(lines, font) <= 120
    assert " ".join(lines) == "one two three four five six seven"
    assert fitting("a long line of text", 60, 40).getlength("a long line of text") <= 70
    assert font.getlength(shortened("a long line of text", font, 60)) <= 60
