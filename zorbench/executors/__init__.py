"""Where cells run."""

from zorbench.executors.apart import run_apart
from zorbench.executors.local import Progress, run_local

__all__ = ["Progress", "run_apart", "run_local"]
