"""Backprop: the plain network, and what is left of it without its non-linearity or its hidden learning."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

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
    """Affine layers trained by backpropagation and AdamW, two unless asked for more.

    y = g(W₂ f(W₁ x + b₁) + b₂), f = ReLU, g = identity (or sigmoid). Loss: mean squared error for images;
    cross-entropy for classes with a linear output, mean squared error to one-hot with a sigmoid output.
    In reconstruction the (middle) hidden layer is the bottleneck. `mlp_deep` has ten hidden layers. Source:
    Rumelhart, Hinton & Williams 1986; AdamW: Loshchilov & Hutter 2019, with weight decay 0.01 as in Zor.
    """

    name = "mlp"
    yardstick = True
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
        "mlp_deep": {"hidden_layers": 10},
    }

    @dataclass(frozen=True)
    class Config:
        lr: float = search(1e-3, low=1e-4, high=1e-1, log=True)  # AdamW step size
        weight_decay: float = search(1e-2, low=1e-5, high=1e-1, log=True)  # decoupled, per step × lr
        activation: str = choice("relu", "identity")  # of the hidden layer
        output: str = choice("linear", "sigmoid")  # g
        train_hidden: bool = True  # False: random hidden weights, only the read-out learns
        hidden_layers: int = 1  # where the entry asks for no depth

        def __post_init__(self) -> None:
            if self.hidden_layers < 1:
                raise ValueError(f"hidden_layers must be at least 1, got {self.hidden_layers}")

    def build(self, entry: EntrySpec, config: Config, rng: torch.Generator) -> None:
        depth = entry.depth or config.hidden_layers
        widths = [entry.hidden] * depth
        if entry.task is Reconstruction:
            widths[depth // 2] = entry.code
        sizes = [math.prod(entry.input_shape), *widths]
        self.shape = entry.output_shape
        self.activation = _ACTIVATIONS[config.activation]
        self.squash = config.output == "sigmoid"
        hidden = [_linear(n_in, n_out, rng).to(entry.device) for n_in, n_out in pairwise(sizes)]
        self.below = nn.ModuleList(hidden[: depth // 2 + 1])  # up to the bottleneck
        self.above = nn.ModuleList(hidden[depth // 2 + 1 :])
        self.readout = _linear(sizes[-1], math.prod(entry.output_shape), rng).to(entry.device)
        for layer in hidden:
            layer.requires_grad_(config.train_hidden)
        learned = [weight for layer in (*hidden, self.readout) for weight in layer.parameters()]
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
        return self._through(self.below, inputs.flatten(1))

    def decode(self, codes: Tensor) -> Tensor:
        return self._read(codes).view(-1, *self.shape)

    def _read(self, codes: Tensor) -> Tensor:
        answer = self.readout(self._through(self.above, codes))
        return torch.sigmoid(answer) if self.squash else answer

    def _through(self, layers: nn.ModuleList, activity: Tensor) -> Tensor:
        for layer in layers:
            activity = self.activation(layer(activity))
        return activity


def _linear(n_in: int, n_out: int, rng: torch.Generator) -> nn.Linear:
    """torch's own default initialisation, drawn from `rng` instead of the global generator."""
    with torch.random.fork_rng(devices=[]):  # its constructor draws, too
        layer = nn.Linear(n_in, n_out)
    bound = 1 / math.sqrt(n_in)
    with torch.no_grad():
        layer.weight.uniform_(-bound, bound, generator=rng)
        layer.bias.uniform_(-bound, bound, generator=rng)
    return layer
