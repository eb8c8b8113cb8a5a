"""What happens inside a worker process."""

import gc
import importlib
import os
import sys
from pathlib import Path

from zorbench.cell import Cell, Outcome

# One thread for every library that reads its number of threads when it is first imported.
ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "MKL_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "NUMBA_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
    ),
    "1",
)
# Imported before the first cell, so that no baseline pays in its times for being the first to need them.
WARM = ("numpy", "scipy.optimize", "scipy.linalg", "sklearn.decomposition", "sklearn.metrics", "PIL.Image")


def start_worker(log: Path, limit: bool) -> None:
    """Prepare a fresh process: one thread, output to `log`, memory limited, libraries warm."""
    os.environ.update(ONE_THREAD)
    stream = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    sys.stdout.flush()
    os.dup2(stream, 1)
    os.dup2(stream, 2)
    os.close(stream)

    import torch

    from zorbench.memory import limit_memory

    torch.set_num_threads(1)
    for name in WARM:
        importlib.import_module(name)
    _first_training_step()
    gc.collect()
    gc.freeze()  # what is loaded by now need not be looked through before every cell
    if limit:
        limit_memory()


def work(cell: Cell) -> Outcome:
    """Run one cell in this process."""
    from zorbench.run import run_cell

    outcome = run_cell(cell)
    sys.stdout.flush()
    sys.stderr.flush()
    return outcome


def _first_training_step() -> None:
    """What torch sets up at its first backward pass and optimiser step."""
    import torch

    net = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 3), torch.nn.Flatten(), torch.nn.Linear(4, 2))
    optimiser = torch.optim.AdamW(net.parameters(), fused=True)
    torch.nn.functional.cross_entropy(
        net(torch.zeros(1, 1, 4, 4)), torch.zeros(1, dtype=torch.long)
    ).backward()
    optimiser.step()
