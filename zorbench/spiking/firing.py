"""Convolutional layers of non-leaky neurons that fire at most once, on first-spike times.

    P[t] = Σ w over the inputs that fired by t,   a neuron fires at the first t with P[t] > θ

Weights must not be negative: then P never falls, and a neuron that fired stays above θ. Times are bytes, T
(`steps`) means never. Without a threshold (a decision layer) a neuron fires at T − 1 if P[T−1] > 0.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from zorbench.spiking import _decision_loops, _onespike_loops
from zorbench.spiking.first_spikes import check_byte
from zorbench.spiking.rows import rows_of
from zorbench.spiking.threads import parts, share_out


@dataclass(frozen=True)
class Fired:
    """A layer's first-spike times, and each neuron's potential at its spike (0 where it never fires)."""

    times: UInt8[Tensor, "batch maps rows columns"]
    potentials: Float[Tensor, "batch maps rows columns"]


def fire(
    times: UInt8[Tensor, "batch inputs height width"],
    weight: Float[Tensor, "maps inputs kh kw"],
    threshold: float,
    *,
    steps: int,
    padding: int = 0,
) -> Fired:
    """When the neurons of a layer fire and with which potentials; `padding` silent inputs all around."""
    fired, potentials = _fire(times, weight, threshold, steps, padding, 1, with_potentials=True)
    return Fired(fired, potentials)


def fire_times(
    times: UInt8[Tensor, "batch inputs height width"],
    weight: Float[Tensor, "maps inputs kh kw"],
    threshold: float,
    *,
    steps: int,
    padding: int = 0,
    pool: int = 1,
) -> UInt8[Tensor, "batch maps rows columns"]:
    """When they fire, only: `pooled(fire(…).times, pool)`, without what falls outside of all windows."""
    return _fire(times, weight, threshold, steps, padding, pool, with_potentials=False)[0]


def _fire(
    times: Tensor,
    weight: Tensor,
    threshold: float,
    steps: int,
    padding: int,
    pool: int,
    *,
    with_potentials: bool,
) -> tuple[Tensor, Tensor]:
    geometry, (maps, high, wide) = geometry_of(times, weight, padding, steps)
    check_threshold(threshold)
    fired = torch.empty(len(times), maps, high // pool, wide // pool, dtype=torch.uint8)
    potentials = torch.empty(len(times) if with_potentials else 0, maps, high, wide)
    rows = rows_of(weight)
    layer = rows, geometry, np.float32(threshold), least_spikes(threshold, rows), pool
    samples = times.contiguous().numpy()

    def work(first: int, last: int) -> None:
        _onespike_loops.fire(samples, *layer, fired.numpy(), potentials.numpy(), first, last)

    share_out(_ranges(times), work)
    return fired, potentials


def check_threshold(threshold: float) -> None:
    """Raise `ValueError` for a threshold that a neuron without any input would exceed."""
    if not threshold >= 0:
        raise ValueError(f"a threshold must be 0 or more, got {threshold}")


def least_spikes(threshold: float, rows: Any, high: float = 0.0) -> int:
    """How many spikes a neuron needs at least, as long as no weight is above `high` and all that are now."""
    largest = max(float(rows.max()), high)
    # A sum of float32 may come out a little larger than n times the largest weight.
    return math.ceil(0.999 * threshold / largest) if largest > 0 else 2**31 - 1


def geometry_of(
    times: Tensor, weight: Tensor, padding: int, steps: int
) -> tuple[tuple[int, int, int, int, int], tuple[int, int, int]]:
    """What the loops ask for, (kh, kw, inputs, padding, T), and the maps, rows and columns of the layer.

    Raises `ValueError` where times, steps and weights do not fit.
    """
    check_byte(steps)
    maps, inputs, kh, kw = weight.shape
    if times.ndim != 4 or times.dtype != torch.uint8 or times.shape[1] != inputs:
        raise ValueError(
            f"first-spike times must be uint8 [batch, {inputs}, height, width] for weights "
            f"{list(weight.shape)}, got {times.dtype} {list(times.shape)}"
        )
    high, wide = times.shape[2] + 2 * padding - kh + 1, times.shape[3] + 2 * padding - kw + 1
    if high < 1 or wide < 1:
        raise ValueError(
            f"a kernel of {kh}×{kw} does not fit into {list(times.shape[2:])} padded by {padding}"
        )
    return (kh, kw, inputs, padding, steps), (maps, high, wide)


def _ranges(times: Tensor) -> list[tuple[int, int]]:
    return parts(len(times), max(len(times), 1), 4)


def inhibited(fired: Fired, steps: int) -> Fired:
    """Point-wise inhibition: at each place only the map that fires first, of those the largest potential.

    Of equal ones the first map. All others never fire.
    """
    first = fired.times.amin(dim=1, keepdim=True)
    rivals = torch.where(fired.times == first, fired.potentials, -1.0)
    keep = torch.zeros_like(fired.times, dtype=torch.bool)
    keep.scatter_(1, rivals.argmax(dim=1, keepdim=True), True)
    return _only(fired, keep & (first < steps), steps)


def silenced(fired: Fired, maps: Sequence[int], steps: int) -> Fired:
    """Feature inhibition: the maps named never fire."""
    keep = torch.ones(1, fired.times.shape[1], 1, 1, dtype=torch.bool)
    keep[:, list(maps)] = False
    return _only(fired, keep, steps)


def _only(fired: Fired, keep: Tensor, steps: int) -> Fired:
    return Fired(
        torch.where(keep, fired.times, torch.tensor(steps, dtype=torch.uint8)),
        torch.where(keep, fired.potentials, 0.0),
    )


def winners(
    fired: Fired, k: int, radius: int, *, steps: int, lexicographic: bool = False
) -> Int[Tensor, "batch k 3"]:
    """Up to k winners of each sample, (map, row, column) from the first on; −1 where there is no more.

    The earliest neuron wins, of those the one with the largest potential, of those the least flat index. A
    winner takes out its whole map, and, if radius > 0, what is at most `radius` rows and columns away from it
    in any map. As in the source, potentials v are compared as v + V with V = T · max v, summed over the steps
    from the spike on, in float32: what that rounds to the same is equal. `lexicographic` compares v itself.

    Step is added to step, as torch's sum over a wave of up to 15 slices does for all but the last few neurons
    of the last map (which it adds in another order, as all of longer waves).
    """
    found = torch.empty(len(fired.times), k, 3, dtype=torch.int32)
    arrays = fired.times.contiguous().numpy(), fired.potentials.contiguous().numpy()
    _onespike_loops.select(*arrays, steps, radius, lexicographic, found.numpy())
    return found


def decide(
    times: UInt8[Tensor, "batch inputs height width"],
    weight: Float[Tensor, "maps inputs kh kw"],
    *,
    steps: int,
    padding: int = 0,
    lexicographic: bool = False,
) -> Int[Tensor, "batch 3"]:
    """A decision layer's winner (map, row, column) for each sample: its largest P[T−1]; −1: none above 0.

    Inputs that are known only to fire or not are times 0 and 1 with T = 1. `lexicographic`: see `winners`.
    """
    return _decide(times, weight, steps, padding, lexicographic, with_potentials=False)[0]


def last_potentials(
    times: UInt8[Tensor, "batch inputs height width"],
    weight: Float[Tensor, "maps inputs kh kw"],
    *,
    steps: int,
    padding: int = 0,
) -> Float[Tensor, "batch maps rows columns"]:
    """A decision layer's potentials P[T−1]."""
    return _decide(times, weight, steps, padding, False, with_potentials=True)[1]


def _decide(
    times: Tensor, weight: Tensor, steps: int, padding: int, lexicographic: bool, *, with_potentials: bool
) -> tuple[Tensor, Tensor]:
    geometry, shape = geometry_of(times, weight, padding, steps)
    maps, high, wide = shape
    found = torch.empty(len(times), 3, dtype=torch.int32)
    potentials = torch.empty(len(times) if with_potentials else 0, high * wide, maps)
    arrays = times.contiguous().numpy(), rows_of(weight), geometry, shape, lexicographic

    def work(first: int, last: int) -> None:
        _decision_loops.decide(*arrays, potentials.numpy(), found.numpy(), first, last)

    share_out(_ranges(times), work)
    return found, potentials.transpose(1, 2).unflatten(2, (high, wide))
