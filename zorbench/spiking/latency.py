"""Pixels as firing times: the brighter, the earlier."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

EARLIEST, LATEST = 1.0, math.e
"""The times z = exp(τ) of a white and of a black pixel."""


def to_times(pixels: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """z = exp(1 − x) for x in [0, 1]: from 1 (white) to e (black); every pixel fires."""
    return torch.exp(1 - pixels)


def to_pixels(times: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The inverse, x = 1 − ln z, for times clamped to [1, e]: what is later than black is black."""
    return 1 - torch.log(times.clamp(EARLIEST, LATEST))
