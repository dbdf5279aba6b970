from itertools import pairwise

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from murai.nets import build, count_parameters, mac_per_pixel  # noqa: E402
from murai.nets.base import Conditional, ConditionalInstanceNorm, pad, unfold  # noqa: E402
from murai.nets.compact import HEAD, Fold, SmoothSubpixelConv  # noqa: E402

SMALL = {"compact": {"half": 8, "widths": (8, 8, 16), "blocks": (0, 1, 1)}, "johnson": {"width": 4, "blocks": 1}}


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.mark.parametrize("name", SMALL)
@given(height=st.integers(1, 70), width=st.integers(1, 70))
@settings(max_examples=20, deadline=None)
def test_the_output_has_exactly_the_size_of_the_input(name, height, width):
    network = build(name, **SMALL[name])
    with torch.no_grad():
        assert network(torch.rand(1, 3, height, width), network.styles).shape == (1, 3, height, width)


@pytest.mark.parametrize("name", SMALL)
def test_the_output_stays_between_0_and_1(name):
    network = build(name, **SMALL[name])
    with torch.no_grad():
        painted = network(torch.rand(2, 3, 40, 40), 5 * torch.randn(2, network.style_size))
    assert painted.min() >= 0
    assert painted.max() <= 1


@pytest.mark.parametrize("name", SMALL)
def test_each_picture_of_a_batch_is_painted_by_its_own_style_vector(name):
    network = build(name, styles=2, **SMALL[name])
    with torch.no_grad():
        network.styles[1] += torch.randn(network.style_size)
        x = torch.rand(1, 3, 32, 32)
        both = network(x.repeat(2, 1, 1, 1), network.styles)
        alone = [network(x, network.styles[k : k + 1])[0] for k in range(2)]
    assert not torch.allclose(both[0], both[1], atol=1e-2)
    assert torch.allclose(both[0], alone[0], atol=1e-5)
    assert torch.allclose(both[1], alone[1], atol=1e-5)


@pytest.mark.parametrize("name", SMALL)
def test_every_number_of_the_style_vector_belongs_to_exactly_one_layer(name):
    network = build(name, **SMALL[name])
    slices = sorted((m.start, m.start + m.size) for m in network.modules() if isinstance(m, Conditional))
    assert slices[0][0] == 0
    assert slices[-1][1] == network.style_size
    assert all(before[1] == after[0] for before, after in pairwise(slices))


def test_conditional_instance_norm_gives_each_channel_the_mean_and_deviation_of_the_style():
    layer = ConditionalInstanceNorm(2)
    layer.start = 0
    out = layer(torch.randn(1, 2, 64, 64) * 7 + 3, torch.tensor([[2.0, 0.5, 1.0, -1.0]]))
    assert torch.allclose(out.mean((2, 3)), torch.tensor([[1.0, -1.0]]), atol=1e-4)
    assert torch.allclose(out.std((2, 3)), torch.tensor([[2.0, 0.5]]), atol=1e-2)


@given(height=st.integers(1, 40), width=st.integers(1, 40), half=st.integers(1, 8))
@settings(max_examples=50, deadline=None)
def test_padding_mirrors_at_the_edges_and_cropping_undoes_it(height, width, half):
    x = torch.randint(0, 256, (1, height, width, 3), dtype=torch.uint8)
    padded = pad(x, 2 * half, (1, 2))
    after = padded.shape[1] - height - half, padded.shape[2] - width - half
    if height > after[0] and width > after[1]:
        wanted = np.pad(x.numpy(), ((0, 0), (half, after[0]), (half, after[1]), (0, 0)), "reflect")
        assert np.array_equal(padded, wanted)
    network = build("johnson", **SMALL["johnson"])
    network.multiple = 2 * half
    assert torch.equal(network.crop(padded, height, width), x)


@given(size=st.integers(1, 300), half=st.integers(1, 16))
@settings(max_examples=50, deadline=None)
def test_a_padded_size_is_a_multiple_with_a_margin_on_both_sides(size, half):
    multiple = 2 * half
    padded = pad(torch.zeros(1, 1, size, size), multiple, (2, 3))
    assert padded.shape[2] == padded.shape[3]
    assert padded.shape[2] % multiple == 0
    assert padded.shape[2] >= max(2 * multiple, size + multiple)
    assert padded.shape[2] < size + 2 * multiple


@given(fold=st.integers(1, 5), height=st.integers(1, 6), width=st.integers(1, 6))
@settings(max_examples=30, deadline=None)
def test_folding_is_undone_by_unfolding(fold, height, width):
    x = torch.rand(2, 3, height * fold, width * fold)
    assert torch.equal(unfold(Fold(fold)(x), fold).permute(0, 3, 1, 2), x)


@given(fold=st.integers(1, 5), height=st.integers(1, 6), width=st.integers(1, 6))
@settings(max_examples=30, deadline=None)
def test_unfolding_puts_every_sub_pixel_in_its_place(fold, height, width):
    pixels = torch.arange(height * fold * width * fold * 3).reshape(1, height * fold, width * fold, 3)
    cells = torch.zeros(1, 3 * fold**2, height, width, dtype=pixels.dtype)
    for y in range(height):
        for x in range(width):
            cells[0, :, y, x] = pixels[0, y * fold : (y + 1) * fold, x * fold : (x + 1) * fold].flatten()
    assert torch.equal(unfold(cells, fold), pixels)


def random_head(channels):
    head = SmoothSubpixelConv(channels)
    with torch.no_grad():
        head.kernels.copy_(torch.randn_like(head.kernels))
        head.bias.copy_(torch.randn(3))
    return head


def test_the_smooth_head_is_the_same_function_as_its_plain_convolution():
    head, x = random_head(4), torch.randn(1, 4, 9, 7)
    with torch.no_grad():
        assert torch.allclose(head(x), head.plain()(x), atol=1e-4)


def test_the_smooth_head_is_a_transposed_convolution_blurred_by_a_box():
    head, x = random_head(2), torch.randn(1, 2, 6, 5)
    with torch.no_grad():
        painted = unfold(head(x), HEAD).permute(0, 3, 1, 2)
        box = torch.full((1, 1, HEAD, HEAD), 1 / HEAD)
        kernels = torch.nn.functional.conv2d(head.kernels.flatten(0, 1)[:, None], box, padding=HEAD - 1)
        kernels = kernels.view(3, 2, 3 * HEAD, 3 * HEAD).transpose(0, 1)
        wanted = torch.nn.functional.conv_transpose2d(x, kernels, head.bias, stride=HEAD, padding=HEAD)
    assert torch.allclose(painted, wanted, atol=1e-4)


@given(seed=st.integers(0, 999))
@settings(max_examples=20, deadline=None)
def test_the_smooth_head_paints_flat_features_flat_whatever_it_has_learned(seed):
    torch.manual_seed(seed)
    head = random_head(3)
    with torch.no_grad():
        painted = unfold(head(torch.randn(1, 3, 1, 1).expand(1, 3, 8, 8)), HEAD)
    inside = painted[:, HEAD:-HEAD, HEAD:-HEAD]
    assert torch.allclose(inside, inside[:, :1, :1].expand_as(inside), atol=1e-4)


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("johnson", {}, 153_792),
        ("johnson", {"width": 16}, 42_336),
        # Two foldings, stem 48 -> 8 and two 3x3 of 8 at 1/4, 1x1 to 4, 3x3 of 4 and head 4 -> 12 at 1/2.
        (
            "compact",
            {"half": 4, "widths": (8,), "blocks": (1,)},
            48 * 48 / 16 + 12 * 12 / 4 + 432 * 8 / 16 + 2 * 72 * 8 / 16 + 8 * 4 / 16 + 36 * 4 / 4 + 36 * 12 / 4,
        ),
    ],
)
def test_multiply_adds_per_pixel_match_a_count_by_hand(name, arguments, expected):
    assert mac_per_pixel(build(name, **arguments)) == expected


def test_the_default_compact_network_is_in_the_fast_tier():
    assert mac_per_pixel(build("compact")) <= 10_000


def test_parameters_are_counted_without_the_style_vectors():
    one, many = build("compact", styles=1), build("compact", styles=9)
    assert count_parameters(one) == count_parameters(many)
    # Stem 48 to 8, two 3x3 convolutions of 8, 1x1 to 4, 3x3 of 4, five by five head kernels from 4 to 3 with bias.
    tiny = build("compact", half=4, widths=(8,), blocks=(1,))
    assert count_parameters(tiny) == 432 * 8 + 2 * 9 * 64 + 32 + 144 + 3 * 4 * 25 + 3


@given(height=st.integers(1, 40), width=st.integers(1, 40), seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_at_strength_0_the_network_gives_its_input_back_whatever_it_has_learned(height, width, seed):
    torch.manual_seed(seed)
    network = build("compact", **SMALL["compact"])
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter))
        network.styles[:, network.gain.start :] = 0.5  # a gain of 1 would give the input back at full strength too
        x = torch.rand(1, 3, height, width)
        assert torch.allclose(network(x, network.at_strength(network.styles, torch.zeros(1))), x, atol=1e-6)
        assert not torch.allclose(network(x, network.styles), x, atol=1e-2)


def test_every_picture_of_a_batch_has_its_own_strength():
    network = build("compact", styles=3, **SMALL["compact"])
    moved = network.at_strength(network.styles + 4, torch.tensor([0.0, 0.25, 1.0]))
    assert torch.equal(moved[0], network.photograph)
    assert torch.allclose(moved[1], network.photograph + (network.styles[1] + 4 - network.photograph) / 4)
    assert torch.equal(moved[2], network.styles[2] + 4)


def test_a_network_without_a_way_back_paints_at_full_strength_only():
    network = build("johnson", **SMALL["johnson"])
    assert network.photograph is None
    assert network.at_strength(network.styles, torch.ones(1)) is network.styles
    with pytest.raises(ValueError, match="full strength"):
        network.at_strength(network.styles, torch.tensor([0.5]))


def test_widths_and_blocks_must_pair_up():
    with pytest.raises(ValueError, match="one number of blocks"):
        build("compact", widths=(8, 8), blocks=(1,))


def test_an_unknown_architecture_is_refused():
    with pytest.raises(KeyError):
        build("nonesuch")
