"""The cache: every data set converted once into four .npy files and a meta.json.

`<cache>/datasets/<name>-<hash>/`, the hash taken over what the entry was made from. An entry is written
beside its place and renamed into it, so that it is there whole or not at all.
"""

import hashlib
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray

from zorbench.data.dataset import Dataset, Folds
from zorbench.errors import InputError

FORMAT = 1  # to be raised whenever a conversion or this layout changes
PARTS = ("train_inputs", "train_labels", "test_inputs", "test_labels")


@dataclass(frozen=True)
class Content:
    """A converted data set in memory. Inputs uint8 0..255 or float32 in [0, 1]; labels int64."""

    name: str
    source: str
    train_inputs: ndarray
    train_labels: ndarray
    test_inputs: ndarray
    test_labels: ndarray
    class_names: tuple[str, ...]
    tasks: frozenset[str]

    def fingerprint(self) -> str:
        """SHA-256 of everything but where it came from."""
        digest = hashlib.sha256(json.dumps(self.class_names).encode())
        for part in PARTS:
            array = np.ascontiguousarray(getattr(self, part))
            digest.update(f"{part} {array.dtype.str} {array.shape}".encode())
            digest.update(array.data)
        return digest.hexdigest()


def cache_root() -> Path:
    """The folder named by ZORBENCH_CACHE, else the user's cache folder."""
    named = os.environ.get("ZORBENCH_CACHE")
    if named:
        return Path(named).expanduser()
    import platformdirs

    return platformdirs.user_cache_path("zorbench")


@contextmanager
def writing() -> Iterator[None]:
    """Turns a failure to write below the cache into an `InputError` that says how to move the cache."""
    try:
        yield
    except OSError as error:
        why = error.strerror or error
        message = f"cannot write the cache {cache_root()}: {why}; set ZORBENCH_CACHE to a folder with room "
        raise InputError(message + "that can be written") from None


def cached(
    name: str,
    made_from: Sequence[object],
    build: Callable[[Path], Content],
    *,
    folds: Folds | None = None,
    shown_name: str | None = None,
) -> Dataset:
    """The data set of that cache entry, converted by `build` if the entry is missing or damaged.

    `made_from` lists what the contents depend on (files with sizes and times, versions). `build` gets an
    empty scratch folder inside the cache, which goes when it returns. Nothing stays when it raises.
    """
    key = json.dumps([FORMAT, name, *map(str, made_from)])
    slug = re.sub(r"[^\w.-]+", "_", name, flags=re.ASCII)[:60]
    folder = cache_root() / "datasets" / f"{slug}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
    meta = _read_meta(folder)
    if meta is None:
        _convert(folder, build)
        meta = _read_meta(folder)
        if meta is None:
            raise InputError(f"{folder}: just written and already damaged; set ZORBENCH_CACHE elsewhere")
    return Dataset(
        name=shown_name or meta["name"],
        shape=tuple(meta["shape"]),
        class_names=tuple(meta["class_names"]),
        tasks=frozenset(meta["tasks"]),
        fingerprint=meta["fingerprint"],
        n_train=meta["n_train"],
        n_test=meta["n_test"],
        source=meta["source"],
        folder=folder,
        folds=folds,
    )


def _convert(folder: Path, build: Callable[[Path], Content]) -> None:
    temporary = folder.with_name(f".{folder.name}-{uuid.uuid4().hex[:8]}.tmp")
    scratch = temporary / "scratch"
    try:
        with writing():
            scratch.mkdir(parents=True)
            _sweep(folder.parent)
        content = build(scratch)
        with writing():
            shutil.rmtree(scratch)
            _write(temporary, content)
            _publish(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """Removes what conversions killed more than a day ago have left."""
    for left in folder.glob(".*.tmp"):
        with suppress(FileNotFoundError):
            if time.time() - left.stat().st_mtime > 86_400:
                shutil.rmtree(left, ignore_errors=True)


def _write(folder: Path, content: Content) -> None:
    for part in PARTS:
        np.save(folder / f"{part}.npy", getattr(content, part), allow_pickle=False)
    meta = {
        "format": FORMAT,
        "name": content.name,
        "source": content.source,
        "shape": content.train_inputs.shape[1:],
        "class_names": content.class_names,
        "tasks": sorted(content.tasks),
        "fingerprint": content.fingerprint(),
        "n_train": len(content.train_labels),
        "n_test": len(content.test_labels),
        "bytes": {part: (folder / f"{part}.npy").stat().st_size for part in PARTS},
    }
    (folder / "meta.json").write_text(json.dumps(meta, indent=1, ensure_ascii=False), encoding="utf-8")


def _publish(temporary: Path, folder: Path) -> None:
    for attempt in range(3):
        try:
            os.rename(temporary, folder)
            return
        except OSError:
            if _read_meta(folder) is not None:
                return  # another process was faster; what it wrote is the same
            if attempt == 2:
                raise
        aside = folder.with_name(f".{folder.name}-{uuid.uuid4().hex[:8]}.damaged")
        with suppress(FileNotFoundError):
            os.rename(folder, aside)
        shutil.rmtree(aside, ignore_errors=True)


def _read_meta(folder: Path) -> dict[str, Any] | None:
    """The entry's meta.json, or None where the entry is missing or visibly damaged.

    Sizes are compared for all parts; only the training part's headers are read, so that a load opens no test
    file. A flipped bit inside an array goes unnoticed.
    """
    try:
        meta: dict[str, Any] = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        for part in PARTS:
            if (folder / f"{part}.npy").stat().st_size != meta["bytes"][part]:
                return None
        inputs = np.load(folder / "train_inputs.npy", mmap_mode="r")
        labels = np.load(folder / "train_labels.npy", mmap_mode="r")
        whole = inputs.shape == (meta["n_train"], *meta["shape"]) and labels.shape == (meta["n_train"],)
        known = {"name", "source", "class_names", "tasks", "fingerprint", "n_test"} <= meta.keys()
        return meta if whole and known and meta["format"] == FORMAT else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def stamp(path: Path) -> str:
    """Path, size and time of change of a file: it changes when the file does."""
    status = path.stat()
    return f"{path.resolve()} {status.st_size} {status.st_mtime_ns}"
