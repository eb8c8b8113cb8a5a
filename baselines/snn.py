"""The conventional spiking network: LIF neurons, trained through time by a surrogate gradient."""

import math
from dataclasses import dataclass
from itertools import pairwise

import snntorch
import torch
from snntorch import surrogate
from torch import Tensor, nn

from zorbench import (
    Classification,
    Colorization,
    EntrySpec,
    Reconstruction,
    StepBaseline,
    Tags,
    choice,
    search,
)
from zorbench.spiking import AnalogReadout, Bernoulli, SpikingLayer, constant, drawn_like_torch, undrawn
from zorbench.spiking.checks import check_shape


class SNN(StepBaseline):
    """Leaky integrate-and-fire neurons of snntorch, soft reset, T steps; arctangent surrogate, AdamW.

    u[t] = β u[t−1] + W s[t] + b − θ s_out[t−1]. Pixels are the constant current of every step (or Bernoulli
    spikes). The answer is the mean potential of output neurons that never fire: cross-entropy for classes,
    mean squared error for images; the code is the (middle) hidden layer's. Thresholds and β are fixed.
    Source: Eshraghian et al. 2023 (snntorch); Neftci, Mostafa & Zenke 2019 (surrogate gradients).
    """

    name = "snn"
    tasks = {Reconstruction, Colorization, Classification}
    tags = Tags(
        uses_weight_transport=True,
        optimiser="AdamW (fused)",
        initialisation="Kaiming uniform, a = √5 (torch's default)",
        output="mean potential",
    )

    @dataclass(frozen=True)
    class Config:
        lr: float = search(1e-3, low=1e-4, high=1e-1, log=True)  # AdamW step size
        weight_decay: float = search(1e-2, low=1e-5, high=1e-1, log=True)  # decoupled, per step × lr
        steps: int = 4  # T
        beta: float = search(0.5, low=0.1, high=0.99)  # share of the potential kept from step to step
        threshold: float = search(1.0, low=0.1, high=2.0, log=True)  # θ
        coding: str = choice("current", "bernoulli")  # of the pixels
        hidden_layers: int = 1  # where the entry asks for no depth

        def __post_init__(self) -> None:
            for name in ("steps", "hidden_layers"):
                if getattr(self, name) < 1:
                    raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")

    def build(self, entry: EntrySpec, config: Config, rng: torch.Generator) -> None:
        self.time_steps, self.input_shape, self.shape = config.steps, entry.input_shape, entry.output_shape
        self.net = drawn_like_torch(undrawn(lambda: _network(entry, config)), rng).to(entry.device)
        self.coding = None
        if config.coding == "bernoulli":
            self.coding = Bernoulli(config.steps, entry.input_shape, rng)
        self.optimiser = torch.optim.AdamW(
            self.net.parameters(), lr=config.lr, weight_decay=config.weight_decay, fused=True
        )
        classes = entry.task is Classification
        self.loss = nn.functional.cross_entropy if classes else nn.functional.mse_loss

    def step(self, inputs: Tensor, targets: Tensor) -> None:
        self.optimiser.zero_grad()
        spikes = self._currents(inputs) if self.coding is None else self.coding.draw(inputs)
        self.loss(self.net(spikes), targets.flatten(1)).backward()
        self.optimiser.step()

    def predict(self, inputs: Tensor) -> Tensor:
        return self.decode(self.encode(inputs))

    def encode(self, inputs: Tensor) -> Tensor:
        fixed = self._currents(inputs) if self.coding is None else self.coding.fixed(inputs)
        codes: Tensor = self.net.encode(fixed)
        return codes

    def decode(self, codes: Tensor) -> Tensor:
        answer: Tensor = self.net.decode(codes)
        return answer.view(-1, *self.shape)

    def _currents(self, inputs: Tensor) -> Tensor:
        currents = constant(inputs, self.time_steps)
        check_shape(inputs, self.input_shape)
        return currents


class _Leaky(nn.Module):
    """snntorch's neurons through time: [time, batch, n] currents to spikes."""

    def __init__(self, beta: float, threshold: float) -> None:
        super().__init__()
        self.neuron = snntorch.Leaky(beta=beta, threshold=threshold, spike_grad=surrogate.atan(alpha=2.0))

    def forward(self, currents: Tensor) -> Tensor:
        potential = torch.zeros_like(currents[0])
        spikes = []
        for current in currents:
            fired, potential = self.neuron(current, potential)
            spikes.append(fired)
        return torch.stack(spikes)


def _network(entry: EntrySpec, config: SNN.Config) -> AnalogReadout:
    depth = entry.depth or config.hidden_layers
    widths = [entry.hidden] * depth
    code = depth
    if entry.task is Reconstruction:
        code = depth // 2 + 1
        widths[code - 1] = entry.code
    layers = [
        SpikingLayer(nn.Linear(m, n), _Leaky(config.beta, config.threshold))
        for m, n in pairwise([math.prod(entry.input_shape), *widths])
    ]
    readout = nn.Linear(widths[-1], math.prod(entry.output_shape))
    below = [nn.Flatten(2), *layers[:code]]
    return AnalogReadout(below, layers[code:], readout, steps=config.steps, decay=config.beta)
