"""Run cells in warm worker processes on this machine."""

import os
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, TimeoutError, wait
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from pebble import ProcessExpired, ProcessPool

from zorbench.cell import Cell, Outcome
from zorbench.executors.worker import ONE_THREAD, start_worker, work


@dataclass(frozen=True)
class Progress:
    """What is happening: `running` cells now, and the one that just ended with its outcome, if any."""

    running: tuple[Cell, ...]
    cell: Cell | None = None
    outcome: Outcome | None = None


def run_local(cells: Sequence[Cell], jobs: int, log: Path) -> Iterator[Progress]:
    """Run `cells`, at most `jobs` at a time, and yield as each begins or ends.

    A worker process lives for many cells. One that exceeds its cell's time limit, or ends, is replaced and
    costs that cell only. What plugins print goes to `log`. Leaving the iteration stops the workers.
    """
    waiting = deque(cells)
    running: dict[Future[Outcome], Cell] = {}
    limit = all(cell.device == "cpu" for cell in cells)
    with _environment(ONE_THREAD):
        pool = ProcessPool(
            max_workers=jobs, initializer=start_worker, initargs=(log, limit), context=get_context("spawn")
        )
        try:
            while waiting or running:
                while waiting and len(running) < jobs:
                    cell = waiting.popleft()
                    future: Future[Outcome] = pool.schedule(work, args=[cell], timeout=cell.entry.timeout)
                    running[future] = cell
                    yield Progress(tuple(running.values()))
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    cell = running.pop(future)
                    yield Progress(tuple(running.values()), cell, _outcome(future, cell))
        finally:
            pool.stop()
            pool.join()


def _outcome(future: "Future[Outcome]", cell: Cell) -> Outcome:
    try:
        return future.result()
    except TimeoutError:
        return Outcome("timeout", f"exceeded its limit of {cell.entry.timeout:g} s")
    except ProcessExpired as error:
        return Outcome("error", _how_it_ended(error.exitcode))
    except Exception as error:  # an answer that cannot travel between processes
        return Outcome("error", f"{type(error).__name__}: {error}")


def _how_it_ended(exitcode: int) -> str:
    if exitcode == -signal.SIGKILL:
        return "the worker process was killed (SIGKILL): most likely out of memory"
    if exitcode < 0:
        return f"the worker process was ended by {signal.Signals(-exitcode).name}"
    return f"the worker process exited with status {exitcode}"


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Environment variables in place while worker processes may start."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
