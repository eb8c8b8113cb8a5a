"""cifar10 in all its layouts, tiny."""

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest

from zorbench.data import load
from zorbench.data.compat import import_torchvision
from zorbench.errors import InputError

from .files import CIFAR, snapshot, write_image, zip_folder

pytestmark = pytest.mark.usefixtures("own_cache")


def write_tree(folder: Path, suffix: str, *, size: tuple[int, int] = (32, 32)) -> Path:
    for part, count in (("train", 2), ("test", 1)):
        for label, name in enumerate(CIFAR):
            for k in range(count):
                path = folder / part / name / f"{k:04}{suffix}"
                write_image(path, (10 * label, 100 + k, 50), mode="RGB", size=size)
    return folder


@pytest.mark.parametrize(("suffix", "name"), [(".png", "cifar10"), (".jpg", "cifar10-jpeg")])
@pytest.mark.parametrize("place", ["cifar10", "cifar10.zip", "cifar10-jpeg", "cifar10-jpeg.zip"])
def test_class_folders_are_named_after_their_format(
    tmp_path: Path, place: str, suffix: str, name: str
) -> None:
    root = tmp_path / "root"
    if place.endswith(".zip"):
        root.mkdir()
        zip_folder(write_tree(tmp_path / "tree", suffix), root / place)
    else:
        write_tree(root / place, suffix)
    data = load("cifar10", root)
    assert data.name == name
    assert (data.shape, data.n_train, data.n_test) == ((3, 32, 32), 20, 10)
    assert data.class_names == CIFAR
    assert data.train_labels().tolist() == [k // 2 for k in range(20)]
    red = data.train_inputs(range(20))[:, 0].mean((1, 2)) * 255
    np.testing.assert_allclose(red, [10 * (k // 2) for k in range(20)], atol=4)  # JPEG rounds
    assert data.tasks == {"reconstruction", "colorization", "classification"}


def test_the_resolved_name_can_be_asked_for(tmp_path: Path) -> None:
    write_tree(tmp_path / "cifar10-jpeg", ".jpg")
    write_tree(tmp_path / "cifar10", ".png")
    assert load("cifar10-jpeg", tmp_path).name == "cifar10-jpeg"
    assert load("cifar10", tmp_path).name == "cifar10"


def test_png_files_are_not_called_jpeg(tmp_path: Path) -> None:
    write_tree(tmp_path / "cifar10", ".png")
    with pytest.raises(InputError, match="its files are not JPEG; the data set is called cifar10"):
        load("cifar10-jpeg", tmp_path)


def test_other_classes_or_sizes_are_not_called_cifar10(tmp_path: Path) -> None:
    write_tree(tmp_path / "small" / "cifar10", ".png", size=(16, 16))
    with pytest.raises(InputError, match=r"not CIFAR-10: .* inputs of shape \(3, 16, 16\); .* use folder:"):
        load("cifar10", tmp_path / "small")
    write_tree(tmp_path / "other" / "cifar10", ".png")
    for part in ("train", "test"):
        folder = tmp_path / "other" / "cifar10" / part
        (folder / "cat").rename(folder / "lynx")
    with pytest.raises(InputError, match=r"not CIFAR-10: classes .*lynx"):
        load("cifar10", tmp_path / "other")


@pytest.fixture
def binary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """torchvision's layout with 4 + 2 images; its list of MD5 sums is made to fit."""
    reader = import_torchvision().datasets.CIFAR10
    folder = tmp_path / "root" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 256, (6, 3072), dtype=np.uint8)
    files = {
        "data_batch_1": {"data": pixels[:4], "labels": [3, 1, 4, 1]},
        "test_batch": {"data": pixels[4:], "labels": [5, 9]},
        "batches.meta": {"label_names": list(CIFAR)},
    }
    for name, values in files.items():
        (folder / name).write_bytes(pickle.dumps(values))
    sums = {name: hashlib.md5((folder / name).read_bytes()).hexdigest() for name in files}
    monkeypatch.setattr(reader, "train_list", [["data_batch_1", sums["data_batch_1"]]])
    monkeypatch.setattr(reader, "test_list", [["test_batch", sums["test_batch"]]])
    monkeypatch.setattr(reader, "meta", {**reader.meta, "md5": sums["batches.meta"]})
    return folder


def test_the_binary_files_are_read(binary: Path) -> None:
    before = snapshot(binary.parent)
    data = load("cifar10", binary.parent)
    pixels = np.random.default_rng(0).integers(0, 256, (6, 3072), dtype=np.uint8)
    planes = (pixels.reshape(6, 3, 32, 32) / 255).astype(np.float32)  # red, green, blue, each by rows
    assert np.array_equal(data.train_inputs(range(4)).numpy(), planes[:4])
    assert np.array_equal(data.test_inputs(range(2)).numpy(), planes[4:])
    assert data.train_labels().tolist() == [3, 1, 4, 1]
    assert data.test_labels([0, 1]).tolist() == [5, 9]
    assert (data.name, data.class_names) == ("cifar10", CIFAR)
    assert snapshot(binary.parent) == before


def test_the_binary_files_come_first(binary: Path) -> None:
    write_tree(binary.parent / "cifar10", ".png")
    assert load("cifar10", binary.parent).n_train == 4


@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(b"junk"), Path.unlink])
def test_damaged_binary_files_are_refused(binary: Path, own_cache: Path, damage) -> None:
    damage(binary / "data_batch_1")
    with pytest.raises(InputError, match="torchvision cannot read CIFAR-10 here") as caught:
        load("cifar10", binary.parent)
    assert str(binary) in str(caught.value)
    assert list((own_cache / "datasets").iterdir()) == []
