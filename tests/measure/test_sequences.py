from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from murai.errors import SourceError
from murai.measure.sequences import consistent, sample, true_sequences
from tests.sources.kit import make_video

SIZE = (24, 16)


def noise(seed, size=SIZE):
    return np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)


def constant(u, v, size=SIZE):
    return np.broadcast_to(np.array([u, v], np.float32), (size[1], size[0], 2))


def make_sequence(folder, *, start=3, flows=2, flow=(1, 2), masks=()):
    """Noise that moves by `flow`, in the layout of true flow; `masks` hide the upper half of the first flow."""
    for name in ("final", "flow", *masks):
        (folder / name).mkdir(parents=True)
    for step in range(flows + 1):
        moved = np.roll(noise(0), (flow[1] * step, flow[0] * step), (0, 1))
        Image.fromarray(moved).save(folder / "final" / f"frame_{start + step:04d}.png")
        if step < flows:
            np.savez(folder / "flow" / f"frame_{start + step:04d}.npz", flow=constant(*flow).astype(np.float16))
    for name in masks:
        hidden = np.zeros((SIZE[1], SIZE[0]), np.uint8)
        hidden[: SIZE[1] // 2] = 255
        Image.fromarray(hidden).save(folder / name / f"frame_{start:04d}.png")
    return folder


@given(u=st.integers(-30, 30), v=st.integers(-30, 30), seed=st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_a_picture_that_moved_by_whole_pixels_is_fetched_back_exactly(u, v, seed):
    picture = noise(seed)
    fetched, inside = sample(np.roll(picture, (v, u), (0, 1)), constant(u, v))
    assert np.array_equal(fetched[inside], picture[inside])
    assert inside.sum() == max(0, SIZE[0] - abs(u)) * max(0, SIZE[1] - abs(v))


@given(u=st.floats(-2, 2, width=32), v=st.floats(-2, 2, width=32))
@settings(max_examples=60, deadline=None)
def test_between_pixels_a_slope_stays_a_slope(u, v):
    y, x = np.mgrid[: SIZE[1], : SIZE[0]].astype(np.float32)
    slopes = np.stack([x, y, 3 * x - 2 * y], 2)
    fetched, inside = sample(slopes, constant(u, v))
    assert np.allclose(fetched[inside], (slopes + np.array([u, v, 3 * u - 2 * v]))[inside], atol=1e-4)


def test_outside_the_picture_is_the_nearest_edge_and_unknown_flow_is_outside():
    fetched, inside = sample(noise(0), constant(1000, 0))
    assert (fetched == noise(0)[:, -1:]).all()
    assert not inside.any()
    _, inside = sample(noise(0), constant(np.nan, 0))
    assert not inside.any()


def test_flow_there_and_back_agrees_where_nothing_is_hidden():
    there, back = constant(5, -2), constant(-5, 2)
    _, inside = sample(noise(0), there)
    assert np.array_equal(consistent(there, back), inside)
    assert not consistent(there, constant(-5, 0)).any()
    assert np.array_equal(consistent(there, constant(-5, 1.5)), inside), "half a pixel is within the tolerance"


def test_a_sequence_with_true_flow(tmp_path):
    make_sequence(tmp_path / "b_alley", masks=("occlusions", "invalid"))
    make_sequence(tmp_path / "a_cave", flows=1, flow=(0, -3))
    cave, alley = true_sequences(tmp_path)
    assert [(s.name, s.pictures) for s in (cave, alley)] == [("a_cave", 2), ("b_alley", 3)]
    footage = alley.load()
    assert len(footage.frames) == 3
    assert sorted(footage.motions) == [0, 1]
    for index, motion in footage.motions.items():
        fetched, inside = sample(footage.frames[index + 1], motion.flow)
        assert np.array_equal(fetched[inside], footage.frames[index][inside]), "the flow leads to the next frame"
        assert (motion.flow == (1, 2)).all()
    half = SIZE[1] // 2
    assert not footage.motions[0].valid[:half].any()
    assert footage.motions[0].valid[half:].all()
    assert footage.motions[1].valid.all()


def test_either_mask_hides(tmp_path):
    keys = set()
    for masks in ((), ("occlusions",), ("invalid",)):
        (sequence,) = true_sequences(make_sequence(tmp_path / (masks or ("none",))[0] / "s", masks=masks).parent)
        keys.add(sequence.key)
        assert sequence.load().motions[0].valid.mean() == (0.5 if masks else 1)
    assert len(keys) == 2, "the key tells whether something is hidden"


def test_a_gap_between_flows_is_no_motion(tmp_path):
    make_sequence(tmp_path / "s", start=1, flows=4)
    for number in (2, 3):
        (tmp_path / "s" / "flow" / f"frame_{number:04d}.npz").unlink()
    footage = true_sequences(tmp_path)[0].load()
    assert len(footage.frames) == 4
    assert sorted(footage.motions) == [0, 2]


def test_a_folder_without_flow_and_a_flow_without_frames_are_refused(tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(SourceError, match="holds no SEQUENCE/flow"):
            true_sequences(folder)
    make_sequence(tmp_path / "s")
    (tmp_path / "s" / "final" / "frame_0005.png").unlink()
    with pytest.raises(SourceError, match=r"no .*frame_0005\.png"):
        true_sequences(tmp_path)


@pytest.mark.parametrize("damage", ["empty", "other key", "other size", "other mask", "other bytes"])
def test_a_damaged_flow_is_one_sentence(tmp_path, damage):
    make_sequence(tmp_path / "s", masks=("invalid",))
    file = tmp_path / "s" / "flow" / "frame_0003.npz"
    if damage == "empty":
        file.write_bytes(b"")
    elif damage == "other bytes":
        np.savez_compressed(file, flow=constant(1, 2))
        data = bytearray(file.read_bytes())
        data[60:90] = bytes(30)
        file.write_bytes(data)
    elif damage == "other mask":
        Image.new("L", (3, 3)).save(tmp_path / "s" / "invalid" / "frame_0003.png")
    else:
        np.savez(file, **{"motion" if damage == "other key" else "flow": constant(1, 2)[1:]})
    with pytest.raises(SourceError, match=r"frame_0003\.npz"):
        true_sequences(tmp_path)[0].load()


def moving_clip(path, size=(160, 120), step=(3, 2), frames=4):
    """A video of a smooth texture that moves by `step` pixels a frame."""
    rng = np.random.default_rng(1)
    big = Image.fromarray(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)).resize(
        (400, 400), Image.Resampling.BICUBIC
    )
    with av.open(path, "w") as out:
        stream = out.add_stream("libx264", rate=10, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for index in range(frames):
            left, top = 100 - step[0] * index, 100 - step[1] * index
            picture = big.crop((left, top, left + size[0], top + size[1]))
            out.mux(stream.encode(av.VideoFrame.from_image(picture)))
        out.mux(stream.encode())
    return path


class TestClips:
    @pytest.fixture(autouse=True)
    def _needs_opencv(self):
        pytest.importorskip("cv2", reason="the flow of clips is estimated with OpenCV, which is in murai[measure]")

    def sequences(self, *arguments):
        from murai.measure.sequences import clip_sequences

        return clip_sequences(*arguments)

    def test_the_flow_of_a_clip_is_the_motion_in_it(self, tmp_path):
        (sequence,) = self.sequences([moving_clip(tmp_path / "park.mp4")], 3)
        footage = sequence.load()
        assert (sequence.name, len(footage.frames), sorted(footage.motions)) == ("park", 3, [0, 1])
        for motion in footage.motions.values():
            assert np.abs(np.median(motion.flow, (0, 1)) - (3, 2)).max() < 0.25
            assert motion.valid.mean() > 0.8
            assert not motion.valid[:, -2:].any(), "what leaves the picture is not judged"

    def test_a_large_clip_is_shrunk_and_a_small_one_is_not(self, tmp_path):
        large = make_video(tmp_path / "large.mp4", [0, 1], size=(960, 720))
        small = make_video(tmp_path / "small.mp4", [0, 1], size=(64, 48))
        shapes = [sequence.load().frames[0].shape for sequence in self.sequences([large, small], 5)]
        assert shapes == [(360, 480, 3), (48, 64, 3)]

    def test_the_key_tells_the_clip_and_its_length_apart(self, tmp_path):
        clips = [make_video(tmp_path / f"{n}.mp4", list(range(n)), tick=Fraction(1, 10)) for n in (3, 4)]
        keys = [sequence.key for count in (2, 3) for sequence in self.sequences(clips, count)]
        assert len(set(keys)) == 4
        assert keys[:2] == [sequence.key for sequence in self.sequences(clips, 2)]

    def test_what_is_no_clip_is_refused_at_once(self, tmp_path):
        (tmp_path / "text.mp4").write_text("no video")
        Image.new("RGB", (32, 32)).save(tmp_path / "picture.png")
        for name, sentence in (("text.mp4", "not a video"), ("picture.png", "no video"), ("none.mp4", "no file")):
            with pytest.raises(SourceError, match=sentence):
                self.sequences([tmp_path / name], 5)
