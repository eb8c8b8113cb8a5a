"""mnist and fashion_mnist: IDX files, plain or gzip, in torchvision's folder layout."""

import zlib
from math import prod
from pathlib import Path

import numpy as np
from numpy import ndarray

from zorbench.data.cache import Content, cached, stamp, writing
from zorbench.data.compat import import_torchvision
from zorbench.data.dataset import Dataset, tasks_of
from zorbench.errors import InputError

DEBIAN = Path("/usr/share/datasets/fashion-mnist")  # where Debian's dataset-fashion-mnist puts its files
CLASSES = {
    "mnist": tuple("0123456789"),
    "fashion_mnist": (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
}
TORCHVISION = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST"}  # its classes and their folders
FILES = {  # file -> dimensions of the array in it
    "train-images-idx3-ubyte": 3,
    "train-labels-idx1-ubyte": 1,
    "t10k-images-idx3-ubyte": 3,
    "t10k-labels-idx1-ubyte": 1,
}


def find_idx(name: str, data_root: Path | None) -> Path | None:
    """The folder that holds the files of `name`, or None."""
    below = data_root / TORCHVISION[name] / "raw" if data_root is not None else None
    if below is not None and below.is_dir():
        return below
    return DEBIAN if name == "fashion_mnist" and DEBIAN.is_dir() else None


def load_idx(name: str, folder: Path) -> Dataset:
    """`name` from the four IDX files in `folder`.

    Raises: InputError naming the file where one is missing, truncated or not what its name says.
    """
    paths = {file: _present(folder, file) for file in FILES}

    def build(scratch: Path) -> Content:
        # torchvision's reader wants plain files in its own layout, and trusts what they say: each is
        # unpacked into the scratch folder and its sizes are checked on the way.
        staged = scratch / TORCHVISION[name] / "raw"
        with writing():
            staged.mkdir(parents=True)
        sizes: dict[str, tuple[int, ...]] = {}
        for file, path in paths.items():
            data = _read(path)
            sizes[file] = _check(path, data, FILES[file])
            with writing():
                (staged / file).write_bytes(data)
        _agree(paths, sizes)
        reader = getattr(import_torchvision().datasets, TORCHVISION[name])
        parts = [_arrays(reader(scratch, train=train, download=False)) for train in (True, False)]
        for (_, labels), part in zip(parts, ("train", "t10k"), strict=True):
            if labels.max() > 9:
                path = paths[f"{part}-labels-idx1-ubyte"]
                raise InputError(f"{path}: label {labels.max()}; the labels of {name} are 0 to 9")
        (train_inputs, train_labels), (test_inputs, test_labels) = parts
        return Content(
            name=name,
            source=f"IDX files in {folder}",
            train_inputs=train_inputs,
            train_labels=train_labels,
            test_inputs=test_inputs,
            test_labels=test_labels,
            class_names=CLASSES[name],
            tasks=tasks_of(train_inputs.shape[1:], classes=True),
        )

    return cached(name, [stamp(path) for path in paths.values()], build)


def _present(folder: Path, file: str) -> Path:
    for path in (folder / file, folder / f"{file}.gz"):
        if path.is_file():
            return path
    raise InputError(f"{folder}: neither {file} nor {file}.gz is there")


def _read(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    return _gunzip(path, data) if path.suffix == ".gz" else data


def _gunzip(path: Path, data: bytes) -> bytes:
    unpacked = b""
    while data:  # a gzip file is one member or several
        member = zlib.decompressobj(wbits=31)
        try:
            unpacked += member.decompress(data)
        except zlib.error as error:
            raise InputError(f"{path}: not a gzip file, or a damaged one ({error})") from None
        if not member.eof:
            nd = FILES[path.stem]
            wanted = f"{_expected(unpacked, nd):,} bytes expected, " if len(unpacked) >= 4 + 4 * nd else ""
            raise InputError(f"{path}: truncated gzip file: {wanted}{len(unpacked):,} found")
        data = member.unused_data.lstrip(b"\0")
    return unpacked


def _dimensions(data: bytes, nd: int) -> tuple[int, ...]:
    return tuple(int.from_bytes(data[4 + 4 * axis : 8 + 4 * axis], "big") for axis in range(nd))


def _expected(data: bytes, nd: int) -> int:
    return 4 + 4 * nd + prod(_dimensions(data, nd))


def _check(path: Path, data: bytes, nd: int) -> tuple[int, ...]:
    """The sizes in the header, which the file must agree with: magic number 0x08 (bytes), then `nd`."""
    what = "images" if nd == 3 else "labels"
    magic = 0x0800 + nd
    if int.from_bytes(data[:4], "big") != magic:
        found = f"0x{data[:4].hex()}" if data else "nothing"
        wanted = f"magic number 0x{magic:08x} expected, {found} found"
        raise InputError(f"{path}: not an IDX file of {what}: {wanted}")
    if len(data) < 4 + 4 * nd:
        wanted = f"a header of {4 + 4 * nd} bytes expected, {len(data)} found"
        raise InputError(f"{path}: truncated IDX file: {wanted}")
    sizes = _dimensions(data, nd)
    if len(data) != _expected(data, nd):
        shape = "×".join(map(str, sizes[1:]))
        listed = f"{sizes[0]:,} {what}" + (f" of {shape} pixels" if shape else "")
        how = "truncated" if len(data) < _expected(data, nd) else "too long"
        expected = f"{_expected(data, nd):,} bytes expected for {listed}, {len(data):,} found"
        raise InputError(f"{path}: {how} IDX file: {expected}")
    if 0 in sizes:
        raise InputError(f"{path}: holds no {what}")
    return sizes


def _agree(paths: dict[str, Path], sizes: dict[str, tuple[int, ...]]) -> None:
    for part in ("train", "t10k"):
        images, labels = f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte"
        if sizes[images][0] != sizes[labels][0]:
            counts = f"{sizes[images][0]:,} images, but {sizes[labels][0]:,} labels in {paths[labels].name}"
            raise InputError(f"{paths[images]}: {counts}")
    train, test = (sizes[f"{part}-images-idx3-ubyte"][1:] for part in ("train", "t10k"))
    if train != test:
        found = f"images of {test[0]}×{test[1]} pixels, but {train[0]}×{train[1]} in the training file"
        raise InputError(f"{paths['t10k-images-idx3-ubyte']}: {found}")


def _arrays(part: object) -> tuple[ndarray, ndarray]:
    """uint8 [N, 1, H, W] and int64 [N] of a torchvision data set."""
    images, labels = part.data, part.targets  # type: ignore[attr-defined]
    return np.asarray(images.numpy())[:, None], np.asarray(labels.numpy(), dtype=np.int64)
