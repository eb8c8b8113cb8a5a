"""Leaky integrate-and-fire neurons, trained through time by a surrogate gradient."""

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from zorbench.spiking import _lif_loops
from zorbench.spiking.threads import parts, share_out

DECAY = 0.5
"""τ, the share of its potential that a neuron keeps from one step to the next."""

ALPHA = 2.0
"""Sharpness of the surrogate."""

_LEAST = 2**19  # numbers that are worth a thread: making one takes a tenth of a millisecond


def lif(
    currents: Float[Tensor, "time batch *neurons"],
    thresholds: Float[Tensor, "*neurons"],
    decay: float = DECAY,
    alpha: float = ALPHA,
) -> Float[Tensor, "time batch *neurons"]:
    """Spikes (0 or 1) of a layer with hard reset, from zero potential.

        u[t] = τ u′[t−1] + I[t],   s[t] = 1[u[t] ≥ θ],   u′[t] = (1 − s[t]) u[t],   τ = `decay`

    Backward: ds/du = −ds/dθ = (α/2) / (1 + (π α (u − θ) / 2)²), the reset path included. Source: Sun et al.,
    IEEE TCDS 2023 (STL-SNN); surrogate: Fang et al. 2021 (arctangent).
    """
    if currents.ndim < 3 or currents.shape[2:] != thresholds.shape:
        raise ValueError(
            f"currents are [time, batch, *neurons] with thresholds [*neurons], "
            f"got {list(currents.shape)} and {list(thresholds.shape)}"
        )
    spikes: Tensor = _LIF.apply(currents, thresholds, decay, alpha)
    return spikes


class _LIF(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, currents: Tensor, thresholds: Tensor, decay: float, alpha: float) -> Tensor:
        currents = currents.contiguous()  # and so what is made like them: the loops write into flat views
        potentials, spikes = torch.empty_like(currents), torch.empty_like(currents)
        if currents.device.type == "cpu" and currents.dtype == torch.float32:
            _forward_compiled(currents, thresholds, decay, potentials, spikes)
        else:
            _forward(currents, thresholds, decay, potentials, spikes)
        ctx.save_for_backward(potentials, thresholds)
        ctx.constants = decay, alpha
        return spikes

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        potentials, thresholds = ctx.saved_tensors
        (gradient,) = gradients
        compiled = potentials.device.type == "cpu" and potentials.dtype == torch.float32
        work = _backward_compiled if compiled else _backward
        return *work(gradient, potentials, thresholds, *ctx.constants), None, None


def _flat(tensor: Tensor) -> Any:
    """As a NumPy array [time, batch, neurons] of the same memory."""
    return tensor.detach().reshape(*tensor.shape[:2], -1).numpy()


def _forward_compiled(
    currents: Tensor, thresholds: Tensor, decay: float, potentials: Tensor, spikes: Tensor
) -> None:
    arrays = _flat(currents), thresholds.detach().reshape(-1).numpy(), decay
    outputs = _flat(potentials), _flat(spikes)

    def work(first: int, last: int) -> None:
        _lif_loops.forward(*arrays, *outputs, first, last)

    share_out(_ranges(currents), work)


def _backward_compiled(
    gradient: Tensor, potentials: Tensor, thresholds: Tensor, decay: float, alpha: float
) -> tuple[Tensor, Tensor]:
    to_currents = torch.empty_like(potentials)
    ranges = _ranges(potentials)
    # A sum of its own for each range: their threads would otherwise write over each other.
    sums = torch.zeros(len(ranges), thresholds.numel())
    places = {first: sums[k].numpy() for k, (first, _) in enumerate(ranges)}
    arrays = _flat(gradient.contiguous()), _flat(potentials), thresholds.detach().reshape(-1).numpy()

    def work(first: int, last: int) -> None:
        _lif_loops.backward(*arrays, decay, alpha, _flat(to_currents), places[first], first, last)

    share_out(ranges, work)
    return to_currents, sums.sum(dim=0).view_as(thresholds)


def _ranges(tensor: Tensor) -> list[tuple[int, int]]:
    batch = tensor.shape[1]
    each = max(tensor.numel() // max(batch, 1), 1)
    return parts(batch, batch, max(1, -(-_LEAST // each)))


def _forward(currents: Tensor, thresholds: Tensor, decay: float, potentials: Tensor, spikes: Tensor) -> None:
    """The same in torch's own operations, for other devices and precisions."""
    kept = torch.zeros_like(currents[0])
    for t, current in enumerate(currents):
        potentials[t] = decay * kept + current
        spikes[t] = (potentials[t] >= thresholds).to(currents.dtype)
        kept = (1 - spikes[t]) * potentials[t]


def _backward(
    gradient: Tensor, potentials: Tensor, thresholds: Tensor, decay: float, alpha: float
) -> tuple[Tensor, Tensor]:
    to_currents = torch.empty_like(potentials)
    to_thresholds = torch.zeros_like(potentials[0])
    later = torch.zeros_like(potentials[0])
    for t in reversed(range(len(potentials))):
        u = potentials[t]
        surrogate = (alpha / 2) / (1 + (math.pi * alpha / 2 * (u - thresholds)).square())
        through = (gradient[t] - u * later) * surrogate
        to_thresholds -= through
        to_currents[t] = through + torch.where(u >= thresholds, 0.0, later)
        later = decay * to_currents[t]
    return to_currents, to_thresholds.sum(dim=0)


class LIF(nn.Module):
    """A layer of LIF neurons, each with a threshold of its own, learned or fixed, or with a bias instead.

    `shape`: of the neurons, one threshold each. θ(0) = `threshold` + 1e-4 · N(0, 1), unbounded. `learns`:
    "threshold", "bias" (an ordinary bias of the current, fixed thresholds: as many parameters) or "".
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        threshold: float,
        learns: str = "threshold",
        decay: float = DECAY,
        alpha: float = ALPHA,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        if learns not in ("threshold", "bias", ""):
            raise ValueError(f"learns must be 'threshold', 'bias' or '', got {learns!r}")
        noise = torch.randn(shape, generator=generator)
        self.thresholds = nn.Parameter(threshold + 1e-4 * noise, requires_grad=learns == "threshold")
        self.bias = nn.Parameter(torch.zeros(shape)) if learns == "bias" else None
        self.decay, self.alpha = decay, alpha

    def forward(self, currents: Float[Tensor, "time batch *neurons"]) -> Float[Tensor, "time batch *neurons"]:
        if self.bias is not None:
            currents = currents + self.bias
        return lif(currents, self.thresholds, self.decay, self.alpha)
