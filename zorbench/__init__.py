"""zorbench: learning rules compared on equal terms.

The names below are the public face: what a plugin needs, and nothing that it does not; and `load_results`,
for what came out of a run. They are imported when first used, so that `zorbench --help` need not wait for
torch. `load_results` is none of `__all__`: a plugin that imports everything need not wait for pandas.
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from zorbench.baseline import Baseline, EntrySpec, StepBaseline, Tags, choice, search
    from zorbench.frames import load_results as load_results
    from zorbench.protocol import Budget, BudgetExceeded
    from zorbench.tasks import Classification, Colorization, Reconstruction, Task

_HOME = {
    "Baseline": "baseline",
    "Budget": "protocol",
    "BudgetExceeded": "protocol",
    "Classification": "tasks",
    "Colorization": "tasks",
    "EntrySpec": "baseline",
    "Reconstruction": "tasks",
    "StepBaseline": "baseline",
    "Tags": "baseline",
    "Task": "tasks",
    "choice": "baseline",
    "load_results": "frames",
    "search": "baseline",
}

__all__ = [
    "Baseline",
    "Budget",
    "BudgetExceeded",
    "Classification",
    "Colorization",
    "EntrySpec",
    "Reconstruction",
    "StepBaseline",
    "Tags",
    "Task",
    "choice",
    "search",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'zorbench' has no attribute '{name}'; it has: {', '.join(__all__)}")
    return getattr(importlib.import_module(f"zorbench.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(_HOME)
