"""A data set on disk: what it is called, what it holds, and reading chosen rows of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32, Int64
from numpy import ndarray
from torch import Tensor

from zorbench.errors import InputError

TASKS = ("reconstruction", "colorization", "classification")

Indices = Sequence[int] | ndarray | Tensor
Folds = Callable[[int], tuple[ndarray, ndarray]]


def tasks_of(shape: tuple[int, ...], *, classes: bool) -> frozenset[str]:
    """The tasks that make sense for inputs of this shape; `classes` says whether the labels mean anything."""
    image = len(shape) == 3
    wanted = (image, image and shape[0] == 3, classes)
    return frozenset(task for task, makes_sense in zip(TASKS, wanted, strict=True) if makes_sense)


@dataclass(frozen=True)
class Dataset:
    """Named inputs in [0, 1] with labels, a training part and a test part.

    Every call opens the one file that it needs and keeps nothing: test inputs are not read before
    `test_inputs`, test labels not before `test_labels`.
    """

    name: str  # resolved, e.g. "cifar10-jpeg"
    shape: tuple[int, ...]  # of one input
    class_names: tuple[str, ...]  # label k is class_names[k]
    tasks: frozenset[str]  # those of TASKS that make sense
    fingerprint: str  # SHA-256 of inputs, labels and class names
    n_train: int
    n_test: int
    source: str  # where it was converted from, for a reader
    folder: Path = field(repr=False)  # the cache entry
    folds: Folds | None = field(default=None, repr=False)  # own splits: seed -> (train indices, test indices)

    def train_labels(self) -> Int64[Tensor, "n_train"]:
        return torch.from_numpy(np.array(self._open("train_labels")))

    def train_inputs(self, indices: Indices) -> Float32[Tensor, "n *shape"]:
        return _unit(self._rows("train_inputs", indices))

    def test_inputs(self, indices: Indices) -> Float32[Tensor, "n *shape"]:
        return _unit(self._rows("test_inputs", indices))

    def test_labels(self, indices: Indices) -> Int64[Tensor, "n"]:
        return torch.from_numpy(self._rows("test_labels", indices))

    def _open(self, part: str) -> ndarray:
        path = self.folder / f"{part}.npy"
        try:
            return np.load(path, mmap_mode="r")
        except (OSError, ValueError) as error:
            message = f"{path}: this file of the cache of {self.name} cannot be read ({error}); "
            raise InputError(message + f"delete {self.folder} and run again") from None

    def _rows(self, part: str, indices: Indices) -> ndarray:
        rows = np.asarray(indices, dtype=np.int64)
        return np.asarray(self._open(part)[rows])


def _unit(rows: ndarray) -> Float32[Tensor, "n *shape"]:
    """Bytes 0..255 to [0, 1]; floats are stored in [0, 1] already."""
    values = torch.from_numpy(rows)
    return values.to(torch.float32).div_(255) if rows.dtype == np.uint8 else values
