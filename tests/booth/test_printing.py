"""Printing through a real CUPS server, whose printer writes PDF."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from murai.booth.frames import DPI, PAGES, page, write_page
from murai.booth.printing import FINE, Printer, printers
from murai.booth.settings import PageSize
from murai.errors import BoothError

from .conftest import painting
from .cups import add_printer, cups
from .visits import booth

WAIT = 30.0


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    if not shutil.which("cupsd", path="/usr/sbin:/usr/bin:/usr/local/sbin"):
        pytest.skip("CUPS is not installed")
    with tempfile.TemporaryDirectory(prefix="murai-cups-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the printer's own user has to get in
        with cups(folder) as address:
            yield address


@pytest.fixture
def queue(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the printer Booth writes."""
    monkeypatch.setenv("CUPS_SERVER", server)
    out = add_printer(Path(server).parent, "Booth")
    yield out
    shutil.rmtree(out)
    subprocess.run(["cancel", "-a", "Booth"], check=False)
    subprocess.run(["lpadmin", "-x", "Booth"], check=True)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "-a 'photo'; $(rm).jpg"
    PIL.Image.fromarray(painting(3, (600, 400))).save(path, quality=95)
    return path


def done(printer: Printer) -> bool:
    """Whether nothing waits to be printed any more, within a while."""
    end = time.monotonic() + WAIT
    while waiting := subprocess.run(["lpstat", "-o", printer.name], capture_output=True, check=True).stdout:
        if time.monotonic() > end:
            break
        time.sleep(0.1)
    return not waiting


def pages(pdf: Path, folder: Path) -> list[np.ndarray]:
    """What is on the pages, at 72 dots per inch."""
    command = ["gs", "-q", "-dBATCH", "-dNOPAUSE", "-sDEVICE=png16m", "-r72", f"-sOutputFile={folder}/page%d.png", pdf]
    subprocess.run(command, check=True)
    return [np.asarray(PIL.Image.open(page).convert("RGB")) for page in sorted(folder.glob("page*.png"))]


def test_what_comes_out_of_the_printer_is_the_picture(queue: Path, photo: Path, tmp_path: Path) -> None:
    printer = Printer("Booth")
    assert printers() == ["Booth"]
    printer.print(photo)
    assert done(printer)
    [pdf] = queue.glob("*.pdf")
    [sheet] = pages(pdf, tmp_path)
    expected = np.asarray(PIL.Image.open(photo).resize((432, 288))).astype(int)
    assert sheet.shape == (432, 288, 3)
    sheet = np.rot90(sheet, -1)
    assert np.abs(sheet[8:-8, 8:-8] - expected[8:-8, 8:-8]).mean() < 4
    assert printer.state().ready


@pytest.mark.parametrize("size", PAGES)
def test_what_comes_out_has_the_size_of_its_page(queue: Path, tmp_path: Path, size: PageSize) -> None:
    printer, (width, height) = Printer("Booth"), (round(72 / DPI * side) for side in PAGES[size])
    sheets = [page(painting(0, shape), size) for shape in ((100, 300), (300, 200))]
    for sheet in sheets:
        write_page(sheet, tmp_path / "page.jpg")
        printer.print(tmp_path / "page.jpg", size)
    assert done(printer)
    jobs = sorted(queue.glob("*.pdf"), key=lambda pdf: int(pdf.stem))
    for pdf, sheet in zip(jobs, sheets, strict=True):
        [came] = pages(pdf, tmp_path)
        assert came.shape[:2] == pytest.approx((height, width), abs=1)
        turned = came if sheet.shape[0] > sheet.shape[1] else np.rot90(came, -1)
        expected = np.asarray(PIL.Image.fromarray(sheet).resize((turned.shape[1], turned.shape[0]))).astype(int)
        assert np.abs(turned - expected)[8:-8, 8:-8].mean() < 4


def test_without_paper_it_says_so_and_the_job_waits(queue: Path, photo: Path) -> None:
    printer = Printer()
    (queue / "empty").touch()
    printer.print(photo)
    until = (state for state in iter(printer.state, None) if state.reasons)
    state = next(until)
    assert state.reasons == ("media-empty-error",)
    assert (state.ready, state.printing) == (False, True)
    assert list(queue.glob("*.pdf")) == []
    (queue / "empty").unlink()
    assert done(printer)
    assert len(list(queue.glob("*.pdf"))) == 1
    assert printer.state().ready


@pytest.mark.parametrize(("says", "reasons"), [("media-low-warning", ()), ("door-open", ("door-open",))])
def test_what_will_be_used_up_is_no_trouble_yet(queue: Path, photo: Path, says: str, reasons: tuple[str, ...]) -> None:
    printer = Printer("Booth")
    (queue / "says").write_text(says)
    printer.print(photo)
    assert done(printer)
    assert (printer.state().ready, printer.state().reasons) == (not reasons, reasons)


def test_an_empty_printer_is_said_to_the_visitor_and_once_to_the_host(
    tmp_path: Path, tiny_pack: Path, queue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("murai.booth.printing.SETTLES", WAIT)
    with booth(tmp_path, tiny_pack, printing={"printer": "Booth", "copies": 4}) as one:

        def printed(number: int) -> str:
            one.push("print")
            one.play(lambda: one.now.printed == number)
            one.desk.wait()
            return one._take.print if one._take else ""

        (queue / "empty").touch()
        one.to_review()
        one.push("button", "done")
        one.play(lambda: one.key)
        assert [printed(1), printed(2)] == ["waiting"] * 2
        assert one.said == ["the printer Booth waits: media-empty-error; see to it and what is queued is printed."]
        (queue / "empty").unlink()
        assert done(one.printer)
        assert printed(3) == "coming"
        subprocess.run(["cupsdisable", "-r", "the lamp is broken", "Booth"], check=True)
        assert printed(4) == "waiting"
        assert [text for text in one.said if "paused (the lamp is broken)" in text] == one.said[1:]
        assert one.ledger.counts()["prints"] == 4
    assert len(list(queue.glob("*.pdf"))) == 3


def test_a_booth_that_began_without_cups_prints_once_it_is_there(
    tmp_path: Path, tiny_pack: Path, queue: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUPS_SERVER", str(tmp_path / "nowhere.sock"))
    with booth(tmp_path / "booth", tiny_pack, printing={"printer": "Booth"}) as one:
        assert [text.partition(":")[0] for text in one.said] == ["nothing is printed yet"]
        monkeypatch.setenv("CUPS_SERVER", server)
        one.to_review()
        one.push("button", "done")
        one.play(lambda: one.key)
        one.push("print")
        one.play(lambda: one.now.printed == 1)
        one.desk.wait()
        assert one.ledger.counts()["prints"] == 1
    assert done(Printer("Booth"))
    assert len(list(queue.glob("*.pdf"))) == 1


def test_a_printer_that_was_stopped_says_why(queue: Path) -> None:
    printer = Printer("Booth")
    subprocess.run(["cupsdisable", "-r", "the lamp is broken", "Booth"], check=True)
    state = printer.state()
    assert (state.ready, state.reasons, state.message) == (False, ("paused",), "the lamp is broken")


def test_a_printer_that_rejects(queue: Path, photo: Path) -> None:
    printer = Printer("Booth")
    subprocess.run(["cupsreject", "Booth"], check=True)
    assert printer.state().reasons == ("rejecting",)
    with pytest.raises(BoothError, match="not accepting jobs"):
        printer.print(photo)


def test_what_cannot_be_printed(queue: Path, photo: Path, tmp_path: Path) -> None:
    printer = Printer("Booth")
    with pytest.raises(BoothError, match="not there any more"):
        printer.print(tmp_path / "none.jpg")
    with pytest.raises(BoothError, match="CUPS knows: Booth"):
        Printer("Nobody")
    add_printer(queue.parent, "Other")
    try:
        with pytest.raises(BoothError, match="name the printer; CUPS knows: Booth, Other"):
            Printer()
        subprocess.run(["lpadmin", "-d", "Other"], check=True)
        assert Printer().name == "Other"
    finally:
        subprocess.run(["lpadmin", "-x", "Other"], check=True)


def test_no_server_and_no_cups(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BoothError, match="printing needs CUPS"):
        printers()
    slow = tmp_path / "lpstat"
    slow.write_text("#!/bin/sh\nexec /bin/sleep 5\n")
    slow.chmod(0o755)
    monkeypatch.setattr("murai.booth.printing.PATIENCE", 0.1)
    with pytest.raises(BoothError, match="does not answer"):
        printers()


@pytest.mark.parametrize("word", ["cups-waiting-for-job-completed", "cups-remote-processing", "toner-low-warning"])
def test_what_a_printer_says_of_a_job_that_runs_is_no_trouble(word: str) -> None:
    assert FINE.fullmatch(word)
    assert not FINE.fullmatch("media-empty-error")
    assert not FINE.fullmatch("cups-remote-stopped")
