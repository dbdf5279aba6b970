"""Chance that can be repeated: every draw of a run belongs to the seed, the number of a picture, and a purpose."""

import numpy as np
import torch


def draws(seed: int, number: int, purpose: str) -> torch.Generator:
    """A generator of its own for each purpose, so that no two draws are the same by accident. `seed` is 0 or more."""
    state = np.random.SeedSequence([seed, number, *purpose.encode()]).generate_state(1)
    return torch.Generator().manual_seed(int(state[0]))
