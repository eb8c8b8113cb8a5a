"""The compiled loop of rank-order coding: which values of an image fire at which step."""

from typing import Any

import numba
import numpy as np

_compiled: Any = numba.njit(cache=True, nogil=True, error_model="numpy")  # no division raises


@_compiled
def rank(values, bits, steps, times, first, last):  # type: ignore[no-untyped-def]
    """Write into `times` [images, values] the step at which each value fires, `steps` where it never does.

    `bits` are the values' own bits: positive floats are in the order of their bits, so that a radix sort by
    bytes, stable and from the least one on, puts the largest value first and equal ones in their order.
    """
    size = values.shape[1]
    order, other = np.empty(size, np.int32), np.empty(size, np.int32)
    for image in range(first, last):
        key, count = bits[image], 0
        for place in range(size):
            if values[image, place] > 0:
                order[count] = place
                count += 1
        for shift in (0, 8, 16, 24):
            starts = np.zeros(257, np.int32)
            for i in range(count):
                starts[256 - ((key[order[i]] >> np.uint32(shift)) & np.uint32(255))] += 1
            for digit in range(1, 257):
                starts[digit] += starts[digit - 1]
            for i in range(count):
                digit = 255 - ((key[order[i]] >> np.uint32(shift)) & np.uint32(255))
                other[starts[digit]] = order[i]
                starts[digit] += 1
            order, other = other, order
        share, when = max(1, count // steps), times[image]
        when[:] = steps
        for i in range(min(count, share * steps)):
            when[order[i]] = i // share
