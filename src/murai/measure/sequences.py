"""Pictures in motion whose motion is known: rendered films with true flow, and clips whose flow is estimated."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from zipfile import BadZipFile
from zlib import error as ZlibError

import numpy as np
from numpy.typing import NDArray

from murai.errors import Say, SourceError, silent
from murai.frame import Image
from murai.measure.cache import file_hash, fingerprint
from murai.sources.file import FileSource
from murai.sources.picture import read_picture
from murai.stylizers import compose

Flow = NDArray[np.float32]
Mask = NDArray[np.bool_]

CLIP_SIZE = (640, 360)
"""Clips are shrunk to fit in it."""
FLOWS = "flow/frame_[0-9][0-9][0-9][0-9].npz"
MASKS = ("occlusions", "invalid")


@dataclass(frozen=True)
class Motion:
    """From one frame to the next.

    flow   float32 [H, W, 2], pixels to the right and down: where each pixel is in the next frame
    valid  bool [H, W], where it can be seen there
    """

    flow: Flow
    valid: Mask


@dataclass(frozen=True)
class Footage:
    """Frames uint8 [H, W, 3] in order; `motions[i]` leads from frame i to frame i + 1, where it is known."""

    frames: Sequence[Image]
    motions: Mapping[int, Motion]


@dataclass(frozen=True)
class MovingSequence:
    """A sequence that is not in memory yet: `load` raises SourceError. `key` is a hash of what it will give."""

    name: str
    key: str
    pictures: int
    load: Callable[[], Footage]


def true_sequences(folder: Path) -> list[MovingSequence]:
    """Every sequence with true flow below `folder`, laid out like Sintel (Butler et al. 2012), a folder each:

    final/frame_NNNN.png        frames
    flow/frame_NNNN.npz         `flow` [H, W, 2], pixels to the right and down, from frame N to N + 1
    occlusions/, invalid/       frame_NNNN.png, white where the flow of frame N is not to be judged; each may be missing

    Raises SourceError where there is none, or a flow lacks a frame.
    """
    flows = sorted(folder.glob(f"*/{FLOWS}"))
    places = sorted({path.parent.parent for path in flows})
    if not places:
        raise SourceError(f"{folder} holds no SEQUENCE/flow/frame_NNNN.npz; give a folder of frames with true flow.")
    return [_true_sequence(place) for place in places]


def clip_sequences(clips: Sequence[Path], frames: int, say: Say = silent) -> list[MovingSequence]:
    """The first `frames` frames of each clip, its flow estimated. Raises SourceError; MissingExtra without OpenCV."""
    from murai.measure.opticalflow import DenseFlow

    def sequence(path: Path) -> MovingSequence:
        count = len(_frames(path, 2, silent))
        if count < 2:
            raise SourceError(f"{path} is no video, it holds a single frame; give a clip.")
        key = fingerprint("clip", file_hash(path), frames, CLIP_SIZE)
        return MovingSequence(path.stem, key, frames, lambda: _estimate(_frames(path, frames, say), DenseFlow()))

    return [sequence(path) for path in clips]


def sample(image: NDArray[np.generic], flow: Flow) -> tuple[NDArray[np.float32], Mask]:
    """`image` [H, W, C] fetched along `flow` [H, W, 2], float32 [H, W, C], and where that was inside it, [H, W].

    The result at a pixel is `image` at the pixel plus its flow, bilinear; at the nearest edge where that is outside.
    """
    height, width = flow.shape[:2]
    x = np.arange(width, dtype=np.float32) + flow[..., 0]
    y = np.arange(height, dtype=np.float32)[:, None] + flow[..., 1]
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    x, y = np.nan_to_num(x).clip(0, width - 1), np.nan_to_num(y).clip(0, height - 1)
    left, top = x.astype(np.intp), y.astype(np.intp)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    across, down = (x - left)[..., None], (y - top)[..., None]
    above = image[top, left] * (1 - across) + image[top, right] * across
    below = image[bottom, left] * (1 - across) + image[bottom, right] * across
    return (above * (1 - down) + below * down).astype(np.float32), inside


def consistent(forward: Flow, backward: Flow) -> Mask:
    """Where the flow back leads to where the flow began, [H, W]: elsewhere something is hidden, or an estimate wrong.

    The squared gap may be half a pixel and a hundredth of the squared motion. (Sundaram, Brox and Keutzer 2010.)
    """
    back, inside = sample(backward, forward)
    gap, motion = np.square(forward + back).sum(2), (np.square(forward) + np.square(back)).sum(2)
    near: Mask = gap <= 0.01 * motion + 0.5
    return near & inside


def _true_sequence(place: Path) -> MovingSequence:
    flows = sorted(place.glob(FLOWS))
    starts = [int(path.stem.removeprefix("frame_")) for path in flows]
    numbers = sorted({number for start in starts for number in (start, start + 1)})
    frames = [place / "final" / f"frame_{number:04d}.png" for number in numbers]
    if missing := [path for path in frames if not path.is_file()]:
        raise SourceError(f"there is no {missing[0]} for the flow beside it; get the frames again.")
    masks = [path for kind in MASKS for flow in flows if (path := place / kind / f"{flow.stem}.png").is_file()]

    def load() -> Footage:
        pictures = [read_picture(path) for path in frames]
        motions = {
            numbers.index(start): _true_motion(path, [mask for mask in masks if mask.stem == path.stem], pictures[0])
            for start, path in zip(starts, flows, strict=True)
        }
        return Footage(pictures, motions)

    key = fingerprint("true", [[path.name, file_hash(path)] for path in (*flows, *frames, *masks)])
    return MovingSequence(place.name, key, len(frames), load)


def _true_motion(path: Path, masks: Sequence[Path], picture: Image) -> Motion:
    try:
        with np.load(path) as arrays:
            flow = arrays["flow"].astype(np.float32)
    except (OSError, KeyError, ValueError, EOFError, BadZipFile, ZlibError) as error:
        raise SourceError(f"{path} holds no array `flow` that can be read; get the file again.") from error
    valid = np.ones(picture.shape[:2], np.bool_)
    hidden = [read_picture(mask)[..., 0] > 127 for mask in masks]
    if flow.shape != (*valid.shape, 2) or any(mask.shape != valid.shape for mask in hidden):
        raise SourceError(f"{path} and its masks are not of the size of their frames; get the files again.")
    for mask in hidden:
        valid &= ~mask
    return Motion(flow, valid)


def _frames(path: Path, count: int, say: Say) -> list[Image]:
    """The first `count` frames of a clip, shrunk. Raises SourceError."""
    source = FileSource(path, say=say)
    with closing(source):
        size = compose.fit(source.info.width, source.info.height, CLIP_SIZE)
        return [compose.resize(frame.image, *size) for frame in islice(source, count)]


def _estimate(frames: Sequence[Image], flow: Callable[[Image, Image], Flow]) -> Footage:
    motions = {}
    for index, (before, after) in enumerate(pairwise(frames)):
        forward = flow(before, after)
        motions[index] = Motion(forward, consistent(forward, flow(after, before)))
    return Footage(frames, motions)
