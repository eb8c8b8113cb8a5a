# mypy: ignore-errors
# What is compiled is typed by numba, from the arrays that it is called with.
"""The compiled loops of a leaky integrate-and-fire layer: forward and backward through time in one pass each.

Arrays are [time, batch, neurons]; thresholds [neurons]. Work is on the samples `first` to `last`, so that it
can be shared out among threads.
"""

from typing import Any

import numba
import numpy as np

_compiled: Any = numba.njit(cache=True, nogil=True, fastmath={"contract", "nsz", "arcp"}, error_model="numpy")
_F = np.float32


@_compiled
def forward(currents, thresholds, decay, potentials, spikes, first, last):
    """u[t] = decay · u′[t−1] + I[t], s[t] = 1[u[t] ≥ θ], u′[t] = (1 − s[t]) u[t]."""
    steps, _, width = currents.shape
    tau = _F(decay)
    kept = np.empty(width, _F)
    for b in range(first, last):
        kept[:] = 0
        for t in range(steps):
            current, potential, spike = currents[t, b], potentials[t, b], spikes[t, b]
            for n in range(width):
                u = tau * kept[n] + current[n]
                s = _F(1) if u >= thresholds[n] else _F(0)
                potential[n] = u
                spike[n] = s
                kept[n] = (_F(1) - s) * u


@_compiled
def backward(gradient, potentials, thresholds, decay, alpha, to_currents, to_thresholds, first, last):
    """The gradients of the currents, and of the thresholds added up over time and the samples here."""
    steps, _, width = potentials.shape
    tau, half, slope = _F(decay), _F(alpha / 2), _F(np.pi * alpha / 2)
    later = np.empty(width, _F)  # gradient of u′[t]
    for b in range(first, last):
        later[:] = 0
        for t in range(steps - 1, -1, -1):
            above, potential, below = gradient[t, b], potentials[t, b], to_currents[t, b]
            # Three short loops: the compiler does not vectorise one that writes to so many arrays.
            for n in range(width):
                u = potential[n]
                x = (u - thresholds[n]) * slope
                below[n] = (above[n] - u * later[n]) * half / (_F(1) + x * x)
            for n in range(width):
                to_thresholds[n] -= below[n]
            for n in range(width):
                below[n] += _F(0) if potential[n] >= thresholds[n] else later[n]
                later[n] = tau * below[n]
