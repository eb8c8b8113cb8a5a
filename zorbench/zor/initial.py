"""Initial weights, drawn from a generator of their own."""

import math
from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor

from zorbench.zor.connection import Connection

Init = Literal["normal", "orthogonal"]


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
    connections: Sequence[Connection],
    generator: torch.Generator,
    *,
    init: Init,
    gain: float,
    device: torch.device | str | None,
    dtype: torch.dtype,
) -> list[Tensor]:
    """One W for each connection.

        normal       N(0, σ²), σ = gain·sqrt(2 / (fan_in + fan_out))
        orthogonal   W Wᵀ = gain² I or Wᵀ W = gain² I, whichever the shape allows, W as [first axis, others]:
                     what passes through many layers keeps its length (Saxe et al. 2014)

    Drawn on the CPU in float32, then converted: a seed means the same weights on every device and in every
    dtype. On the meta device, where weights have no values, nothing is drawn. Raises ValueError if the dtype
    is not a floating point type, the gain not above 0, or for any other init.
    """
    if not dtype.is_floating_point:
        raise ValueError(f"dtype must be a floating point type, got {dtype}")
    if not 0 < gain < math.inf:
        raise ValueError(f"gain must be above 0, got {gain!r}")
    if init not in get_args(Init):
        raise ValueError(f"unknown init {init!r}; valid: {', '.join(get_args(Init))}")
    if device is not None and torch.device(device).type == "meta":
        return [
            torch.empty(connection.weight_shape, device=device, dtype=dtype) for connection in connections
        ]
    weights = []
    for connection in connections:
        drawn = torch.empty(connection.weight_shape, dtype=torch.float32, device="cpu")
        if init == "orthogonal":
            torch.nn.init.orthogonal_(drawn, gain, generator=generator)
        else:
            deviation = gain * math.sqrt(2 / (connection.fan_in + connection.fan_out))
            drawn.normal_(generator=generator).mul_(deviation)
        weights.append(drawn.to(device=device, dtype=dtype))
    return weights
