"""cifar10: torchvision's binary files, or a folder or zip of class folders."""

from pathlib import Path

import numpy as np

from zorbench.data.cache import Content, cached, stamp
from zorbench.data.compat import import_torchvision
from zorbench.data.dataset import Dataset, tasks_of
from zorbench.data.folder import content_of, read_images
from zorbench.data.tree import fingerprint_of
from zorbench.errors import InputError

SHAPE = (3, 32, 32)
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
BINARY = "cifar-10-batches-py"
TREES = ("cifar10", "cifar10.zip", "cifar10-jpeg", "cifar10-jpeg.zip")


def find_cifar(name: str, data_root: Path | None) -> Path | None:
    """What `name` ("cifar10", or "cifar10-jpeg" for JPEG copies only) would be read from, or None."""
    if data_root is None:
        return None
    order = (BINARY, *TREES) if name == "cifar10" else TREES[2:] + TREES[:2]
    for place in (data_root / part for part in order):
        if place.is_dir() or (place.suffix == ".zip" and place.is_file()):
            return place
    return None


def load_cifar(name: str, path: Path) -> Dataset:
    """CIFAR-10 from `path`; resolves to "cifar10-jpeg" where its files are JPEG, which lose a little.

    Raises: InputError where the files are damaged, are not CIFAR-10, or are not JPEG although `name` says so.
    """
    dataset = _binary(path) if path.name == BINARY else _tree(path)
    if name == "cifar10-jpeg" and dataset.name != name:
        raise InputError(f"{path}: its files are not JPEG; the data set is called {dataset.name}")
    return dataset


def _binary(path: Path) -> Dataset:
    def build(_: Path) -> Content:
        reader = import_torchvision().datasets.CIFAR10
        try:
            train, test = (reader(path.parent, train=part, download=False) for part in (True, False))
        except Exception as error:  # unpickling a damaged file may raise anything
            wanted = "the files of the published archive, with their MD5 sums, are wanted"
            raise InputError(f"{path}: torchvision cannot read CIFAR-10 here ({error}); {wanted}") from None
        return Content(
            name="cifar10",
            source=f"binary files in {path}",
            train_inputs=train.data.transpose(0, 3, 1, 2),
            train_labels=np.array(train.targets, dtype=np.int64),
            test_inputs=test.data.transpose(0, 3, 1, 2),
            test_labels=np.array(test.targets, dtype=np.int64),
            class_names=tuple(train.classes),
            tasks=tasks_of(SHAPE, classes=True),
        )

    return cached("cifar10", [stamp(file) for file in sorted(path.iterdir()) if file.is_file()], build)


def _tree(path: Path) -> Dataset:
    def build(_: Path) -> Content:
        images = read_images(path)
        shape = images.train[0].shape[1:]
        if images.class_names != CLASSES or shape != SHAPE:
            found = f"classes {', '.join(images.class_names)} and inputs of shape {shape}"
            wanted = f"{', '.join(CLASSES)} and {SHAPE} are wanted; for other images use folder:{path}"
            raise InputError(f"{path}: not CIFAR-10: {found}; {wanted}")
        name = "cifar10-jpeg" if "JPEG" in images.formats else "cifar10"
        return content_of(images, name, f"images in {path}")

    return cached("cifar10", fingerprint_of(path), build)
