"""What the booth says: every language says everything."""

import re
import tomllib
from pathlib import Path

import pytest

from murai.booth import words
from murai.booth.letters import letters, wrapped
from murai.booth.visit import KINDS
from murai.booth.words import PLACE, bundled, load_words
from murai.errors import BoothError
from murai.packs import bundled_folder, find_packs

FOLDER = Path(words.__file__).parent / "words"


def texts(language):
    """Every text of a language by TABLE.NAME."""
    tables = tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
    tables.pop("paintings", None)
    found = {"language": tables.pop("language")}
    return found | {f"{table}.{name}": text for table, rows in tables.items() for name, text in rows.items()}


@pytest.mark.parametrize("language", bundled())
def test_every_language_says_all_that_english_says_with_the_same_places(language):
    english, said = texts("en"), texts(language)
    assert said.keys() == english.keys()
    for key, text in said.items():
        assert text.strip()
        assert set(PLACE.findall(text)) == set(PLACE.findall(english[key])), key


def test_no_french_line_begins_with_what_ends_a_sentence():
    said = " ".join(texts("fr").values())
    assert not re.findall(r"[^\u00a0][?!:;]", said)
    assert "\u00a0?" in said
    font = letters(20)
    assert all(line[0] not in "?!:;" for width in range(10, 400, 40) for line in wrapped(said, font, width))


def test_english_and_french_ship():
    assert {"en", "fr"} <= set(bundled())
    assert load_words("fr").language == "Français"


def test_every_painting_that_ships_is_called_something_in_every_language():
    titles = {style.title for pack in find_packs([bundled_folder()]) for style in pack.manifest.styles}
    for language in set(bundled()) - {"en"}:
        assert titles <= load_words(language).table("paintings").keys()
    assert load_words("fr").painting("The Starry Night") == "La Nuit étoilée"
    assert load_words("fr").painting("A wall in Montréal") == "A wall in Montréal"


def test_every_kind_has_a_name():
    assert load_words("en").table("kinds").keys() == set(KINDS)


def test_places_are_filled_in_and_braces_in_what_is_filled_in_stay():
    assert load_words("en")("screen.where", places="{me}") == "It would appear {me}."
    with pytest.raises(KeyError):
        load_words("en")("screen.where")


def test_a_file_of_ones_own_is_a_language(tmp_path):
    file = tmp_path / "de.toml"
    english = (FOLDER / "en.toml").read_text(encoding="utf-8")
    file.write_text(english.replace("Smile!", "Bitte lächeln!").replace('"English"', '"Deutsch"'), encoding="utf-8")
    german = load_words(file)
    assert (german.name, german.language, german("screen.smile")) == ("de", "Deutsch", "Bitte lächeln!")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("smile =", "smiles ="), "'smile' of [screen]"),
        (("{places}", "{plaices}"), "of [screen]"),
        (("[kinds]", "[sorts]"), "of [kinds]"),
        (('"English"', "7"), "'language'"),
        (("smile =", "smile"), "cannot be read as words"),
        (("Smile!", "Smile\\n!"), "'smile' of [screen]"),
        (("[pages]", "[paintings]\nsun = 3\n[pages]"), "'sun'"),
        (("[pages]", '[paintings]\nsun = "a\\nb"\n[pages]'), "'sun'"),
        (("[screen]", "paintings = 7\n[screen]"), "[paintings]"),
    ],
)
def test_what_a_file_lacks_is_said(tmp_path, change, said):
    file = tmp_path / "de.toml"
    file.write_text((FOLDER / "en.toml").read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    with pytest.raises(BoothError) as error:
        load_words(file)
    assert said in str(error.value)


@pytest.mark.parametrize("language", ["klingon", "../en", "nowhere/xx.toml"])
def test_a_language_nobody_speaks_is_refused(language):
    with pytest.raises(BoothError):
        load_words(language)


def test_what_else_a_file_holds_is_not_drawn(tmp_path):
    english = (FOLDER / "en.toml").read_text(encoding="utf-8")
    (file := tmp_path / "de.toml").write_text(f"{english}\n[notes]\nversion = 2\n", encoding="utf-8")
    assert load_words(file).drawn == load_words("en").drawn
