"""The analog spike: charge that passes on whole once it lies above a threshold."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import threshold

THRESHOLD = -2.0
"""θ: a unit fires when its charge is above this."""

MINIMUM_CHARGE = -5.0
"""Kept charge below this is dropped before new current arrives."""


def starting_charge(
    kept: Float[Tensor, "before n"], current: Float[Tensor, "batch n"]
) -> Float[Tensor, "batch n"]:
    """The charge to add `current` to: what was kept, except where below −5; zero for another batch size."""
    if len(kept) != len(current):
        return torch.zeros_like(current)
    return kept.masked_fill(kept < MINIMUM_CHARGE, 0)


def fire(
    charge: Float[Tensor, "batch n"],
) -> tuple[Float[Tensor, "batch n"], Bool[Tensor, "batch n"], Float[Tensor, "batch n"]]:
    """Split charge c into what passes on, a = c ⊙ s, the spikes s = 1[c > θ], and the rest, c ⊙ (1 − s)."""
    analog = threshold(charge, THRESHOLD, 0.0)
    return analog, charge > THRESHOLD, charge - analog
