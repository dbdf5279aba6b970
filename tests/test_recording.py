"""The queue in front of a recording of a live show."""

import dataclasses
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from murai import recording
from murai.frame import Frame
from murai.mailbox import Closed
from murai.recording import Recording

TICK = Fraction(1, 30)
IN_MEMORY, ON_DISK = 64, 600  # frames of two by two pixels
FRAME = 12  # bytes of one


@pytest.fixture(autouse=True, scope="module")
def little_room() -> Iterator[None]:
    """The limits are hundreds of megabytes: lower, so that these frames reach them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recording, "IN_MEMORY", IN_MEMORY * FRAME)
        patch.setattr(recording, "ON_DISK", ON_DISK * FRAME)
        yield


def frame(index: int, size: int = 2) -> Frame:
    original = np.full((size, size, 3), index % 256, np.uint8)
    return Frame(255 - original, index, TICK, index, duration=1, captured=float(index), original=original)


@settings(max_examples=20, deadline=None)
@given(steps=st.lists(st.tuples(st.integers(0, 120), st.integers(0, 120)), max_size=4))
def test_every_frame_comes_back_in_order_however_far_behind_but_for_the_picture_it_was(
    steps: list[tuple[int, int]],
) -> None:
    box, put, got = Recording("FileSink"), 0, 0
    for more, less in steps:
        for _ in range(more):
            box.put(frame(put))
            put += 1
        for _ in range(min(less, put - got)):
            back, whole = box.get(), frame(got)
            for field in dataclasses.fields(Frame):
                wanted = None if field.name == "original" else getattr(whole, field.name)
                assert np.array_equal(getattr(back, field.name), wanted), field.name
            got += 1
    box.close()
    assert [back.index for back in box] == list(range(got, put))
    assert box.forgotten == 0
    box.abort()


def test_only_what_does_not_fit_in_memory_lies_on_disk_and_each_file_goes_when_read(tmp_path: Path) -> None:
    box = Recording("FileSink", tmp_path)
    for index in range(IN_MEMORY):
        box.put(frame(index))
    assert list(tmp_path.iterdir()) == []
    for index in range(10):
        box.put(frame(index))
    assert len(list(tmp_path.rglob("*.npy"))) == 10
    for _ in range(IN_MEMORY + 4):
        box.get()
    assert len(list(tmp_path.rglob("*.npy"))) == 6
    box.abort()
    assert list(tmp_path.iterdir()) == []
    assert box.forgotten == 6


@settings(max_examples=30, deadline=None)
@given(sizes=st.lists(st.integers(1, 24), min_size=1, max_size=60))
def test_large_and_small_frames_share_the_same_room(tmp_path_factory: pytest.TempPathFactory, sizes: list[int]) -> None:
    folder = tmp_path_factory.mktemp("spill")
    box = Recording("FileSink", folder)
    for index, size in enumerate(sizes):
        box.put(frame(index, size))
    spilled = sum(np.load(path).nbytes for path in folder.rglob("*.npy"))
    kept = [back.image.nbytes for back in box_drained(box)]
    assert sum(kept) - spilled <= IN_MEMORY * FRAME
    assert sum(kept) <= (IN_MEMORY + ON_DISK) * FRAME
    assert len(kept) + box.forgotten == len(sizes)
    if sum(3 * size * size for size in sizes) <= IN_MEMORY * FRAME:
        assert spilled == 0
    box.abort()


def box_drained(box: Recording) -> list[Frame]:
    box.close()
    return list(box)


def test_the_room_is_counted_right_when_two_threads_put_and_get(tmp_path: Path) -> None:
    box, got = Recording("FileSink", tmp_path), list[int]()
    reader = threading.Thread(target=lambda: got.extend(back.index for back in box))
    reader.start()
    for index in range(2000):
        box.put(frame(index))
    box.close()
    reader.join(20)
    assert len(got) + box.forgotten == 2000
    assert got == sorted(set(got))
    assert box._waiting == 0
    box.abort()


def test_beyond_memory_and_disk_frames_are_dropped_counted_and_said_once(tmp_path: Path) -> None:
    said: list[str] = []
    box = Recording("FileSink", tmp_path, said.append)
    for index in range(IN_MEMORY + ON_DISK + 5):
        box.put(frame(index))
    assert (len(box), box.forgotten, len(said)) == (IN_MEMORY + ON_DISK, 5, 1)
    assert "FileSink" in said[0]
    box.get()
    box.put(frame(1))
    assert box.forgotten == 5
    box.abort()


def test_frames_on_a_card_go_to_the_disk_through_the_host(tmp_path: Path) -> None:
    class Tensor:
        shape, dtype = (2, 2, 3), "torch.uint8"

        def __init__(self, value: int) -> None:
            self._value = value

        def cpu(self) -> np.ndarray:
            return np.full(self.shape, self._value, np.uint8)

    box = Recording("FileSink", tmp_path)
    for index in range(IN_MEMORY + 3):
        box.put(Frame(Tensor(index), index, TICK, index))
    box.close()
    frames = list(box)
    assert [frame.index for frame in frames] == list(range(IN_MEMORY + 3))
    assert [int(frame.image[0, 0, 0]) for frame in frames[IN_MEMORY:]] == list(range(IN_MEMORY, IN_MEMORY + 3))


def test_a_closed_recording_takes_nothing_more() -> None:
    box = Recording("FileSink")
    for index in range(IN_MEMORY + 2):
        box.put(frame(index))
    box.close()
    with pytest.raises(Closed):
        box.put(frame(0))
    assert len(list(box)) == IN_MEMORY + 2
    box.abort()
    with pytest.raises(Closed):
        box.get()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system with room for a few pictures only."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a small disk needs root")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no small disk here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_drops_frames_and_is_used_again_when_there_is_room(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "IN_MEMORY", IN_MEMORY * 3 * 145**2)
    monkeypatch.setattr(recording, "ON_DISK", ON_DISK * 3 * 145**2)
    said: list[str] = []
    box = Recording("FileSink", small_disk, said.append)
    for index in range(IN_MEMORY + 10):
        box.put(frame(index, size=145))  # 30 kB each on disk
    kept = len(box) - IN_MEMORY
    assert 1 <= kept <= 4
    assert box.forgotten == 10 - kept
    assert len(said) == 1
    assert "space" in said[0]
    assert len(list(small_disk.rglob("*.npy"))) == kept, "half a frame is not left behind"
    for index in range(IN_MEMORY + kept):
        assert box.get().index == index
    for index in range(IN_MEMORY + 1):
        box.put(frame(index, size=145))
    assert len(box) == IN_MEMORY + 1
    box.abort()
    assert list(small_disk.iterdir()) == []
