import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from murai.train.stability import LEAST, contrast, inner, later, sensor_noise, stability_loss  # noqa: E402

KINDS = ("fixed-noise", "noise", "motion")


@pytest.fixture
def photographs():
    torch.manual_seed(0)
    return torch.rand(4, 3, 48, 64) * 0.4 + 0.3


@pytest.fixture
def wide():
    torch.manual_seed(1)
    return torch.rand(4, 3, 68, 84)


@pytest.mark.parametrize("kind", KINDS)
def test_a_moment_depends_on_the_number_of_a_picture_alone(kind, wide):
    whole = later(wide, [4, 5, 6, 7], 7, kind, 0.06, margin=10)
    half = later(wide[2:], [6, 7], 7, kind, 0.06, margin=10)
    assert torch.equal(whole.photographs[2:], half.photographs)
    assert whole.shifts[2:] == half.shifts
    assert not torch.equal(whole.photographs, later(wide, [8, 9, 10, 11], 7, kind, 0.06, margin=10).photographs)


def test_mur_ais_noise_is_one_image_on_some_of_the_pixels(photographs):
    one, two = (later(photographs, [n] * 4, 7, "fixed-noise", 0.06).photographs - photographs for n in (1, 2))
    both = (one[0] != 0) & (two[3] != 0)
    assert torch.allclose(one[0][both], two[3][both], atol=1e-6)
    assert 0.4 < (one != 0).float().mean() < 0.6


def test_sensor_noise_is_stronger_in_the_light_and_never_stronger_than_asked_for():
    draw = torch.Generator().manual_seed(0)
    in_dark, in_light = (
        torch.stack([sensor_noise(torch.full((3, 64, 64), light), draw, 0.1).std() for _ in range(60)])
        for light in (0.0, 1.0)
    )
    assert in_light.max() < 0.105
    assert float(in_dark.mean()) == pytest.approx(float(in_light.mean()) / 2, rel=0.2)


def test_what_moves_with_its_picture_is_perfectly_stable(wide):
    """By whole pixels, so exactly; the same picture again is not."""
    photographs, moved = inner(wide, 10), 0
    for first in range(0, 40, 4):
        moment = later(wide, range(first, first + 4), 7, "motion", 0.0, margin=10)
        assert stability_loss(photographs, moment.photographs, moment) == 0
        if any(shift != (0, 0) for shift in moment.shifts):
            moved += 1
            assert stability_loss(photographs, photographs, moment) > 0.2
    assert moved > 5


def test_what_a_shift_brings_in_is_the_margin_of_the_photograph(wide):
    found = set()
    for number in range(60):
        moment = later(wide[:1], [number], 7, "motion", 0.0, margin=10)
        down, right = moment.shifts[0]
        assert torch.equal(moment.photographs, wide[:1, :, 10 + down : 58 + down, 10 + right : 74 + right])
        found.add((down > 0) - (down < 0))
    assert found == {-1, 0, 1}


def test_about_half_of_the_pictures_move(wide):
    shifts = [later(wide, range(n, n + 4), 0, "motion", 0.0, margin=10).shifts for n in range(0, 200, 4)]
    assert 60 < sum(shift != (0, 0) for each in shifts for shift in each) < 140


@given(number=st.integers(0, 10_000), margin=st.integers(0, 12))
@settings(max_examples=40, deadline=None)
def test_motion_is_no_larger_than_stated_and_by_whole_pixels(number, margin):
    moment = later(torch.zeros(1, 3, 40 + 2 * margin, 40 + 2 * margin), [number], 3, "motion", 0.0, margin=margin)
    assert moment.photographs.shape == (1, 3, 40, 40)
    assert all(isinstance(way, int) and abs(way) <= margin for way in moment.shifts[0])


def test_every_shift_up_to_the_margin_comes_up():
    shifts = later(torch.zeros(300, 3, 10, 10), range(300), 0, "motion", 0.0, margin=2).shifts
    assert {down for down, _ in shifts} == {right for _, right in shifts} == {-2, -1, 0, 1, 2}


def test_strokes_that_come_out_anew_count_as_two_and_the_same_ones_as_none(photographs):
    moment = later(photographs, range(4), 7, "noise", 0.1)
    torch.manual_seed(5)
    again = torch.rand_like(photographs) * 0.4 + 0.3
    assert float(stability_loss(photographs, again, moment)) == pytest.approx(2, rel=0.05)
    assert stability_loss(photographs, photographs, moment) == 0


def test_dull_paintings_are_no_calmer(photographs):
    moment = later(photographs, range(4), 7, "noise", 0.1)
    torch.manual_seed(5)
    bold = torch.rand_like(photographs), torch.rand_like(photographs)
    dull = [0.25 + x / 2 for x in bold]
    assert torch.isclose(stability_loss(*dull, moment), stability_loss(*bold, moment), rtol=1e-3)


def test_contrast_is_that_of_the_neighbourhood_and_never_nothing():
    torch.manual_seed(0)
    texture = torch.rand(1, 3, 64, 64)
    slope = torch.linspace(0, 1, 256).expand(1, 3, 256, 256)
    assert float(contrast(texture)) == pytest.approx(1 / 12, rel=0.05)
    assert contrast(slope) == contrast(torch.zeros(1, 3, 64, 64)) == LEAST, "light that changes slowly is no stroke"
    assert contrast(torch.cat([texture, torch.zeros(1, 3, 64, 64)])).shape == (2,)


def test_contrast_is_no_part_of_what_is_learned(photographs):
    painted, again = photographs.clone().requires_grad_(), torch.rand_like(photographs)
    moment = later(photographs, range(4), 7, "noise", 0.1)
    stability_loss(painted, again, moment).backward()
    wanted = 2 * (painted - again) / contrast(photographs)[:, None, None, None] / painted.numel()
    assert torch.allclose(painted.grad, wanted, atol=1e-7)


def test_there_is_no_moment_of_no_kind(photographs):
    with pytest.raises(ValueError, match="none"):
        later(photographs, range(4), 0, "none", 0.1)
