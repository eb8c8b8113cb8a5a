# mypy: ignore-errors
# What is compiled is typed by numba, from the arrays that it is called with.
"""The compiled loops of causal sets: no array of [batch, inputs, outputs] is ever made.

All take the spikes of each sample sorted by time: `rows[b, r]` is the weight row that spike r reaches,
`times[b, r]` its time, `counts[b]` how many there are. They work on the columns `low` to `high` of the
weights, so that columns can be shared out among threads and a block of them stays in the cache.
"""

from typing import Any

import numba
import numpy as np

_compiled: Any = numba.njit(
    cache=True, nogil=True, fastmath={"contract", "nsz", "arcp", "reassoc"}, error_model="numpy"
)
_F = np.float32


@_compiled
def fire_exact(weights, total, rows, times, counts, heads, silent, fired, members, low, high):
    """First threshold crossing of each neuron; ties enter together.

    `heads[b]`: where a last tie begins that reaches all other rows once, so that its sum of weights is what
    is missing from `total`; else `counts[b]`. Writes times into `fired` and sizes of causal sets into
    `members`.
    """
    width = high - low
    mass = np.empty(width, _F)  # Σ w of the prefix
    moment = np.empty(width, _F)  # Σ w z of the prefix
    member = np.empty(width, _F)  # a size, as a float: loops of one kind of number are vectorised
    crossing = np.empty(width, _F)
    largest = np.empty(len(weights), _F)
    for i in range(len(weights)):
        largest[i] = weights[i, low:high].max()
    for b in range(len(counts)):
        mass[:] = 0
        moment[:] = 0
        member[:] = 0
        crossing[:] = silent
        count, head, r = counts[b], heads[b], 0
        most = 0.0  # no Σ w is larger
        while r < count:
            time = times[b, r]
            if r == head:
                for j in range(width):
                    rest = total[low + j] - mass[j]
                    mass[j] += rest
                    moment[j] += rest * time
                r, most = count, np.inf
            else:
                while r < count and times[b, r] == time:
                    weight = weights[rows[b, r], low:high]
                    for j in range(width):
                        mass[j] += weight[j]
                        moment[j] += weight[j] * time
                    most += max(largest[rows[b, r]], _F(0))
                    r += 1
            if most < 0.999:  # less than 1 whatever the rounding
                continue
            if r == count:
                for j in range(width):
                    if member[j] == 0 and mass[j] > 1:
                        member[j] = r
                        crossing[j] = max(moment[j] / (mass[j] - 1), time)
                break
            following, size, waiting = times[b, r], _F(r), _F(0)
            for j in range(width):
                excess = mass[j] - 1
                new = (member[j] == 0) & (excess > 0) & (moment[j] <= following * excess)
                then = max(moment[j] / (excess if new else _F(1)), time)
                crossing[j] = then if new else crossing[j]
                member[j] = size if new else member[j]
                waiting += _F(1) if member[j] == 0 else _F(0)
            if waiting == 0:
                break
        for j in range(width):
            # A weighted sum may just exceed 1: as late as a silent neuron is silent.
            late = crossing[j] >= silent
            fired[b, low + j] = silent if late else crossing[j]
            members[b, low + j] = 0 if late else np.int32(member[j])


@_compiled
def fire_source(weights, rows, times, counts, silent, fired, members, low, high):
    """Of all prefixes with Σ w ≥ 1 that fire no earlier than their own last spike, that which fires first."""
    width = high - low
    mass = np.empty(width, _F)
    moment = np.empty(width, _F)
    member = np.empty(width, np.int32)
    earliest = np.empty(width, _F)
    for b in range(len(counts)):
        mass[:] = 0
        moment[:] = 0
        member[:] = 0
        earliest[:] = silent
        for r in range(counts[b]):
            time, row = times[b, r], rows[b, r]
            for j in range(width):
                mass[j] += weights[row, low + j]
                moment[j] += weights[row, low + j] * time
                excess = mass[j] - 1
                then = moment[j] / (excess if excess > 0 else _F(1e-30))
                first = (excess >= 0) & (then >= time) & (then < earliest[j])
                earliest[j] = then if first else earliest[j]
                member[j] = r + 1 if first else member[j]
            if r % 16 == 15 and time >= earliest.max():  # no later prefix can fire before
                break
        fired[b, low:high] = earliest
        members[b, low:high] = member


@_compiled
def gather_gradient(rows, times, sizes, ends, slopes, offsets, gradient, low, high):
    """gradient[i, j] += Σ_b (slopes[b, j] · z_i − offsets[b, j]) over spikes r < ends[b] in set (b, j)."""
    width = high - low
    for b in range(len(ends)):
        member = sizes[b, low:high]
        slope = slopes[b, low:high]
        offset = offsets[b, low:high]
        end = min(ends[b], np.int64(member.max()))
        for r in range(end):
            time, place = times[b, r], _F(r)
            line = gradient[rows[b, r], low:high]
            for j in range(width):
                line[j] += slope[j] * time - offset[j] if place < member[j] else _F(0)


@_compiled
def carry_down(weights, rows, sizes, signal, carried, first, last):
    """carried[b, i] = Σ_j signal[b, j] · w_ij over the neurons j whose causal set has the spike of i."""
    width = weights.shape[1]
    for b in range(first, last):
        member, above = sizes[b], signal[b]
        for r in range(np.int64(member.max())):
            weight, place, summed = weights[rows[b, r]], _F(r), _F(0)
            for j in range(width):
                summed += above[j] * weight[j] if place < member[j] else _F(0)
            carried[b, rows[b, r]] += summed
