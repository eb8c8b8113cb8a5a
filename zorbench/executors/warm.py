"""Imported once by the process from which cells are forked, so that no cell pays for what is done here.

One thread, the libraries that baselines and scoring are likely to need, what torch sets up at its first
backward pass, optimiser step and matrix routines, and the compiled loops of spiking networks.
"""

import gc
import importlib

import torch

from zorbench.spiking.warm import compile_loops

_LIBRARIES = (
    "scipy.linalg",
    "scipy.optimize",
    "sklearn.decomposition",
    "sklearn.metrics",
    "PIL.Image",
    "snntorch",
    "zorbench.together",
    "zorbench.zor",
)


def _first_training_step() -> None:
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 3), torch.nn.Flatten(), torch.nn.Linear(4, 2))
    optimiser = torch.optim.AdamW(net.parameters(), fused=True)
    torch.nn.functional.cross_entropy(
        net(torch.zeros(1, 1, 4, 4)), torch.zeros(1, dtype=torch.long)
    ).backward()
    optimiser.step()


def _first_linear_algebra() -> None:
    """Large enough for the routines that real sizes use, in both precisions."""
    for dtype in (torch.float32, torch.float64):
        matrix = torch.eye(256, dtype=dtype)
        torch.cdist(matrix @ matrix, matrix)
        torch.linalg.eigh(matrix)
        torch.linalg.svd(matrix)
        torch.linalg.solve(matrix, matrix)


# Before anything runs in parallel: a process that has once used several threads cannot safely be forked.
torch.set_num_threads(1)
for _name in _LIBRARIES:
    importlib.import_module(_name)
_first_training_step()
_first_linear_algebra()
compile_loops()
gc.collect()
gc.freeze()  # what is loaded by now need not be looked through in every cell
