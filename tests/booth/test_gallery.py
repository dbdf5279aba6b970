"""The gallery, with real files, a full disk, power cuts and damaged databases."""

import csv
import errno
import io
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import PIL.Image
import pytest

from murai.booth.gallery import DATABASE, PAGES, PRIVATE, REFUSED, SHOWN, SLIDESHOW, Gallery, alias, shown_in
from murai.cli import run
from murai.errors import BoothError, MuraiError
from murai.pictures import save_picture

from .conftest import EVERYWHERE, painting

DAY = 86_400


def fill(gallery: Gallery, count: int, *, shown: bool = True) -> list[str]:
    keys = [gallery.add(painting(number), style="night", kind="single").key for number in range(count)]
    for key in keys if shown else ():
        gallery.consent(key, EVERYWHERE)
    return keys


def files(gallery: Gallery) -> list[str]:
    return sorted(path.name for path in gallery.folder.iterdir() if not path.name.startswith("gallery"))


def pixels(path: Path) -> np.ndarray:
    return np.asarray(PIL.Image.open(path).convert("RGB")).astype(int)


def test_a_picture_is_kept_with_its_files(gallery: Gallery) -> None:
    image = painting(1, (1200, 800))
    before = time.time()
    picture = gallery.add(image, style="sea/wave", kind="single")
    assert (picture.style, picture.kind, picture.standing, picture.consent) == ("sea/wave", "single", PRIVATE, False)
    assert before <= picture.made <= time.time()
    assert len(picture.key) == 22
    assert np.abs(pixels(picture.image) - image).mean() < 2
    assert PIL.Image.open(picture.thumbnail).size == (480, 320)
    assert (picture.clip, picture.preview) == (None, None)
    assert gallery.find(picture.key) == picture
    assert gallery.find("../gallery") is None


def test_a_boomerang_has_a_clip_that_phones_play_and_a_preview(gallery: Gallery) -> None:
    pictures = [painting(number, (97, 65)) for number in range(40)]
    picture = gallery.add(pictures[0], style="night", kind="boomerang", clip=pictures)
    assert picture.clip is not None
    with av.open(str(picture.clip)) as clip:
        stream = clip.streams.video[0]
        shots = [frame.to_ndarray(format="rgb24") for frame in clip.decode(video=0)]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (stream.width, stream.height, stream.average_rate) == (96, 64, 15)
    assert len(shots) == 40
    assert np.abs(shots[7].astype(int) - pictures[7][:64, :96]).mean() < 12
    assert picture.preview is not None
    with PIL.Image.open(picture.preview) as preview:
        assert preview.n_frames == 20


def test_a_strip_may_not_be_of_an_unknown_kind(gallery: Gallery) -> None:
    with pytest.raises(BoothError, match="single, strip, boomerang, before-after"):
        gallery.add(painting(), style="night", kind="poster")
    assert files(gallery) == []


def test_no_file_tells_more_than_pixels(gallery: Gallery) -> None:
    picture = gallery.add(painting(), style="night", kind="boomerang", clip=[painting(n) for n in range(4)])
    assert picture.clip is not None
    assert picture.preview is not None
    for file in (picture.image, picture.thumbnail, picture.preview):
        with PIL.Image.open(file) as opened:
            assert not opened.getexif()
            assert not {"exif", "icc_profile", "comment", "xmp"} & opened.info.keys()
    with av.open(str(picture.clip)) as clip:
        assert not {"creation_time", "title", "comment", "location"} & clip.metadata.keys()


def test_the_full_quality_replaces_what_is_there(gallery: Gallery) -> None:
    picture = gallery.add(painting(1), style="night", kind="single")
    gallery.consent(picture.key, EVERYWHERE)
    gallery.replace(picture.key, painting(5, (192, 128)))
    after = gallery.find(picture.key)
    assert after is not None
    assert np.abs(pixels(after.image) - painting(5, (192, 128))).mean() < 2
    assert (after.consent, after.number) == (True, picture.number)


def test_what_was_deleted_is_not_brought_back_by_its_full_quality(gallery: Gallery) -> None:
    picture = gallery.add(painting(1), style="night", kind="single")
    gallery.delete(picture.key)
    gallery.replace(picture.key, painting(5))
    gallery.delete(picture.key)  # twice is no trouble
    assert files(gallery) == []
    assert gallery.all() == []
    with pytest.raises(BoothError, match="not there any more"):
        gallery.consent(picture.key, EVERYWHERE)


def test_nobody_sees_a_picture_without_consent(gallery: Gallery) -> None:
    one, two, three, four = fill(gallery, 4, shown=False)
    assert gallery.shown(10) == []
    gallery.consent(one, EVERYWHERE)
    gallery.consent(two, EVERYWHERE, approved=False)
    gallery.consent(three, EVERYWHERE, approved=False)
    assert [picture.key for picture in gallery.shown(10)] == [one]
    assert [picture.key for picture in gallery.held()] == [two, three]
    gallery.decide(two, True)
    gallery.decide(three, False)
    gallery.decide(four, True)  # whose visitor did not agree
    assert [picture.key for picture in gallery.shown(10)] == [two, one]
    assert [picture.standing for picture in gallery.all()] == [PRIVATE, REFUSED, SHOWN, SHOWN]
    assert [picture.consent for picture in gallery.all()] == [False, False, True, True]
    assert [picture.is_shown(PAGES) for picture in gallery.all()] == [False, False, True, True]
    assert gallery.numbered(2) == gallery.find(two)
    assert gallery.numbered(99) is None


def test_a_picture_is_shown_only_where_its_visitor_agreed(gallery: Gallery) -> None:
    both, album, screen = fill(gallery, 3, shown=False)
    gallery.consent(both, ["folder", PAGES, SLIDESHOW])
    gallery.consent(album, ["folder"])
    gallery.consent(screen, [SLIDESHOW])
    assert [picture.key for picture in gallery.shown(9)] == [both]
    assert [picture.key for picture in shown_in(gallery.folder, SLIDESHOW, 9)] == [screen, both]
    assert [picture.places for picture in gallery.all()] == [(SLIDESHOW,), ("folder",), ("folder", PAGES, SLIDESHOW)]
    assert not gallery.all()[0].is_shown(PAGES)
    assert b"".join(gallery.export()).count(b".jpg") == 3  # its content, its list, the end


def test_pages_of_what_is_shown_go_on_where_the_last_ended(gallery: Gallery) -> None:
    keys = fill(gallery, 7)[::-1]
    first = gallery.shown(3)
    gallery.delete(first[-1].key)
    second = gallery.shown(3, before=first[-1].number)
    assert [picture.key for picture in first + second] == keys[:6]
    assert [picture.key for picture in gallery.shown(3, before=second[-1].number)] == keys[6:]


def test_another_process_sees_what_is_shown(gallery: Gallery, tmp_path: Path) -> None:
    assert shown_in(gallery.folder, PAGES, 5) == []
    [key] = fill(gallery, 1)
    fill(gallery, 1, shown=False)
    assert [picture.key for picture in shown_in(gallery.folder, PAGES, 5)] == [key]
    assert shown_in(tmp_path / "none", PAGES, 5) == []
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(("days", "left"), [(None, [1, 2, 3, 4]), (1.5, [1, 3, 4]), (0.5, [1, 4])])
def test_what_is_too_old_goes_but_not_what_is_busy(tmp_path: Path, days: float | None, left: list[int]) -> None:
    now = [0.0]
    gallery = Gallery(tmp_path, clock=lambda: now[0])
    keys = []
    for _ in range(4):
        now[0] += DAY
        keys += fill(gallery, 1)
    removed = [picture.key for picture in gallery.retain(days, None, {alias(keys[0])})]
    assert sorted(picture.number for picture in gallery.all()) == left
    assert removed == [key for number, key in enumerate(keys, 1) if number not in left]
    assert len(files(gallery)) == 2 * len(left)


def test_the_oldest_go_when_there_are_too_many(gallery: Gallery) -> None:
    keys = fill(gallery, 6)
    total = sum(path.stat().st_size for path in gallery.folder.glob("*.jpg"))
    removed = gallery.retain(None, total * 0.7 / 1e9, {alias(keys[1])})
    assert [picture.key for picture in removed] == [keys[0], keys[2]]
    assert sum(path.stat().st_size for path in gallery.folder.glob("*.jpg")) <= total * 0.7


def test_nothing_is_too_old_while_the_clock_seems_wrong(tmp_path: Path, said: list[str]) -> None:
    now = [0.0]
    gallery = Gallery(tmp_path, said.append, lambda: now[0])
    assert gallery.retain(30, None) == []
    evening = fill(gallery, 2)
    now[0] = 20_000 * DAY  # the network came, and with it the right time
    for _ in range(3):
        now[0] += DAY
        assert gallery.retain(30, None) == []
    assert len(said) == 1
    assert "20001 days" in said[0]
    fill(gallery, 1)
    gallery.close()
    gallery = Gallery(tmp_path, said.append, lambda: now[0])
    now[0] += 40 * DAY  # a second time they are not spared, but those that are new are
    assert [picture.key for picture in gallery.retain(30, None)] == evening
    assert [picture.number for picture in gallery.all()] == [3]
    gallery.close()


def test_an_evening_that_was_yesterday_goes_as_it_should(tmp_path: Path, said: list[str]) -> None:
    now = [0.0]
    gallery = Gallery(tmp_path, said.append, lambda: now[0])
    keys = fill(gallery, 2)
    for day in range(1, 31):
        now[0] = day * DAY + 1
        assert len(gallery.retain(29, None)) == (2 if day == 29 else 0), day
    assert gallery.find(keys[0]) is None
    assert said == []


def unpacked(gallery: Gallery) -> zipfile.ZipFile:
    archive = zipfile.ZipFile(io.BytesIO(b"".join(gallery.export())))
    assert archive.testzip() is None
    return archive


def test_an_export_has_what_is_shown_and_a_list(gallery: Gallery) -> None:
    shown = gallery.add(painting(1), style="sea/wave", kind="boomerang", clip=[painting(n) for n in range(4)])
    gallery.consent(shown.key, EVERYWHERE)
    fill(gallery, 2, shown=False)
    before = files(gallery)
    with unpacked(gallery) as archive:
        [row] = csv.DictReader(io.StringIO(archive.read("pictures.csv").decode()))
        assert archive.read(row["file"]) == shown.image.read_bytes()
        assert shown.clip is not None
        assert archive.read(row["clip"]) == shown.clip.read_bytes()
        assert len(archive.namelist()) == 3
        assert not any(info.flag_bits & 8 for info in archive.infolist()), "some programs want the sizes first"
        assert (row["style"], row["kind"]) == ("sea/wave", "boomerang")
        assert shown.key not in archive.read("pictures.csv").decode() + "".join(archive.namelist())
    assert files(gallery) == before


def test_an_export_of_pictures_from_before_there_were_zips(gallery: Gallery) -> None:
    [key] = fill(gallery, 1)
    os.utime(gallery.folder / f"{key}.jpg", (0, 0))
    with unpacked(gallery) as archive:
        assert len(archive.namelist()) == 2


def test_the_command_line_exports_the_same_while_the_booth_runs(gallery: Gallery, tmp_path: Path) -> None:
    fill(gallery, 3)
    fill(gallery, 2, shown=False)
    file = tmp_path / "party.zip"
    command = ["booth", "--folder", str(tmp_path), "--export", str(file)]
    assert run(command) == 0
    with zipfile.ZipFile(file) as archive, unpacked(gallery) as wanted:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {
            name: wanted.read(name) for name in wanted.namelist()
        }
        assert len(archive.namelist()) == 4
    fill(gallery, 1)
    assert run(command) == 2
    assert run([*command, "--overwrite"]) == 0
    gallery.close()
    assert run([*command, "--overwrite"]) == 0
    with zipfile.ZipFile(file) as archive:
        assert len(archive.namelist()) == 5


def test_an_export_that_cannot_be_is_one_sentence_and_leaves_nothing(
    gallery: Gallery, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    place, out = str(tmp_path), tmp_path / "out"
    out.mkdir()

    def refused(folder: str, file: Path) -> str:
        assert run(["booth", "--folder", folder, "--export", str(file)]) == 2
        assert list(out.iterdir()) == []
        return capsys.readouterr().err.replace("\n", " ")

    assert "no picture in" in refused(place, out / "party.zip")
    fill(gallery, 2)
    assert "give its --folder" in refused(str(tmp_path / "nowhere"), out / "party.zip")
    assert "party.zip" in refused(place, out / "party")
    assert "create it first" in refused(place, out / "nowhere" / "party.zip")
    with monkeypatch.context() as patch:
        patch.setattr("murai.booth.gallery._pack", full)
        assert "No space left on device" in refused(place, out / "party.zip")
    gallery.close()
    (gallery.folder / DATABASE).write_bytes(b"no database" * 1000)
    assert "cannot be read" in refused(place, out / "party.zip")


def full(*_: object) -> list[str]:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_pictures_that_are_deleted_during_an_export(gallery: Gallery) -> None:
    keys = fill(gallery, 60)
    deleting = threading.Thread(target=lambda: [gallery.delete(key) for key in keys])
    deleting.start()
    with unpacked(gallery) as archive:
        deleting.join()
        listed = list(csv.reader(io.StringIO(archive.read("pictures.csv").decode())))
        assert len(listed) == len(archive.namelist())
    assert files(gallery) == []


def test_a_part_of_the_disk_stays_free(gallery: Gallery, said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    keys = fill(gallery, 10)
    total = sum(path.stat().st_size for path in gallery.folder.glob("*.jpg"))
    monkeypatch.setattr(Gallery, "free", lambda self: 0)
    assert gallery.retain(None, None) == []
    removed = gallery.retain(None, 20)
    assert [picture.key for picture in removed] == keys[: len(removed)]
    assert 0.5 * total < sum(path.stat().st_size for path in gallery.folder.glob("*.jpg")) <= 0.9 * total
    assert said == [f"{len(removed)} of the oldest pictures were removed: there was no room for more."]


def test_two_do_not_have_the_same_folder(gallery: Gallery) -> None:
    with pytest.raises(BoothError, match="end it first, or name another folder"):
        Gallery(gallery.folder)
    gallery.close()
    Gallery(gallery.folder).close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 768 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=768k", "none", disk]).returncode:
        pytest.skip("a full disk needs the right to mount one")
    yield disk
    subprocess.run(["umount", disk], check=True)


def noise(side: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (side, side, 3), np.uint8)


@pytest.mark.parametrize("clip", [None, [noise(400)] * 40])
def test_a_full_disk_is_one_sentence_and_leaves_no_half_picture(small_disk: Path, clip: list[np.ndarray]) -> None:
    gallery = Gallery(small_disk)
    kept = gallery.add(painting(), style="night", kind="single")
    before = files(gallery)
    with pytest.raises(BoothError, match="No space left on device"):
        gallery.add(noise(1000), style="night", kind="single", clip=clip)
    assert files(gallery) == before
    with pytest.raises(BoothError, match="No space left on device") as full:
        gallery.replace(kept.key, noise(1000), clip)
    assert kept.key not in str(full.value)
    assert np.abs(pixels(kept.image) - painting()).mean() < 2
    gallery.consent(kept.key, EVERYWHERE)
    gallery.delete(kept.key)
    assert gallery.add(painting(), style="night", kind="single").image.is_file()
    gallery.close()


KILLED = """
import sys
from pathlib import Path
import numpy as np
from murai.booth.gallery import Gallery
gallery = Gallery(Path(sys.argv[1]))
image = np.random.default_rng(0).integers(0, 255, (300, 400, 3), np.uint8)
while True:
    keys = [gallery.add(image, style="night", kind="single", clip=[image] * 2).key for _ in range(2)]
    gallery.consent(keys[0], ["gallery"])
    gallery.delete(keys[1])
    print(keys[0], flush=True)
"""


@pytest.mark.parametrize("after", [0.0, 0.03, 0.06])
def test_a_killed_booth_leaves_whole_pictures_only(tmp_path: Path, after: float) -> None:
    with subprocess.Popen([sys.executable, "-c", KILLED, tmp_path], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [process.stdout.readline().strip() for _ in range(5)]
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
        said += process.stdout.read().split()
    gallery = Gallery(tmp_path)
    assert set(said) <= {picture.key for picture in gallery.shown(1000)}
    for picture in gallery.all():
        assert pixels(picture.image).shape == (300, 400, 3)
        assert picture.clip is not None
    assert {name[:22] for name in files(gallery)} == {picture.key for picture in gallery.all()}


def test_what_is_listed_nowhere_is_taken_up_whenever_that_is_seen(tmp_path: Path, said: list[str]) -> None:
    gallery = Gallery(tmp_path)
    fill(gallery, 2)
    gallery.close()
    lost(gallery)
    taken_up, kept = Gallery._take_up, []

    def cut(self: Gallery, key: str) -> bool:
        if kept:
            raise MuraiError("the disk is full.")
        kept.append(key)
        return taken_up(self, key)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Gallery, "_take_up", cut)
        with pytest.raises(MuraiError, match="full"):
            Gallery(tmp_path)
    again = Gallery(tmp_path, said.append)
    assert [picture.standing for picture in again.all()] == [PRIVATE, PRIVATE]
    assert said[0].startswith("1 pictures in")
    again.close()


def lost(gallery: Gallery) -> None:
    for file in gallery.folder.glob(f"{DATABASE}*"):
        file.unlink()


def damaged(gallery: Gallery) -> None:
    (gallery.folder / DATABASE).write_bytes(b"no database at all" * 1000)


@pytest.mark.parametrize("spoil", [lost, damaged])
def test_pictures_whose_database_was_lost_are_listed_again_for_nobody(
    tmp_path: Path, spoil: Callable[[Gallery], None]
) -> None:
    gallery = Gallery(tmp_path / "gallery")
    keys = set(fill(gallery, 2))
    keys.add(gallery.add(painting(), style="night", kind="boomerang", clip=[painting()] * 3).key)
    gallery.close()
    spoil(gallery)
    stranger = gallery.folder / f"{'x' * 22}.jpg"
    stranger.write_bytes(b"half a picture")
    (gallery.folder / "holiday.jpg").write_bytes(b"of somebody else")
    said: list[str] = []
    again = Gallery(gallery.folder, said.append)
    assert {picture.key for picture in again.all()} == keys
    assert again.shown(10) == []
    assert sorted(picture.kind for picture in again.all()) == ["boomerang", "single", "single"]
    assert all(picture.thumbnail.is_file() for picture in again.all())
    assert said[-1].startswith("3 pictures in")
    assert not stranger.exists()
    assert (gallery.folder / "holiday.jpg").exists()


def test_what_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MuraiError, match="name another folder"):
        Gallery(tmp_path / "file")


def test_a_disk_that_is_full_in_the_middle_of_a_picture_is_said(small_disk: Path) -> None:
    file, rest = small_disk / "picture.jpg", small_disk / "rest"
    picture = PIL.Image.fromarray(noise(160))
    save_picture(picture, file, quality=95)
    pages = -(-file.stat().st_size // 4096)
    assert pages > 2
    for left in range(1, pages):
        file.unlink()
        rest.unlink(missing_ok=True)
        rest.write_bytes(bytes(shutil.disk_usage(small_disk).free - left * 4096))
        with pytest.raises(OSError, match="No space left"):
            save_picture(picture, file, quality=95)
