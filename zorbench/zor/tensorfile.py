"""Named tensors in a safetensors file: written whole or not at all, read one at a time.

Reading copies straight into torch's own memory. A mapped file would count as memory in use for as long as it
is mapped, crash the process when the file shrinks, and give matrix products other alignments, so other bits.
"""

import json
import math
import mmap
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from io import BufferedReader
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

AnyPath = str | os.PathLike[str]

_LENGTH = 8  # bytes of the number a safetensors file begins with: the length of the header that follows
_LONGEST_HEADER = 100_000_000

_DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


@dataclass(frozen=True)
class Entry:
    """A tensor in a file. start: its first byte, counted from the beginning of the file."""

    dtype: torch.dtype | str
    shape: tuple[int, ...]
    start: int


@dataclass(frozen=True)
class TensorFile:
    """What a file says of itself. stamp: tells the file from one that replaced it, or from itself changed."""

    path: str
    metadata: dict[str, str]
    entries: dict[str, Entry]
    stamp: tuple[int, ...]

    def read(self, name: str, *, passing: bool = False) -> Tensor:
        """A tensor, in memory of its own on the CPU.

        passing: in memory that the system has back as soon as the tensor is let go of. The allocator behind
        torch holds on to blocks below 32 MB, and to several of them.

        Raises FileNotFoundError if the file is gone, RuntimeError if it has changed since it was opened.
        """
        entry = self.entries[name]
        assert isinstance(entry.dtype, torch.dtype)
        memory = _passing_memory if passing else partial(torch.empty, device="cpu")
        tensor = memory(entry.shape, dtype=entry.dtype)
        into = tensor.view(-1).view(torch.uint8).numpy().data
        with _open(self.path) as stream:
            same = _stamp(stream) == self.stamp
            stream.seek(entry.start)
            same = same and stream.readinto(into) == len(into) and _stamp(stream) == self.stamp
        if not same:
            raise RuntimeError(f"{self.path}: has changed since it was loaded: load it again")
        return tensor


def open_tensors(path: AnyPath) -> TensorFile:
    """Read and check everything but the tensors themselves.

    Raises FileNotFoundError, and ValueError on what is not a whole safetensors file.
    """
    path = os.path.abspath(path)
    if os.path.isdir(path):
        raise ValueError(f"{path}: is a folder, not a file")
    with _open(path) as stream:
        stamp = _stamp(stream)
        begin = _LENGTH + int.from_bytes(stream.read(_LENGTH), "little")
        try:
            with safe_open(path, "np"):
                pass
        except SafetensorError as error:
            raise ValueError(f"{path}: {_what_is_wrong(stream, begin)}") from error
        header = json.loads(stream.read(begin - _LENGTH))
    metadata = header.pop("__metadata__", {})
    entries = {
        name: Entry(_DTYPES.get(it["dtype"], it["dtype"]), tuple(it["shape"]), begin + it["data_offsets"][0])
        for name, it in header.items()
    }
    return TensorFile(path, metadata, entries, stamp)


def write_tensors(path: AnyPath, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write a file, or put another in its place; if that fails nothing has changed.

    Raises FileNotFoundError where there is no folder for it, IsADirectoryError where a folder has its name,
    OSError where it cannot be written, RuntimeError if tensors share memory.
    """
    path = Path(os.path.realpath(path))  # a link stays a link
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path}: there is no folder {path.parent}: make it first")
    if path.is_dir():
        raise IsADirectoryError(f"{path}: is a folder: give the name of a file")
    try:
        with TemporaryDirectory(prefix=".saving-", dir=path.parent) as scratch:
            temporary = Path(scratch, "tensors")
            temporary.touch()
            mode = temporary.stat().st_mode  # as for any new file; safetensors makes it private
            on_cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
            save_file(on_cpu, temporary, dict(metadata))
            temporary.chmod(mode)
            with temporary.open("rb+") as stream:
                os.fsync(stream.fileno())
            os.replace(temporary, path)
    except SafetensorError as error:
        raise OSError(f"{path}: could not be written: {error}") from error


def _passing_memory(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    count = math.prod(shape)
    pages = mmap.mmap(-1, max(1, count) * dtype.itemsize)
    return torch.frombuffer(pages, dtype=dtype)[:count].view(shape)


def _open(path: str) -> BufferedReader:
    try:
        return open(path, "rb")
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: there is no such file") from None


def _stamp(stream: BufferedReader) -> tuple[int, ...]:
    status = os.fstat(stream.fileno())
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _what_is_wrong(stream: BufferedReader, begin: int) -> str:
    """Why the file, read up to its header, is refused: the reader of safetensors tells this to few."""
    size = os.fstat(stream.fileno()).st_size
    if begin <= size:
        try:
            header = json.loads(stream.read(begin - _LENGTH))
            entries = [entry for name, entry in header.items() if name != "__metadata__"]
            begin += max((entry["data_offsets"][1] for entry in entries), default=0)
        except (ValueError, AttributeError, TypeError, LookupError):
            return "is not a safetensors file"
    elif begin > _LENGTH + _LONGEST_HEADER or stream.read(1) != b"{":
        return "is not a safetensors file"
    if size < begin:
        return f"is cut short, {size} bytes of {begin} or more: copy or save it again"
    return "is damaged, its header does not fit its contents: copy or save it again"
