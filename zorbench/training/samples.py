"""A data set's images as first-spike times: which learn, which are held out, and what reaches a stage."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from zorbench.data import Dataset
from zorbench.data.seeding import generator
from zorbench.errors import InputError
from zorbench.spiking.filters import DIGIT_DOGS, bank, dog
from zorbench.spiking.first_spikes import encode
from zorbench.spiking.learner import OneSpikeNet

CHUNK = 512  # images on their way from pixels to a stage at once: a few tens of MB
Tick = Callable[[int], None]
_COLOUR_WINDOWS = (5, 5, 9, 9, 15, 15)


@dataclass(frozen=True)
class Coding:
    """How images become first-spike times: filters (window, σ₁, σ₂), each `copies` times, and T steps."""

    dogs: tuple[tuple[int, float, float], ...] = DIGIT_DOGS
    copies: int = 1
    threshold: float = 50.0
    padding: int = 6
    radius: int = 8
    steps: int = 15

    @property
    def inputs(self) -> int:
        return len(self.dogs) * self.copies

    def kernels(self) -> Float[Tensor, "inputs 1 size size"]:
        return bank([dog(*parameters) for parameters in self.dogs]).repeat(self.copies, 1, 1, 1)

    def sides(self, high: int, wide: int) -> tuple[int, int]:
        """Rows and columns of the maps."""
        grow = 2 * self.padding + 1 - max(window for window, _, _ in self.dogs)
        return high + grow, wide + grow

    def encode(self, images: Float[Tensor, "n channels high wide"]) -> UInt8[Tensor, "n inputs rows columns"]:
        options: dict[str, Any] = {"threshold": self.threshold, "padding": self.padding}
        return encode(images, self.kernels(), radius=self.radius, steps=self.steps, **options)


GREY = Coding()
"""As the sources encode MNIST."""

COLOUR = Coding(
    tuple((size, one, two) for size, (_, one, two) in zip(_COLOUR_WINDOWS, DIGIT_DOGS, strict=True)),
    copies=3,
    threshold=40.0,
    padding=8,
    steps=20,
)
"""As aidinattar/snn encodes CIFAR-10: three identical copies of each filter, which adds up the channels."""


def coding_of(dataset: Dataset) -> Coding:
    """How this data set is encoded. Raises `InputError` for what is no image, or has no labels."""
    if len(dataset.shape) != 3 or dataset.shape[0] not in (1, 3):
        shape = "×".join(str(size) for size in dataset.shape)
        raise InputError(f"{dataset.name}: inputs of {shape} are no images of one channel or three")
    if "classification" not in dataset.tasks or len(dataset.class_names) < 2:
        raise InputError(f"{dataset.name}: has no labels to decide between, so no network learns to")
    return GREY if dataset.shape[0] == 1 else COLOUR


@dataclass(frozen=True)
class Part:
    """Images of one purpose: where they are read, which of them, and their labels."""

    read: Callable[[Any], Tensor] = field(repr=False)
    indices: Int[np.ndarray, " n"]
    labels: Int[Tensor, " n"]

    def __len__(self) -> int:
        return len(self.indices)

    def reaching(
        self, net: OneSpikeNet, coding: Coding, stage: str, tick: Tick | None = None
    ) -> UInt8[Tensor, "n below rows columns"]:
        """What reaches a stage, encoded on the way: beside the result no more than a chunk is held."""
        return filled(
            len(self),
            lambda low, high: net.features(coding.encode(self.read(self.indices[low:high])), stage),
            tick,
        )


@dataclass(frozen=True)
class Parts:
    """Images to learn from, to select on and to be tested on; none is in two of them."""

    training: Part
    validation: Part
    test: Part


def split(dataset: Dataset, held_out: int, seed: int) -> Parts:
    """`held_out` images of the training part, drawn by `seed`, for validation; the others in their order.

    Raises `InputError` if that leaves none to learn from.
    """
    if dataset.n_train - held_out < 1 or dataset.n_test < 1:
        raise InputError(
            f"{dataset.name}: {dataset.n_train} training and {dataset.n_test} test images are too few to "
            f"hold {held_out} out for validation; --validation takes fewer"
        )
    drawn = generator("validation of", dataset.n_train, seed).permutation(dataset.n_train)
    labels = dataset.train_labels()
    chosen = [np.sort(drawn[held_out:]), np.sort(drawn[:held_out])]
    training, validation = (
        Part(dataset.train_inputs, rows, labels[torch.from_numpy(rows)]) for rows in chosen
    )
    every = np.arange(dataset.n_test)
    return Parts(training, validation, Part(dataset.test_inputs, every, dataset.test_labels(every)))


def public_name(dataset: Dataset) -> str:
    """The data set's name without where it lies: a folder's own name only."""
    prefix, colon, path = dataset.name.partition(":")
    return f"{prefix}:{Path(path).name}" if colon else dataset.name


def order_of(seed: int, stage: str, epoch: int, images: int) -> Int[Tensor, " images"]:
    """The order in which an epoch meets the images: a function of its arguments alone."""
    return torch.from_numpy(generator("order", seed, stage, epoch).permutation(images))


def raised(
    net: OneSpikeNet,
    times: UInt8[Tensor, "n below rows columns"],
    start: str,
    stage: str,
    tick: Tick | None = None,
) -> UInt8[Tensor, "n above rows columns"]:
    """What reaches `stage`, of what reaches `start`."""
    if net.network.level(start) == net.network.level(stage):
        return times
    return filled(len(times), lambda low, high: net.features(times[low:high], stage, start=start), tick)


def filled(
    count: int, make: Callable[[int, int], UInt8[Tensor, "chunk ..."]], tick: Tick | None = None
) -> UInt8[Tensor, "count ..."]:
    """`make(low, high)` for all of 0 … count, one chunk after the other, into one tensor."""
    first = make(0, min(CHUNK, count))
    whole = torch.empty(count, *first.shape[1:], dtype=first.dtype)
    whole[: len(first)] = first
    for low in range(CHUNK, count, CHUNK):
        high = min(low + CHUNK, count)
        whole[low:high] = make(low, high)
        if tick is not None:
            tick(high)
    return whole
