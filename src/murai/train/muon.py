"""Muon (Jordan et al. 2024): momentum whose direction is made orthogonal, for the kernels of convolutions.

Adam weighs every number on its own, so a few directions of a kernel learn fast and most hardly at all. Here each
kernel, seen as a matrix from its inputs to its outputs, moves by the same length in all directions. PyTorch's own takes
matrices only and iterates in bfloat16, in which two processes would not agree with one.
"""

from collections.abc import Callable, Iterable
from math import sqrt
from typing import Any

import torch
from torch import Tensor

MOMENTUM = 0.95
ITERATIONS = 5
COEFFICIENTS = 3.4445, -4.7750, 2.0315
"""Of the quintic Newton-Schulz iteration: all singular values come near 1 in five steps."""


class Muon(torch.optim.Optimizer):
    """For kernels [outputs, inputs, height, width]; `lr` is the length of a step along each direction."""

    def __init__(self, kernels: Iterable[Tensor], lr: float = 0.02) -> None:
        super().__init__(kernels, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move every kernel that has a gradient."""
        for group in self.param_groups:
            for kernel in group["params"]:
                if kernel.grad is not None:
                    self._move(kernel, kernel.grad, group["lr"])

    def _move(self, kernel: Tensor, gradient: Tensor, rate: float) -> None:
        state: dict[str, Any] = self.state[kernel]
        if not state:
            state["momentum"] = torch.zeros_like(kernel)
        momentum = state["momentum"].lerp_(gradient, 1 - MOMENTUM)
        ahead = torch.lerp(gradient, momentum, MOMENTUM).flatten(1)  # Nesterov's
        kernel.add_(orthogonal(ahead).view_as(kernel), alpha=-rate * sqrt(max(1, ahead.shape[0] / ahead.shape[1])))


def orthogonal(matrix: Tensor) -> Tensor:
    """Nearly the orthogonal matrix nearest to `matrix` [M, N]: its singular values become 0.7 to 1.2, zeros stay."""
    if matrix.shape[0] > matrix.shape[1]:
        return orthogonal(matrix.t()).t()
    a, b, c = COEFFICIENTS
    x: Tensor = matrix / matrix.norm().clamp(min=1e-12)
    for _ in range(ITERATIONS):
        square = x @ x.t()
        x = a * x + (b * square + c * square @ square) @ x
    return x
