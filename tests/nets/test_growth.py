import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from murai.nets import build  # noqa: E402
from murai.nets.growth import grow  # noqa: E402

SMALL = {"half": 4, "widths": (6, 8), "blocks": (0, 1)}


def learned(name="compact", seed=0, **arguments):
    """A network whose every number was moved at random, as learning would."""
    torch.manual_seed(seed)
    network = build(name, styles=2, **arguments)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.2 * torch.randn_like(parameter)
    return network.eval()


def paintings(network):
    torch.manual_seed(1)
    return network(torch.rand(2, 3, 40, 56), network.styles)


@settings(deadline=None, max_examples=20)
@given(half=st.integers(4, 6), widths=st.tuples(st.integers(6, 9), st.integers(8, 10)), blocks=st.integers(1, 3))
def test_the_larger_network_paints_what_the_smaller_painted(half, widths, blocks):
    small = learned(**SMALL)
    large = build("compact", styles=2, half=half, widths=widths, blocks=(blocks - 1, blocks)).eval()
    grow(small, large)
    with torch.no_grad():
        assert torch.allclose(paintings(large), paintings(small), atol=1e-4)


def test_everything_that_is_new_learns():
    small, large = learned(**SMALL), build("compact", styles=2, half=6, widths=(8, 10), blocks=(1, 2))
    before = [parameter.clone() for parameter in large.parameters()]
    grow(small, large)
    optimizer = torch.optim.SGD(large.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        (paintings(large) - 0.3).square().mean().backward()
        optimizer.step()
    assert all(parameter.grad.abs().max() > 0 for parameter in large.parameters())
    assert all(not torch.equal(a, b) for a, b in zip(before, large.parameters(), strict=True))


def test_another_architecture_grows_too():
    small, large = learned("johnson", width=4, blocks=1), build("johnson", styles=2, width=6, blocks=2).eval()
    grow(small, large)
    with torch.no_grad():
        assert torch.allclose(paintings(large), paintings(small), atol=1e-4)


@pytest.mark.parametrize(
    "arguments", [{"widths": (5, 8)}, {"half": 3}, {"blocks": (0, 0)}, {"widths": (6,), "blocks": (2,)}]
)
def test_nothing_can_become_smaller(arguments):
    with pytest.raises(ValueError):
        grow(learned(**SMALL), build("compact", styles=2, **{**SMALL, **arguments}))


def test_styles_are_neither_lost_nor_invented():
    with pytest.raises(ValueError, match="styles"):
        grow(learned(**SMALL), build("compact", styles=3, **SMALL))
