"""Setting a booth up, line by line."""

import io
import subprocess

import numpy as np
import PIL.Image
import pytest
from rich.console import Console

from murai.booth.frames import Look
from murai.booth.printing import Printer
from murai.booth.settings import Settings, knows_pin
from murai.booth.setup import Places, Setup
from murai.booth.shots import Shot, compose
from murai.errors import MuraiError, SinkError, UnknownStyle
from murai.publish.credentials import Held
from murai.sources import open_source
from tests.booth.test_printing import done, pages, queue, server

__all__ = ["queue", "server"]


class Window:
    def close(self):
        pass


def window(monitor):
    if monitor not in (None, "1", "2"):
        raise SinkError(f"There is no monitor {monitor}; there are: 1, 2.")
    return Window()


def style(name):
    if name != "kiss":
        raise UnknownStyle(f"there is no style '{name}'.")


def camera(spec, size):
    return open_source(spec, size=(160, 90))


def paint(style, image):
    if style not in ("", "kiss"):
        raise UnknownStyle(f"there is no style '{style}'.")
    return np.full_like(image, 200), "The Kiss" if style else "The Starry Night", "An artist"


@pytest.fixture
def ask(tmp_path, monkeypatch):
    """Answers questions with lines; gives the settings, what was said and what was shown."""

    def ask(*lines, settings=None, accounts=None):
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        said, shown = [], io.StringIO()
        places = Places(camera, window, style, paint, accounts or Held())
        setup = Setup(settings or Settings(source="pattern"), places, said.append, Console(file=shown, width=300))
        made = setup.run(tmp_path / "booth.toml")
        return made, said, shown.getvalue()

    return ask


def test_every_answer_has_a_default(ask, tmp_path):
    made, said, shown = ask()
    assert made == Settings(source="pattern") == Settings.load(tmp_path / "booth.toml")
    assert "it works: 160x90 at 30 pictures a second." in said
    assert shown.count("?") >= 15
    assert PIL.Image.open(tmp_path / "booth-sample.jpg").size[0] > 160


def test_what_is_answered_is_written(ask, tmp_path):
    PIL.Image.new("RGBA", (64, 64), (0, 200, 0, 128)).save(tmp_path / "frame.png")
    place = tmp_path / "published"
    place.mkdir()
    lines = [
        *("Anna & Émile", "fr, en", "strip, single", "1280x720", "pattern", "2", "n", "enter", "kiss"),
        *(str(tmp_path / "frame.png"), "none", "{style} – {event}", "folder", "n", "1", "y", "none", "2468"),
    ]
    made, said, shown = ask(*lines, accounts=Held(folder=str(place)))
    assert Settings.load(tmp_path / "booth.toml") == made
    assert (made.event, made.languages, made.kinds) == ("Anna & Émile", ("fr", "en"), ("strip", "single"))
    assert (made.screen.monitor, made.screen.fullscreen, made.button) == ("2", False, "enter")
    assert (made.styles, made.pictures.caption) == (("kiss",), "{style} – {event}")
    assert (made.size, made.pictures.frame) == ("1280x720", tmp_path / "frame.png")
    assert (made.publishing.services, made.publishing.moderation) == (("folder",), False)
    assert (made.slideshow.monitor, made.pages.on, made.printing.printer) == ("1", True, "")
    assert knows_pin("2468", made.pin)
    assert "2468" not in (tmp_path / "booth.toml").read_text() + shown
    assert f"folder: logged in as {place}." in said


def test_what_does_not_work_is_said_and_asked_again(ask):
    lines = [""] * 3 + ["big", "", ""] + ["9", "2", "perhaps", "", "q", "", "nobody", "kiss"]
    made, said, _ = ask(*lines)
    assert made.screen.monitor == "2"
    assert made.button == "space"
    assert made.styles == ("kiss",)
    assert made.size == "1920x1080"
    assert any("'big' is no size" in text for text in said)
    assert any("neither y nor n" in text for text in said)
    assert any("no monitor 9" in text for text in said)
    assert any("'q' means something else" in text for text in said)
    assert any("no style 'nobody'" in text for text in said)


def test_files_are_looked_for_beside_the_settings_each_for_itself(ask, tmp_path):
    PIL.Image.new("RGBA", (64, 64), (0, 200, 0, 128)).save(tmp_path / "frame.png")
    pictures = {"logo": "broken.png"}
    made, said, _ = ask(*[""] * 9, "frame.png", settings=Settings(source="pattern", pictures=pictures))
    assert str(made.pictures.frame) == "frame.png"
    assert not [text for text in said if "frame.png" in text]
    assert len([text for text in said if "broken.png" in text]) == 4, "three times asked, once for the sample"
    assert Settings.load(tmp_path / "booth.toml").pictures.frame == tmp_path / "frame.png"
    assert f"wrote {tmp_path / 'booth.toml'}." in said


def test_what_never_works_stays_for_later_and_does_not_go_on_for_ever(ask):
    settings = Settings(source="nowhere.mp4", publishing={"services": ["folder"]})
    made, said, _ = ask(settings=settings)
    assert made.source == "nowhere.mp4"
    assert any("It stays as it was; see to it later." in text for text in said)
    assert any("murai publish login folder" in text for text in said)


def test_an_answer_that_does_not_work_is_never_kept(ask):
    made, said, shown = ask(*[""] * 5, "5", "", "y", "space", *[""] * 20)
    assert made.screen.monitor is None
    assert any("There is no monitor 5" in text for text in said)
    assert "(5)" not in shown
    made, said, _ = ask(*[""] * 14, "9", "8", "7", *[""] * 20)
    assert made.slideshow.monitor == ""
    assert any("There is no monitor 7; there are: 1, 2. It stays as it was" in text for text in said)


def test_the_sample_is_painted_and_called_as_in_the_language_of_the_booth(ask, tmp_path):
    settings = Settings(source="pattern", styles=["kiss"], languages=["fr"], event="Fête")
    _, said, _ = ask(settings=settings)
    sample = np.asarray(PIL.Image.open(tmp_path / "booth-sample.jpg")).astype(int)

    def off(caption):
        """How far the sample is from one with that caption."""
        painted = np.full((90, 160, 3), 200, np.uint8)
        expected = compose("single", [Shot(painted, painted)], Look("Fête"), caption).image
        return np.abs(sample - expected).mean()

    assert off("Le Baiser, An artist") < 0.5 * off("The Kiss, An artist")
    assert not [text for text in said if "not painted" in text]


def test_a_sample_that_cannot_be_painted_is_shown_as_it_is(ask, tmp_path):
    _, said, _ = ask(settings=Settings(source="pattern", styles=["nobody"]))
    assert "the picture is not painted: there is no style 'nobody'." in said
    sample = np.asarray(PIL.Image.open(tmp_path / "booth-sample.jpg"))
    assert sample[10:80, 10:150].std() > 20, "the pattern"


def test_a_test_page_is_printed_once_all_is_asked(ask, tmp_path, queue):
    lines = [*[""] * 17, "5x7", "1"]
    settings = Settings(source="pattern", printing={"printer": "Booth"})
    made, said, _ = ask(*lines, "y", settings=settings)
    assert made.printing.page == "5x7"
    assert done(Printer("Booth"))
    [pdf] = queue.glob("*.pdf")
    [sheet] = pages(pdf, tmp_path)
    assert sheet.shape == (504, 360, 3)
    assert (np.abs(sheet.astype(int) - 200).max(2) < 8).mean() > 0.3, "the painted sample"
    assert [text for text in said if text.startswith("a test page was sent to Booth: ")] == said[-1:]
    ask(*lines, settings=settings)
    assert done(Printer("Booth"))
    assert len(list(queue.glob("*.pdf"))) == 1, "only for who wants one"


def test_a_test_page_that_does_not_come_is_said(ask, queue):
    subprocess.run(["cupsreject", "Booth"], check=True)
    _, said, _ = ask(*[""] * 19, "perhaps", "y", settings=Settings(source="pattern", printing={"printer": "Booth"}))
    assert "Booth: rejecting (Rejecting Jobs)." in said
    assert "'perhaps' is neither y nor n." in said
    assert "no test page came: CUPS refuses" in said[-1]


def test_a_second_setup_begins_with_what_is_there(ask, tmp_path):
    first, _, _ = ask("Party", *[""] * 16, "13579")
    second, _, _ = ask(settings=Settings.load(tmp_path / "booth.toml"))
    assert second == first
    assert knows_pin("13579", second.pin)


def test_a_host_who_stops_leaves_nothing_half_done(tmp_path, monkeypatch):
    class Gone(io.StringIO):
        def readline(self, *_):
            raise KeyboardInterrupt

    monkeypatch.setattr("sys.stdin", Gone())
    places = Places(open_source, window, style, paint, Held())
    with pytest.raises(KeyboardInterrupt):
        Setup(Settings(), places, lambda text: None, Console(file=io.StringIO())).run(tmp_path / "booth.toml")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_said(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("sys.stdin", io.StringIO())
    places = Places(lambda spec, size: open_source("pattern", size=(160, 90)), window, style, paint, Held())
    with pytest.raises(MuraiError):
        Setup(Settings(), places, lambda text: None, Console(file=io.StringIO())).run(tmp_path / "file" / "b.toml")
