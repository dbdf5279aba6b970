import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from murai.train.stability import LEAST, NEAREST, inner, later, sensor_noise, stability_loss  # noqa: E402

KINDS = ("fixed-noise", "noise", "motion")


@pytest.fixture
def photographs():
    torch.manual_seed(0)
    return torch.rand(4, 3, 48, 64) * 0.4 + 0.3


def moved(moment):
    size = [1, 3, *moment.photographs.shape[2:]]
    still = torch.nn.functional.affine_grid(torch.eye(2, 3)[None], size, align_corners=False)
    return [not torch.allclose(grid, still[0], atol=1e-6) for grid in moment.grid]


@pytest.mark.parametrize("kind", KINDS)
def test_a_moment_depends_on_the_number_of_a_picture_alone(kind, photographs):
    whole = later(photographs, [4, 5, 6, 7], 7, kind, 0.06)
    half = later(photographs[2:], [6, 7], 7, kind, 0.06)
    assert torch.equal(whole.photographs[2:], half.photographs)
    assert torch.equal(whole.energy[2:], half.energy)
    assert not torch.equal(whole.photographs, later(photographs, [8, 9, 10, 11], 7, kind, 0.06).photographs)


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


@pytest.fixture
def smooth():
    """Waves on 68 x 84 pixels: what lies between two pixels is nearly their mean."""
    y, x = torch.arange(68)[:, None], torch.arange(84)
    return torch.stack([0.5 + 0.3 * torch.sin(0.1 * (n + 1) * (x + 2 * y)) for n in range(4)])[:, None].expand(
        -1, 3, -1, -1
    )


def test_what_moves_with_its_picture_is_perfectly_stable(smooth):
    photographs = inner(smooth, 10)
    moment = later(smooth, range(4), 7, "motion", 0.0, margin=10)
    assert any(moved(moment))
    assert stability_loss(photographs, moment.photographs, moment) < 0.1
    assert stability_loss(photographs, photographs, moment) > 10


def test_what_zooms_with_its_picture_is_perfectly_stable(photographs):
    """Without a margin both are read from the same pixels, so nothing is left to rounding."""
    moments = [later(photographs, range(n, n + 4), 7, "motion", 0.0) for n in range(0, 40, 4)]
    assert any(any(moved(moment)) for moment in moments)
    assert all(stability_loss(photographs, moment.photographs, moment) < 1e-6 for moment in moments)


def test_what_a_shift_brings_in_is_the_margin_of_the_photograph(photographs):
    """A shift by whole pixels alone is a window elsewhere in the wide picture."""
    wide = torch.rand(1, 3, 68, 84)
    found = 0
    for number in range(60):
        moment = later(wide, [number], 7, "motion", 0.0, margin=10)
        x, y = ((moment.grid[0, 0, 0] + 1) / 2 * torch.tensor([64.0, 48.0]) - 0.5).tolist()
        if moved(moment)[0] and abs(x - round(x)) + abs(y - round(y)) < 1e-3:
            top, left = 10 + round(y), 10 + round(x)
            window = wide[:, :, top : top + 48, left : left + 64]
            found += torch.allclose(moment.photographs, window, atol=1e-3)
    assert found > 5


def test_about_half_of_the_pictures_move(photographs):
    moments = [later(photographs, range(n, n + 4), 0, "motion", 0.0, margin=4) for n in range(0, 200, 4)]
    assert 60 < sum(sum(moved(moment)) for moment in moments) < 140


@given(number=st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_motion_is_no_larger_than_stated(number):
    moment = later(torch.zeros(1, 3, 64, 104), [number], 3, "motion", 0.0, margin=12)
    ys, xs = torch.meshgrid(torch.arange(40) + 0.5, torch.arange(80) + 0.5, indexing="ij")
    there = (moment.grid[0] + 1) / 2 * torch.tensor([80, 40])
    way = (there - torch.stack([xs, ys], dim=2)).abs()
    assert way[..., 0].max() <= 12 + NEAREST * 40 + 1e-3
    assert way[..., 1].max() <= 12 + NEAREST * 20 + 1e-3


def test_noise_that_comes_out_as_it_went_in_counts_as_one_where_it_can_be_seen(photographs):
    moment = later(photographs, range(4), 7, "noise", 0.1)
    counted = float((moment.energy / moment.energy.clamp(min=LEAST**2)).mean())
    assert 0.5 < counted <= 1
    loss = float(stability_loss(photographs, moment.photographs, moment))
    assert loss == pytest.approx(counted, rel=0.01)
    assert stability_loss(photographs, photographs, moment) == 0


def test_there_is_no_moment_of_no_kind(photographs):
    with pytest.raises(ValueError, match="none"):
        later(photographs, range(4), 0, "none", 0.1)
