"""Painting without a network: the pixels of one picture are what is learned. Slow, and the limit of what the losses
can reach in practice."""

from collections.abc import Callable

import torch
from torch import Tensor

from murai.train.objective import Judgement

OnStep = Callable[[int, float], None]


def optimize(
    photograph: Tensor, judge: Judgement, *, iterations: int, on_step: OnStep = lambda step, loss: None
) -> Tensor:
    """The painting [3, H, W] in 0..1 of `photograph` [3, H, W] in 0..1, by L-BFGS on its pixels.

    It begins as the photograph and lowers all that `judge` finds, the losses that networks learn by. `on_step` hears
    each iteration's number and its first loss. (Gatys, Ecker and Bethge 2016.)
    """

    def loss(pixels: Tensor) -> Tensor:
        return torch.stack(list(judge(pixels, photograph[None]).values())).sum()

    return descend(photograph, loss, iterations, on_step)


def descend(
    start: Tensor, loss: Callable[[Tensor], Tensor], iterations: int, on_step: OnStep = lambda step, loss: None
) -> Tensor:
    """The picture [3, H, W] in 0..1 that `iterations` of L-BFGS make of `start`: it lowers `loss` of [1, 3, H, W].

    Pixels are free until the end, when they are clamped.
    """
    pixels = start[None].clone(memory_format=torch.contiguous_format)  # L-BFGS takes no other order
    pixels.requires_grad_()
    optimizer = torch.optim.LBFGS(
        [pixels],
        max_iter=iterations,
        max_eval=2 * iterations + 10,
        tolerance_grad=0,
        tolerance_change=0,
        history_size=20,
        line_search_fn="strong_wolfe",
    )

    heard = -1

    def evaluate() -> float:
        nonlocal heard
        optimizer.zero_grad()
        value = loss(pixels)
        value.backward()  # type: ignore[no-untyped-call]
        if optimizer.state[pixels]["n_iter"] > heard:
            heard = optimizer.state[pixels]["n_iter"]
            on_step(heard, value.item())
        return value.item()

    optimizer.step(evaluate)  # type: ignore[no-untyped-call]
    return pixels.detach()[0].clamp(0, 1)
