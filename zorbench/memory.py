"""How much memory a piece of work needed at its peak."""

import contextlib
import ctypes
import gc
import os
import sys
from pathlib import Path

import torch


class PeakMemory:
    """Growth of memory above its level at `start`, at its highest until `read`, pauses left out.

    On a CUDA device: allocated device memory. On a Linux CPU: resident memory, by the kernel's own high
    water mark, with freed memory given back first. Elsewhere unknown (None).
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._level: int | None = None
        self._highest = 0

    def start(self) -> None:
        gc.collect()
        self._highest = 0
        try:
            self._level = self._reset()
        except (OSError, KeyError, ValueError):
            self._level = None

    def pause(self) -> None:
        """What follows, until `resume`, is somebody else's."""
        if self._level is not None:
            self._highest = max(self._highest, self._mark())

    def resume(self) -> None:
        if self._level is not None:
            self._reset()

    def read(self) -> int | None:
        """Bytes, or None where it cannot be known."""
        if self._level is None:
            return None
        return max(0, self._highest - self._level, self._mark() - self._level)

    def _reset(self) -> int | None:
        """Lower the high water mark to the present level, and return that; None where there is none."""
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
            return torch.cuda.memory_allocated(self._device)
        if self._device.type == "cpu" and sys.platform == "linux":
            _give_back_freed_memory()
            Path("/proc/self/clear_refs").write_text("5")
            return _status("VmRSS")
        return None

    def _mark(self) -> int:
        if self._device.type == "cuda":
            return torch.cuda.max_memory_allocated(self._device)
        return _status("VmHWM")


def limit_memory() -> None:
    """Let an allocation beyond the machine's free memory fail in this process, as a MemoryError.

    Without it the kernel would end some process of its choice; should it still come to that, this process
    offers itself first. Does nothing where the platform lacks the means.
    """
    if sys.platform != "linux":
        return
    import resource

    try:
        free, used = _meminfo("MemAvailable"), _status("VmSize")
    except (OSError, KeyError, ValueError):
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = used + int(0.9 * free)
    if hard == resource.RLIM_INFINITY or wanted < hard:
        resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def total_memory() -> int | None:
    """The machine's memory in bytes."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _give_back_freed_memory() -> None:
    with contextlib.suppress(AttributeError, OSError):  # not glibc
        ctypes.CDLL(None).malloc_trim(0)


def _status(name: str) -> int:
    return _kilobytes(Path("/proc/self/status"), name)


def _meminfo(name: str) -> int:
    return _kilobytes(Path("/proc/meminfo"), name)


def _kilobytes(file: Path, name: str) -> int:
    for line in file.read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise KeyError(name)
