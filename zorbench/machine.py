"""The machine while seconds are measured: on which cores, and who else is at work."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_STAT = Path("/proc/stat")
_IDLE = (3, 4)  # fields of the line `cpu`: idle, waiting for a device
_GUESTS = 8  # from this field on, time that is in others already


@contextmanager
def pinned(threads: int) -> Iterator[None]:
    """Keep this process to its last `threads` cores, where the system can do that."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[-threads:])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Load:
    """How busy others kept the machine inside: `of_others`, their share of all cores' time, from 0 to 1.

    Where the system does not tell, the part of the load average that is not this process; a process that
    waited for its core shows there, too.
    """

    def __init__(self) -> None:
        self.of_others: float | None = None

    def __enter__(self) -> "Load":
        self._begin = time.perf_counter(), time.process_time(), busy_seconds()
        return self

    def __exit__(self, *error: object) -> None:
        wall = time.perf_counter() - self._begin[0]
        own = time.process_time() - self._begin[1]
        before, after = self._begin[2], busy_seconds()
        cores = os.cpu_count() or 1
        if before is not None and after is not None:
            # The kernel counts in hundredths: a short while is not told apart from nothing.
            others = max(after - before - own - 0.02, 0.0)
            self.of_others = min(others / (max(wall, 1e-9) * cores), 1.0)
        else:
            self.of_others = min(max(os.getloadavg()[0] - 1.0, 0.0) / cores, 1.0)


def busy_seconds() -> float | None:
    """Processor seconds that all cores have spent since the machine started; None: unknown."""
    try:
        fields = _STAT.read_text().splitlines()[0].split()[1:]
    except OSError:
        return None
    spent = [int(field) for number, field in enumerate(fields[:_GUESTS]) if number not in _IDLE]
    return sum(spent) / os.sysconf("SC_CLK_TCK")
