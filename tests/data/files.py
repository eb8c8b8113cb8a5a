"""Small data files written by hand."""

import gzip
import zipfile
from pathlib import Path

import numpy as np
from numpy import ndarray
from PIL import Image

IDX_FILES = {
    "train-images-idx3-ubyte": ("images", 0),
    "train-labels-idx1-ubyte": ("labels", 0),
    "t10k-images-idx3-ubyte": ("images", 1),
    "t10k-labels-idx1-ubyte": ("labels", 1),
}
CIFAR = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def idx_bytes(array: ndarray) -> bytes:
    """Two zero bytes, 0x08 for unsigned bytes, the number of axes, their big-endian sizes, the data."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes((0, 0, 8, array.ndim)) + sizes + array.astype(np.uint8).tobytes()


def parse_idx(path: Path) -> ndarray:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    axes = data[3]
    sizes = [int.from_bytes(data[4 + 4 * axis : 8 + 4 * axis], "big") for axis in range(axes)]
    return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(sizes)


def write_mnist(root: Path, folder: str = "MNIST", packed: tuple[str, ...] = ()) -> dict[str, ndarray]:
    """30 training and 10 test images of 6×5 pixels; the files named in `packed` get gzipped."""
    rng = np.random.default_rng(0)
    arrays: dict[str, ndarray] = {}
    raw = root / folder / "raw"
    raw.mkdir(parents=True)
    for name, (what, part) in IDX_FILES.items():
        count = (30, 10)[part]
        pixels = rng.integers(0, 256, (count, 6, 5))
        arrays[name] = pixels if what == "images" else np.arange(count) * 3 % 10
        data = idx_bytes(arrays[name])
        if name in packed:
            (raw / f"{name}.gz").write_bytes(gzip.compress(data))
        else:
            (raw / name).write_bytes(data)
    return arrays


def write_image(path: Path, value: int | tuple[int, ...] = 7, *, mode: str = "L", size=(6, 4)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value).save(path)


def write_classes(folder: Path, counts: dict[str, int], **options) -> None:
    """`counts[name]` images a class; image k of class c has all pixels 20·c + k."""
    for label, (name, count) in enumerate(counts.items()):
        for k in range(count):
            write_image(folder / name / f"{k:03}.png", 20 * label + k, **options)


def zip_folder(folder: Path, archive: Path, prefix: str = "") -> Path:
    with zipfile.ZipFile(archive, "w") as packed:
        for path in sorted(folder.rglob("*")):
            packed.write(path, prefix + path.relative_to(folder).as_posix())
    return archive


def snapshot(folder: Path) -> list[tuple[str, int, int]]:
    """Everything below a folder with sizes and times of change, folders included."""
    found = list(folder.rglob("*"))
    return sorted((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in [folder, *found])
