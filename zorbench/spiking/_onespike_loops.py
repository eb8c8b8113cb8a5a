"""The compiled loops of convolutional layers whose neurons fire at most once.

A layer's weights are rows: `rows[(dy · kw + dx) · channels + c, f]`, a column a map, filled up to a round
number. Each spike adds its row to the potentials of a place. Sums run in order of (time, column, row,
channel), and no product is fused with a sum: updates are the bits that torch computes. Geometry is a tuple
(kh, kw, channels, padding, steps).

All are in one file: Numba does not notice that a function called from a cached one in another file has
changed.
"""

from typing import Any

import numba
import numpy as np

_compiled: Any = numba.njit(cache=True, nogil=True, error_model="numpy")  # no division raises
_F = np.float32


@_compiled
def _sort_spikes(times, padding, steps, starts, spikes):  # type: ignore[no-untyped-def]
    """A sample's spikes by (time, row, column, channel): those of one place begin at `starts[place]`.

    Places count the padded input: (time · height + row) · width + column. A spike is its column and channel.
    """
    channels, height, width = times.shape
    high, wide = height + 2 * padding, width + 2 * padding
    starts[:] = 0
    for c in range(channels):
        for y in range(height):
            for x in range(width):
                if times[c, y, x] < steps:
                    starts[(times[c, y, x] * high + y + padding) * wide + x + padding + 2] += 1
    for place in range(1, len(starts)):
        starts[place] += starts[place - 1]
    for c in range(channels):
        for y in range(height):
            for x in range(width):
                if times[c, y, x] < steps:
                    place = (times[c, y, x] * high + y + padding) * wide + x + padding + 1
                    spikes[starts[place], 0], spikes[starts[place], 1] = x + padding, c
                    starts[place] += 1


@_compiled
def _sort_strip(starts, spikes, kernel, steps, high, wide, y, heads, strip):  # type: ignore[no-untyped-def]
    """The spikes that a row y of neurons sees, by (time, column, row, channel).

    Those of step t and column x begin at `heads[t · wide + x]`. A spike is the row of weights through which
    it reaches the neuron in column 0; the neuron in column x is reached through the row x · channels before.
    """
    kh, kw, channels = kernel
    heads[0] = heads[1] = 0
    total = 0
    for t in range(steps):
        counts = heads[t * wide + 2 : (t + 1) * wide + 2]
        counts[:] = total
        for dy in range(kh):
            first = (t * high + y + dy) * wide
            for x in range(wide):
                counts[x] += starts[first + x + 1] - starts[first]
        total = counts[wide - 1]
    for t in range(steps):
        for dy in range(kh):
            first = (t * high + y + dy) * wide
            for s in range(starts[first], starts[first + wide]):
                head = t * wide + spikes[s, 0] + 1
                strip[heads[head]] = (dy * kw + spikes[s, 0]) * channels + spikes[s, 1]
                heads[head] += 1


@_compiled
def fire(samples, rows, geometry, theta, least, pool, times, potentials, first, last):  # type: ignore[no-untyped-def]
    """First-spike times, the earliest in windows of `pool`, and if `pool` is 1 the potentials at them.

    `times` [samples, maps, rows, columns] also says how many maps and windows there are. A place is left as
    soon as all its maps have fired. `potentials` may have no samples: then none are written. No map fires on
    fewer than `least` spikes.
    """
    kh, kw, channels, padding, steps = geometry
    outputs, low, narrow = times.shape[1:]
    high, wide = samples.shape[2] + 2 * padding, samples.shape[3] + 2 * padding
    starts, heads = np.empty(steps * high * wide + 2, np.int32), np.empty(steps * wide + 2, np.int32)
    spikes, strip = np.empty((samples[0].size, 2), np.int32), np.empty(samples[0].size, np.int32)
    width = rows.shape[1]
    potential, at_first = np.empty(width, _F), np.empty(width, _F)
    lasted = np.empty(width, np.int32)  # steps from the first spike on
    most = np.empty((narrow, width), np.int32)
    for n in range(first, last):
        _sort_spikes(samples[n], padding, steps, starts, spikes)
        for y in range(low * pool):
            _sort_strip(starts, spikes, (kh, kw, channels), steps, high, wide, y, heads, strip)
            if y % pool == 0:
                most[:] = 0
            for x in range(narrow * pool):
                potential[:] = 0
                lasted[:] = 0
                at_first[:] = 0
                seen = 0
                for t in range(steps):
                    begin, end = heads[t * wide + x], heads[t * wide + x + kw]
                    if begin == end:
                        continue
                    seen += end - begin
                    for s in range(begin, end):
                        row = rows[strip[s] - x * channels]
                        for f in range(width):
                            potential[f] += row[f]
                    if seen < least:
                        continue
                    if len(potentials) > 0:
                        for f in range(width):
                            new = potential[f] > theta and lasted[f] == 0
                            at_first[f] = potential[f] if new else at_first[f]
                    waiting = 0
                    for f in range(outputs):
                        lasted[f] = max(lasted[f], steps - t if potential[f] > theta else 0)
                        waiting += lasted[f] == 0
                    if waiting == 0:
                        break
                longest = most[x // pool]
                for f in range(width):
                    longest[f] = max(longest[f], lasted[f])
                if len(potentials) > 0:
                    for f in range(outputs):
                        potentials[n, f, y, x] = at_first[f]
            if y % pool == pool - 1:
                for f in range(outputs):
                    for u in range(narrow):
                        times[n, f, y // pool, u] = steps - most[u, f]


@_compiled
def _first_maps(layer, kernel, starts, spikes, steps, high, wide, scratch, candidates):  # type: ignore[no-untyped-def]
    """Where any map fires: that which fires first with the largest potential, as candidates; how many?

    Nothing after a place's first spike is worked out, since point-wise inhibition silences it.
    """
    rows, outputs, theta, least = layer
    kh, kw, channels = kernel
    heads, strip, potential = scratch
    maps, places, lasted, values = candidates
    count, width = 0, len(potential)
    for y in range(high - kh + 1):
        _sort_strip(starts, spikes, kernel, steps, high, wide, y, heads, strip)
        for x in range(wide - kw + 1):
            potential[:] = 0
            seen = 0
            for t in range(steps):
                begin, end = heads[t * wide + x], heads[t * wide + x + kw]
                if begin == end:
                    continue
                seen += end - begin
                for s in range(begin, end):
                    row = rows[strip[s] - x * channels]
                    for f in range(width):
                        potential[f] += row[f]
                if seen < least:
                    continue
                above = 0
                for f in range(width):
                    above += potential[f] > theta
                if above == 0:
                    continue
                best, value = -1, theta
                for f in range(outputs):
                    if potential[f] > value:
                        best, value = f, potential[f]
                if best >= 0:
                    maps[count], places[count] = best, y * (wide - kw + 1) + x
                    lasted[count], values[count] = steps - t, value
                    count += 1
                    break
    return count


@_compiled
def _select(candidates, count, shape, steps, radius, lexicographic, scores, winners, chosen):  # type: ignore[no-untyped-def]
    """Write up to len(winners) rows (map, row, column), -1 where there is none; how many?

    A candidate's score is, as in the source, Σ over its `lasted` steps of v + V, V = T max v, in float32; in
    lexicographic order, `lasted` first, then v. Of equal ones the least place in [maps, rows, columns] wins.
    `chosen`: the candidates that won.
    """
    maps, places, lasted, values = candidates
    size, width = shape
    largest = _F(0)
    for i in range(count):
        largest = max(largest, values[i])
    offset = _F(steps) * largest
    for i in range(count):
        if lexicographic:
            scores[i] = values[i]
            continue
        term, scores[i] = values[i] + offset, 0
        for _ in range(lasted[i]):
            scores[i] += term
    winners[:] = -1
    for w in range(len(winners)):
        best, most, score, at = -1, 0, _F(0), 0
        for i in range(count):
            if scores[i] < 0:
                continue
            rank, here = lasted[i] if lexicographic else 1, maps[i] * size + places[i]
            if rank < most or (rank == most and scores[i] < score):
                continue
            if rank > most or scores[i] > score or here < at:
                best, most, score, at = i, rank, scores[i], here
        if best < 0:
            return w
        f, y, x = maps[best], places[best] // width, places[best] % width
        chosen[w] = best
        winners[w, 0], winners[w, 1], winners[w, 2] = f, y, x
        for i in range(count):
            near = abs(places[i] // width - y) <= radius and abs(places[i] % width - x) <= radius
            if maps[i] == f or (radius > 0 and near):
                scores[i] = -1
    return len(winners)


@_compiled
def select(times, potentials, steps, radius, lexicographic, winners):  # type: ignore[no-untyped-def]
    """The winners among all neurons that fire, for each sample."""
    maps, height, width = times.shape[1:]
    most = times[0].size
    integers = np.empty((3, most), np.int32)
    values, scores, chosen = np.empty(most, _F), np.empty(most, _F), np.empty(winners.shape[1], np.int32)
    candidates = integers[0], integers[1], integers[2], values
    for n in range(len(times)):
        count = 0
        for f in range(maps):
            for place in range(height * width):
                y, x = place // width, place % width
                if times[n, f, y, x] < steps:
                    integers[0, count], integers[1, count] = f, place
                    integers[2, count] = steps - times[n, f, y, x]
                    values[count] = potentials[n, f, y, x]
                    count += 1
        _select(
            candidates,
            count,
            (height * width, width),
            steps,
            radius,
            lexicographic,
            scores,
            winners[n],
            chosen,
        )


@_compiled
def adapt(sample, rows, geometry, winner, post, rates, bounds, stabilised):  # type: ignore[no-untyped-def]
    """STDP of one winner: w += a (w - low)(high - w), or w += a; then into the bounds.

    a = rates[0] where the input fired at `post` or before, else rates[1].
    """
    kh, kw, channels, padding, _ = geometry
    height, width = sample.shape[1:]
    low, high = bounds
    f, y, x = winner
    for dy in range(kh):
        for dx in range(kw):
            v, u = y + dy - padding, x + dx - padding
            inside = 0 <= v < height and 0 <= u < width
            for c in range(channels):
                fired = inside and sample[c, v, u] <= post
                a = rates[0] if fired else rates[1]
                w = rows[(dy * kw + dx) * channels + c, f]
                w += a * ((w - low) * (high - w)) if stabilised else a
                rows[(dy * kw + dx) * channels + c, f] = min(max(w, low), high)


@_compiled
def clamp(rows, outputs, bounds):  # type: ignore[no-untyped-def]
    """All weights into the bounds; columns that are no maps stay as they are."""
    for row in rows:
        for f in range(outputs):
            row[f] = min(max(row[f], bounds[0]), bounds[1])


@_compiled
def learn(samples, order, layer, geometry, radius, lexicographic, rates, bounds, stabilised, winners):  # type: ignore[no-untyped-def]
    """Sample after sample: first spikes, point-wise inhibition, winners, STDP at the sample's `rates`.

    `layer`: rows, how many maps, their threshold, and the number of spikes below which none can fire.
    The first sample puts all weights into the bounds; after it only winners' can leave them.
    """
    rows, outputs, _, _ = layer
    kh, kw, channels, padding, steps = geometry
    kernel = (kh, kw, channels)
    high, wide = samples.shape[2] + 2 * padding, samples.shape[3] + 2 * padding
    shape = ((high - kh + 1) * (wide - kw + 1), wide - kw + 1)
    starts, heads = np.empty(steps * high * wide + 2, np.int32), np.empty(steps * wide + 2, np.int32)
    spikes, strip = np.empty((samples[0].size, 2), np.int32), np.empty(samples[0].size, np.int32)
    scratch = heads, strip, np.empty(rows.shape[1], _F)
    integers = np.empty((3, shape[0]), np.int32)
    values, scores = np.empty(shape[0], _F), np.empty(shape[0], _F)
    chosen = np.empty(winners.shape[1], np.int32)
    candidates = integers[0], integers[1], integers[2], values
    for i in range(len(order)):
        sample = samples[order[i]]
        _sort_spikes(sample, padding, steps, starts, spikes)
        count = _first_maps(layer, kernel, starts, spikes, steps, high, wide, scratch, candidates)
        found = _select(candidates, count, shape, steps, radius, lexicographic, scores, winners[i], chosen)
        for w in range(found):
            winner = winners[i, w, 0], winners[i, w, 1], winners[i, w, 2]
            adapt(
                sample, rows, geometry, winner, steps - integers[2, chosen[w]], rates[i], bounds, stabilised
            )
        if i == 0:
            clamp(rows, outputs, bounds)
