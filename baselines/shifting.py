"""Shifting learning: networks of neurons that fire once, trained by moving their firing times."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

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
from zorbench.spiking import ShiftingNet, decayed, earliest_class, pixel_times, to_pixels


class Shifting(StepBaseline):
    """Firing times z_j = e_j Σ_C w z / (Σ_C w − 1); weights move along −δ_j exp(e_j)(z_i − z_j) through Adam.

    A pixel x fires at z = exp(1 − x). Classes: the neuron that fires first wins, δ = softmax(z) − softmax
    of the wanted times. Images: a pixel is answered by the time that would encode it, δ = z − exp(1 − x),
    decoded by the inverse x = 1 − ln z within [1, e]; the code is the times of the (middle) hidden layer.
    Computed on the CPU, whatever the device. See `zorbench.spiking.ShiftingNet`.

    Source: public release of Shifting Learning (SZU-ADDG). Differs from it in the exact causal set, in that
    silent neurons are called back, in polarity and decoding of the tests (the release encodes test images
    the other way round), and in step sizes (published: 1e-2 to 1e-5 by task, whatever the inputs).
    `mode=source` finds causal sets as the release does, silent neurons as they are there; images as targets
    are ours.
    """

    name = "shifting"
    tasks = {Reconstruction, Colorization, Classification}
    tags = Tags(
        uses_weight_transport=True,
        optimiser="Adam (0.9, 0.9)",
        initialisation="uniform 0 … scale/fan-in",
        output="firing time",
    )

    @dataclass(frozen=True)
    class Config:
        lr: float = search(0.1, low=1e-3, high=1.0, log=True)  # first Adam step size of w
        lr_by_inputs: bool = True  # True: lr is divided by the root of the number of inputs
        decay: float = search(0.01, low=1e-3, high=1.0, log=True)  # the last one, as a share of the first
        lr_pass: float = search(1e-3, low=1e-6, high=1e-2, log=True)  # Adam step size of e
        scale: float = search(8.0, low=2.0, high=32.0, log=True)  # initial weights: 0 … scale / fan-in
        mode: str = choice("exact", "source")  # how causal sets are found
        trains: bool = False  # True: the last axis of an input holds the spikes of one synapse, 0 being none
        hidden_layers: int = 1  # where the entry asks for no depth

        def __post_init__(self) -> None:
            if self.hidden_layers < 1:
                raise ValueError(f"hidden_layers must be at least 1, got {self.hidden_layers}")

    def build(self, entry: EntrySpec, config: Config, rng: torch.Generator) -> None:
        depth = entry.depth or config.hidden_layers
        widths = [entry.hidden] * depth
        self.code = depth // 2 + 1  # the layer in the middle, counted from the input
        if entry.task is Reconstruction:
            widths[self.code - 1] = entry.code
        self.classes, self.shape = entry.task is Classification, entry.output_shape
        self.delta = earliest_class if self.classes else pixel_times
        if config.trains and len(entry.input_shape) != 2:
            found = list(entry.input_shape)
            raise ValueError(f"trains=true takes inputs of [synapses, spikes]; these have the shape {found}")
        n_in = entry.input_shape[0] if config.trains else math.prod(entry.input_shape)
        self.lr = config.lr / math.sqrt(n_in) if config.lr_by_inputs else config.lr
        self.last_lr = self.lr * config.decay
        self.net = ShiftingNet(
            [n_in, *widths, math.prod(entry.output_shape)],
            lr=self.lr,
            lr_pass=config.lr_pass,
            scale=config.scale,
            exact=config.mode == "exact",
            trains=config.trains,
            generator=rng,
        )

    def fit(self, budget: Budget) -> None:
        for inputs, targets in budget.batches():
            self.net.lr = decayed(self.lr, self.last_lr, budget.progress)
            self.step(inputs, targets)

    def step(self, inputs: Tensor, targets: Tensor) -> None:
        self.net.train_batch(inputs.cpu(), targets.flatten(1).cpu(), self.delta)

    def predict(self, inputs: Tensor) -> Tensor:
        return self._answer(self.net.times(inputs.cpu()))

    def encode(self, inputs: Tensor) -> Tensor:
        return self.net.times(inputs.cpu(), self.code)

    def decode(self, codes: Tensor) -> Tensor:
        return self._answer(self.net.times_above(codes.cpu(), self.code))

    def _answer(self, times: Tensor) -> Tensor:
        return -times if self.classes else to_pixels(times).view(-1, *self.shape)

    def operations(self, inputs: Tensor) -> Mapping[str, float]:
        """The loops are compiled, so torch sees none of them.

        A spike adds w to Σ w and w z to Σ w z of each neuron that has not fired yet: one accumulation, one
        multiplication. A step forms one product a weight, and one more for the signal above the first layer.
        """
        pairs, silent = self.net.terms(inputs.cpu())
        weights = [float(weight.numel()) for weight in self.net.weights]
        dense = 2 * sum(weights)
        return {
            "macs": pairs,
            "acs": pairs,
            "dense": dense,
            "activation_sparsity": silent,
            "forward_macs": dense,
            "update_macs": sum(weights),
            "transport_macs": sum(weights[1:]),
        }

    def state(self) -> dict[str, Tensor]:
        """Weights and passing times."""
        layers = enumerate(zip(self.net.weights, self.net.passes, strict=True))
        return {f"{name}{k}": tensor for k, pair in layers for name, tensor in zip("we", pair, strict=True)}
