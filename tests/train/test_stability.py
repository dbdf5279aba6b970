import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from murai.train.stability import FURTHEST, later, sensor_noise, stability_loss  # noqa: E402

KINDS = ("fixed-noise", "noise", "motion")


@pytest.fixture
def photographs():
    torch.manual_seed(0)
    return torch.rand(4, 3, 48, 64)


@pytest.mark.parametrize("kind", KINDS)
def test_a_moment_is_the_same_whenever_it_is_asked_for_and_another_at_each_step(kind, photographs):
    first, same, other = (later(photographs, step, 7, kind, 0.06) for step in (1, 1, 3))
    assert torch.equal(first.photographs, same.photographs)
    assert not torch.equal(first.photographs, other.photographs)


def test_mur_ais_noise_is_one_image_on_some_of_the_pixels(photographs):
    one, two = (later(photographs, step, 7, "fixed-noise", 0.06).photographs - photographs for step in (1, 2))
    both = (one[0] != 0) & (two[3] != 0)
    assert torch.allclose(one[0][both], two[3][both], atol=1e-6)
    assert 0.4 < (one != 0).float().mean() < 0.6


def test_sensor_noise_is_stronger_in_the_light_and_never_stronger_than_asked_for():
    random = torch.Generator().manual_seed(0)
    dark, light = torch.zeros(64, 3, 32, 32), torch.ones(64, 3, 32, 32)
    in_dark, in_light = (sensor_noise(x, random, 0.1).std((1, 2, 3)) for x in (dark, light))
    assert in_light.max() < 0.105
    assert float(in_dark.mean()) == pytest.approx(float(in_light.mean()) / 2, rel=0.3)


def test_what_moves_with_its_picture_is_perfectly_stable(photographs):
    moment = later(photographs, 1, 7, "motion", 0.0)
    assert moment.grid is not None
    assert stability_loss(photographs, moment.photographs, moment) < 1e-6
    assert stability_loss(photographs, photographs, moment) > 1


@given(step=st.integers(0, 200).map(lambda n: 2 * n + 1))
@settings(max_examples=20, deadline=None)
def test_motion_is_small_and_whole_pixels_are_not_blurred(step):
    x = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(step))
    moment = later(x, step, 0, "motion", 0.0)
    assert moment.valid.mean() > (1 - 2 * FURTHEST / 64) * 0.6
    for before, after, valid in zip(x, moment.photographs, moment.valid, strict=True):
        moved = {(dx, dy): torch.roll(before, (dy, dx), (1, 2)) for dx in range(-13, 14) for dy in range(-13, 14)}
        close = [torch.allclose(after * valid, m * valid, atol=1e-3) for m in moved.values()]
        deviation = (after * valid).std() / (before * valid).std()
        assert any(close) or deviation < 0.99  # shifted as it was, or between pixels


def test_noise_that_comes_out_as_it_went_in_counts_as_one(photographs):
    moment = later(photographs * 0.4 + 0.3, 2, 7, "motion", 0.05)
    assert moment.grid is None
    assert float(stability_loss(photographs * 0.4 + 0.3, moment.photographs, moment)) == pytest.approx(1, abs=0.01)
    assert stability_loss(photographs, photographs, moment) == 0


def test_there_is_no_moment_of_no_kind(photographs):
    with pytest.raises(ValueError, match="none"):
        later(photographs, 0, 0, "none", 0.1)
