"""Zor with convolutions: the same gate and the same local rule, one bank of weights for all positions."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

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
from zorbench.zor import ConvLayer, ConvTransposeLayer, Layer, Zor, diagnose

OPEN = -math.inf  # a threshold that every charge is above
CODE = 3  # the layer above the second convolution


class ZorConv(StepBaseline):
    """Convolutional Zor; a unit is a channel, its norms and correlations run over batch and positions.

    Reconstruction: two strided convolutions, a code of `entry.code` numbers, and back by a dense layer and
    two transposed convolutions. Classification: the same encoder, a dense layer of `entry.hidden` units, the
    classes. Colorization: three convolutions at full size. Outputs are linear.

    Differs from the published rule in that charges do not last from one batch to the next, input and output
    units are not gated, and hidden units fire above `threshold`: by default −2 as published in
    reconstruction and 0 in the other tasks, where a network that is all but linear does worse.
    """

    name = "zor_conv"
    needs_images = True
    tasks = {Reconstruction, Colorization, Classification}
    tags = Tags(
        uses_weight_transport=True,
        optimiser="AdamW",
        initialisation="normal, σ = gain·√(2/(fan_in + fan_out))",
        output="linear",
    )

    @dataclass(frozen=True)
    class Config:
        lr: float = search(1e-3, low=1e-4, high=1e-1, log=True)  # AdamW step size
        weight_decay: float = search(1e-2, low=1e-5, high=1e-1, log=True)  # decoupled, per step × lr
        channels: int = 16  # maps of the first convolution; in encoders the second has twice as many
        threshold: float | None = None  # θ of hidden units; None: −2 in reconstruction, else 0
        gain: float = search(1.0, low=0.1, high=2.0, log=True)  # scale of the initial weights
        max_weight: float = search(1.0, low=0.1, high=10.0, log=True)  # bound on |w|
        schedule: str = choice("constant", "linear")  # of lr: "linear" falls to 0 over the budget

        def __post_init__(self) -> None:
            if self.channels < 1:
                raise ValueError(f"channels must be at least 1, got {self.channels}")

    def build(self, entry: EntrySpec, config: Config, rng: torch.Generator) -> None:
        self.middle = 0.5 if entry.task is Classification else 0.0
        self.lr, self.falls = config.lr, config.schedule == "linear"
        self.net = Zor(
            _layers(entry, config),
            lr=config.lr,
            weight_decay=config.weight_decay,
            gain=config.gain,
            generator=rng,
            device=entry.device,
        )

    def fit(self, budget: Budget) -> None:
        """Unlike that of a gradient, the length of a direction does not shrink with the errors: lr can."""
        for inputs, targets in budget.batches():
            if self.falls:
                self.net.lr = self.lr * (1 - budget.progress)
            self.step(inputs, targets)

    def step(self, inputs: Tensor, targets: Tensor) -> None:
        self.batch = self._placed(inputs), targets
        self.net.train_batch(*self.batch)

    def _placed(self, inputs: Tensor) -> Tensor:
        """Pixels around zero for classes. Images are answered from inputs as they are: there is no bias."""
        return inputs - self.middle

    def predict(self, inputs: Tensor) -> Tensor:
        return self.net.predict(self._placed(inputs))

    def encode(self, inputs: Tensor) -> Tensor:
        return self.net.encode(self._placed(inputs), CODE)

    def decode(self, codes: Tensor) -> Tensor:
        return self.net.decode(codes, CODE)

    def state(self) -> dict[str, Tensor]:
        """The weights: prediction starts from zero charge."""
        return {f"w{layer}": weight for layer, weight in enumerate(self.net.weights)}

    def diagnostics(self) -> Mapping[str, Sequence[float]]:
        """On the last minibatch; see `zorbench.zor.diagnose`."""
        return diagnose(self.net, *self.batch)._asdict()


def _layers(entry: EntrySpec, config: ZorConv.Config) -> list[Layer | ConvLayer | ConvTransposeLayer]:
    channels, height, width = entry.input_shape
    first, second = config.channels, 2 * config.channels
    theta = config.threshold
    if theta is None:
        theta = -2.0 if entry.task is Reconstruction else 0.0
    common: dict[str, Any] = {"stateless": True, "max_weight": config.max_weight}
    hidden = {**common, "threshold": theta}
    input_layer = Layer((channels, height, width), threshold=OPEN, **common)
    if entry.task is Colorization:
        window = partial(ConvLayer, kernel=3)
        return [
            input_layer,
            window(first, **hidden),
            window(first, **hidden),
            window(entry.output_shape[0], threshold=OPEN, **common),
        ]
    encoder: list[Layer | ConvLayer | ConvTransposeLayer] = [
        input_layer,
        ConvLayer(first, kernel=5, stride=2, **hidden),
        ConvLayer(second, kernel=3, stride=2, **hidden),
    ]
    if entry.task is Classification:
        return [*encoder, Layer(entry.hidden, **hidden), Layer(entry.n_classes, threshold=OPEN, **common)]
    half = (math.ceil(height / 2), math.ceil(width / 2))
    quarter = (math.ceil(half[0] / 2), math.ceil(half[1] / 2))
    return [
        *encoder,
        Layer(entry.code, **hidden),
        Layer((second, *quarter), **hidden),
        _widened(first, half, **hidden),
        _widened(channels, (height, width), threshold=OPEN, **common),
    ]


def _widened(channels: int, size: tuple[int, int], **settings: Any) -> ConvTransposeLayer:
    """From maps of half the `size`, rounded up: a window of 4 covers all pixels alike, but no odd size."""
    kernel = 3 if any(length % 2 for length in size) else 4
    return ConvTransposeLayer(channels, kernel=kernel, stride=2, output_size=size, **settings)
