"""What happens inside a cell's process."""

import ctypes
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from zorbench.cell import Group, Outcome, Work

# One thread for every library that reads its number of threads when it is first imported, and one order
# for sets of strings.
ENVIRONMENT = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "MKL_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "NUMBA_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
    ),
    "1",
) | {"PYTHONHASHSEED": "0"}


@dataclass(frozen=True)
class Surroundings:
    """What a cell's process takes over from the run: folder, environment, where to print, memory limit."""

    folder: Path
    environment: dict[str, str]
    log: Path
    limit_memory: bool


def work(what: Work, surroundings: Surroundings) -> Outcome | tuple[Outcome, ...]:
    """Run a cell, or a group of them, in this process, which was made for it and ends with it.

    A group gives an outcome a cell, or a single one that says why it failed as a whole.
    """
    settle(surroundings)

    from zorbench.run import run_cell
    from zorbench.together import run_group

    result = run_group(what) if isinstance(what, Group) else run_cell(what)
    sys.stdout.flush()
    sys.stderr.flush()
    return result


def settle(surroundings: Surroundings) -> None:
    """Take over what the run has given this process."""
    _end_with_parent()
    os.environ.update(surroundings.environment)
    os.chdir(surroundings.folder)
    _print_to(surroundings.log)

    from zorbench.memory import limit_memory

    if surroundings.limit_memory:
        limit_memory()


def _end_with_parent() -> None:
    """Where the kernel can do it: a cell does not outlive a run that was killed."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


def _print_to(log: Path) -> None:
    stream = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(stream, 1)
    os.dup2(stream, 2)
    os.close(stream)
