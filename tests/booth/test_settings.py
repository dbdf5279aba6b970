"""The one file of the booth."""

import tomllib

import pytest

from murai.booth.settings import Settings, hash_pin, knows_pin
from murai.errors import BoothError, MuraiError


def saved(tmp_path, text):
    file = tmp_path / "booth.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_an_empty_file_is_a_whole_booth(tmp_path):
    settings = Settings.load(saved(tmp_path, ""))
    assert settings == Settings()
    assert settings.publishing.moderation
    assert settings.publishing.services == ()


def test_a_service_that_is_named_twice_is_there_once():
    settings = Settings.model_validate({"publishing": {"services": ["x", "folder", "x"]}})
    assert settings.publishing.services == ("x", "folder")


def test_what_is_saved_is_read_again(tmp_path):
    file = tmp_path / "new" / "booth.toml"
    settings = Settings(event="Anna & Émile", kinds=("strip",), pin=hash_pin("2468"), keeping={"days": 2})
    settings.save(file)
    assert Settings.load(file) == settings
    assert tomllib.loads(file.read_text(encoding="utf-8"))["event"] == "Anna & Émile"
    assert [path.name for path in file.parent.iterdir()] == ["booth.toml"]


def test_no_limit_of_what_is_kept_is_read_again(tmp_path):
    file = tmp_path / "booth.toml"
    settings = Settings.model_validate({"keeping": {"days": 0, "gigabytes": 0}})
    settings.save(file)
    assert Settings.load(file) == settings
    assert (settings.keeping.days, settings.keeping.gigabytes) == (0, 0)


def test_a_pin_is_kept_as_a_hash_and_as_nothing_else(tmp_path):
    file = tmp_path / "booth.toml"
    Settings(pin=hash_pin("135790")).save(file)
    assert "135790" not in file.read_text()
    kept = Settings.load(file).pin
    assert knows_pin("135790", kept)
    assert not knows_pin("135791", kept)
    assert not knows_pin("", "")
    assert hash_pin("135790") != hash_pin("135790")


def test_a_plain_pin_in_the_file_is_refused_without_being_said(tmp_path):
    with pytest.raises(BoothError) as error:
        Settings.load(saved(tmp_path, 'pin = "86420"'))
    assert "86420" not in str(error.value)
    assert error.value.__cause__ is None
    assert "--setup" in str(error.value)


@pytest.mark.parametrize("pin", ["", "123", "12345x", "1234567890123"])
def test_what_is_no_pin_is_refused(pin):
    with pytest.raises(BoothError):
        hash_pin(pin)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("evnt = 'x'", "there is no setting 'evnt'; there are event, font, languages"),
        ("[screen]\nmonitr = '1'", "there is no setting 'screen.monitr'; there are monitor, fullscreen"),
        ("kinds = ['single', 'painting']", "'kinds' cannot be like that"),
        ("kinds = []", "'kinds'"),
        ("[printing]\ncopies = 100", "'printing.copies'"),
        ("[keeping]\ndays = -1", "'keeping.days'"),
        ("[keeping]\ngigabytes = -0.5", "'keeping.gigabytes'"),
        ("[pictures]\ncaption = '{title}'", "{title} is not filled in"),
        ("[waiting]\ncountdown = 0", "'waiting.countdown'"),
        ("button = 'q'", "'q' means something else"),
        ("button = 'N'", "'N' means something else"),
        ("button = 'pedal'", "'pedal' is no key of a button"),
        ("button = 'escape'", "'escape' is no key of a button"),
        ("button = 'é'", "'é' is no key of a button"),
        ("kinds = ['strip', 'single', 'strip']", "'kinds' cannot be like that: 'strip' is there twice"),
        ("languages = ['fr', 'fr']", "'fr' is there twice"),
        ('event = "Anna\\nand Emile"', "'event' cannot be like that: it is one line of text"),
        (
            '[pictures]\ncaption = "{style}\\n{artist}"',
            "'pictures.caption' cannot be like that: it is one line of text",
        ),
        ("event = ", "cannot be read as settings"),
    ],
)
def test_what_is_wrong_is_one_sentence(tmp_path, text, said):
    with pytest.raises(BoothError) as error:
        Settings.load(saved(tmp_path, text))
    assert said in str(error.value)
    assert "\n" not in str(error.value).replace("\\n", "")


@pytest.mark.parametrize(("given", "kept"), [("Space", "space"), ("F5", "f5"), ("B", "b"), ("f12", "f12"), (";", ";")])
def test_a_key_is_known_however_it_is_written(given, kept):
    assert Settings(button=given).button == kept


def test_a_file_that_is_missing_or_too_large_is_said(tmp_path):
    for file in (tmp_path / "nowhere.toml", saved(tmp_path, "# " + "x" * 70_000)):
        with pytest.raises(BoothError, match="--setup"):
            Settings.load(file)


def test_names_of_files_begin_where_the_settings_lie(tmp_path):
    pictures = "[pictures]\nframe = 'frames/party.png'\nlogo = '/logos/one.png'"
    text = f"languages = ['en', 'de.toml']\nfont = 'noto.ttc'\n{pictures}"
    settings = Settings.load(saved(tmp_path, text))
    assert settings.languages == ("en", str(tmp_path / "de.toml"))
    assert settings.font == tmp_path / "noto.ttc"
    assert settings.pictures.frame == tmp_path / "frames" / "party.png"
    assert str(settings.pictures.logo) == "/logos/one.png"


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MuraiError):
        Settings().save(tmp_path / "file" / "booth.toml")


def test_only_its_owner_reads_what_is_kept_of_the_pin(tmp_path):
    Settings(pin=hash_pin("1357")).save(tmp_path / "booth.toml")
    assert (tmp_path / "booth.toml").stat().st_mode & 0o077 == 0
