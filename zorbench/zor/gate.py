"""The analog spike: charge that passes on whole once it lies above a threshold."""

import torch
from jaxtyping import Float
from torch import Tensor

THRESHOLD = -2.0
"""θ: a unit fires when its charge is above this."""

MINIMUM_CHARGE = -5.0
"""Kept charge below this is dropped."""


def pass_open(charge: Float[Tensor, "*units"], threshold: float) -> Float[Tensor, "*units"]:
    """What passes on, a = c ⊙ 1[c > θ]."""
    return torch.threshold(charge, threshold, 0.0)


def fire(
    charge: Float[Tensor, "*units"], threshold: float
) -> tuple[Float[Tensor, "*units"], Float[Tensor, "*units"]]:
    """What passes on, a = c ⊙ s, and the spikes s = 1[c > θ] as numbers of the charge's own type.

    Comparing and masking with truth values costs several times as much as the same in floating point.
    """
    # Elementwise 1 where c > θ and 0 elsewhere, in one pass.
    spikes = torch.ops.aten.threshold_backward(charge.new_ones(()).expand_as(charge), charge, threshold)
    return charge * spikes, spikes


def spend(charge: Float[Tensor, "*units"], analog: Float[Tensor, "*units"]) -> None:
    """Take what passed on out of the charge, in place, and drop what then lies below −5."""
    # threshold keeps what is above its bound, but −5 itself is kept: a bound between it and the next number.
    bound = MINIMUM_CHARGE * (1 + 0.6 * torch.finfo(charge.dtype).eps)
    torch.threshold_(charge.sub_(analog), bound, 0.0)
