"""Where cells run."""

from zorbench.executors.local import Progress, run_local

__all__ = ["Progress", "run_local"]
