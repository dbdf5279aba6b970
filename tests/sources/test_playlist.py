"""Videos and pictures one after another."""

import threading
from itertools import islice, pairwise
from pathlib import Path

import PIL.Image
import pytest

from murai.errors import SourceError
from murai.sources import open_source
from murai.sources.playlist import Playlist, listed
from tests.sources.kit import grey, make_video


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three frames, a picture, and two larger frames, by name in this order."""
    make_video(tmp_path / "1.mp4", [0, 1, 2])
    PIL.Image.new("RGB", (20, 10), (9, 9, 9)).save(tmp_path / "2.png")
    make_video(tmp_path / "3.mp4", [0, 1], size=(96, 48))
    (tmp_path / ".hidden").write_text("no video")
    return tmp_path


def test_files_follow_each_other_and_times_go_on(folder: Path) -> None:
    frames = list(Playlist(listed(folder), seconds=0.2))
    sizes = [(frame.width, frame.height) for frame in frames]
    assert sizes == [(64, 48)] * 3 + [(20, 10)] * 5 + [(96, 48)] * 2
    assert [frame.index for frame in frames] == list(range(10))
    times = [0, 0.1, 0.2, *(0.3 + n / 25 for n in range(5)), 0.5, 0.6]
    assert [frame.time for frame in frames] == pytest.approx(times, abs=1e-3)
    assert [grey(frame) for frame in frames[:3]] == [0, 1, 2]


def test_a_loop_begins_again_with_times_that_rise(folder: Path) -> None:
    source = Playlist(listed(folder), seconds=0.1, loop=True)
    frames = list(islice(source, 30))
    source.close()
    assert all(before.pts < after.pts and before.index < after.index for before, after in pairwise(frames))
    assert [grey(frame) for frame in frames if frame.width == 64][:6] == [0, 1, 2, 0, 1, 2]


def test_what_cannot_be_read_is_said_once_and_left_out(folder: Path) -> None:
    (folder / "0.txt").write_text("a word")
    said: list[str] = []
    source = Playlist(listed(folder), seconds=0.1, loop=True, say=said.append)
    assert len(list(islice(source, 40))) == 40
    source.close()
    assert len(said) == 1
    assert said[0].startswith("left out: ")
    assert "0.txt" in said[0]


def test_a_damaged_file_is_said_once_however_often_it_comes_round(folder: Path) -> None:
    film = folder / "1.mp4"
    make_video(film, list(range(40)))
    film.write_bytes(film.read_bytes()[:-600])
    said: list[str] = []
    source = Playlist([film, folder / "3.mp4"], loop=True, say=said.append)
    list(islice(source, 150))
    source.close()
    assert len(said) == len(set(said))


def test_files_that_vanish_end_it_with_a_sentence(folder: Path) -> None:
    files = listed(folder)
    source = Playlist(files, seconds=0.1, loop=True)
    frames = iter(source)
    next(frames)
    for file in files:
        file.unlink()
    with pytest.raises(SourceError, match="put them back"):
        list(frames)


def test_close_from_another_thread_ends_it(folder: Path) -> None:
    source = Playlist(listed(folder), seconds=0.1, loop=True)
    seen = 0
    for seen, _ in enumerate(source, 1):
        if seen == 5:
            thread = threading.Thread(target=source.close)
            thread.start()
            thread.join()
    assert 5 <= seen <= 6
    source.close()
    assert list(source) == []


def test_a_list_names_files_from_its_own_folder(folder: Path) -> None:
    (folder / "show.m3u").write_text("#EXTM3U\n#EXTINF:1,Three\n3.mp4\n\n1.mp4\n", encoding="utf-8")
    assert listed(folder / "show.m3u") == [folder / "3.mp4", folder / "1.mp4"]
    source = open_source(str(folder / "show.m3u"), frames=7)
    assert [frame.width for frame in source] == [96, 96, 64, 64, 64, 96, 96]


def test_a_folder_is_a_source_that_is_no_film_with_sound(folder: Path) -> None:
    source = open_source(str(folder))
    assert (source.live, source.info.path, source.info.frames) == (False, None, None)
    assert (source.info.width, source.info.height) == (64, 48)
    source.close()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.m3u", b"#EXTM3U\n", "no videos or pictures"),
        ("bytes.m3u", b"\xff\xfe\x00\x80", "cannot be read as a list"),
        ("gone.m3u", b"gone.mp4\n", "none of 1 files can be shown"),
        ("missing.m3u", None, "There is no file"),
    ],
)
def test_a_list_that_is_none_is_refused(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=message):
        open_source(str(tmp_path / name))


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no videos or pictures"):
        open_source(str(tmp_path))
