"""Class folders of images, in a folder or a zip: which file belongs to which class of which part."""

import os
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from zorbench.data.cache import stamp
from zorbench.errors import InputError

SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm"))
LAYOUTS = "train/<class>/… and test/<class>/…, or <class>/…"

Classes = dict[str, list[str]]  # class name -> its files, both sorted


@dataclass(frozen=True)
class Tree:
    """A folder or zip. Names of files are relative, with forward slashes; hidden ones are passed over."""

    path: Path
    archive: zipfile.ZipFile | None

    @classmethod
    def open(cls, path: Path) -> "Tree":
        """Raises: InputError where there is nothing, or a file that is no zip."""
        if path.is_dir():
            return cls(path, None)
        if not path.exists():
            raise InputError(f"{path}: no such folder or zip file")
        try:
            return cls(path, zipfile.ZipFile(path))
        except (zipfile.BadZipFile, OSError) as error:
            raise InputError(f"{path}: neither a folder nor a readable zip file ({error})") from None

    def read(self, file: str) -> bytes:
        try:
            return (self.path / file).read_bytes() if self.archive is None else self.archive.read(file)
        except (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
            # RuntimeError: encrypted, or packed by a method that this Python lacks
            raise _unreadable(self.path, file, error) from None

    def listing(self) -> tuple[list[str], set[str]]:
        """(image files, folders), without those that are hidden."""
        if self.archive is None:
            files, folders = self._walk()
        else:
            names = self.archive.namelist()
            files = [name for name in names if not name.endswith("/")]
            folders = [name.rstrip("/") for name in names if name.endswith("/")]
        files = [file for file in files if _shown(file) and PurePosixPath(file).suffix.lower() in SUFFIXES]
        parents = {parent for file in files for parent in _parents(file)}
        return files, parents | {folder for folder in folders if _shown(folder)}

    def _walk(self) -> tuple[list[str], list[str]]:
        def refuse(error: OSError) -> None:
            raise _unreadable(self.path, str(error.filename), error)

        files, folders = [], []
        for folder, subfolders, names in os.walk(self.path, onerror=refuse, followlinks=True):
            subfolders.sort()
            inside = Path(folder).relative_to(self.path).as_posix()
            prefix = "" if inside == "." else f"{inside}/"
            files += [prefix + name for name in names]
            folders += [prefix + name for name in subfolders]
        return files, folders


def _unreadable(path: Path, file: str, error: Exception) -> InputError:
    return InputError(f"{path}: {file} cannot be read ({getattr(error, 'strerror', None) or error})")


def fingerprint_of(path: Path) -> list[str]:
    """What a conversion of the folder or zip depends on: of every file its name, size and time of change."""
    if not path.is_dir():
        return [stamp(path)] if path.exists() else []
    files, folders = Tree.open(path).listing()
    stamps = []
    for file in sorted(files):
        try:
            status = os.stat(path / file)
        except OSError as error:
            raise _unreadable(path, file, error) from None
        stamps.append(f"{file} {status.st_size} {status.st_mtime_ns}")
    return [str(path.resolve()), *sorted(folders), *stamps]


def classes_of(tree: Tree) -> dict[str, Classes]:
    """{"train": …, "test": …} where the tree has these folders, else {"": …} for a split yet to be made.

    Folders that hold nothing but one folder of folders, as zip programs like to add, are passed through.

    Raises: InputError where there are no class folders, one is empty, or the two parts' classes differ.
    """
    files, folders = tree.listing()
    prefix = ""
    while True:
        tops = _children(folders, prefix)
        wrapped = len(tops) == 1 and _children(folders, f"{prefix}{tops[0]}/")
        if not wrapped or "train" in tops or "test" in tops:
            break
        prefix = f"{prefix}{tops[0]}/"
    if not tops:
        raise InputError(f"{tree.path}: no class folders; {LAYOUTS} is wanted")
    if not {"train", "test"} & set(tops):
        return {"": _grouped(tree.path, files, folders, prefix)}
    for part in ("train", "test"):
        if not _children(folders, f"{prefix}{part}/"):
            raise InputError(f"{tree.path}: no class folders in {prefix}{part}/; {LAYOUTS} is wanted")
    parts = {part: _grouped(tree.path, files, folders, f"{prefix}{part}/") for part in ("train", "test")}
    for here, there in (("train", "test"), ("test", "train")):
        for name in parts[here]:
            if name not in parts[there]:
                raise InputError(f"{tree.path}: class {name} is in {here}/, but not in {there}/")
    return parts


def _grouped(path: Path, files: Iterable[str], folders: set[str], prefix: str) -> Classes:
    classes: Classes = {name: [] for name in _children(folders, prefix)}
    for file in sorted(files):
        name, slash, _ = file.removeprefix(prefix).partition("/")
        if file.startswith(prefix) and slash:
            classes[name].append(file)
    for name, members in classes.items():
        if not members:
            raise InputError(f"{path}: no images in the class folder {prefix}{name}")
    return classes


def _children(folders: set[str], prefix: str) -> list[str]:
    inside = [folder.removeprefix(prefix) for folder in folders if folder.startswith(prefix)]
    return sorted(name for name in inside if name and "/" not in name)


def _parents(file: str) -> list[str]:
    parts = file.split("/")[:-1]
    return ["/".join(parts[: end + 1]) for end in range(len(parts))]


def _shown(name: str) -> bool:
    return not any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))
