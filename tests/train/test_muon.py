import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from murai.train.muon import Muon, orthogonal  # noqa: E402


@settings(deadline=None, max_examples=25)
@given(rows=st.integers(1, 24), columns=st.integers(1, 24), seed=st.integers(0, 99), size=st.floats(1e-6, 1e6))
def test_every_direction_of_a_matrix_comes_out_about_as_long(rows, columns, seed, size):
    generator = torch.Generator().manual_seed(seed)
    u, _ = torch.linalg.qr(torch.randn(rows, rows, generator=generator))
    v, _ = torch.linalg.qr(torch.randn(columns, columns, generator=generator))
    rank = min(rows, columns)
    lengths = torch.linspace(0.1, 1, rank) * size
    result = orthogonal(u[:, :rank] * lengths @ v[:, :rank].T)
    assert result.shape == (rows, columns)
    assert torch.linalg.svdvals(result).sub(1).abs().max() < 0.35
    # The directions themselves stay.
    assert (
        u[:, :rank].T @ result @ v[:, :rank] - torch.diag(torch.diag(u[:, :rank].T @ result @ v[:, :rank]))
    ).abs().max() < 0.05


def test_a_matrix_of_zeros_stays():
    assert not orthogonal(torch.zeros(3, 4)).any()


def test_kernels_whose_outputs_differ_in_size_learn_alike():
    """Least squares where one output is a hundred times as large: the mistake of both shrinks by the same factor."""
    torch.manual_seed(0)
    x, wanted = torch.randn(64, 8, 1, 1), torch.randn(2, 8, 1, 1)
    kernel = torch.nn.Parameter(torch.zeros(2, 8, 1, 1))
    muon = Muon([kernel])
    scale = torch.tensor([1.0, 100.0])[:, None, None]
    for step in range(200):
        muon.param_groups[0]["lr"] = 0.1 * (1 - step / 200)
        error = (torch.nn.functional.conv2d(x, kernel) - torch.nn.functional.conv2d(x, wanted)) * scale
        kernel.grad = torch.autograd.grad(error.square().mean(), kernel)[0]
        muon.step()
    left = (kernel - wanted).detach().flatten(1).norm(dim=1) / wanted.flatten(1).norm(dim=1)
    assert left.max() < 0.1, left


def test_what_has_no_gradient_stays_and_the_momentum_is_kept_in_the_state():
    kernels = [torch.nn.Parameter(torch.ones(2, 2, 1, 1)) for _ in range(2)]
    muon = Muon(kernels, lr=0.1)
    kernels[0].grad = torch.eye(2)[:, :, None, None]
    muon.step()
    assert torch.equal(kernels[1], torch.ones(2, 2, 1, 1))
    assert not torch.equal(kernels[0], torch.ones(2, 2, 1, 1))
    again = Muon(kernels)
    again.load_state_dict(muon.state_dict())
    assert torch.equal(again.state[kernels[0]]["momentum"], muon.state[kernels[0]]["momentum"])
