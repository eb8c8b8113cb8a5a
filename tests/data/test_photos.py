import numpy as np
import pytest
import torch
from PIL import Image

from zorbench.data import Dataset, load, photos
from zorbench.data.photos import TEST, TRAIN
from zorbench.errors import InputError


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load("photos")


def halved(path: str) -> np.ndarray:
    """Means of 2×2 pixels, computed with numpy from the package's file."""
    import skimage
    import sklearn

    package, _, inside = path.partition("/")
    folder = {"skimage": skimage, "sklearn": sklearn}[package].__path__[0]
    pixels = np.asarray(Image.open(f"{folder}/{inside}").convert("RGB"), dtype=float)
    height, width = (size // 2 * 2 for size in pixels.shape[:2])
    return pixels[:height, :width].reshape(height // 2, 2, width // 2, 2, 3).mean((1, 3))


def test_there_are_enough_patches_of_each_photograph(data: Dataset) -> None:
    assert data.shape == (3, 32, 32)
    assert data.n_train >= 1000
    assert data.n_test >= 500
    assert torch.bincount(data.train_labels()).unique().numel() == 1
    assert set(data.train_labels().tolist()) == set(range(len(TRAIN)))
    assert set(data.test_labels(range(data.n_test)).tolist()) == set(range(len(TRAIN), len(data.class_names)))
    assert data.class_names == (*TRAIN, *TEST)


def test_training_and_test_patches_come_from_different_photographs(data: Dataset) -> None:
    assert not set(TRAIN.values()) & set(TEST.values())


@pytest.mark.parametrize("name", [*TRAIN, *TEST])
def test_patches_lie_in_the_halved_photograph_they_are_labelled_with(data: Dataset, name: str) -> None:
    label = data.class_names.index(name)
    if name in TRAIN:
        indices = torch.nonzero(data.train_labels() == label).flatten()
        patches = data.train_inputs(indices)
    else:
        indices = torch.nonzero(data.test_labels(range(data.n_test)) == label).flatten()
        patches = data.test_inputs(indices)
    image = halved({**TRAIN, **TEST}[name])
    windows = np.lib.stride_tricks.sliding_window_view(image, (32, 32), axis=(0, 1))[::12, ::12]
    candidates = windows.reshape(-1, 3, 32, 32)
    for patch in patches[:: len(patches) // 4].numpy() * 255:
        assert np.abs(candidates - patch).max(axis=(1, 2, 3)).min() <= 0.75  # a mean rounded to a byte


def test_no_patch_is_drawn_twice(data: Dataset) -> None:
    patches = data.train_inputs(range(data.n_train)).flatten(1)
    assert len({row.numpy().tobytes() for row in patches}) == data.n_train


def test_no_patch_is_even(data: Dataset) -> None:
    inputs = torch.cat([data.train_inputs(range(data.n_train)), data.test_inputs(range(data.n_test))])
    assert inputs.mean(1).flatten(1).std(1).min() * 255 > 3.9


def test_a_missing_photograph_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"skimage/data/nobody\.png cannot be read"):
        photos._halved_photograph("skimage/data/nobody.png")
