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

_compiled: Any = numba.njit(cache=True, nogil=True, fastmath={"contract", "nsz", "arcp"}, boundscheck=False)


@_compiled
def fire_exact(weights, total, rows, times, counts, heads, silent, fired, members, low, high):
    """First threshold crossing of each neuron; ties enter together.

    `heads[b]`: where a last tie begins that reaches all other rows once, so that its sum of weights is what
    is missing from `total`; else `counts[b]`. Writes times into `fired` and sizes of causal sets into
    `members`.
    """
    width = high - low
    mass = np.empty(width, np.float32)  # Σ w of the prefix
    moment = np.empty(width, np.float32)  # Σ w z of the prefix
    tied = np.empty(width, np.float32)  # Σ w of the spikes of one time
    member = np.empty(width, np.int32)
    crossing = np.empty(width, np.float32)
    for b in range(len(counts)):
        mass[:] = 0
        moment[:] = 0
        member[:] = 0
        crossing[:] = silent
        count, head, r = counts[b], heads[b], 0
        while r < count:
            time = times[b, r]
            if r == head:
                for j in range(width):
                    tied[j] = total[low + j] - mass[j]
                r = count
            else:
                tied[:] = 0
                while r < count and times[b, r] == time:
                    row = rows[b, r]
                    for j in range(width):
                        tied[j] += weights[row, low + j]
                    r += 1
            waiting = 0
            following = times[b, r] if r < count else np.float32(np.inf)
            for j in range(width):
                mass[j] += tied[j]
                moment[j] += tied[j] * time
            if r < count:
                for j in range(width):
                    new = member[j] == 0 and mass[j] > 1 and moment[j] <= following * (mass[j] - 1)
                    member[j] = r if new else member[j]
                    crossing[j] = max(moment[j] / (mass[j] - 1), time) if new else crossing[j]
                    waiting += member[j] == 0
            else:
                for j in range(width):
                    if member[j] == 0 and mass[j] > 1:
                        member[j] = r
                        crossing[j] = max(moment[j] / (mass[j] - 1), time)
            if waiting == 0:
                break
        for j in range(width):
            # A weighted sum may just exceed 1: as late as a silent neuron is silent.
            late = crossing[j] >= silent
            fired[b, low + j] = silent if late else crossing[j]
            members[b, low + j] = 0 if late else member[j]


@_compiled
def fire_source(weights, rows, times, counts, silent, fired, members, low, high):
    """Of all prefixes with Σ w ≥ 1 that fire no earlier than their own last spike, that which fires first."""
    width = high - low
    mass = np.empty(width, np.float32)
    moment = np.empty(width, np.float32)
    member = np.empty(width, np.int32)
    earliest = np.empty(width, np.float32)
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
                then = moment[j] / (excess if excess > 0 else np.float32(1e-30))
                first = excess >= 0 and then >= time and then < earliest[j]
                earliest[j] = then if first else earliest[j]
                member[j] = r + 1 if first else member[j]
            if r % 16 == 15 and time >= earliest.max():  # no later prefix can fire before
                break
        fired[b, low:high] = earliest
        members[b, low:high] = member


@_compiled
def gather_gradient(rows, times, members, ends, slopes, offsets, gradient, low, high):
    """gradient[i, j] += Σ_b (slopes[b, j] · z_i − offsets[b, j]) over spikes r < ends[b] in set (b, j)."""
    width = high - low
    for b in range(len(ends)):
        member = members[b, low:high]
        slope = slopes[b, low:high]
        offset = offsets[b, low:high]
        end = min(ends[b], member.max())
        for r in range(end):
            row, time = rows[b, r], times[b, r]
            for j in range(width):
                gradient[row, low + j] += slope[j] * time - offset[j] if r < member[j] else np.float32(0)


@_compiled
def carry_down(weights, rows, members, signal, carried, first, last):
    """carried[b, i] = Σ_j signal[b, j] · w_ij over the neurons j whose causal set has the spike of i."""
    width = weights.shape[1]
    for b in range(first, last):
        member = members[b]
        for r in range(member.max()):
            row = rows[b, r]
            summed = np.float32(0)
            for j in range(width):
                summed += signal[b, j] * weights[row, j] if r < member[j] else np.float32(0)
            carried[b, row] += summed
