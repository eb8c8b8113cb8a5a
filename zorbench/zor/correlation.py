"""The scales by which the current rule normalises signal, activity and spikes, one for each unit."""

import torch
from jaxtyping import Float
from torch import Tensor

EPSILON = 1e-8

Axes = tuple[int, ...]


def signal_scale(signal: Float[Tensor, "*rows"], axes: Axes = (-2,)) -> Float[Tensor, "*units"]:
    """1 / ‖δ‖ for each unit, the norm taken over `axes` (kept, of length 1): batch, and shared positions.

    Finite for a unit whose δ is exactly zero, so that it keeps zero where the source divides by zero. A δ so
    small that its squares leave the dtype's range comes out shorter than 1 (in float32: a norm below 1e-19).
    The source then clips δ to [−1, 1]; no element of a unit vector lies outside, so that is left out.
    """
    squares = (signal * signal).sum(axes, keepdim=True)
    return squares.clamp_min_(torch.finfo(signal.dtype).tiny).rsqrt_()


def scale_from_squares(squares: Float[Tensor, "*units"]) -> Float[Tensor, "*units"]:
    """1 / (√squares + 1e-8), in place: what turns p into p̂ and s into ŝ."""
    return squares.sqrt_().add_(EPSILON).reciprocal_()
