"""A few handwritten digits as a data set of their own, so that a training takes a second."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from zorbench.data import Dataset, load

Make = Callable[..., Dataset]


@pytest.fixture
def few(tmp_path: Path) -> Make:
    """`few(training, test)` → so many of mnist5k's images; `colours=True` gives them three channels."""

    def make(training: int = 120, test: int = 50, *, colours: bool = False, name: str = "few") -> Dataset:
        data = load("mnist5k")
        drawn = np.random.default_rng(0)
        folder = tmp_path / f"data-{name}-{training}-{test}-{colours}"
        folder.mkdir()
        for part, count in (("train", training), ("test", test)):
            n = data.n_train if part == "train" else data.n_test
            rows = drawn.permutation(n)[:count]
            images = data.train_inputs(rows) if part == "train" else data.test_inputs(rows)
            labels = data.train_labels()[rows] if part == "train" else data.test_labels(rows)
            if colours:
                images = images * torch.tensor([1.0, 0.5, 0.2])[:, None, None]
            np.save(folder / f"{part}_inputs.npy", images.numpy())
            np.save(folder / f"{part}_labels.npy", labels.numpy())
        return Dataset(
            name=name,
            shape=(3 if colours else 1, 28, 28),
            class_names=data.class_names,
            tasks=frozenset({"classification"}),
            fingerprint=f"{training} {test} {colours}",
            n_train=training,
            n_test=test,
            source="mnist5k",
            folder=folder,
        )

    return make


@pytest.fixture
def without_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures take longer than a small training does."""
    monkeypatch.setattr("zorbench.training._plot", lambda folder: None)
