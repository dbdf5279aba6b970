import json
import sys
from itertools import count

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from murai.cli import run
from murai.errors import SourceError
from murai.measure.cache import Cache
from murai.measure.networks import Unpainted
from murai.measure.sequences import Footage, Motion, true_sequences
from murai.measure.stability import flicker, measure_stability, warping_error, with_noise
from tests.sources.kit import make_video

from .test_sequences import constant, make_sequence, noise


def ignore(done, note=""):
    """A progress bar nobody looks at."""


class Painting(Unpainted):
    """A stylizer made of a function of the picture and its number since the last reset."""

    def __init__(self, paint):
        self.paint, self.number = paint, count()

    def __call__(self, image):
        return self.paint(image, next(self.number))

    def reset(self):
        self.number = count()


def flat(value, size=(64, 64)):
    return np.full((*size, 3), value, np.uint8)


def moving(u=0, v=0, frames=3, valid=None):
    pictures = [np.roll(noise(0), (v * step, u * step), (0, 1)) for step in range(frames)]
    valid = np.ones(pictures[0].shape[:2], np.bool_) if valid is None else valid
    return Footage(pictures, {index: Motion(constant(u, v), valid) for index in range(frames - 1)})


class TestNoise:
    @pytest.mark.parametrize("light", [40, 120, 215])
    def test_it_is_that_of_a_sensor(self, light):
        noisy = with_noise(flat(light, (200, 200)), np.random.default_rng(0)).astype(float)
        assert noisy.mean() == pytest.approx(light, abs=0.1)
        assert noisy.std() == pytest.approx(np.sqrt(16 + 16 * light / 255), rel=0.03)

    def test_it_is_clamped(self):
        black, white = (with_noise(flat(value), np.random.default_rng(0)) for value in (0, 255))
        assert black.max() < 40
        assert white.min() > 215


class TestFlicker:
    def test_that_of_the_input_is_1(self):
        assert flicker(Unpainted(), [noise(0), flat(0)], 3, ignore) == 1

    def test_that_of_a_still_painting_is_0(self):
        assert flicker(Painting(lambda image, _: flat(7, image.shape[:2])), [noise(0)], 3, ignore) == 0

    def test_a_painting_with_half_the_contrast_flickers_half_as_much(self):
        assert flicker(Painting(lambda image, _: image // 2), [flat(120)], 4, ignore) == pytest.approx(0.5, abs=0.02)

    def test_it_is_the_same_at_every_call_and_tells_how_far_it_is(self):
        photographs, seen = [noise(1), noise(2)], []
        blur = Painting(lambda image, _: ((image.astype(int) + np.roll(image, 1, 0)) // 2).astype(np.uint8))
        first = flicker(blur, photographs, 3, lambda done, note="": seen.append(done))
        assert first == flicker(blur, photographs, 3, ignore)
        assert 0 < first < 1
        assert seen == [3, 6]

    def test_the_noise_is_fresh_in_every_frame_and_photograph(self):
        seen = []
        flicker(Painting(lambda image, _: seen.append(image.tobytes()) or image), [flat(90), flat(90)], 4, ignore)
        assert len(set(seen)) == 8

    def test_every_photograph_begins_anew(self):
        """A jump from one photograph to the next counts for nothing, nor does what a stylizer remembers."""
        steps = Painting(lambda image, number: flat(number, image.shape[:2]))
        one, two = (flicker(steps, [flat(90)] * copies, 3, ignore) for copies in (1, 2))
        assert one == pytest.approx(two, rel=0.05)


class TestWarpingError:
    @given(u=st.integers(-5, 5), v=st.integers(-5, 5), contrast=st.integers(1, 5))
    @settings(max_examples=30, deadline=None)
    def test_a_painting_that_moves_with_its_picture_has_none(self, u, v, contrast):
        assert warping_error(Painting(lambda image, _: image // contrast), moving(u, v), ignore) == 0

    @given(u=st.floats(-9, 9, width=32), v=st.floats(-9, 9, width=32))
    @settings(max_examples=30, deadline=None)
    def test_a_painting_of_one_colour_has_none(self, u, v):
        footage = Footage([noise(0), noise(1)], {0: Motion(constant(u, v), np.ones((16, 24), np.bool_))})
        painted = Painting(lambda image, _: flat(99, image.shape[:2]))
        assert warping_error(painted, footage, ignore) == pytest.approx(0, abs=1e-6)

    @given(levels=st.integers(0, 255))
    @settings(max_examples=20, deadline=None)
    def test_a_painting_that_blinks_has_as_much_as_it_blinks(self, levels):
        blink = Painting(lambda image, number: flat(levels * (number % 2), image.shape[:2]))
        assert warping_error(blink, moving(), ignore) == pytest.approx(levels / 255)

    def test_pairs_count_alike_and_only_those_whose_motion_is_known(self):
        painted = Painting(lambda image, number: flat((0, 0, 30, 255)[number], image.shape[:2]))
        footage = moving(frames=4)
        two = Footage(footage.frames, {0: footage.motions[0], 1: footage.motions[1]})
        assert warping_error(painted, two, ignore) == pytest.approx(np.sqrt(((0 / 255) ** 2 + (30 / 255) ** 2) / 2))

    def test_what_is_hidden_does_not_count(self):
        def spoil(image, number):
            painted = image.copy()
            painted[:8] = 255 * (number % 2)
            return painted

        seen = np.ones((16, 24), np.bool_)
        seen[:8] = False
        assert warping_error(Painting(spoil), moving(valid=seen), ignore) == 0
        assert warping_error(Painting(spoil), moving(), ignore) == pytest.approx(np.sqrt(0.5))

    def test_where_nothing_is_valid_there_is_no_error(self):
        assert warping_error(Unpainted(), moving(valid=np.zeros((16, 24), np.bool_)), ignore) is None

    def test_a_sequence_begins_anew(self):
        steps = Painting(lambda image, number: flat(50 * min(number, 1), image.shape[:2]))
        assert warping_error(steps, moving(), ignore) == warping_error(steps, moving(), ignore) > 0


@pytest.fixture
def command(lessons):
    """A quick measurement of the tiny pack on everything but clips."""
    make_sequence(lessons / "flow" / "alley", masks=("occlusions",))
    where = ["--photos", "photos", "--flow", "flow", "--pack", "pack"]
    return ["measure", "stability", *where, "--frames", "3", "--size", "32", "--limit", "2"]


def show(capsys, arguments):
    assert run([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_json_is_one_object_and_nothing_else(command, capsys):
    figures = show(capsys, command)
    assert set(figures) == {"rows"}
    unpainted, invert, warm = figures["rows"]
    assert unpainted == {
        "network": "input",
        "style": None,
        "calm": 0.0,
        "stability_loss": None,
        "flicker": 1,
        "warp": {"alley": 0},
        "total": None,
    }
    for row, style in ((invert, "invert"), (warm, "warm")):
        assert list(row) == list(unpainted)
        assert (row["network"], row["style"], row["stability_loss"], row["total"]) == ("tiny", style, "noise", None)
        assert 0 < row["flicker"] < 1, "it blurs"
    # Blurred and inverted, noise that wraps around at the edges of the picture is another only there.
    assert 0 < invert["warp"]["alley"] < 0.1


def test_without_json_it_is_a_table(command, capsys):
    assert run([*command, "--style", "warm"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "| network | style | calm | stability loss | flicker | alley | total |"
    assert lines[2] == "| input | – | 0.000 | – | 1.000 | 0.000 | – |"
    assert lines[3].startswith("| tiny | warm | 0.000 | noise | 0.")
    assert len(lines) == 4


def test_with_calm_each_style_is_measured_once_more(command, capsys):
    plain = show(capsys, [*command, "--style", "warm"])["rows"]
    rows = show(capsys, [*command, "--style", "warm", "--calm", "1"])["rows"]
    assert rows[:2] == plain
    assert [(row["style"], row["calm"]) for row in rows] == [(None, 0.0), ("warm", 0.0), ("warm", 1.0)]
    assert rows[2]["flicker"] < rows[1]["flicker"]


def test_a_style_with_its_picture_gets_the_total_of_its_quality(command, capsys):
    of_quality = ["--style-image", "warm=style.png", "--loss-network", "vgg19.safetensors"]
    rows = show(capsys, [*command, *of_quality])["rows"]
    quality = [
        "measure",
        "quality",
        "--photos",
        "photos",
        "--pack",
        "pack",
        "--size",
        "32",
        "--limit",
        "2",
        *of_quality,
    ]
    wanted = [row["total"] for row in show(capsys, quality)["rows"] if row["network"] == "tiny"]
    assert [row["total"] for row in rows] == [None, None, *wanted]


def test_finished_figures_are_not_made_again(command, capsys, monkeypatch, lessons):
    first = show(capsys, command)
    monkeypatch.setattr("murai.measure.networks.OpenVINOStylizer", None)
    monkeypatch.setattr("murai.measure.sequences.read_picture", None)
    assert show(capsys, command) == first
    assert list((lessons.parent / "cache" / "murai" / "measure").glob("*.json"))


def test_clips_are_measured_too(command, capsys, lessons):
    pytest.importorskip("cv2", reason="the flow of clips is estimated with OpenCV, which is in murai[measure]")
    make_video(lessons / "one.mp4", list(range(4)))
    make_video(lessons / "two.mp4", list(range(3)))
    rows = show(capsys, [*command, "--clips", "one.mp4", "two.mp4", "--clip-frames", "3"])["rows"]
    assert [list(row["warp"]) for row in rows] == [["alley", "one", "two"]] * 3
    unpainted = rows[0]["warp"]["one"]
    assert 0 < unpainted < 0.05, "a grey quarter becomes lighter from frame to frame"


def test_without_opencv_a_sentence_names_what_to_install(command, capsys, lessons, monkeypatch):
    make_video(lessons / "one.mp4", list(range(4)))
    monkeypatch.setitem(sys.modules, "cv2", None)
    monkeypatch.delitem(sys.modules, "murai.measure.opticalflow", raising=False)
    assert run([*command, "--clips", "one.mp4"]) == 2
    assert capsys.readouterr().err.strip().endswith("pip install 'murai[measure]'.")


def test_two_sequences_of_one_name_are_refused(tmp_path):
    make_sequence(tmp_path / "s")
    with pytest.raises(SourceError, match="two sequences are called s"):
        measure_stability([], [], true_sequences(tmp_path) * 2, Cache(tmp_path / "cache"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--photos", "nowhere"], "there is no folder nowhere"),
        (["--photos", "empty"], "holds no photograph"),
        (["--flow", "empty"], "holds no SEQUENCE/flow"),
        (["--clips", "vgg19.safetensors"], "vgg19.safetensors"),
        (["--pack", "nothing"], "no pack 'nothing'"),
        (["--style", "nothing"], "no pack that is measured has the style 'nothing'"),
        (["--style-image", "warm"], "NAME=FILE"),
        (["--style-image", "warm=none.png", "--loss-network", "vgg19.safetensors"], "none.png"),
        (["--frames", "1"], "--frames"),
    ],
)
def test_bad_input_is_one_sentence(command, capsys, lessons, arguments, sentence):
    if "--clips" in arguments:
        pytest.importorskip("cv2")
    (lessons / "empty").mkdir()
    if (option := arguments[0]) in command:
        command[command.index(option) + 1] = arguments[1]
    else:
        command += arguments
    assert run(command) == 2
    output = capsys.readouterr()
    assert sentence in output.err
    assert "Traceback" not in output.err
    assert not output.out
