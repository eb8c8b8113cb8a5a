"""Shifting learning: networks that compute with single firing times, and learn by moving them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from zorbench.spiking.causal import SILENT, Fired, Spikes, fire, signal_below, weight_gradient
from zorbench.spiking.checks import check_unit, check_width
from zorbench.spiking.latency import LATEST, to_times

Delta = Callable[[Tensor, Tensor], Tensor]
"""δ of the output layer from its times z [batch, out] and the targets [batch, out]."""

LATER = 1.1
"""How much later than all others a silent neuron is taken to fire, when it learns to."""

SOON, LATE = 0.01, 0.99
"""Times τ that the neurons of the true class and of the others are to fire at."""


@dataclass(frozen=True)
class _Layer:
    """What one layer did with a batch."""

    spikes: Spikes
    fired: Fired
    fires: Tensor  # whether a neuron fires at all
    times: Tensor  # z · e, what the next layer gets
    due: Tensor  # the same, with a time for silent neurons to learn from


class ShiftingNet:
    """Layers of neurons that fire once, at z_j = e_j · Σ_C w z / (Σ_C w − 1); see `zorbench.spiking.causal`.

    w ("exponential shifting timings") starts uniform in [0, `scale`/fan-in], e ("exponential passing
    times") at 1. One step moves both by Adam (β₁ = β₂ = 0.9, ε = 1e-8) along

        Δw_ij ∝ −Σ_b δ_j exp(e_j) (z_i − z_j) m_ij,   Δe_j ∝ −Σ_b δ_j z_j,   δ_i = Σ_j δ_j m_ij w_ij below,

    m the mask of causal sets: the gradient of the times but for the factors 1/(Σ w − 1) and e.

    `sizes`: inputs, hidden …, outputs. `trains`: an input is a train of spikes, [batch, inputs, most],
    pixels 0 being no spike; else one spike an input, and 0 the latest. `exact=False` finds causal sets as
    the public release does (see `fire`); then a silent neuron enters the next layer, and δ, as one that
    fires at z = 1e5, and its weights are never changed again. In exact mode it enters no causal set, and is
    called back: where δ_j asks it to fire earlier (in hidden layers Σ_j δ_j w_ij, without m), it learns as
    if it had fired because of all its inputs, a tenth later than the last of them, of its layer, and e. Δe
    leaves it out.

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
        generator: torch.Generator | None = None,
    ) -> None:
        if len(sizes) < 2 or min(sizes) < 1:
            raise ValueError(f"a network has at least inputs and outputs, got the sizes {list(sizes)}")
        self.sizes, self.exact, self.trains = tuple(sizes), exact, trains
        self.weights = [
            torch.rand(n_in, n_out, generator=generator) * (scale / n_in) for n_in, n_out in pairwise(sizes)
        ]
        self.passes = [torch.ones(n_out) for n_out in sizes[1:]]
        groups = [{"params": self.weights, "lr": lr}, {"params": self.passes, "lr": lr_pass}]
        self.optimiser = torch.optim.Adam(groups, betas=(0.9, 0.9), eps=1e-8, fused=True)

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
        signal = delta(layers[-1].due, targets)
        for number in reversed(range(len(layers))):
            layer, weights, passes = layers[number], self.weights[number], self.passes[number]
            below = signal_below(layer.spikes, layer.fired, weights, signal) if number else None
            if below is not None and self.exact:
                # A silent neuron is in no causal set: what would the outputs that it reaches have it do?
                below = below.where(layers[number - 1].fires, signal @ weights.T)
            slopes = signal * passes.exp()
            weights.grad = weight_gradient(layer.spikes, layer.fired, slopes, slopes * layer.times)
            moved = signal * layer.times
            if self.exact:
                moved = moved.where(layer.fires, 0.0)
                weights.grad += _call_back(layer, slopes)
            passes.grad = moved.sum(dim=0)
            if below is not None:
                signal = below
        self.optimiser.step()

    def terms(self, inputs: Float[Tensor, "batch ..."]) -> tuple[float, float]:
        """How many pairs of a spike and a neuron it reaches before that fires a sample has, and the share of
        hidden neurons that are silent, on average."""
        layers = self._forward(self._enter(inputs), self.weights, self.passes)
        reached = [
            torch.where(layer.fires, layer.fired.members, layer.spikes.counts[:, None]) for layer in layers
        ]
        silent = [1 - layer.fires.float().mean() for layer in layers[:-1]]
        pairs = float(sum(members.sum() for members in reached)) / len(inputs)
        return pairs, float(sum(silent)) / max(len(silent), 1)

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
            fires, times = fired.members > 0, fired.times * e
            due = times
            if self.exact:
                times = times.where(fires, SILENT)
                latest = times.where(fires, LATEST).amax(dim=1, keepdim=True).clamp_min(LATEST)
                due = times.where(fires, latest)
            layers.append(_Layer(spikes, fired, fires, times, due))
        return layers


def earliest_class(times: Float[Tensor, "batch classes"], labels: Float[Tensor, "batch classes"]) -> Tensor:
    """δ = softmax(z) − softmax(exp(τ)), τ = 0.01 for the true class (one-hot) and 0.99 for the others."""
    wanted = torch.exp(LATE + (SOON - LATE) * labels)
    return torch.softmax(times, dim=1) - torch.softmax(wanted, dim=1)


def pixel_times(times: Float[Tensor, "batch pixels"], pixels: Float[Tensor, "batch pixels"]) -> Tensor:
    """δ = z − exp(1 − x): the time that stands for a pixel is the one that would encode it."""
    return times - to_times(pixels)


def _call_back(layer: _Layer, slopes: Tensor) -> Tensor | float:
    """The weight gradient of silent neurons that are to fire earlier, because of all spikes there are."""
    asked = ~layer.fires & (slopes > 0)
    if not bool(asked.any()):
        return 0.0
    counts = layer.spikes.counts[:, None].to(torch.int32)
    everything = Fired(layer.due, torch.where(asked, counts, 0))
    # Later than every spike: one at z_j has no pull on it, and one after would be told to weigh less.
    last = layer.spikes.times.gather(1, (layer.spikes.counts - 1).clamp_min(0)[:, None])
    late = LATER * torch.maximum(layer.due, last)
    return weight_gradient(layer.spikes, everything, slopes, slopes * late)


def decayed(lr: float, to: float, progress: float) -> float:
    """Exponential decay from `lr` to `to` as `progress` goes from 0 to 1."""
    return lr * math.exp(progress * math.log(to / lr))
