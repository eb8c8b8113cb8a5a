"""Potentials whose sums of float32 are taken in the order in which the compiled loops meet the spikes.

Both stand in for `F.conv2d(wave, weight)`, which adds the same numbers in an order of its own. Dense: every
place, every input of its window, one addition after the other, none of them fused with anything.
"""

import numba
import numpy as np
import torch
from torch import Tensor


def spike_by_spike(wave: Tensor, weight: Tensor) -> Tensor:
    """A layer with a threshold: by time of the first spike, column, row, channel."""
    return _by(_in_time, wave, weight, (3, 2, 1, 0))  # [kw, kh, channels, maps]


def by_fours(wave: Tensor, weight: Tensor) -> Tensor:
    """A decision layer, each slice by itself: by row, column, channel; of 32 channels, four at once."""
    return _by(_slice_by_slice, wave, weight, (2, 3, 1, 0))  # [kh, kw, channels, maps]


def _by(add, wave: Tensor, weight: Tensor, layout: tuple[int, ...]) -> Tensor:
    high, wide = (side - kernel + 1 for side, kernel in zip(wave.shape[2:], weight.shape[2:], strict=True))
    potentials = np.zeros((len(wave), high, wide, len(weight)), np.float32)
    taps = weight.permute(layout).contiguous().numpy()
    add(wave.permute(0, 2, 3, 1).contiguous().numpy(), taps, potentials)
    return torch.from_numpy(potentials).permute(0, 3, 1, 2).contiguous()


@numba.njit(cache=True)
def _in_time(wave, taps, potentials):
    steps, rows, columns, _ = potentials.shape
    kw, kh, channels, _ = taps.shape
    for y in range(rows):
        for x in range(columns):
            for t in range(steps):
                if t > 0:
                    potentials[t, y, x] = potentials[t - 1, y, x]
                for dx in range(kw):
                    for dy in range(kh):
                        for c in range(channels):
                            before = t > 0 and wave[t - 1, y + dy, x + dx, c] > 0
                            if wave[t, y + dy, x + dx, c] > 0 and not before:
                                potentials[t, y, x] += taps[dx, dy, c]


@numba.njit(cache=True)
def _slice_by_slice(wave, taps, potentials):
    steps, rows, columns, maps = potentials.shape
    kh, kw, channels, _ = taps.shape
    for t in range(steps):
        for y in range(rows):
            for x in range(columns):
                total = potentials[t, y, x]
                for dy in range(kh):
                    for dx in range(kw):
                        for begin in range(0, channels, 32):
                            fired = np.flatnonzero(wave[t, y + dy, x + dx, begin : begin + 32])
                            added = taps[dy, dx, begin : begin + 32][fired]
                            fours = len(fired) // 4 * 4
                            for i in range(0, fours, 4):
                                for f in range(maps):
                                    pairs = added[i, f] + added[i + 1, f], added[i + 2, f] + added[i + 3, f]
                                    total[f] += pairs[0] + pairs[1]
                            for i in range(fours, len(fired)):
                                for f in range(maps):
                                    total[f] += added[i, f]
