import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from murai.train.losses import (  # noqa: E402
    Style,
    content_loss,
    gram_matrix,
    imitation_loss,
    inside,
    lattice_loss,
    light_loss,
    normalized,
    statistics_loss,
    structure_loss,
    style_loss,
    total_variation,
    weave_loss,
)
from murai.train.moments import Moments  # noqa: E402
from murai.train.palette import along_lines, palette_loss  # noqa: E402
from murai.train.vgg import load_loss_network  # noqa: E402

WEIGHTS = {"relu1_2": 0.3, "relu2_2": 0.5, "relu3_3": 1.5, "relu4_1": 3.0}


def test_the_gram_matrix_of_a_hand_made_map():
    x = torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])
    assert torch.allclose(gram_matrix(x)[0], torch.tensor([[5.0, 11.0], [11.0, 25.0]]) / 4)


@given(seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_the_gram_matrix_forgets_where_things_are(seed):
    torch.manual_seed(seed)
    x = torch.randn(1, 3, 4, 5)
    shuffled = x.flatten(2)[:, :, torch.randperm(20)].reshape(x.shape)
    assert torch.allclose(gram_matrix(x), gram_matrix(shuffled), atol=1e-5)


@given(seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_the_gradient_of_the_gram_matrix_is_that_of_its_formula(seed):
    torch.manual_seed(seed)
    x, weights = torch.randn(2, 3, 4, 5), torch.randn(2, 3, 3)  # no symmetry in what comes back
    ours, plain = x.clone().requires_grad_(), x.clone().requires_grad_()
    (gram_matrix(ours) * weights).sum().backward()
    flat = plain.flatten(2)
    (flat @ flat.transpose(1, 2) / 60 * weights).sum().backward()
    assert torch.allclose(ours.grad, plain.grad, atol=1e-5)


def test_content_loss_is_0_for_the_same_picture_and_1_for_nothing():
    maps = {"relu3_3": torch.rand(2, 3, 4, 4)}
    assert content_loss(maps, maps) == 0
    assert torch.isclose(content_loss({"relu3_3": torch.zeros(2, 3, 4, 4)}, maps), torch.tensor(1.0))


@given(scale=st.floats(0.1, 100))
@settings(max_examples=20, deadline=None)
def test_content_and_style_loss_do_not_change_with_the_scale_of_the_features(scale):
    torch.manual_seed(0)
    a, b = torch.rand(1, 3, 4, 4) + 0.1, torch.rand(1, 3, 4, 4) + 0.1
    one, many = {"relu3_3": a}, {"relu3_3": a * scale}
    assert torch.isclose(content_loss(one, {"relu3_3": b}), content_loss(many, {"relu3_3": b * scale}), rtol=1e-3)
    grams, scaled = {"relu3_3": gram_matrix(b)}, {"relu3_3": gram_matrix(b * scale)}
    assert torch.isclose(style_loss(one, grams), style_loss(many, scaled), rtol=1e-3)


def test_style_loss_is_0_for_the_style_itself_and_1_a_layer_for_black():
    maps = {name: torch.rand(1, 3, 4, 4) for name in ("relu1_2", "relu3_3")}
    grams = {name: gram_matrix(m) for name, m in maps.items()}
    assert style_loss(maps, grams) == 0
    nothing = {name: torch.zeros_like(m) for name, m in maps.items()}
    assert torch.isclose(style_loss(nothing, grams), torch.tensor(2.0))


def test_total_variation_of_a_flat_picture_and_of_stripes():
    flat, stripes = torch.full((1, 3, 6, 6), 0.3), torch.zeros(1, 3, 6, 6)
    stripes[..., ::2] = 1
    assert total_variation(flat) == 0
    assert total_variation(stripes) == 1


@given(height=st.integers(64, 140), width=st.integers(64, 140), cell=st.sampled_from([4, 8]))
@settings(max_examples=20, deadline=None)
def test_a_lattice_is_all_lattice_and_noise_is_nearly_none(height, width, cell):
    torch.manual_seed(0)
    lattice = torch.rand(2, 3, cell, cell).repeat(1, 1, 40, 40)[:, :, :height, :width]
    assert lattice_loss(lattice, cell) > 0.9
    assert lattice_loss(torch.rand(2, 3, height, width), cell) < 0.03
    assert lattice_loss(torch.full((1, 3, height, width), 0.3), cell) == 0


def test_a_lattice_of_another_period_is_none_and_one_in_a_corner_counts_as_that():
    torch.manual_seed(0)
    other = torch.rand(1, 3, 7, 7).repeat(1, 1, 20, 20)[:, :, :128, :128]
    assert lattice_loss(other, 8) < 0.01
    corner = torch.rand(1, 3, 146, 146)
    corner[:, :, :73, :73] = torch.rand(1, 3, 8, 8).repeat(1, 1, 10, 10)[:, :, :73, :73]
    assert 0.15 < lattice_loss(corner, 8) < 0.3
    faint = torch.full((1, 3, 64, 64), 0.5)
    faint[..., ::8] += 0.5 / 255
    assert lattice_loss(faint, 8) < 0.01, "what cannot be seen"


def test_scales_in_rows_that_are_set_off_are_a_lattice_too():
    torch.manual_seed(0)
    scale = torch.rand(1, 3, 8, 8)
    scales = torch.cat([torch.cat([scale, 1 - scale], 3), torch.cat([1 - scale, scale], 3)], 2).repeat(1, 1, 8, 8)
    assert lattice_loss(scales, 8) > 0.4


@pytest.mark.parametrize("period", [3, 5, 12, 20])
def test_strokes_side_by_side_are_no_lattice(period):
    across, down = torch.meshgrid(torch.arange(128.0), torch.arange(128.0), indexing="ij")
    strokes = 0.5 + 0.5 * torch.sin((across + down) * 2 * torch.pi / period)
    assert lattice_loss(strokes.expand(1, 3, -1, -1), 8) < 0.01


def test_a_lattice_can_be_looked_for_in_a_picture_of_few_cells():
    assert lattice_loss(torch.rand(1, 3, 32, 40), 8).isfinite()


@given(turned=st.booleans(), phase=st.floats(0, 6), seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_a_faint_weave_is_found_wherever_it_begins_and_strokes_are_none(turned, phase, seed):
    strokes = waves(128, seed)[None] + 0.1 * torch.rand(1, 3, 128, 128, generator=torch.Generator().manual_seed(seed))
    weave = 0.05 * torch.sin(torch.pi / 2 * torch.arange(128) + phase).expand(1, 3, 128, 128)
    woven = strokes + (weave.mT if turned else weave)
    assert weave_loss(woven) > 0.04
    assert weave_loss(strokes) < 0.01
    assert weave_loss(torch.full((1, 3, 64, 64), 0.5)) == 0


def test_a_weave_can_be_looked_for_in_a_small_picture():
    assert weave_loss(torch.rand(1, 3, 16, 24)).isfinite()


def test_imitation_loss_is_0_for_the_painting_itself_and_1_for_its_mean():
    torch.manual_seed(0)
    wanted = torch.rand(2, 3, 16, 16)
    assert imitation_loss(wanted, wanted) == 0
    mean = wanted.mean((2, 3), keepdim=True).expand_as(wanted)
    assert torch.isclose(imitation_loss(mean, wanted), torch.tensor(1.0))
    assert imitation_loss(torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 4)) == 0


@pytest.fixture
def statistics(vgg19_file):
    """A function that gives the loss of a painting in the style of another picture, both [3, H, W]."""
    network = load_loss_network(vgg19_file)

    def loss(painted, style, parts=0.0, weights=WEIGHTS):
        wanted = Style.of(network(style[None]), style[None], list(WEIGHTS))
        return float(statistics_loss(network(painted[None]), painted[None], wanted, weights, parts))

    return loss


def waves(size=128, seed=0):
    """A smooth coloured texture [3, S, S]."""
    draw = torch.Generator().manual_seed(seed)
    rough = torch.rand(1, 3, size // 8, size // 8, generator=draw)
    return torch.nn.functional.interpolate(rough, size=(size, size), mode="bicubic").clamp(0, 1)[0]


@given(seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_moments_are_mean_and_covariance_and_those_of_parts_are_those_of_the_whole(seed):
    torch.manual_seed(seed)
    x = torch.randn(2, 3, 4, 6)
    moments, flat = Moments.of(x), x.flatten(2)
    assert torch.allclose(moments.mean, flat.mean(2), atol=1e-5)
    assert torch.allclose(moments.covariance[1], torch.cov(flat[1], correction=0), atol=1e-5)
    halves = Moments.of(torch.cat([x[:, :, :2], x[:, :, 2:]])).together(2)
    assert torch.allclose(halves.covariance, moments.covariance, atol=1e-5)


def test_the_style_picture_itself_has_no_loss_and_any_other_has(statistics):
    style = waves()
    assert statistics(style, style) == 0
    assert statistics(waves(seed=1), style) > 0.05


def test_each_layer_counts_by_its_weight(statistics):
    painted, style = waves(seed=1), waves()
    nothing = statistics(painted, style, weights=dict.fromkeys(WEIGHTS, 0.0))
    each = [statistics(painted, style, weights={layer: weight}) - nothing for layer, weight in WEIGHTS.items()]
    assert nothing > 0, "the colours themselves"
    assert statistics(painted, style) == pytest.approx(nothing + sum(each), rel=1e-3)


def test_a_greyed_painting_is_worse_the_greyer_it_is(statistics):
    style = waves()
    painted = style.flip(2)
    contrasts = [painted.mean() + share * (painted - painted.mean()) for share in (1.0, 0.8, 0.5, 0.2)]
    found = [statistics(x, style) for x in contrasts]
    assert found == sorted(found)
    assert found[2] > 2 * found[0] + 0.5


def test_the_very_edge_of_a_painting_hardly_counts(statistics):
    style = waves()
    framed, spotted = style.clone(), style.clone()
    framed[:, :3], framed[:, -3:], framed[:, :, :3], framed[:, :, -3:] = 0, 0, 0, 0
    spotted[:, 50:88, 50:88] = 0  # as many pixels
    colours = dict.fromkeys(WEIGHTS, 0.0)
    frame, spot = (statistics(x, style) - statistics(x, style, weights=colours) for x in (framed, spotted))
    assert frame < spot / 3
    assert statistics(framed, style, weights={**colours, "relu1_2": 1.0}) == statistics(framed, style, weights=colours)


def test_margins_are_those_of_the_layers_and_a_small_map_keeps_its_middle():
    assert inside("relu1_2", torch.zeros(1, 2, 256, 256)).shape == (1, 2, 224, 224)
    assert inside("relu4_1", torch.zeros(1, 2, 32, 40)).shape == (1, 2, 28, 36)
    assert inside("relu1_2", torch.zeros(1, 2, 32, 48)).shape == (1, 2, 16, 32)
    assert inside("relu4_3", torch.zeros(1, 2, 4, 4)).shape == (1, 2, 2, 2)
    assert inside("relu4_1", torch.zeros(1, 2, 1, 3)).shape == (1, 2, 1, 3)


def test_with_parts_the_style_may_not_keep_to_one_side(statistics):
    style = waves()
    evenly = style.flip(1)
    aside = style.clone()
    aside[:, :, 64:] = style.mean((1, 2))[:, None, None]
    whole, apart = ([statistics(x, style, parts) for parts in (0.0, 0.5, 1.0)] for x in (evenly, aside))
    assert apart[0] < apart[1] < apart[2]
    assert apart[2] - apart[0] > 2 * (whole[2] - whole[0])
    assert apart[1] == pytest.approx((apart[0] + apart[2]) / 2, rel=1e-3)


@given(height=st.integers(1, 9), width=st.integers(1, 9))
@settings(max_examples=20, deadline=None)
def test_parts_of_a_map_of_any_size_are_finite(height, width):
    x = torch.rand(1, 3, 8 * height, 8 * width)
    maps = {"relu4_1": torch.rand(1, 4, height, width)}
    wanted = Style.of(maps, x, ["relu4_1"])
    assert statistics_loss(maps, x, wanted, {"relu4_1": 1.0}, 0.2).isfinite()


@given(contrast=st.floats(0.2, 5), light=st.floats(-1, 1))
@settings(max_examples=20, deadline=None)
def test_structure_is_the_same_at_any_contrast_and_light(contrast, light):
    torch.manual_seed(0)
    x = torch.randn(2, 3, 12, 12)
    assert structure_loss(contrast * x + light, x) < 2e-3
    assert structure_loss(-x, x) == pytest.approx(2, rel=0.01)


def test_structure_is_1_where_nothing_is_in_common_and_finite_where_nothing_is():
    torch.manual_seed(0)
    assert float(structure_loss(torch.randn(1, 8, 40, 40), torch.randn(1, 8, 40, 40))) == pytest.approx(1, abs=0.05)
    black = torch.zeros(1, 3, 8, 8, requires_grad=True)
    loss = structure_loss(black, torch.rand(1, 3, 8, 8))
    loss.backward()
    assert loss.isfinite()
    assert black.grad.isfinite().all()
    assert torch.equal(normalized(torch.zeros(1, 2, 4, 4)), torch.zeros(1, 2, 4, 4))


def test_two_pictures_are_normalized_each_by_itself():
    x, y = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 8, 8) * 7
    alone = torch.stack([structure_loss(a[None], b[None]) for a, b in zip(x, y, strict=True)]).mean()
    assert torch.isclose(structure_loss(x, y), alone)


def test_light_keeps_a_face_out_of_the_dark():
    """Other colours and strokes of the same brightness cost little; a face as dark as what is around it costs much."""
    photograph = torch.full((1, 3, 96, 96), 0.2)
    photograph[:, :, 24:72, 24:72] = 0.8
    torch.manual_seed(0)
    strokes = photograph + 0.2 * torch.randn_like(photograph)
    recoloured = photograph * torch.tensor([0.9, 1.0, 1.2])[:, None, None]
    sunk = photograph.clone()
    sunk[:, :, 24:72, 24:60] = 0.2
    kept = max(float(light_loss(x, photograph)) for x in (strokes, recoloured))
    assert light_loss(photograph, photograph) == 0
    assert kept < 0.1
    assert light_loss(sunk, photograph) > 3 * kept
    assert light_loss(sunk, photograph) > 0.2


@given(seed=st.integers(0, 99), share=st.floats(0.1, 0.9))
@settings(max_examples=20, deadline=None)
def test_colours_count_wherever_they_are_and_however_many_pixels_there_are(seed, share):
    torch.manual_seed(seed)
    painted = torch.rand(1, 3, 12, 20)
    style = along_lines(painted).sort(-1).values
    shuffled = painted.flatten(2)[:, :, torch.randperm(240)].view(painted.shape)
    assert palette_loss(shuffled, style) < 1e-9
    assert palette_loss(painted.repeat(1, 1, 2, 3), style) < 1e-3
    assert 0 < palette_loss(painted + share * 0.5, style) < palette_loss(painted + 0.5, style)
