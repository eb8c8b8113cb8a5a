"""The normalised correlation that drives the current rule's weights; pure functions of one layer."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

EPSILON = 1e-8


def normalise_signal(signal: Float[Tensor, "batch n"]) -> Float[Tensor, "batch n"]:
    """δ / ‖δ‖ for each unit, the norm taken over the batch.

    A column that is exactly zero stays zero, where the source divides by zero. A column so small that its
    squares leave the dtype's range comes out shorter than 1 (in float32: a norm below 1e-19). The source then
    clips to [−1, 1]; no element of a unit vector lies outside, so that is left out.
    """
    squares = (signal * signal).sum(0)
    return signal * squares.clamp_min_(torch.finfo(signal.dtype).tiny).rsqrt_()


def correlation(
    activity: Float[Tensor, "batch n_in"],
    signal: Float[Tensor, "batch n_out"],
    spikes: Bool[Tensor, "batch n_out"],
) -> Float[Tensor, "n_in n_out"]:
    """The direction in which a layer's weights should grow: p̂ᵀ (δ ⊙ ŝ), every column over its norm + 1e-8.

    activity: p of the layer below.  signal: normalised δ of the layer above.  spikes: s of the layer above.
    """
    activity = activity * (activity * activity).sum(0).sqrt_().add_(EPSILON).reciprocal_()
    spike_scale = spikes.sum(0, dtype=signal.dtype).sqrt_().add_(EPSILON).reciprocal_()
    return activity.T @ (signal * spikes * spike_scale)
