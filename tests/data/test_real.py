"""The real sets, where there is a data root."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from zorbench.data import catalog, load

from .files import CIFAR, parse_idx, snapshot


@pytest.fixture(scope="module")
def root(data_root: Path) -> Iterator[Path]:
    """The data root, found unchanged after the tests of this file."""
    before = snapshot(data_root)
    yield data_root
    assert snapshot(data_root) == before


def require(name: str, root: Path) -> None:
    line = next(info for info in catalog(root) if info.name == name)
    if not line.available:
        pytest.skip(f"{name} is {line.where}")


@pytest.mark.parametrize(("name", "folder"), [("mnist", "MNIST"), ("fashion_mnist", "FashionMNIST")])
def test_the_idx_sets_hold_what_their_files_hold(root: Path, name: str, folder: str) -> None:
    require(name, root)
    raw = root / folder / "raw"
    if not raw.is_dir():
        pytest.skip(f"no {raw}")
    arrays = {path.name.removesuffix(".gz"): parse_idx(path) for path in raw.glob("*ubyte*")}
    data = load(name, root)
    assert (data.name, data.shape, data.n_train, data.n_test) == (name, (1, 28, 28), 60_000, 10_000)
    assert np.array_equal(data.train_labels().numpy(), arrays["train-labels-idx1-ubyte"])
    assert np.array_equal(data.test_labels(range(10_000)).numpy(), arrays["t10k-labels-idx1-ubyte"])
    some = np.arange(0, 60_000, 997)
    wanted = arrays["train-images-idx3-ubyte"][some][:, None] / 255
    assert np.array_equal(data.train_inputs(some).numpy(), wanted.astype(np.float32))
    wanted = arrays["t10k-images-idx3-ubyte"][:, None] / 255
    assert np.array_equal(data.test_inputs(range(10_000)).numpy(), wanted.astype(np.float32))


def test_mnist_and_fashion_mnist_begin_as_published(root: Path) -> None:
    require("mnist", root)
    require("fashion_mnist", root)
    assert load("mnist", root).train_labels()[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert load("fashion_mnist", root).train_labels()[:10].tolist() == [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]


def test_cifar10_has_its_counts_and_classes(root: Path) -> None:
    require("cifar10", root)
    data = load("cifar10", root)
    assert data.name in ("cifar10", "cifar10-jpeg")
    assert (data.shape, data.n_train, data.n_test) == ((3, 32, 32), 50_000, 10_000)
    assert data.class_names == CIFAR
    assert torch.bincount(data.train_labels()).tolist() == [5000] * 10
    assert torch.bincount(data.test_labels(range(10_000))).tolist() == [1000] * 10


def test_cifar10_jpeg_is_decoded_as_pillow_does(root: Path) -> None:
    archive = root / "cifar10-jpeg.zip"
    if not archive.is_file():
        pytest.skip(f"no {archive}")
    data = load("cifar10-jpeg", root)
    assert data.name == "cifar10-jpeg"
    with zipfile.ZipFile(archive) as packed:
        for label in (0, 2, 9):
            folder = f"train/{CIFAR[label]}/"
            names = sorted(name for name in packed.namelist() if name.startswith(folder) and name != folder)
            pixels = np.asarray(Image.open(io.BytesIO(packed.read(names[17]))).convert("RGB"))
            row = int(torch.nonzero(data.train_labels() == label)[17])
            wanted = (pixels.transpose(2, 0, 1) / 255).astype(np.float32)
            assert np.array_equal(data.train_inputs([row])[0].numpy(), wanted)
