"""Synapse-threshold synergistic learning: spiking networks that learn their thresholds with their weights."""

import math
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from zorbench import (
    Budget,
    Classification,
    Colorization,
    EntrySpec,
    Reconstruction,
    StepBaseline,
    Tags,
    choice,
    search,
)
from zorbench.spiking import (
    LIF,
    AnalogReadout,
    Bernoulli,
    NormalisedLIFPool,
    SpikingLayer,
    SteadyDropout,
    Voters,
    drawn_like_torch,
    undrawn,
)


class STL(StepBaseline):
    """LIF neurons (τ = ½, hard reset, T steps) with a learned threshold each; atan surrogate, Adam.

    Pixels are Bernoulli spikes, drawn anew in training; prediction compares them with fixed thresholds.
    Classes: V output neurons each, their mean rate over T against one-hot by squared error (equal rates
    abstain). Images: the mean potential of output neurons that never fire, squared error; the code is the
    (middle) hidden layer's. Variants: weights alone, and the control: weights with an ordinary bias, as
    many parameters. See `zorbench.spiking.lif`.

    Affine layers with batch normalisation; a classifier is no larger in all than the two-layer network of
    the entry's hidden size. Source: Sun et al., IEEE TCDS 2023. Differs in the small network, in
    learning rates for few shots, and in the analog read-out, which is ours.
    """

    name = "stl"
    tasks = {Reconstruction, Colorization, Classification}
    variants = {
        "stl_synaptic": {"learns": "weights"},
        "stl_bias": {"learns": "bias"},
    }
    tags = Tags(
        uses_weight_transport=True,
        optimiser="Adam (fused)",
        initialisation="Kaiming uniform, a = √5 (torch's default); θ = threshold + 1e-4 N(0, 1)",
        output="mean rate of voters; mean potential for images",
    )

    @dataclass(frozen=True)
    class Config:
        lr: float = search(1e-2, low=1e-4, high=1e-1, log=True)  # first Adam step size
        decay: float = search(0.1, low=1e-3, high=1.0, log=True)  # the last one, as a share of the first
        weight_decay: float = 1e-6  # L2, of the gradient
        learns: str = choice("both", "weights", "thresholds", "bias")
        steps: int = 4  # T
        threshold: float = search(1.0, low=0.2, high=4.0)  # θ at first; published: 2
        voters: int = 10  # V, output neurons a class
        dropout: float = 0.0  # share of the spikes that the affine layers do not get in training
        hidden_layers: int = 1  # where the entry asks for no depth

        def __post_init__(self) -> None:
            for name in ("steps", "voters", "hidden_layers"):
                if getattr(self, name) < 1:
                    raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
            if not 0 <= self.dropout < 1:
                raise ValueError(f"dropout must be in [0, 1), got {self.dropout}")
            if not self.threshold > 0:
                raise ValueError(f"threshold must be above 0, got {self.threshold}")

    def build(self, entry: EntrySpec, config: Config, rng: torch.Generator) -> None:
        self.shape = entry.output_shape
        self.time_steps = config.steps
        self.lr, self.last_lr = config.lr, config.lr * config.decay
        self.net: Any = (
            drawn_like_torch(undrawn(lambda: self.network(entry, config, rng)), rng).to(entry.device).eval()
        )
        if config.learns == "thresholds":
            for name, weight in self.net.named_parameters():
                weight.requires_grad_(name.endswith("thresholds"))
        self.updates = 0
        self.coding = Bernoulli(config.steps, entry.input_shape, rng)
        learned = [weight for weight in self.net.parameters() if weight.requires_grad]
        self.optimiser = torch.optim.Adam(learned, lr=config.lr, weight_decay=config.weight_decay, fused=True)

    def network(self, entry: EntrySpec, config: Config, rng: torch.Generator) -> nn.Module:
        """The untrained network, its weights still to be drawn."""
        return _mlp(entry, config, rng)

    def fit(self, budget: Budget) -> None:
        for inputs, targets in budget.batches():
            self.optimiser.param_groups[0]["lr"] = self.lr * (self.last_lr / self.lr) ** budget.progress
            self.step(inputs, targets)

    def step(self, inputs: Tensor, targets: Tensor) -> None:
        spikes = self.coding.draw(inputs)
        self.net.train(len(spikes) * len(inputs) > 1)  # one value alone has no spread to normalise by
        self.updates += 1
        for part in self.net.modules():
            if isinstance(part, nn.BatchNorm1d | NormalisedLIFPool):
                part.momentum = max(0.1, 1 / self.updates)  # at first the plain mean: there may be no more
        self.optimiser.zero_grad()
        answer = self.net(spikes)
        nn.functional.mse_loss(answer, targets.flatten(1)).backward()
        self.optimiser.step()
        self.net.eval()

    def predict(self, inputs: Tensor) -> Tensor:
        return self.net(self.coding.fixed(inputs)).view(-1, *self.shape)

    def encode(self, inputs: Tensor) -> Tensor:
        return self.net.encode(self.coding.fixed(inputs))

    def decode(self, codes: Tensor) -> Tensor:
        return self.net.decode(codes).view(-1, *self.shape)


class STLThreshold(STL):
    """The thresholds of STL alone: all weights stay as they were drawn.

    A rule for classes: an image would be read out through the random weights of the last layer.
    """

    name = "stl_threshold"
    tasks = {Classification}
    unsupported = dict.fromkeys(
        (Reconstruction, Colorization), "its read-out weights stay random; stl does this task"
    )
    known_failures = {
        "learns": "thresholds alone, above weights that stay random, remain at chance for 2,000 presentations"
    }
    variants = {}

    @dataclass(frozen=True)
    class Config(STL.Config):
        learns: str = choice("thresholds", "both", "weights", "bias")


class STLConv(STL):
    """The published convolutional network of STL: 128C5-LIF-MP2-128C5-LIF-MP2-2048-LIF-10V, with dropout.

    Batch normalisation in both convolutional blocks, dropout before the affine layers, its mask the same at
    all steps. Source: Sun et al., IEEE TCDS 2023, and its public MNIST release (Adam 1e-3 × 0.93 an epoch,
    100 epochs of batches of 50). Differs in that the step decays with the budget. See `STL`.
    """

    name = "stl_conv"
    needs_images = True
    tasks = {Classification}
    unsupported = dict.fromkeys((Reconstruction, Colorization), "a network of classes; stl does this task")
    variants = {}
    only_named = {"stl_conv"}

    @dataclass(frozen=True)
    class Config(STL.Config):
        lr: float = search(1e-3, low=1e-5, high=1e-1, log=True)  # first Adam step size
        decay: float = search(1e-3, low=1e-4, high=1.0, log=True)  # the last one, as a share of the first
        threshold: float = search(2.0, low=0.2, high=4.0)  # θ at first
        dropout: float = 0.5

    def network(self, entry: EntrySpec, config: Any, rng: torch.Generator) -> nn.Module:
        return _conv(entry, config, rng)


def _mlp(entry: EntrySpec, config: STL.Config, rng: torch.Generator) -> nn.Module:
    depth = entry.depth or config.hidden_layers
    n_in, n_out = math.prod(entry.input_shape), math.prod(entry.output_shape)
    neurons = _neurons(config, rng)
    width = entry.hidden
    if entry.task is Classification:
        width = _matched(entry.hidden, depth, n_in, n_out, config.voters)
    widths = [width] * depth
    if entry.task is Reconstruction:
        widths[depth // 2] = entry.code
    layers = [
        SpikingLayer(_normalised(m, n), neurons((n,)), *_dropout(config, rng))
        for m, n in pairwise([n_in, *widths])
    ]
    if entry.task is Classification:
        last = n_out * config.voters
        return Voters(
            [nn.Flatten(2), *layers, SpikingLayer(_normalised(width, last), neurons((last,)))], config.voters
        )
    code = depth // 2 + 1 if entry.task is Reconstruction else depth
    readout = nn.Linear(widths[-1], n_out)
    return AnalogReadout(
        [nn.Flatten(2), *layers[:code]], layers[code:], readout, steps=config.steps, decay=0.5
    )


def _matched(hidden: int, depth: int, n_in: int, n_out: int, voters: int) -> int:
    """The width at which a network with voters has no more parameters than one of `hidden` without."""

    def size(width: int, outputs: int) -> int:
        return (n_in + 1) * width + (depth - 1) * (width + 1) * width + (width + 1) * outputs

    return next((w for w in range(hidden, 1, -1) if size(w, n_out * voters) <= size(hidden, n_out)), 1)


def _conv(entry: EntrySpec, config: STL.Config, rng: torch.Generator) -> nn.Module:
    channels, height, width = entry.input_shape
    if min(height, width) < 4:
        raise ValueError(f"stl_conv pools images twice: at least 4×4, got {height}×{width}")
    neurons = _neurons(config, rng)
    last = entry.n_classes * config.voters
    area = (height // 4) * (width // 4)

    def block(n_in: int, size: tuple[int, int], *after: nn.Module) -> SpikingLayer:
        weigh = nn.Conv2d(n_in, 128, 5, padding=2, bias=False)
        return SpikingLayer(weigh, NormalisedLIFPool(neurons((128, *size))), *after)

    return Voters(
        [
            block(channels, (height, width)),
            block(128, (height // 2, width // 2), nn.Flatten(2), *_dropout(config, rng)),
            SpikingLayer(nn.Linear(128 * area, 2048, bias=False), neurons((2048,)), *_dropout(config, rng)),
            SpikingLayer(nn.Linear(2048, last, bias=False), neurons((last,))),
        ],
        config.voters,
    )


def _neurons(config: STL.Config, rng: torch.Generator) -> Any:
    learns = {"both": "threshold", "thresholds": "threshold", "bias": "bias", "weights": ""}[config.learns]
    return partial(LIF, threshold=config.threshold, learns=learns, generator=rng)


def _normalised(n_in: int, n_out: int) -> nn.Module:
    """Without a shift of its own, which would be the bias of the control."""
    return nn.Sequential(nn.Linear(n_in, n_out, bias=False), nn.BatchNorm1d(n_out, affine=False))


def _dropout(config: STL.Config, rng: torch.Generator) -> list[nn.Module]:
    return [SteadyDropout(config.dropout, rng)] if config.dropout else []
