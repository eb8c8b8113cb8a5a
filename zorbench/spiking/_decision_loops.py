"""The compiled loops of a decision layer: neurons without a threshold, of which the largest potential decides.

Its neurons fire at the last step if at all, so that an input counts if it fires at any time (before `steps`).
Rows and geometry are those of `_onespike_loops`.
"""

import numba
import numpy as np

_compiled = numba.njit(cache=True, nogil=True, boundscheck=False)
_F = np.float32


@_compiled
def _potentials(sample, rows, geometry, width, heads, tails, potentials):  # type: ignore[no-untyped-def]
    """potentials[place] = Σ rows of the inputs that fire in its window.

    Taps and channels are the outer loops: every row is read once, in the order of the memory.
    """
    kh, kw, channels, padding, steps = geometry
    rows_out, columns = len(potentials) // width, width
    count = 0
    for c in range(channels):
        heads[c] = count
        for y in range(sample.shape[1]):
            for x in range(sample.shape[2]):
                if sample[c, y, x] < steps:
                    tails[count, 0], tails[count, 1] = y + padding, x + padding
                    count += 1
    heads[channels] = count
    potentials[:] = 0
    for dy in range(kh):
        for dx in range(kw):
            for c in range(channels):
                row = rows[(dy * kw + dx) * channels + c]
                for s in range(heads[c], heads[c + 1]):
                    y, x = tails[s, 0] - dy, tails[s, 1] - dx
                    if 0 <= y < rows_out and 0 <= x < columns:
                        potential = potentials[y * columns + x]
                        for f in range(len(row)):
                            potential[f] += row[f]


@_compiled
def _largest(potentials, outputs, width, steps, exact, winner):  # type: ignore[no-untyped-def]
    """The winner's map, row and column: of equal ones the least place in [maps, rows, columns]; -1: silence.

    As in the source, potentials are compared as v + V, V = T max v, in float32, or in `exact` order as v.
    """
    largest = _F(0)
    for potential in potentials:
        for f in range(outputs):
            largest = max(largest, potential[f])
    winner[:] = -1
    if largest == 0:
        return False
    offset = _F(0) if exact else _F(steps) * largest
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
def decide(samples, rows, geometry, shape, exact, potentials, winners, first, last):  # type: ignore[no-untyped-def]
    """The winners [samples, 3] of layers as they are; `potentials` [samples, places, maps] may be empty."""
    outputs, width = shape[0], shape[2]
    heads, tails = np.empty(geometry[2] + 1, np.int32), np.empty((samples[0].size, 2), np.int32)
    current = np.empty((shape[1] * width, rows.shape[1]), _F)
    for n in range(first, last):
        _potentials(samples[n], rows, geometry, width, heads, tails, current)
        _largest(current, outputs, width, geometry[4], exact, winners[n])
        if len(potentials) > 0:
            potentials[n] = current[:, :outputs]


@_compiled
def _adapt(sample, rows, geometry, winner, rates, bounds, stabilised):  # type: ignore[no-untyped-def]
    """STDP of the winner, whose spike comes after all of its inputs'."""
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
def learn(samples, order, targets, classes, rows, geometry, shape, exact, rules, winners, decisions):  # type: ignore[no-untyped-def]
    """Sample after sample: decide, then reward (`rules[0]`) or punish (`rules[1]`) the winner.

    A rule is (rates, bounds, stabilised). Silence changes nothing. The first update puts all weights into its
    bounds; after it only winners' can leave them.
    """
    outputs, width = shape[0], shape[2]
    heads, tails = np.empty(geometry[2] + 1, np.int32), np.empty((samples[0].size, 2), np.int32)
    current = np.empty((shape[1] * width, rows.shape[1]), _F)
    clamped = False
    for i in range(len(order)):
        sample = samples[order[i]]
        _potentials(sample, rows, geometry, width, heads, tails, current)
        if not _largest(current, outputs, width, geometry[4], exact, winners[i]):
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
