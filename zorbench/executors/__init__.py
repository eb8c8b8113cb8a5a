"""Where cells run."""

from zorbench.executors.apart import get_ready, run_apart
from zorbench.executors.local import Progress, run_local

__all__ = ["Progress", "get_ready", "run_apart", "run_local"]
