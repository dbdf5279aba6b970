"""The typeface of the booth, its own or the host's."""

from collections.abc import Iterator
from pathlib import Path

import font_roboto
import numpy as np
import PIL.Image
import pytest
from PIL import ImageDraw

from murai.booth.letters import CLOSING, OPENING, ROBOTO, letters, missing, use, widest, wrapped
from murai.booth.words import bundled, load_words
from murai.errors import BoothError
from tests.booth.visits import booth

DEJAVU = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
JAPANESE = "「絵画」になろう。鏡の前に立って、ボタンを押してください！ murai ブースへようこそ"


@pytest.fixture(autouse=True)
def own() -> Iterator[None]:
    yield
    use(None)


def drawn(text: str, weight: str = "regular") -> np.ndarray:
    sheet = PIL.Image.new("L", (300, 60))
    ImageDraw.Draw(sheet).text((5, 5), text, 255, letters(30, weight))
    return np.asarray(sheet)


def test_what_the_typeface_lacks_is_told_once_and_in_order() -> None:
    assert missing("Été à Łódź, Straße, жизнь, Ωmega, Tiếng Việt: 5 €!") == ""
    assert missing("結婚式 🎉 結婚 Anna\u200d\ufe0f\u00a0\n") == "結婚式🎉"
    assert missing("") == ""


@pytest.mark.parametrize("language", bundled())
def test_it_has_all_of_the_languages_that_ship(language: str) -> None:
    assert missing(load_words(language).drawn) == ""


@pytest.mark.parametrize("weight", ROBOTO)
def test_the_font_of_the_host_is_used_for_every_weight(weight: str) -> None:
    before = drawn("Party", weight)
    use(Path(font_roboto.RobotoMediumItalic))
    assert not np.array_equal(drawn("Party", weight), before)
    assert np.array_equal(drawn("Party", weight), drawn("Party", "regular"))
    use(None)
    assert np.array_equal(drawn("Party", weight), before)


def test_a_font_with_other_letters_lacks_others() -> None:
    if not DEJAVU.is_file():
        pytest.skip("there is no DejaVu here")
    assert missing("حفلة 結") == "حفلة結"
    use(DEJAVU)
    assert missing("حفلة 結") == "結"


def test_what_is_no_font_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "font.ttf"
    file.write_text("none")
    for wrong in (file, tmp_path, tmp_path / "nowhere.ttf", tmp_path / DEJAVU.name):
        before = drawn("Party")
        with pytest.raises(BoothError, match=r"is no font to draw with \([^\n]+\); name a [^\n]+ file\.$"):
            use(wrong)
        assert np.array_equal(drawn("Party"), before)


def test_a_booth_tells_which_letters_it_will_not_draw(tmp_path: Path, tiny_pack: Path) -> None:
    with booth(tmp_path, tiny_pack, event="結婚式 🎉", pictures={"caption": "{style} 結♥"}) as one:
        assert one.said == ["the typeface has no 結, 婚, 式, 🎉, ♥: name a font that has them in booth.toml."]
        assert one.languages.keys() == {"en", "fr"}


def test_of_many_letters_a_booth_names_a_few(tmp_path: Path, tiny_pack: Path) -> None:
    with booth(tmp_path, tiny_pack, event="".join(map(chr, range(0x4E00, 0x4E00 + 20)))) as one:
        (said,) = one.said
        assert "一, 丁, " in said
        assert said.endswith(" and 8 more: name a font that has them in booth.toml.")


def test_a_booth_draws_with_the_font_of_its_settings(tmp_path: Path, tiny_pack: Path) -> None:
    before = drawn("Party")
    with booth(tmp_path, tiny_pack, font=font_roboto.RobotoMediumItalic):
        assert not np.array_equal(drawn("Party"), before)
    with booth(tmp_path, tiny_pack):
        assert np.array_equal(drawn("Party"), before)
    with pytest.raises(BoothError, match="is no font"):
        booth(tmp_path, tiny_pack, font=tmp_path / "nowhere.ttf")


def test_lines_of_a_language_without_spaces_are_broken_too() -> None:
    font = letters(20)
    for width in range(60, 300, 20):
        lines = wrapped(JAPANESE, font, width)
        assert widest(lines, font) <= width
        assert "".join(lines).replace(" ", "") == JAPANESE.replace(" ", "")
        assert not [line for line in lines if line[0] in CLOSING or line[-1] in OPENING]
    assert wrapped(JAPANESE, font, 10_000) == [JAPANESE]


def test_a_line_does_not_end_with_a_bracket_that_opens():
    lines = wrapped("PARTY（夏祭）", letters(20), letters(20).getlength("PARTY（"))
    assert not [line for line in lines if line.endswith("（")]
