import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from murai.errors import TrainError  # noqa: E402
from murai.train.loop import Progress  # noqa: E402
from murai.train.watch import Watch, refuse_broken  # noqa: E402

GREY = torch.full((3, 8, 8), 0.5)


def watched(losses, *, steps=400, unlike=5.0, first=1):
    """What is said of a run whose weighted style losses are `losses`, from the step `first` on."""
    said = []
    watch = Watch(steps, unlike, GREY, said.append)
    for step, loss in enumerate(losses, first):
        watch.step(Progress("a-bold", step, steps, {"content": 1.0, "style": loss}, 1.0, 0.0))
    assert said == watch.warnings
    return said


def test_a_style_loss_that_does_not_fall_is_said_once_and_early():
    said = watched([20.0] * 400)
    assert len(said) == 1
    assert "--style-weight" in said[0]
    assert "100 steps" in said[0]
    assert watched([20.0] * 99) == []
    assert len(watched([20.0] * 100)) == 1


@given(noise=st.lists(st.floats(-0.3, 0.3), min_size=100, max_size=100))
def test_one_that_falls_noisily_is_no_worry(noise):
    assert watched([20 * 0.98**i * (1 + wave) for i, wave in enumerate(noise)]) == []


def test_one_that_is_low_from_the_start_is_no_worry():
    assert watched([2.0] * 200) == []
    assert len(watched([2.0] * 200, unlike=1.0)) == 1  # the same number, with a smaller weight, is a large loss


@given(first=st.integers(2, 300))
def test_a_run_taken_up_later_is_not_judged_by_what_was_not_seen(first):
    assert watched([20.0] * 300, first=first) == []


@pytest.mark.parametrize(("steps", "judged_after"), [(4, 100), (1000, 250), (100_000, 500)])
def test_long_runs_are_judged_early_and_short_ones_not_by_chance(steps, judged_after):
    assert watched([20.0] * (judged_after - 1), steps=steps) == []
    assert len(watched([20.0] * judged_after, steps=steps)) == 1


def test_saturated_paintings_are_said_once():
    said = []
    watch = Watch(100, 5.0, GREY, said.append)
    glaring = torch.zeros(4, 3, 8, 8)
    glaring[:, 0] = 1
    watch.paintings(torch.rand(4, 3, 8, 8) * 0.9 + 0.05)
    assert said == []
    watch.paintings(glaring)
    watch.paintings(glaring)
    assert len(said) == 1
    assert "--learning-rate" in said[0]


def test_a_work_in_black_and_white_may_be_painted_so_and_another_may_not():
    ink = (torch.arange(64).reshape(1, 8, 8) % 2).float().expand(3, 8, 8)
    for style, warned in ((ink, 0), (GREY, 1)):
        said = []
        Watch(100, 5.0, style, said.append).paintings(torch.stack([GREY, ink]))
        assert len(said) == warned


def test_the_threshold_lies_half_way_between_the_work_and_all():
    half = torch.cat([torch.zeros(3, 4, 8), torch.full((3, 4, 8), 0.5)], dim=1)
    for share, warned in ((6, 0), (7, 1)):  # rows of eight that are black; the work has four
        said = []
        painted = torch.full((1, 3, 8, 8), 0.5)
        painted[:, :, :share] = 0
        Watch(100, 5.0, half, said.append).paintings(painted)
        assert len(said) == warned


def test_the_warnings_of_several_runs_are_kept_together_and_said_once():
    said, kept = [], []
    glaring = torch.ones(1, 3, 8, 8)
    for _ in range(2):
        Watch(100, 5.0, GREY, said.append, kept).paintings(glaring)
    assert len(said) == 1
    assert kept == said


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_broken_number_ends_the_run_and_says_what_to_change(value):
    with pytest.raises(TrainError, match=r"step 7 .* style.*--learning-rate"):
        refuse_broken(7, {"content": 1.0, "style": value})
    refuse_broken(7, {"content": 1.0, "style": 1e30})
