"""The neurons by definition: potentials stepped through time in float64, or solved in fractions."""

from fractions import Fraction

import torch
from torch import Tensor

from zorbench.spiking import SILENT

STEP = 2e-4
"""Of the logarithm of time, in the stepped simulation."""


def potential(z: Tensor, w: Tensor, at: Tensor) -> Tensor:
    """V(t) = Σ w_i (1 − z_i / z)₊ at times `at` [k], for inputs z [n] and weights [n, out]: [k, out]."""
    return (1 - z / at[:, None]).clamp_min(0) @ w


def stepped(z: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    """When V of each neuron first reaches 1 (infinity: never before `SILENT`), and whether that is certain.

    Steps through time in float64 and looks at the instants of spikes, too (V may peak there), then halves
    the step in which the threshold was crossed. Not certain: V came within 1e-4 of the threshold at a peak,
    or ends within 1e-3 of it, so that rounding in float32 may decide.
    """
    z, w = z.double(), w.double()
    spiking = z < SILENT
    z, w = z[spiking], w[spiking]
    last = torch.tensor(SILENT).double().log()
    at = torch.cat([torch.arange(0, float(last), STEP).double().exp(), z]).sort().values
    v = potential(z, w, at)
    above = v >= 1
    fires = above.any(dim=0)
    first = above.double().argmax(dim=0)
    low, high = at[(first - 1).clamp_min(0)], at[first]
    for _ in range(60):
        middle = (low + high) / 2
        reached = (potential_each(z, w, middle)) >= 1
        high, low = torch.where(reached, middle, high), torch.where(reached, low, middle)
    times = torch.where(fires, high, torch.inf)
    peaks = potential(z, w, z)
    before = z[:, None] <= times
    near = ((peaks - 1).abs() < 1e-4) & before
    final = (w.sum(dim=0) - 1).abs() < 1e-3
    return times, ~(near.any(dim=0) | final)


def potential_each(z: Tensor, w: Tensor, at: Tensor) -> Tensor:
    """V of each neuron at a time of its own."""
    return ((1 - z[:, None] / at).clamp_min(0) * w).sum(dim=0)


def solved(z: list[Fraction], w: list[Fraction]) -> Fraction | None:
    """The very instant at which one neuron's V reaches 1, by solving each interval between spikes."""
    instants = sorted(set(z))
    for start, end in zip(instants, [*instants[1:], None], strict=True):
        come = [(a, b) for a, b in zip(z, w, strict=True) if a <= start]
        reached = sum(b for _, b in come) > 1 if end is None else sum(b * (1 - a / end) for a, b in come) >= 1
        if reached:
            # Σ b (1 − a / t) = 1
            return sum(a * b for a, b in come) / (sum(b for _, b in come) - 1)
    return None


def causal_mask(z: Tensor, times: Tensor) -> Tensor:
    """Which inputs [batch, in] came no later than which neurons [batch, out] fired: [batch, in, out]."""
    fired = times < SILENT
    return (z[:, :, None] <= times[:, None]) & fired[:, None] & (z < SILENT)[:, :, None]


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
