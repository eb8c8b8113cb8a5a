"""Backprop: one hidden layer, and what is left of it without its non-linearity or its hidden learning."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
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

_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"relu": torch.relu, "identity": lambda x: x}


class MLP(StepBaseline):
    """Two affine layers trained by backpropagation and AdamW.

    y = g(W₂ f(W₁ x + b₁) + b₂), f = ReLU, g = identity (or sigmoid). Loss: mean squared error for images;
    cross-entropy for classes with a linear output, mean squared error to one-hot with a sigmoid output.
    In reconstruction the hidden layer is the bottleneck. Source: Rumelhart, Hinton & Williams 1986;
    AdamW: Loshchilov & Hutter 2019, with weight decay 0.01 as in Zor.
    """

    name = "mlp"
    tasks = {Reconstruction, Colorization, Classification}
    tags = Tags(
        uses_weight_transport=True,
        optimiser="AdamW (fused)",
        initialisation="Kaiming uniform, a = √5 (torch's default)",
        output="see config",
    )
    variants = {
        "mlp_sigmoid": {"output": "sigmoid"},
        "linear_ae": {"activation": "identity"},
        "frozen_hidden": {"train_hidden": False},
    }

    @dataclass(frozen=True)
    class Config:
        lr: float = search(1e-3, low=1e-4, high=1e-1, log=True)  # AdamW step size
        weight_decay: float = search(1e-2, low=1e-5, high=1e-1, log=True)  # decoupled, per step × lr
        activation: str = choice("relu", "identity")  # of the hidden layer
        output: str = choice("linear", "sigmoid")  # g
        train_hidden: bool = True  # False: random hidden weights, only the read-out learns

    def build(self, entry: EntrySpec, config: Config, rng: torch.Generator) -> None:
        width = entry.code if entry.task is Reconstruction else entry.hidden
        self.shape = entry.output_shape
        self.activation = _ACTIVATIONS[config.activation]
        self.squash = config.output == "sigmoid"
        self.hidden = _linear(math.prod(entry.input_shape), width, rng).to(entry.device)
        self.readout = _linear(width, math.prod(entry.output_shape), rng).to(entry.device)
        self.hidden.requires_grad_(config.train_hidden)
        learned = [weight for layer in (self.hidden, self.readout) for weight in layer.parameters()]
        self.optimiser = torch.optim.AdamW(
            [weight for weight in learned if weight.requires_grad],
            lr=config.lr,
            weight_decay=config.weight_decay,
            fused=True,
        )
        logits = entry.task is Classification and not self.squash
        self.loss = nn.functional.cross_entropy if logits else nn.functional.mse_loss

    def step(self, inputs: Tensor, targets: Tensor) -> None:
        self.optimiser.zero_grad()
        self.loss(self._read(self.encode(inputs)), targets.flatten(1)).backward()
        self.optimiser.step()

    def encode(self, inputs: Tensor) -> Tensor:
        return self.activation(self.hidden(inputs.flatten(1)))

    def decode(self, codes: Tensor) -> Tensor:
        return self._read(codes).view(-1, *self.shape)

    def _read(self, codes: Tensor) -> Tensor:
        answer = self.readout(codes)
        return torch.sigmoid(answer) if self.squash else answer


def _linear(n_in: int, n_out: int, rng: torch.Generator) -> nn.Linear:
    """torch's own default initialisation, drawn from `rng` instead of the global generator."""
    with torch.random.fork_rng(devices=[]):  # its constructor draws, too
        layer = nn.Linear(n_in, n_out)
    bound = 1 / math.sqrt(n_in)
    with torch.no_grad():
        layer.weight.uniform_(-bound, bound, generator=rng)
        layer.bias.uniform_(-bound, bound, generator=rng)
    return layer
