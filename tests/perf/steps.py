"""The contenders of the speed benchmarks: one training step each, of one shape and batch, in float32.

Inputs and targets are the same tensor of numbers from 0 to 1.
"""

import os
import shutil
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from zorbench.zor import Layer, Zor, ZorEnsemble

Step = Callable[[], Tensor]

NO_COMPILER = "No C++ compiler (CXX or g++) was found, so nothing is compiled here."


class Shape(NamedTuple):
    """A network of three layers and its batch."""

    n_in: int
    hidden: int
    n_out: int
    batch: int

    def __str__(self) -> str:
        return f"{self.n_in}-{self.hidden}-{self.n_out}, {self.batch}"

    def layers(self) -> list[Layer]:
        """With the published settings: charges are kept."""
        return [Layer(self.n_in), Layer(self.hidden), Layer(self.n_out)]

    def data(self) -> Tensor:
        return torch.rand(self.batch, self.n_in)


def can_compile() -> bool:
    return shutil.which(os.environ.get("CXX", "g++")) is not None


def zor_step(shape: Shape, *, compile: bool = False, device: str = "cpu") -> Step:
    x = shape.data().to(device)
    net = Zor(shape.layers(), compile=compile, seed=0, device=device)
    return lambda: net.train_batch(x, x)


def mlp_step(shape: Shape, *, compiled: Sequence[str] = ()) -> Step:
    """Autograd with one ReLU layer, biases, mean squared error and fused AdamW.

    compiled: "loss" for the forward pass with its loss, and so the backward pass; "optimiser" for its step.
    """
    x = shape.data()
    net = nn.Sequential(nn.Linear(shape.n_in, shape.hidden), nn.ReLU(), nn.Linear(shape.hidden, shape.n_out))
    optimiser = torch.optim.AdamW(net.parameters(), fused=True)

    def loss_of(x: Tensor, t: Tensor) -> Tensor:
        return nn.functional.mse_loss(net(x), t)

    loss_of = torch.compile(loss_of, dynamic=False) if "loss" in compiled else loss_of
    update = torch.compile(optimiser.step, dynamic=False) if "optimiser" in compiled else optimiser.step

    def step() -> Tensor:
        optimiser.zero_grad()
        loss = loss_of(x, x)
        loss.backward()
        update()
        return loss.detach()

    return step


def five_products(shape: Shape) -> Step:
    """What no step of this shape can do without: two products forward, one for δ, two for the weights."""
    x, hidden, delta = (
        shape.data(),
        torch.rand(shape.batch, shape.hidden),
        torch.rand(shape.batch, shape.n_out),
    )
    lower, upper = torch.rand(shape.n_in, shape.hidden), torch.rand(shape.hidden, shape.n_out)
    currents = torch.empty_like(hidden), torch.empty_like(delta)
    below, moves = torch.empty_like(hidden), (torch.empty_like(lower), torch.empty_like(upper))

    def step() -> Tensor:
        torch.mm(x, lower, out=currents[0])
        torch.mm(hidden, upper, out=currents[1])
        torch.mm(hidden.T, delta, out=moves[1])
        torch.mm(delta, upper.T, out=below)
        return torch.mm(x.T, hidden, out=moves[0])

    return step


def ensemble_step(shape: Shape, copies: int) -> Step:
    x = torch.rand(copies, shape.batch, shape.n_in)
    nets = ZorEnsemble(shape.layers(), seeds=range(copies))
    return lambda: nets.train_batch(x, x)


def single_steps(shape: Shape, copies: int) -> Step:
    """The same work, one network after the other."""
    steps = [zor_step(shape) for _ in range(copies)]
    return lambda: [step() for step in steps][-1]
