import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from murai.train.losses import content_loss, gram_matrix, imitation_loss, lattice_loss, style_loss, total_variation  # noqa: E402


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


def test_imitation_loss_is_0_for_the_painting_itself_and_1_for_its_mean():
    torch.manual_seed(0)
    wanted = torch.rand(2, 3, 16, 16)
    assert imitation_loss(wanted, wanted) == 0
    mean = wanted.mean((2, 3), keepdim=True).expand_as(wanted)
    assert torch.isclose(imitation_loss(mean, wanted), torch.tensor(1.0))
    assert imitation_loss(torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 4)) == 0


def test_the_style_of_each_picture_counts_by_its_weight():
    maps = {name: torch.rand(2, 4, 6, 6) for name in ("relu1_2", "relu3_3")}
    grams = {name: gram_matrix(torch.rand(1, 4, 6, 6)) for name in maps}
    alone = [style_loss({k: v[i : i + 1] for k, v in maps.items()}, grams) for i in range(2)]
    assert torch.isclose(style_loss(maps, grams), (alone[0] + alone[1]) / 2)
    assert torch.isclose(style_loss(maps, grams, torch.tensor([1.0, 0.0])), alone[0] / 2)
