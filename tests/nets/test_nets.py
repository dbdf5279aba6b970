import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from murai.nets import SIZES, all_arguments, build, mac_per_pixel, restore  # noqa: E402
from murai.nets.affine import FAINT, HEAD  # noqa: E402
from murai.nets.base import (  # noqa: E402
    CELL,
    Coefficients,
    InstanceNorm,
    SmoothSubpixelConv,
    fold,
    pad,
    unfold,
)
from murai.nets.graph import StyleGraph  # noqa: E402

SMALL = {"affine": {"widths": (4, 8, 6), "blocks": (1, 2)}, "johnson": {"width": 4, "blocks": 1}}


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def learned(name, seed=0, amount=0.1):
    """A small network whose every number was moved at random, as learning would."""
    torch.manual_seed(seed)
    network = build(name, **SMALL[name]).eval().requires_grad_(False)
    network.load_vector(network.vector() + amount * torch.randn(network.style_size))
    return network


# Pictures in, paintings out


@pytest.mark.parametrize("name", SMALL)
@given(height=st.integers(1, 70), width=st.integers(1, 70), count=st.integers(1, 2))
@settings(max_examples=20, deadline=None)
def test_the_output_has_exactly_the_size_of_the_input(name, height, width, count):
    assert learned(name)(torch.rand(count, 3, height, width)).shape == (count, 3, height, width)


@pytest.mark.parametrize("name", SMALL)
def test_the_output_stays_between_0_and_1(name):
    painted = learned(name, amount=5.0)(torch.rand(2, 3, 40, 40))
    assert painted.min() >= 0
    assert painted.max() <= 1


@pytest.mark.parametrize("name", SMALL)
def test_pictures_of_a_batch_are_painted_each_by_itself(name):
    network, x = learned(name), torch.rand(3, 3, 32, 48)
    together = network(x)
    for picture, painted in zip(x, together, strict=True):
        assert torch.allclose(network(picture[None])[0], painted, atol=1e-5)
    assert not torch.allclose(together[0], together[1], atol=1e-2)


@pytest.mark.parametrize("name", SMALL)
def test_coefficients_are_a_number_a_pixel_and_a_matrix_a_cell(name):
    network = learned(name)
    found = network.coefficients(torch.rand(2, 3, network.multiple, 3 * network.multiple))
    height, width = network.multiple, 3 * network.multiple
    assert found.strokes.shape == (2, 3, height, width)
    assert found.matrix.shape == (2, 9, height // CELL, width // CELL)


def test_painting_follows_its_formula_at_the_work_size():
    strokes, x = torch.randn(1, 3, 4, 6), torch.rand(1, 3, 4, 6)
    matrix = torch.randn(1, 9, 1, 1).expand(1, 9, 2, 3)
    mixed = torch.einsum("ij,njhw->nihw", matrix[0, :, 0, 0].view(3, 3), 2 * x - 1)
    wanted = ((1.1 * torch.tanh(mixed + strokes) + 1) / 2).clamp(0, 1)
    assert torch.allclose(Coefficients(strokes, matrix).paint(x), wanted, atol=1e-6)


def test_coefficients_are_brought_to_a_larger_picture_bilinearly():
    strokes, matrix, x = torch.randn(1, 3, 4, 6), torch.randn(1, 9, 2, 3), torch.rand(1, 3, 13, 20)
    large = Coefficients(
        F.interpolate(strokes, (13, 20), mode="bilinear"), F.interpolate(matrix, (13, 20), mode="bilinear")
    )
    assert torch.allclose(Coefficients(strokes, matrix).paint(x), large.paint(x), atol=1e-6)


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("level", [0.0, 0.4, 1.0])
def test_a_flat_picture_gives_a_flat_painting_whatever_was_learned(name, level):
    painted = learned(name)(torch.full((1, 3, 50, 38), level))
    inside = painted[:, :, 4:-4, 4:-4] if name == "johnson" else painted  # whose head knows where a picture ends
    assert torch.allclose(inside, inside[:, :, :1, :1].expand_as(inside), atol=1e-3)


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_rounding_errors_of_a_black_picture_do_not_become_texture(name, dtype):
    network = learned(name)
    black = torch.zeros(1, 64, 64, 3, dtype=torch.uint8)
    strokes, matrix = StyleGraph(copy.deepcopy(network).to(dtype), dtype)(black, network.vector())
    painted = Coefficients(strokes.permute(0, 3, 1, 2), matrix.permute(0, 3, 1, 2)).paint(torch.zeros(1, 3, 64, 64))
    assert painted[:, :, 8:-8, 8:-8].std((2, 3)).max() < 0.02


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("picture", ["noise", "black", "white"])
def test_paintings_of_anything_are_finite(name, picture):
    x = {"noise": torch.rand(1, 3, 40, 40), "black": torch.zeros(1, 3, 40, 40), "white": torch.ones(1, 3, 40, 40)}
    assert learned(name, amount=1.0)(x[picture]).isfinite().all()


def test_what_is_painted_has_the_spread_and_the_mean_of_the_style():
    network = learned("affine")
    network.spread.copy_(torch.tensor([0.5, 0.3, 0.2]))
    network.centre.copy_(torch.tensor([0.1, -0.2, 0.4]))
    x = torch.nn.functional.interpolate(torch.rand(1, 3, 8, 12), scale_factor=8)  # something to see, not noise alone
    strokes, matrix = network.coefficients(x)
    matrix = matrix.unflatten(1, (3, 3)).repeat_interleave(CELL, 3).repeat_interleave(CELL, 4)
    painted = strokes + (matrix * (2 * x - 1)[:, None]).sum(2)
    assert torch.allclose(painted.mean((0, 2, 3)), network.centre, atol=1e-3)
    spread = painted.std((0, 2, 3), correction=0)
    assert (spread <= network.spread + 1e-4).all()
    assert torch.allclose(spread, network.spread, rtol=0.05)
    assert FAINT < 0.01


# Weights


@pytest.mark.parametrize("name", SMALL)
def test_all_weights_come_back_from_the_vector(name):
    one, other = learned(name, 1), learned(name, 2)
    vector = one.vector()
    assert vector.dtype == torch.float32
    assert vector.shape == (one.style_size,)
    other.load_vector(vector)
    assert torch.equal(other.vector(), vector)
    for name_of, weight in one.named_parameters():
        assert torch.equal(other.get_parameter(name_of), weight)
    x = torch.rand(1, 3, 32, 32)
    assert torch.equal(one(x), other(x))


@pytest.mark.parametrize("name", SMALL)
def test_the_vector_is_a_copy_and_the_weights_are_views_of_theirs(name):
    network = learned(name)
    before = network.vector()
    network.vector().zero_()
    assert torch.equal(network.vector(), before)
    vector = torch.arange(network.style_size, dtype=torch.float32)
    weights = network.weights(vector)
    assert weights.keys() == dict(network.named_parameters()).keys()
    assert torch.equal(torch.cat([weight.flatten() for weight in weights.values()]), vector), "each number once"
    for weight in weights.values():
        weight.zero_()
    assert not vector.any()


@pytest.mark.parametrize("name", SMALL)
def test_every_number_of_a_style_counts(name):
    """But for the bias of the strokes, whose mean is taken out."""
    network = build(name, **SMALL[name])
    painted = network(torch.rand(1, 3, 32, 32))
    (painted * torch.rand_like(painted)).sum().backward()
    idle = [key for key, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert set(idle) <= {"strokes.bias"}


@pytest.mark.parametrize("name", SMALL)
def test_halfway_between_two_vectors_lies_a_painting_between(name):
    one = learned(name)
    first, x = one.vector(), torch.rand(1, 3, 48, 48)
    last = first + 0.03 * torch.randn_like(first)
    paintings = []
    for share in (0, 0.5, 1):
        one.load_vector(torch.lerp(first, last, share))
        paintings.append(one(x))
    whole, *halves = (
        (a - b).square().mean().sqrt() for a, b in ((paintings[0], paintings[2]), paintings[:2], paintings[1:])
    )
    assert all(0.2 * whole < half < 0.9 * whole for half in halves)


@pytest.mark.parametrize("name", SMALL)
def test_a_network_is_restored_from_its_vector(name):
    network = learned(name)
    restored = restore(name, SMALL[name], network.vector())
    x = torch.rand(1, 3, 32, 32)
    assert torch.equal(network(x), restored(x))


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("affine", {"widths": (4, 8, 8), "blocks": (1, 2)}, "weights, not"),
        ("affine", {"breadth": 3}, "breadth"),
        ("affine", {"widths": (4, -8, 6)}, None),
        ("affine", {"widths": (4, 8)}, None),
        ("affine", {"blocks": [3]}, None),
        ("affine", {"blocks": [3, 3, 9]}, None),
        ("affine", {"widths": (10**6, 10**6, 10**6)}, "weights, not"),
        ("affine", {"widths": (4, 8, 8), "blocks": (1, 10**12)}, "residual blocks"),
        ("johnson", {"blocks": 10**12}, "residual blocks"),
        ("nonesuch", {}, "nonesuch"),
    ],
)
def test_a_vector_of_another_network_is_refused(name, arguments, words):
    with pytest.raises(ValueError, match=words):
        restore(name, arguments, learned("affine").vector())


def test_an_unknown_architecture_is_refused():
    with pytest.raises(KeyError):
        build("nonesuch")


def test_a_pack_records_defaults_too():
    assert all_arguments("affine", {"blocks": (1, 1)}) == {"widths": (16, 32, 48), "blocks": (1, 1)}
    assert all_arguments("johnson", {}) == {"width": 32, "blocks": 5}


# The graph


@pytest.mark.parametrize("name", SMALL)
@given(height=st.integers(1, 30), width=st.integers(1, 30))
@settings(max_examples=15, deadline=None)
def test_the_graph_finds_what_the_network_finds_whosever_weights_it_is_given(name, height, width):
    network, other = learned(name, 1), learned(name, 2)
    image = torch.randint(0, 256, (2, 2 * height, 2 * width, 3), dtype=torch.uint8)
    strokes, matrix = StyleGraph(network)(image, other.vector())
    assert strokes.shape == image.shape
    assert matrix.shape == (2, height, width, 9)
    x = image.permute(0, 3, 1, 2) / 255
    painted = Coefficients(strokes.permute(0, 3, 1, 2), matrix.permute(0, 3, 1, 2)).paint(x)
    assert torch.allclose(painted, other(x), atol=1e-4)


def test_the_graph_has_no_weights_of_its_own():
    assert not list(StyleGraph(learned("affine")).parameters())


# Edges


@given(height=st.integers(1, 40), width=st.integers(1, 40), half=st.integers(1, 8))
@settings(max_examples=50, deadline=None)
def test_padding_mirrors_at_the_edges(height, width, half):
    x = torch.randint(0, 256, (1, height, width, 3), dtype=torch.uint8)
    padded = pad(x, 2 * half, (1, 2))
    after = padded.shape[1] - height - half, padded.shape[2] - width - half
    assert torch.equal(padded[:, half : half + height, half : half + width], x)
    if height > after[0] and width > after[1]:
        wanted = np.pad(x.numpy(), ((0, 0), (half, after[0]), (half, after[1]), (0, 0)), "reflect")
        assert np.array_equal(padded, wanted)


@pytest.mark.parametrize("name", SMALL)
@given(height=st.integers(1, 30), width=st.integers(1, 30))
@settings(max_examples=20, deadline=None)
def test_cropping_takes_off_what_padding_made(name, height, width):
    network = build(name, **SMALL[name])
    x = torch.rand(1, 3, 2 * height, 2 * width)
    padded = pad(x, network.multiple, (2, 3))
    cells = fold(padded, CELL)[:, :9]
    cropped = network.cropped(Coefficients(padded, cells), 2 * height, 2 * width)
    assert torch.equal(cropped.strokes, x)
    assert torch.equal(cropped.matrix, fold(x, CELL)[:, :9])


@given(size=st.integers(1, 300), half=st.integers(1, 16))
@settings(max_examples=50, deadline=None)
def test_a_padded_size_is_a_multiple_with_a_margin_on_both_sides(size, half):
    multiple = 2 * half
    padded = pad(torch.zeros(1, 1, size, size), multiple, (2, 3))
    assert padded.shape[2] == padded.shape[3]
    assert padded.shape[2] % multiple == 0
    assert padded.shape[2] >= max(2 * multiple, size + multiple)
    assert padded.shape[2] < size + 2 * multiple


# Layers


def test_instance_norm_gives_each_channel_the_deviation_and_mean_it_learned():
    layer = InstanceNorm(2).requires_grad_(False)
    layer.scale.copy_(torch.tensor([2.0, 0.5]))
    layer.shift.copy_(torch.tensor([1.0, -1.0]))
    x = torch.randn(3, 2, 64, 64) * 7 + 3
    out = layer(x)
    assert torch.allclose(out.mean((2, 3)), layer.shift.expand(3, 2), atol=1e-4)
    assert torch.allclose(out.std((2, 3)), layer.scale.expand(3, 2), atol=1e-2)
    half = layer.half()(50 * x.half())
    assert half.dtype == torch.float16
    assert torch.allclose(half.float(), out, atol=0.02), "squares beyond 65504"


@given(side=st.integers(1, 5), height=st.integers(1, 6), width=st.integers(1, 6))
@settings(max_examples=30, deadline=None)
def test_folding_is_undone_by_unfolding(side, height, width):
    x = torch.rand(2, 3, height * side, width * side)
    assert torch.equal(unfold(fold(x, side), side), x)


@given(side=st.integers(1, 5), height=st.integers(1, 6), width=st.integers(1, 6))
@settings(max_examples=30, deadline=None)
def test_unfolding_puts_every_sub_pixel_in_its_place(side, height, width):
    pixels = torch.arange(height * side * width * side * 3).reshape(1, height * side, width * side, 3)
    cells = torch.zeros(1, 3 * side**2, height, width, dtype=pixels.dtype)
    for y in range(height):
        for x in range(width):
            cells[0, :, y, x] = pixels[0, y * side : (y + 1) * side, x * side : (x + 1) * side].flatten()
    assert torch.equal(unfold(cells, side).permute(0, 2, 3, 1), pixels)


def random_head(channels):
    head = SmoothSubpixelConv(channels, HEAD).requires_grad_(False)
    head.kernels.copy_(torch.randn_like(head.kernels))
    head.bias.copy_(torch.randn(3))
    return head


def test_the_smooth_head_is_a_transposed_convolution_blurred_by_a_box():
    head, x = random_head(2), torch.randn(1, 2, 6, 5)
    box = torch.full((1, 1, HEAD, HEAD), 1 / HEAD)
    kernels = F.conv2d(head.kernels.flatten(0, 1)[:, None], box, padding=HEAD - 1)
    kernels = kernels.view(3, 2, 3 * HEAD, 3 * HEAD).transpose(0, 1)
    around = F.pad(x, (1, 1, 1, 1), mode="reflect")
    wanted = F.conv_transpose2d(around, kernels, head.bias, stride=HEAD, padding=2 * HEAD)
    assert torch.allclose(unfold(head(x), HEAD), wanted, atol=1e-4)


def test_the_smooth_head_begins_as_the_nearest_neighbour_upsampling_of_a_convolution():
    head = SmoothSubpixelConv(3, HEAD).requires_grad_(False)
    sub_pixels = head(torch.randn(1, 3, 5, 4)).unflatten(1, (HEAD**2, 3))
    assert torch.allclose(sub_pixels, sub_pixels[:, :1].expand_as(sub_pixels), atol=1e-6)


@given(seed=st.integers(0, 999))
@settings(max_examples=20, deadline=None)
def test_the_smooth_head_paints_flat_features_flat_whatever_it_has_learned(seed):
    torch.manual_seed(seed)
    head = random_head(3)
    painted = unfold(head(torch.randn(1, 3, 1, 1).expand(1, 3, 8, 8)), HEAD)
    assert torch.allclose(painted, painted[:, :, :1, :1].expand_as(painted), atol=1e-4)


# Cost


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("johnson", {}, 153_792),
        ("johnson", {"width": 16}, 42_336),
        (
            "affine",
            {"widths": (4, 8, 6), "blocks": (1, 2)},
            # At 1/4: stem 48 to 8, merge and one block of 8, 1x1 to 4.
            (9 * 48 * 8 + 3 * 9 * 8 * 8 + 8 * 4) / 16
            # At 1/8: 8 to 6, two blocks of 6, 1x1 to 8.
            + (9 * 8 * 6 + 4 * 9 * 6 * 6 + 6 * 8) / 64
            # At 1/2: one of 4, and to four strokes of three colours and a matrix.
            + (9 * 4 * 4 + 9 * 4 * 12 + 9 * 4 * 9) / 4,
        ),
    ],
)
def test_multiply_adds_per_pixel_match_a_count_by_hand(name, arguments, expected):
    network = build(name, **arguments)
    assert mac_per_pixel(network) == pytest.approx(expected)
    assert mac_per_pixel(network, 64) == mac_per_pixel(network)


def test_the_tiers_are_ordered_by_cost_and_the_fast_one_is_fast():
    light, fast, fine = (mac_per_pixel(build("affine", **SIZES[tier])) for tier in ("light", "fast", "fine"))
    assert light < fast < fine
    assert fast <= 10_000


def test_weights_are_counted_by_hand():
    # Convolutions; a scale and a shift for each of their channels; two 1x1; kernels of five by five with a bias; a
    # matrix with a bias; spread and centre.
    wanted = (9 * (48 * 8 + 3 * 8 * 8 + 8 * 6 + 4 * 6 * 6 + 4 * 4)) + 2 * (4 * 8 + 5 * 6 + 4) + 6 * 8 + 8 * 4
    wanted += 3 * 4 * 25 + 3 + 9 * (4 * 9 + 1) + 6
    assert build("affine", **SMALL["affine"]).style_size == wanted


def test_noise_alone_is_not_painted_and_a_foggy_picture_is():
    network = learned("affine")
    noise = torch.rand(1, 3, 128, 128) * 0.02
    fog = noise + 0.1 * torch.linspace(0, 1, 128)
    dark, foggy = (network(x).std((2, 3)).max() for x in (noise, fog))
    assert dark < 0.05 * foggy
