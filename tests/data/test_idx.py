"""mnist and fashion_mnist from tiny IDX files written by hand."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from zorbench.data import idx, load
from zorbench.errors import InputError

from .files import IDX_FILES, idx_bytes, snapshot, write_mnist

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = IDX_FILES


@pytest.fixture(autouse=True)
def no_debian(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(idx, "DEBIAN", tmp_path / "debian")


@pytest.fixture
def root(tmp_path: Path, own_cache: Path) -> Path:
    return tmp_path / "root"


@pytest.mark.parametrize("packed", [(), tuple(IDX_FILES), (TRAIN_IMAGES, TEST_LABELS)])
@pytest.mark.parametrize(("name", "folder"), [("mnist", "MNIST"), ("fashion_mnist", "FashionMNIST")])
def test_plain_and_packed_files_are_read_alike(root: Path, name: str, folder: str, packed) -> None:
    arrays = write_mnist(root, folder, packed)
    data = load(name, root)
    assert (data.name, data.shape, data.n_train, data.n_test) == (name, (1, 6, 5), 30, 10)
    wanted = (arrays[TRAIN_IMAGES][:, None] / 255).astype(np.float32)
    assert np.array_equal(data.train_inputs(range(30)).numpy(), wanted)
    wanted = (arrays[TEST_IMAGES][:, None] / 255).astype(np.float32)
    assert np.array_equal(data.test_inputs(range(10)).numpy(), wanted)
    assert data.train_labels().tolist() == arrays[TRAIN_LABELS].tolist()
    assert data.test_labels(range(10)).tolist() == arrays[TEST_LABELS].tolist()


def test_the_fingerprint_does_not_depend_on_the_packing(tmp_path: Path, own_cache: Path) -> None:
    write_mnist(tmp_path / "plain")
    write_mnist(tmp_path / "packed", packed=tuple(IDX_FILES))
    assert load("mnist", tmp_path / "plain").fingerprint == load("mnist", tmp_path / "packed").fingerprint


def test_a_gzip_file_of_several_members_is_one_file(root: Path) -> None:
    arrays = write_mnist(root)
    plain = root / "MNIST" / "raw" / TRAIN_IMAGES
    data = plain.read_bytes()
    plain.unlink()
    plain.with_name(plain.name + ".gz").write_bytes(gzip.compress(data[:100]) + gzip.compress(data[100:]))
    assert load("mnist", root).train_labels().tolist() == arrays[TRAIN_LABELS].tolist()


def test_the_data_root_is_only_read(root: Path) -> None:
    write_mnist(root, packed=(TRAIN_IMAGES,))
    for path in [*root.rglob("*"), root]:
        os.chmod(path, 0o555)
    before = snapshot(root)
    load("mnist", root)
    load("mnist", root)
    assert snapshot(root) == before


def test_debians_fashion_mnist_is_found_without_a_data_root(tmp_path: Path, own_cache: Path) -> None:
    write_mnist(tmp_path, "FashionMNIST", tuple(IDX_FILES))
    (tmp_path / "FashionMNIST" / "raw").rename(tmp_path / "debian")
    assert load("fashion_mnist").n_train == 30
    (tmp_path / "empty").mkdir()
    assert load("fashion_mnist", tmp_path / "empty").source.endswith("debian")


def test_a_data_root_comes_before_debian(tmp_path: Path, root: Path) -> None:
    write_mnist(root, "FashionMNIST")
    (tmp_path / "debian").mkdir()
    assert "root" in load("fashion_mnist", root).source


def test_changed_files_are_converted_anew(root: Path) -> None:
    write_mnist(root)
    before = load("mnist", root)
    path = root / "MNIST" / "raw" / TRAIN_LABELS
    path.write_bytes(idx_bytes(np.zeros(30)))
    os.utime(path, ns=(1, 1))
    assert load("mnist", root).train_labels().tolist() == [0] * 30
    assert before.train_labels().tolist() != [0] * 30  # the old entry stays for those who have it open


PIXELS = np.zeros((30, 6, 5))
BROKEN = [
    (
        TRAIN_IMAGES,
        idx_bytes(PIXELS)[:-7],
        r"truncated IDX file: 916 bytes expected for 30 images of 6×5 pixels, 909",
    ),
    (TRAIN_IMAGES, idx_bytes(PIXELS) + b"\0", r"too long IDX file: 916 bytes expected .*, 917 found"),
    (TRAIN_IMAGES, idx_bytes(PIXELS)[:9], r"truncated IDX file: a header of 16 bytes expected, 9 found"),
    (TRAIN_IMAGES, b"", r"not an IDX file of images: magic number 0x00000803 expected, nothing found"),
    (TRAIN_IMAGES, b"\x89PNG\r\n", r"not an IDX file of images: magic number .* expected, 0x89504e47 found"),
    (TRAIN_IMAGES, idx_bytes(np.zeros(30)), r"0x00000803 expected, 0x00000801 found"),
    (TRAIN_IMAGES, idx_bytes(np.zeros((0, 6, 5))), r"holds no images"),
    (TRAIN_IMAGES, idx_bytes(np.zeros((29, 6, 5))), r"29 images, but 30 labels in train-labels-idx1-ubyte"),
    (TEST_LABELS, idx_bytes(np.zeros(9)), r"10 images, but 9 labels in t10k-labels-idx1-ubyte"),
    (
        TEST_LABELS,
        idx_bytes(np.zeros(10))[:-2],
        r"truncated IDX file: 18 bytes expected for 10 labels, 16 found",
    ),
    (TEST_LABELS, idx_bytes(np.full(10, 11)), r"label 11; the labels of mnist are 0 to 9"),
    (TEST_IMAGES, idx_bytes(np.zeros((10, 5, 6))), r"images of 5×6 pixels, but 6×5 in the training file"),
]


@pytest.mark.parametrize("pack", [False, True])
@pytest.mark.parametrize(("file", "data", "message"), BROKEN)
def test_a_broken_file_is_named_with_what_is_wrong(
    root: Path, own_cache: Path, file: str, data: bytes, message: str, pack: bool
) -> None:
    write_mnist(root)
    path = root / "MNIST" / "raw" / file
    path.unlink()
    if pack:
        path = path.with_name(f"{file}.gz")
    path.write_bytes(gzip.compress(data) if pack else data)
    with pytest.raises(InputError, match=message) as caught:
        load("mnist", root)
    assert "\n" not in str(caught.value)
    assert f"{root / 'MNIST' / 'raw'}" in str(caught.value)
    if "labels in" not in message:
        assert file in str(caught.value)
    assert list((own_cache / "datasets").iterdir()) == []


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[: len(data) // 2], r"truncated gzip file: 916 bytes expected, \d+ found"),
        (lambda data: data[:12], r"truncated gzip file: \d+ found"),
        (lambda data: b"hello" + data, r"not a gzip file, or a damaged one"),
        (lambda data: data[:-8] + bytes(8), r"not a gzip file, or a damaged one \(.*incorrect data check"),
    ],
)
def test_a_broken_gzip_file_is_named(root: Path, own_cache: Path, damage, message: str) -> None:
    write_mnist(root, packed=(TRAIN_IMAGES,))
    path = root / "MNIST" / "raw" / f"{TRAIN_IMAGES}.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match=message) as caught:
        load("mnist", root)
    assert str(path) in str(caught.value)
    assert list((own_cache / "datasets").iterdir()) == []


def test_a_missing_file_is_named(root: Path) -> None:
    write_mnist(root)
    (root / "MNIST" / "raw" / TEST_LABELS).unlink()
    with pytest.raises(InputError, match=f"neither {TEST_LABELS} nor {TEST_LABELS}.gz is there"):
        load("mnist", root)
