"""The clip of people that comes with murai."""

import time
import tomllib
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest

from murai.cli.live import open_live
from murai.errors import CameraError, silent
from murai.packs import find_packs
from murai.sources import CLIP, open_source
from murai.sources.file import FileSource
from tests.sources.kit import make_video

ROOT = Path(__file__).parent.parent.parent


def test_it_is_six_seconds_and_small() -> None:
    said: list[str] = []
    source = FileSource(CLIP, say=said.append)
    frames = list(source)
    info = source.info
    assert (info.width, info.height, info.rate, info.frames, len(frames)) == (640, 360, 25, 150, 150)
    assert {frame.image.shape for frame in frames} == {(360, 640, 3)}
    assert all(after.time - before.time == pytest.approx(1 / 25) for before, after in pairwise(frames))
    assert CLIP.stat().st_size < 700_000
    assert not said


def test_it_moves_in_every_frame_and_changes_its_scene_once() -> None:
    pictures = [frame.image[::4, ::4].astype(int) for frame in FileSource(CLIP)]
    changes = [np.abs(after - before).mean() for before, after in pairwise(pictures)]
    assert min(changes) > 0.2, "no frame stands twice"
    assert [index + 1 for index, change in enumerate(changes) if change > 25] == [75]


def test_it_and_what_is_said_of_it_are_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    package = ROOT / "src" / "murai"
    shipped = {file for glob in project["tool"]["setuptools"]["package-data"]["murai"] for file in package.glob(glob)}
    folder = package / "bundled"
    assert shipped >= {folder / name for name in ("people.mp4", "people.md", "people.LICENSE.txt")}
    assert CLIP in shipped
    assert folder / "people.LICENSE.txt" in {ROOT / name for name in project["project"]["license-files"]}
    told = (folder / "people.md").read_text(encoding="utf-8")
    assert all(word in told for word in ("SAM 2", "Meta Platforms", "Apache License", "Changed"))


def test_it_is_no_pack() -> None:
    said: list[str] = []
    assert find_packs([CLIP.parent], say=said.append)
    assert not said


def test_the_source_clip_goes_over_and_over_without_a_gap() -> None:
    source = open_source("clip")
    assert (source.live, source.info.frames, source.info.path) == (False, None, None)
    frames = list(islice(source, 320))
    source.close()
    assert [frame.index for frame in frames] == list(range(320))
    assert [frame.pts * frame.time_base for frame in frames] == [Fraction(n, 25) for n in range(320)]
    assert all(np.array_equal(frames[n].image, frames[n + 150].image) for n in (0, 1, 149))


def test_it_can_be_cut_short_and_mirrored() -> None:
    source = open_source("clip", frames=3, mirror=True)
    assert source.info.frames == 3
    for frame, straight in zip(source, islice(FileSource(CLIP), 3), strict=True):
        assert np.array_equal(frame.image, straight.image[:, ::-1])


@pytest.mark.parametrize("again", [False, True])
def test_a_show_plays_it_at_its_own_pace(again: bool) -> None:
    source = open_live("clip", 26, silent, again=again)
    assert source.live
    began = time.monotonic()
    assert len(list(source)) == 26
    assert time.monotonic() - began > 0.95


def test_a_show_keeps_its_pace_where_a_clip_begins_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("murai.sources.CLIP", make_video(tmp_path / "short.mp4", list(range(4))))
    source = open_live("clip", 10, silent)
    began = time.monotonic()
    late = [time.monotonic() - began - frame.time for frame in source]
    assert max(late) - min(late) < 0.3


def test_without_a_camera_a_show_takes_it_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(spec: str, **options: object) -> object:
        if spec == "camera":
            raise CameraError("No camera was found.")
        return open_source(spec, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("murai.sources.open_source", opened)
    said: list[str] = []
    source = open_live("auto", 3, said.append, size=(1280, 720))
    assert [frame.image.shape for frame in source] == [(360, 640, 3)] * 3
    assert source.live
    assert said == ["source: a clip of people, since no camera opens. No camera was found."]
