"""The compiled loops of a decision layer: no threshold, the largest potential decides.

Its neurons fire at the last step if at all, so that an input counts if it fires at any time (before `steps`).
Rows and geometry are those of `_onespike_loops`.
"""

from typing import Any

import numba
import numpy as np

_compiled: Any = numba.njit(cache=True, nogil=True, error_model="numpy")  # no division raises
_F = np.float32
BLOCK = 32  # channels whose rows are worked on at once, so that they stay in the cache


@_compiled
def _scratch(samples):  # type: ignore[no-untyped-def]
    """Room for the lists of the channels that fire at each place of a sample, block by block."""
    _, channels, height, width = samples.shape
    heads = np.empty((height * width, (channels + BLOCK - 1) // BLOCK + 1), np.int32)
    return heads, np.empty(channels * height * width + 1, np.int32)


@_compiled
def _potentials(sample, rows, geometry, width, heads, active, potentials):  # type: ignore[no-untyped-def]
    """potentials[place] = Σ rows of the inputs that fire in its window, four rows at a time.

    Taps and blocks of channels are the outer loops: every row is read from afar once, in the order of the
    memory, and met by all places while it is near.
    """
    kh, kw, channels, padding, steps = geometry
    rows_out, columns = len(potentials) // width, width
    height, broad = sample.shape[1:]
    blocks = heads.shape[1] - 1
    count = 0
    for y in range(height):
        for x in range(broad):
            for block in range(blocks):
                heads[y * broad + x, block] = count
                for c in range(block * BLOCK, min((block + 1) * BLOCK, channels)):
                    active[count] = c
                    count += sample[c, y, x] < steps
            heads[y * broad + x, blocks] = count
    potentials[:] = 0
    for dy in range(kh):
        for dx in range(kw):
            shift = (dy * kw + dx) * channels
            for block in range(blocks):
                for v in range(max(dy - padding, 0), min(rows_out + dy - padding, height)):
                    for u in range(max(dx - padding, 0), min(columns + dx - padding, broad)):
                        potential = potentials[(v + padding - dy) * columns + u + padding - dx]
                        begin, end = heads[v * broad + u, block], heads[v * broad + u, block + 1]
                        fours = begin + (end - begin) // 4 * 4
                        for s in range(begin, fours, 4):
                            a, b = rows[shift + active[s]], rows[shift + active[s + 1]]
                            c, d = rows[shift + active[s + 2]], rows[shift + active[s + 3]]
                            for f in range(len(potential)):
                                potential[f] += (a[f] + b[f]) + (c[f] + d[f])
                        for s in range(fours, end):
                            a = rows[shift + active[s]]
                            for f in range(len(potential)):
                                potential[f] += a[f]


@_compiled
def _largest(potentials, outputs, width, steps, lexicographic, winner):  # type: ignore[no-untyped-def]
    """The winner's map, row and column: of equal ones the least place in [maps, rows, columns]; -1: silence.

    As in the source, potentials are compared as v + V, V = T max v, in float32; in `lexicographic` order as
    v.
    """
    largest = _F(0)
    for potential in potentials:
        for f in range(outputs):
            largest = max(largest, potential[f])
    winner[:] = -1
    if largest == 0:
        return False
    offset = _F(0) if lexicographic else _F(steps) * largest
    top, best = largest + offset, outputs * len(potentials)
    for place in range(len(potentials)):
        for f in range(outputs):
            if potentials[place, f] + offset == top and potentials[place, f] > 0:
                best = min(best, f * len(potentials) + place)
                break
    place = best % len(potentials)
    winner[0], winner[1], winner[2] = best // len(potentials), place // width, place % width
    return True


@_compiled
def decide(samples, rows, geometry, shape, lexicographic, potentials, winners, first, last):  # type: ignore[no-untyped-def]
    """The winners [samples, 3] of layers as they are; `potentials` [samples, places, maps] may be empty."""
    outputs, width = shape[0], shape[2]
    heads, active = _scratch(samples)
    current = np.empty((shape[1] * width, rows.shape[1]), _F)
    for n in range(first, last):
        _potentials(samples[n], rows, geometry, width, heads, active, current)
        _largest(current, outputs, width, geometry[4], lexicographic, winners[n])
        if len(potentials) > 0:
            potentials[n] = current[:, :outputs]


@_compiled
def _adapt(sample, rows, geometry, winner, rates, bounds, stabilised):  # type: ignore[no-untyped-def]
    """`_onespike_loops.adapt`, written again (see there why) for a spike that comes after all others."""
    kh, kw, channels, padding, steps = geometry
    height, width = sample.shape[1:]
    low, high = bounds
    f, y, x = winner
    for dy in range(kh):
        for dx in range(kw):
            v, u = y + dy - padding, x + dx - padding
            inside = 0 <= v < height and 0 <= u < width
            for c in range(channels):
                fired = inside and sample[c, v, u] < steps
                a = rates[0] if fired else rates[1]
                w = rows[(dy * kw + dx) * channels + c, f]
                w += a * ((w - low) * (high - w)) if stabilised else a
                rows[(dy * kw + dx) * channels + c, f] = min(max(w, low), high)


@_compiled
def learn(samples, order, targets, classes, rows, geometry, shape, lexicographic, rules, winners, decisions):  # type: ignore[no-untyped-def]
    """Sample after sample: decide, then reward (`rules[0]`) or punish (`rules[1]`) the winner.

    A rule is (rates, bounds, stabilised). Silence changes nothing. The first update puts all weights into its
    bounds; after it only winners' can leave them.
    """
    outputs, width = shape[0], shape[2]
    heads, active = _scratch(samples)
    current = np.empty((shape[1] * width, rows.shape[1]), _F)
    clamped = False
    for i in range(len(order)):
        sample = samples[order[i]]
        _potentials(sample, rows, geometry, width, heads, active, current)
        if not _largest(current, outputs, width, geometry[4], lexicographic, winners[i]):
            decisions[i] = -1
            continue
        winner = winners[i, 0], winners[i, 1], winners[i, 2]
        decisions[i] = classes[winner[0]]
        rates, bounds, stabilised = rules[0] if decisions[i] == targets[order[i]] else rules[1]
        _adapt(sample, rows, geometry, winner, rates, bounds, stabilised)
        if not clamped:
            low, high = bounds
            for row in rows:
                for f in range(outputs):
                    row[f] = min(max(row[f], low), high)
            clamped = True
