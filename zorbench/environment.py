"""What a run ran on, for its description."""

import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from zorbench import __version__
from zorbench.memory import total_memory

_PACKAGES = ("torch", "torchvision", "numpy", "scipy", "scikit-learn", "scikit-image")


def describe_environment() -> dict[str, Any]:
    """Versions, machine and commit."""
    return {
        "versions": {"zorbench": __version__, "python": platform.python_version(), **_package_versions()},
        "machine": {
            "system": f"{platform.system()} {platform.release()} ({platform.machine()})",
            "processor": _processor(),
            "cores": _cores(),
            "memory": total_memory(),
            "accelerator": _accelerator(),
        },
        "commit": _commit(),
    }


def _package_versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else (os.cpu_count() or 1)


def _accelerator() -> str | None:
    import torch

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else None


def _commit() -> str | None:
    """The checkout's commit, with `+changes` if files differ from it; None outside a checkout."""
    folder = Path(__file__).resolve().parent.parent
    if not (folder / ".git").exists():
        return None
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        return (
            f"{commit}+changes" if _git(folder, "status", "--porcelain", "--untracked-files=no") else commit
        )
    except (OSError, subprocess.SubprocessError):
        return None


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True, timeout=10
    )
    return done.stdout.strip()
