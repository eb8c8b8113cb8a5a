# mypy: ignore-errors
# What is compiled is typed by numba, from the arrays that it is called with.
"""The compiled loops of a convolutional block: normalise, integrate and fire, pool in one pass.

Currents are [time, batch, channels, height · width]. A thread has channels `first` to `last` to itself: what
is normalised together, and all that a channel's loops go over again, lies in its cache.
"""

from typing import Any

import numba
import numpy as np

_compiled: Any = numba.njit(
    cache=True, nogil=True, fastmath={"contract", "nsz", "arcp", "reassoc"}, error_model="numpy"
)
_F = np.float32


@_compiled
def moments(currents, means, variances, first, last):
    """Mean and (biased) variance of each channel over time, batch and places."""
    steps, batch, _, area = currents.shape
    count = steps * batch * area
    for c in range(first, last):
        total = 0.0
        for t in range(steps):
            for b in range(batch):
                plane, part = currents[t, b, c], _F(0)
                for n in range(area):
                    part += plane[n]
                total += part
        mean = _F(total / count)
        total = 0.0
        for t in range(steps):
            for b in range(batch):
                plane, part = currents[t, b, c], _F(0)
                for n in range(area):
                    part += (plane[n] - mean) * (plane[n] - mean)
                total += part
        means[c], variances[c] = mean, total / count


@_compiled
def _potentials(currents, b, c, scale, shift, bias, thresholds, tau, kept, potentials, spikes):
    """u and s of one sample's channel for all steps, from y = scale · x + shift + bias."""
    steps, _, _, area = currents.shape
    kept[:] = 0
    for t in range(steps):
        plane, potential, spike = currents[t, b, c], potentials[t], spikes[t]
        for n in range(area):
            u = scale * plane[n] + (tau * kept[n] + shift + bias[n])
            s = _F(1) if u >= thresholds[n] else _F(0)
            potential[n] = u
            spike[n] = s
            kept[n] = (_F(1) - s) * u


@_compiled
def forward(currents, scales, shifts, biases, thresholds, decay, width, pooled, first, last):
    """Spikes after 2×2 max pooling: a pooled neuron fires when one of its four does."""
    steps, batch, _, area = currents.shape
    potentials, spikes = np.empty((steps, area), _F), np.empty((steps, area), _F)
    kept, tall = np.empty(area, _F), np.empty(width, _F)
    half, rows, tau = width // 2, area // width // 2, _F(decay)
    for c in range(first, last):
        scale, shift, bias, theta = scales[c], shifts[c], biases[c], thresholds[c]
        for b in range(batch):
            _potentials(currents, b, c, scale, shift, bias, theta, tau, kept, potentials, spikes)
            for t in range(steps):
                s, out = spikes[t], pooled[t, b, c]
                for i in range(rows):
                    upper, lower = s[2 * i * width : (2 * i + 1) * width], s[(2 * i + 1) * width :]
                    for j in range(width):
                        tall[j] = max(upper[j], lower[j])
                    for j in range(half):
                        out[i * half + j] = max(tall[2 * j], tall[2 * j + 1])


@_compiled
def backward(
    gradient,
    currents,
    means,
    deviations,
    scales,
    shifts,
    biases,
    thresholds,
    decay,
    alpha,
    width,
    whole,
    to_thresholds,
    to_biases,
    to_scales,
    to_shifts,
    first,
    last,
):
    """The gradients of everything; that of the currents is written over them, which saves memory and time.

    `whole`: through the moments of the batch as well.

    Pooling passes its gradient to the first of its four neurons that fires, or to the first if none does.
    """
    steps, batch, _, area = currents.shape
    tau, halved, slope = _F(decay), _F(alpha / 2), _F(np.pi * alpha / 2)
    potentials, spikes = np.empty((steps, area), _F), np.empty((steps, area), _F)
    above, later, through = np.empty(area, _F), np.empty(area, _F), np.empty(area, _F)
    half, rows, count = width // 2, area // width // 2, steps * batch * area
    kept = np.empty((steps, batch, area), _F)  # the gradient of y
    for c in range(first, last):
        mean, inverse = means[c], _F(1) / deviations[c]
        scale, shift, bias = scales[c], shifts[c], biases[c]
        theta, to_theta, to_bias = thresholds[c], to_thresholds[c], to_biases[c]
        summed, projected = 0.0, 0.0  # Σ g and Σ g x̂
        for b in range(batch):
            _potentials(currents, b, c, scale, shift, bias, theta, tau, later, potentials, spikes)
            later[:] = 0
            for t in range(steps - 1, -1, -1):
                u, s, pool = potentials[t], spikes[t], gradient[t, b, c]
                above[:] = 0
                for i in range(rows):
                    upper, lower = s[2 * i * width : (2 * i + 1) * width], s[(2 * i + 1) * width :]
                    up, low = above[2 * i * width : (2 * i + 1) * width], above[(2 * i + 1) * width :]
                    line = pool[i * half : (i + 1) * half]
                    for j in range(half):
                        # Without branches, which would be guessed wrong half of the time.
                        none = _F(1) - upper[2 * j]
                        second = none * upper[2 * j + 1]
                        none *= _F(1) - upper[2 * j + 1]
                        third = none * lower[2 * j]
                        fourth = none * (_F(1) - lower[2 * j]) * lower[2 * j + 1]
                        up[2 * j] = line[j] * (_F(1) - second - third - fourth)
                        up[2 * j + 1] = line[j] * second
                        low[2 * j] = line[j] * third
                        low[2 * j + 1] = line[j] * fourth
                for n in range(area):
                    x = (u[n] - theta[n]) * slope
                    through[n] = halved / (_F(1) + x * x)
                for n in range(area):
                    through[n] *= above[n] - u[n] * later[n]
                for n in range(area):
                    to_theta[n] -= through[n]
                below, plane = kept[t, b], currents[t, b, c]
                part, along = _F(0), _F(0)
                for n in range(area):
                    g = through[n] + (_F(1) - s[n]) * later[n]
                    below[n] = g
                    later[n] = tau * g
                for n in range(area):
                    part += below[n]
                    along += below[n] * (plane[n] - mean) * inverse
                for n in range(area):
                    to_bias[n] += below[n]
                summed += part
                projected += along
        to_shifts[c], to_scales[c] = summed, projected
        level = _F(summed / count) if whole else _F(0)
        tilt = _F(projected / count) * inverse if whole else _F(0)
        for t in range(steps):
            for b in range(batch):
                below, plane = kept[t, b], currents[t, b, c]
                for n in range(area):
                    plane[n] = scale * (below[n] - level - (plane[n] - mean) * tilt)
