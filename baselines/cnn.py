"""Backprop through a small convolutional network: what a standard method reaches on the same shots."""

import math
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
    search,
)


class CNN(StepBaseline):
    """Strided 3×3 convolutions, ReLU, AdamW; the usual network for each task, kept small.

    Reconstruction: two strided convolutions, an affine code of `entry.code` numbers, an affine layer back and
    two convolutions on nearest-neighbour upsampled maps. Classification: the same encoder with an affine
    read-out of the classes, cross-entropy. Colorization: three 3×3 convolutions at full size, RGB out.
    """

    name = "cnn"
    role = "reference"
    needs_images = True
    tasks = {Reconstruction, Colorization, Classification}
    tags = Tags(
        uses_weight_transport=True,
        optimiser="AdamW (fused)",
        initialisation="Kaiming uniform, a = √5 (torch's default)",
        output="linear",
    )

    @dataclass(frozen=True)
    class Config:
        lr: float = search(1e-3, low=1e-4, high=1e-1, log=True)  # AdamW step size
        weight_decay: float = search(1e-2, low=1e-5, high=1e-1, log=True)  # decoupled, per step × lr
        channels: int = 8  # maps of the first convolution; the second has twice as many

        def __post_init__(self) -> None:
            if self.channels < 1:
                raise ValueError(f"channels must be at least 1, got {self.channels}")

    def build(self, entry: EntrySpec, config: Config, rng: torch.Generator) -> None:
        with torch.random.fork_rng(devices=[]):  # the layers' constructors draw from the global generator
            self.encoder, self.decoder = _parts(entry, config.channels)
        self.net = nn.Sequential(self.encoder, self.decoder)
        _initialise(self.net, rng)
        self.net.to(entry.device)
        self.optimiser = torch.optim.AdamW(
            self.net.parameters(), lr=config.lr, weight_decay=config.weight_decay, fused=True
        )
        classes = entry.task is Classification
        self.loss = nn.functional.cross_entropy if classes else nn.functional.mse_loss

    def step(self, inputs: Tensor, targets: Tensor) -> None:
        self.optimiser.zero_grad()
        self.loss(self.net(inputs), targets).backward()
        self.optimiser.step()

    def encode(self, inputs: Tensor) -> Tensor:
        return self.encoder(inputs)

    def decode(self, codes: Tensor) -> Tensor:
        return self.decoder(codes)


def _parts(entry: EntrySpec, first: int) -> tuple[nn.Module, nn.Module]:
    """Encoder and decoder (empty where there is no bottleneck). `first`: maps of the first convolution."""
    channels, height, width = entry.input_shape
    second = 2 * first
    half = (math.ceil(height / 2), math.ceil(width / 2))
    quarter = (math.ceil(half[0] / 2), math.ceil(half[1] / 2))
    area = quarter[0] * quarter[1]
    encoder = [
        nn.Conv2d(channels, first, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(first, second, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
    ]
    decoder: list[nn.Module] = []
    if entry.task is Reconstruction:
        encoder.append(nn.Linear(second * area, entry.code))
        decoder = [
            nn.Linear(entry.code, second * area),
            nn.ReLU(),
            nn.Unflatten(1, (second, *quarter)),
            nn.Upsample(size=half),
            nn.Conv2d(second, first, 3, padding=1),
            nn.ReLU(),
            nn.Upsample(size=(height, width)),
            nn.Conv2d(first, entry.output_shape[0], 3, padding=1),
        ]
    elif entry.task is Classification:
        encoder.append(nn.Linear(second * area, entry.n_classes))
    else:
        encoder = [
            nn.Conv2d(channels, second, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(second, second, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(second, entry.output_shape[0], 3, padding=1),
        ]
    return nn.Sequential(*encoder), nn.Sequential(*decoder)


def _initialise(net: nn.Module, rng: torch.Generator) -> None:
    """torch's own default initialisation, drawn from `rng` instead of the global generator."""
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear) and layer.bias is not None:
            bound = 1 / math.sqrt(layer.weight[0].numel())
            with torch.no_grad():
                layer.weight.uniform_(-bound, bound, generator=rng)
                layer.bias.uniform_(-bound, bound, generator=rng)
