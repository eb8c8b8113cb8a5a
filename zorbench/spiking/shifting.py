"""Shifting learning: networks that compute with single firing times, and learn by moving them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from zorbench.spiking.causal import SILENT, Fired, Spikes, fire, signal_below, weight_gradient
from zorbench.spiking.checks import check_unit, check_width
from zorbench.spiking.latency import LATEST, to_times

Delta = Callable[[Tensor, Tensor], Tensor]
"""δ of the output layer from its times z [batch, out] and the targets [batch, out]."""

SOON, LATE = 0.01, 0.99
"""Times τ that the neurons of the true class and of the others are to fire at."""


@dataclass(frozen=True)
class _Layer:
    """What one layer did with a batch."""

    spikes: Spikes
    fired: Fired
    times: Tensor  # z · e, what the next layer gets


class ShiftingNet:
    """Layers of neurons that fire once, at z_j = e_j · Σ_C w z / (Σ_C w − 1); see `zorbench.spiking.causal`.

    w ("exponential shifting timings") starts uniform in [0, `scale`/fan-in], e ("exponential passing times") at
    1. One step moves both by Adam (β₁ = β₂ = 0.9, ε = 1e-8) along

        Δw_ij ∝ −Σ_b δ_j exp(e_j) (z_i − z_j) m_ij,   Δe_j ∝ −Σ_b δ_j z_j,   δ_i = Σ_j δ_j m_ij w_ij below,

    m the mask of causal sets: the gradient of the times but for the factors 1/(Σ w − 1) and e.

    `sizes`: inputs, hidden …, outputs. `trains`: an input is a train of spikes, [batch, inputs, most], pixels
    0 being no spike; else one spike an input, and 0 the latest. `exact=False` finds causal sets as the
    public release does (see `fire`); then a silent neuron enters the next layer, and δ, as one that fires at
    z = 1e5. In exact mode it enters none. As an output it counts as firing at the end of the coding window (or
    with the last output of its sample, if that is later) because of all inputs, so that it can be called
    back; Δe leaves it out.

    Source: public release of Shifting Learning (SZU-ADDG), from its equations. Differs in the exact mode.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        *,
        lr: float,
        lr_pass: float,
        exact: bool = True,
        trains: bool = False,
        scale: float = 8.0,
        fan_in: int | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        """`fan_in`: of the first layer, where it is not its number of inputs (trains of several spikes)."""
        if len(sizes) < 2 or min(sizes) < 1:
            raise ValueError(f"a network has at least inputs and outputs, got the sizes {list(sizes)}")
        self.sizes, self.exact, self.trains = tuple(sizes), exact, trains
        fans = [fan_in or sizes[0], *sizes[1:-1]]
        self.weights = [
            torch.rand(n_in, n_out, generator=generator) * (scale / fan)
            for n_in, n_out, fan in zip(sizes, sizes[1:], fans, strict=False)
        ]
        self.passes = [torch.ones(n_out) for n_out in sizes[1:]]
        common = {"betas": (0.9, 0.9), "eps": 1e-8}
        self.optimiser = torch.optim.Adam(
            [{"params": self.weights, "lr": lr}, {"params": self.passes, "lr": lr_pass}], **common, fused=True
        )

    @property
    def lr(self) -> float:
        """The step size of the weights, which may be set."""
        return float(self.optimiser.param_groups[0]["lr"])

    @lr.setter
    def lr(self, lr: float) -> None:
        self.optimiser.param_groups[0]["lr"] = lr

    def times(self, inputs: Float[Tensor, "batch ..."], upto: int | None = None) -> Float[Tensor, "batch n"]:
        """Firing times z of layer `upto` (1: the first above the inputs; None: the outputs).

        `inputs` in [0, 1]; raises `ValueError` for anything else.
        """
        return self._forward(self._enter(inputs), self.weights[:upto], self.passes)[-1].times

    def times_above(self, times: Float[Tensor, "batch n"], layer: int) -> Float[Tensor, "batch out"]:
        """Firing times of the outputs, from those of layer `layer`."""
        spikes = self._spikes(times)
        return self._forward(spikes, self.weights[layer:], self.passes[layer:])[-1].times

    def train_batch(
        self, inputs: Float[Tensor, "batch ..."], targets: Float[Tensor, "batch out"], delta: Delta
    ) -> None:
        """Learn from one batch."""
        layers = self._forward(self._enter(inputs), self.weights, self.passes)
        check_width(targets.shape[1], self.sizes[-1], "targets")
        top = layers[-1]
        silent = top.fired.members == 0
        times = top.times
        if self.exact:
            times = times.where(~silent, _called(times, silent))
        signal = delta(times, targets)
        for number in reversed(range(len(layers))):
            layer, weights, passes = layers[number], self.weights[number], self.passes[number]
            below = signal_below(layer.spikes, layer.fired, weights, signal) if number else None
            slopes = signal * passes.exp()
            weights.grad = weight_gradient(layer.spikes, layer.fired, slopes, slopes * layer.times)
            moved = signal * layer.times
            if self.exact:
                silent = layer.fired.members == 0
                moved = moved.where(~silent, 0.0)
                if layer is top:
                    weights.grad += _call_back(layer.spikes, silent, slopes, times)
            passes.grad = moved.sum(dim=0)
            if below is not None:
                signal = below
        self.optimiser.step()

    def _enter(self, inputs: Tensor) -> Spikes:
        check_unit(inputs)
        if self.trains:
            if inputs.ndim != 3:
                raise ValueError(f"trains of spikes are [batch, inputs, most], got {list(inputs.shape)}")
            check_width(inputs.shape[1], self.sizes[0])
            return Spikes.of_trains(to_times(inputs).where(inputs > 0, SILENT))
        pixels = inputs.flatten(1)
        check_width(pixels.shape[1], self.sizes[0])
        return self._spikes(to_times(pixels))

    def _spikes(self, times: Tensor) -> Spikes:
        return Spikes.of(times, silent_too=not self.exact)

    def _forward(self, spikes: Spikes, weights: Sequence[Tensor], passes: Sequence[Tensor]) -> list[_Layer]:
        layers: list[_Layer] = []
        for w, e in zip(weights, passes, strict=False):
            if layers:
                spikes = self._spikes(layers[-1].times)
            fired = fire(spikes, w, exact=self.exact)
            times = fired.times * e
            if self.exact:
                times = times.where(fired.members > 0, SILENT)
            layers.append(_Layer(spikes, fired, times))
        return layers


def earliest_class(times: Float[Tensor, "batch classes"], labels: Float[Tensor, "batch classes"]) -> Tensor:
    """δ = softmax(z) − softmax(exp(τ)), τ = 0.01 for the true class (one-hot `labels`) and 0.99 for the others."""
    wanted = torch.exp(LATE + (SOON - LATE) * labels)
    return torch.softmax(times, dim=1) - torch.softmax(wanted, dim=1)


def pixel_times(times: Float[Tensor, "batch pixels"], pixels: Float[Tensor, "batch pixels"]) -> Tensor:
    """δ = z − exp(1 − x): the time that stands for a pixel is the one that would encode it."""
    return times - to_times(pixels)


def _called(times: Tensor, silent: Tensor) -> Tensor:
    """When silent outputs count as firing, [batch, 1]: at e, or with the last output of their sample."""
    return times.where(~silent, LATEST).amax(dim=1, keepdim=True).clamp_min(LATEST)


def _call_back(spikes: Spikes, silent: Tensor, slopes: Tensor, times: Tensor) -> Tensor | float:
    """The weight gradient of silent outputs that are to fire earlier, their causal set all spikes there are."""
    asked = silent & (slopes > 0)
    if not bool(asked.any()):
        return 0.0
    counts = spikes.counts[:, None].expand_as(asked).to(torch.int32)
    everything = Fired(times, torch.where(asked, counts, 0).contiguous())
    # A spike after z_j would be told to weigh less, so that the neuron would stay silent.
    last = spikes.times.gather(1, (spikes.counts - 1).clamp_min(0)[:, None]).where(spikes.counts[:, None] > 0, 0.0)
    offsets = slopes * torch.maximum(times, last)
    return weight_gradient(spikes, everything, slopes, offsets)


def parameters(sizes: Sequence[int]) -> int:
    """How many numbers a network of these sizes learns."""
    return sum(n_in * n_out + n_out for n_in, n_out in zip(sizes, sizes[1:], strict=False))


def decayed(lr: float, to: float, progress: float) -> float:
    """Exponential decay from `lr` to `to` as `progress` goes from 0 to 1."""
    return lr * math.exp(progress * math.log(to / lr))
