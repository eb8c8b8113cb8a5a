"""Initial weights, drawn from a generator of their own."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor


def own_generator(seed: int | None, generator: torch.Generator | None) -> torch.Generator:
    """The generator to draw from: the one given, one started at `seed`, or one with a seed of its own.

    Raises ValueError if both are given, or if the generator is not on the CPU: numbers drawn there are the
    same whatever device the network is for.
    """
    if generator is None:
        own = torch.Generator()
        if seed is None:
            own.seed()
            return own
        return own.manual_seed(seed)
    if seed is not None:
        raise ValueError("expected a seed or a generator, got both")
    if generator.device.type != "cpu":
        raise ValueError(f"expected a generator on the cpu, got one on {generator.device}")
    return generator


def draw_weights(
    sizes: Sequence[int], generator: torch.Generator, device: torch.device | str | None, dtype: torch.dtype
) -> list[Tensor]:
    """One [n_l, n_{l+1}] matrix for each pair of neighbours: N(0, σ²), σ = ½·sqrt(2 / (n_l + n_{l+1})).

    Drawn on the CPU in float32, then converted: a seed means the same weights on every device and in every
    dtype. Raises ValueError if the dtype is not a floating point type.
    """
    if not dtype.is_floating_point:
        raise ValueError(f"dtype must be a floating point type, got {dtype}")
    weights = []
    for n_in, n_out in pairwise(sizes):
        deviation = 0.5 * math.sqrt(2 / (n_in + n_out))
        drawn = torch.randn(n_in, n_out, generator=generator, dtype=torch.float32, device="cpu")
        weights.append((drawn * deviation).to(device=device, dtype=dtype))
    return weights
