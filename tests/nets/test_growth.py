import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from murai.nets import build  # noqa: E402
from murai.nets.growth import grow  # noqa: E402

SMALL = {"widths": (4, 6, 8), "blocks": (0, 1)}


def learned(name="affine", seed=0, **arguments):
    """A network whose every number was moved at random, as learning would."""
    torch.manual_seed(seed)
    network = build(name, **arguments)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.2 * torch.randn_like(parameter)
    return network.eval()


def paintings(network):
    torch.manual_seed(1)
    return network(torch.rand(2, 3, 40, 56))


@settings(deadline=None, max_examples=20)
@given(
    half=st.integers(4, 6),
    quarter=st.integers(6, 9),
    eighth=st.integers(8, 10),
    blocks=st.tuples(st.integers(0, 2), st.integers(1, 3)),
)
def test_the_larger_network_paints_what_the_smaller_painted(half, quarter, eighth, blocks):
    small = learned(**SMALL)
    large = build("affine", widths=(half, quarter, eighth), blocks=blocks).eval()
    grow(small, large)
    with torch.no_grad():
        assert torch.allclose(paintings(large), paintings(small), atol=1e-4)


def test_everything_that_is_new_learns():
    small, large = learned(**SMALL), build("affine", widths=(6, 8, 10), blocks=(1, 2))
    grow(small, large)
    before = {name: parameter.clone() for name, parameter in large.named_parameters()}
    optimizer = torch.optim.SGD(large.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        (paintings(large) - 0.3).square().mean().backward()
        optimizer.step()
    before.pop("strokes.bias")  # whose mean is taken out
    assert all(large.get_parameter(name).grad.abs().max() > 0 for name in before)
    assert all(not torch.equal(weight, large.get_parameter(name)) for name, weight in before.items())


def test_another_architecture_grows_too():
    small, large = learned("johnson", width=4, blocks=1), build("johnson", width=6, blocks=2).eval()
    grow(small, large)
    with torch.no_grad():
        assert torch.allclose(paintings(large), paintings(small), atol=1e-4)


@pytest.mark.parametrize("arguments", [{"widths": (4, 5, 8)}, {"widths": (3, 6, 8)}, {"blocks": (0, 0)}])
def test_nothing_can_become_smaller(arguments):
    with pytest.raises(ValueError, match="smaller"):
        grow(learned(**SMALL), build("affine", **{**SMALL, **arguments}))


def test_another_architecture_is_nothing_to_grow_into():
    with pytest.raises(ValueError, match="smaller"):
        grow(learned(**SMALL), build("johnson"))
