"""A loss network with fewer multiply-adds says nearly the same."""

import pytest

torch = pytest.importorskip("torch")

from murai.train.lowrank import low_rank  # noqa: E402
from murai.train.photos import Photographs, list_photos  # noqa: E402
from murai.train.vgg import LossNetwork, LossNetworkInfo  # noqa: E402

from .conftest import vgg_weights  # noqa: E402


@pytest.fixture
def network():
    """32 channels whose outputs lie in 8 directions, as kernels that repeat each other give."""
    weights = vgg_weights((2, 2, 4, 4), width=32)
    mix = torch.randn(32, 8, generator=torch.Generator().manual_seed(1)) / 8**0.5
    for key, value in weights.items():
        if key.endswith("weight") and value.shape[1] == 32:
            weights[key] = torch.einsum("kr,rcij->kcij", mix, value[:8]) * 0.3
    return LossNetwork(weights, LossNetworkInfo("vgg19", "made", "0", "imagenet"))


@pytest.fixture
def pictures(photo_folder):
    return list(Photographs(list_photos(photo_folder), size=32, seed=0).batch(range(4)))


def parameters(network):
    return sum(p.numel() for p in network.parameters())


def difference(network, other, x):
    """The furthest that a layer of `other` is from that of `network`, as a share of its size."""
    maps, others = network(x), other(x)
    assert maps.keys() == others.keys()
    return max(float((maps[k] - others[k]).norm() / maps[k].norm()) for k in maps)


def test_directions_that_repeat_each_other_cost_nothing_and_lose_nothing(network, pictures):
    smaller = low_rank(network, pictures, 0.9999)
    assert parameters(smaller) < parameters(network) / 2
    assert difference(network, smaller, torch.rand(2, 3, 32, 32)) < 0.1


def test_less_energy_is_cheaper_and_further_away(network, pictures):
    x = torch.stack(pictures)
    networks = [low_rank(network, pictures, energy) for energy in (0.999, 0.6)]
    near, far = (difference(network, n, x) for n in networks)
    assert near < far
    assert parameters(networks[1]) < parameters(networks[0])


def test_the_whole_energy_is_the_network_itself(network, pictures):
    assert difference(network, low_rank(network, pictures, 1), torch.stack(pictures)) == 0


def test_the_network_given_stays_as_it_is_and_nothing_of_the_new_one_learns(network, pictures):
    x = torch.stack(pictures)
    before = network(x)
    smaller = low_rank(network, pictures, 0.9)
    assert all(torch.equal(before[k], after) for k, after in network(x).items())
    assert not any(p.requires_grad for p in smaller.parameters())


def test_the_same_pictures_give_the_same_network(network, pictures):
    one, two = (low_rank(network, pictures, 0.9) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
