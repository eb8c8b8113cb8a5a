"""Images as first-spike times: at most one spike a neuron, the strongest first.

A neuron that fires at step t is the number t, one that never fires is T: one byte, where a wave of T slices
(1 from the first spike on) takes T.
"""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from zorbench.spiking import _latency_loops
from zorbench.spiking.checks import check_steps, check_unit
from zorbench.spiking.filters import filtered, normalised
from zorbench.spiking.threads import parts, share_out

CHUNK = 256  # images that are filtered at once: their maps take a few MB


def check_byte(steps: int) -> None:
    """Raise `ValueError` unless T is a number of steps that a byte can hold."""
    check_steps(steps)
    if steps > 255:
        raise ValueError(f"first-spike times are bytes: T must be at most 255, got {steps}")


def latencies(intensities: Float[Tensor, "batch *shape"], steps: int) -> UInt8[Tensor, "batch *shape"]:
    """Rank-order code: step ⌊rank / b⌋, b = max(1, ⌊Z / T⌋), for an image's Z values above 0; else never.

    Ranks run from the largest value over all channels together; equal values in the order of their places.
    The last Z − T b never fire. With Z < T, which the source refuses, one value fires at each of the first Z
    steps; a blank image has no spike. Raises `ValueError` for values below 0 or NaN.
    """
    check_byte(steps)
    values = intensities.to(torch.float32).flatten(1).contiguous()
    if not bool((values >= 0).all()):
        raise ValueError("intensities must be 0 or more, and no NaN")
    times = torch.empty(values.shape, dtype=torch.uint8)
    arrays = values.numpy(), values.numpy().view(np.uint32), steps, times.numpy()

    def work(first: int, last: int) -> None:
        _latency_loops.rank(*arrays, first, last)

    share_out(parts(len(values), max(len(values), 1), 16), work)
    return times.view(intensities.shape)


def encode(
    images: Float[Tensor, "batch channels height width"],
    kernels: Float[Tensor, "kernels 1 size size"],
    *,
    threshold: float | Sequence[float] = 50.0,
    padding: int | None = None,
    radius: int = 8,
    steps: int = 15,
) -> UInt8[Tensor, "batch kernels rows columns"]:
    """Images in [0, 1] through a bank of filters (on 0 … 255), a threshold and normalisation, as latencies.

    Works through chunks: beside the result it takes little memory, for however many images.
    """
    check_unit(images, "images")
    margin = kernels.shape[-1] // 2 if padding is None else padding
    sides = (side + 2 * margin - kernels.shape[-1] + 1 for side in images.shape[2:])
    times = torch.empty(len(images), len(kernels), *sides, dtype=torch.uint8)
    for chunk, into in zip(images.split(CHUNK), times.split(CHUNK), strict=True):
        maps = filtered(chunk.to(torch.float32) * 255, kernels, threshold, padding=margin)
        into.copy_(latencies(normalised(maps, radius), steps))
    return times


def to_wave(
    times: UInt8[Tensor, "batch maps height width"], steps: int
) -> UInt8[Tensor, "batch time maps height width"]:
    """The cumulative wave: 0 before a neuron's first spike, 1 from it on."""
    when = torch.arange(steps, dtype=torch.uint8, device=times.device).view(-1, 1, 1, 1)
    return (times[:, None] <= when).to(torch.uint8)


def from_wave(
    wave: UInt8[Tensor, "batch time maps height width"],
) -> UInt8[Tensor, "batch maps height width"]:
    """First-spike times of a cumulative wave, T − Σ_t S[t]."""
    return (wave.shape[1] - wave.ne(0).sum(dim=1)).to(torch.uint8)


def padded(
    times: UInt8[Tensor, "batch maps height width"], margin: int, steps: int
) -> UInt8[Tensor, "batch maps taller wider"]:
    """Neurons that never fire around each map."""
    return F.pad(times, [margin] * 4, value=steps)


def pooled(
    times: UInt8[Tensor, "batch maps height width"], size: int, stride: int | None = None
) -> UInt8[Tensor, "batch maps lower narrower"]:
    """The earliest spike of each window; rows and columns that fill no window are dropped.

    On a wave this is max-pooling. `stride` is `size` unless given.
    """
    windows = times.unfold(2, size, stride or size).unfold(3, size, stride or size)
    return windows.amin(dim=(-2, -1))
