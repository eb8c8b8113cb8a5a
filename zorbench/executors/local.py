"""Run cells on this machine, each in a process of its own that begins warm."""

import os
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, TimeoutError, wait
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import active_children, get_all_start_methods, get_context
from multiprocessing.context import BaseContext
from pathlib import Path

from pebble import ProcessExpired, concurrent

from zorbench.cell import Cell, Group, Outcome, Work
from zorbench.executors.worker import ENVIRONMENT, Surroundings, work

_Result = Outcome | tuple[Outcome, ...]


@dataclass(frozen=True)
class Progress:
    """What is happening: what runs now, and the cell that just ended with its outcome, if any.

    Or the group that just failed as a whole, with the outcome that says why: its cells run next, one by one.
    """

    running: tuple[Work, ...]
    cell: Cell | None = None
    outcome: Outcome | None = None
    group: Group | None = None


def run_local(todo: Sequence[Work], jobs: int, log: Path) -> Iterator[Progress]:
    """Run cells and groups of them, at most `jobs` at a time, and yield as each begins and each cell ends.

    A cell's process is forked from one that has imported everything already: it starts in hundredths of a
    second, and whatever a plugin does to it, to its libraries or to their settings ends with the cell.
    What plugins print goes to `log`. Leaving the iteration ends the processes.
    """
    waiting = deque(todo)
    running: dict[Future[_Result], Work] = {}
    on_cpu = all(cell.device == "cpu" for one in todo for cell in _cells(one))
    surroundings = Surroundings(Path.cwd(), dict(os.environ) | ENVIRONMENT, log.absolute(), on_cpu)
    context = warm_context()
    others = set(active_children())
    with environment(ENVIRONMENT):
        try:
            while waiting or running:
                while waiting and len(running) < jobs:
                    one = waiting.popleft()
                    # Called in one step, `process(work, context=…)`, pebble would not use the context.
                    start = concurrent.process(timeout=one.timeout, context=context)(work)  # type: ignore[call-overload]
                    running[start(one, surroundings)] = one
                    yield Progress(tuple(running.values()))
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    one = running.pop(future)
                    now, result = tuple(running.values()), _result(future, one)
                    if isinstance(one, Group) and isinstance(result, Outcome):
                        waiting.extendleft(reversed(one.cells))
                        yield Progress(now, outcome=result, group=one)
                        continue
                    outcomes = (result,) if isinstance(result, Outcome) else result
                    for cell, outcome in zip(_cells(one), outcomes, strict=True):
                        yield Progress(now, cell, outcome)
        finally:
            # A future that is cancelled while its process answers makes pebble print a traceback.
            for process in set(active_children()) - others:
                process.kill()
                process.join()


def warm_context() -> BaseContext:
    """From which processes are forked that have imported everything already."""
    if "forkserver" not in get_all_start_methods():
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload(["zorbench.executors.warm"])
    return context


def _cells(one: Work) -> tuple[Cell, ...]:
    return one.cells if isinstance(one, Group) else (one,)


def _result(future: "Future[_Result]", one: Work) -> _Result:
    try:
        return future.result()
    except TimeoutError:
        return Outcome("timeout", f"exceeded its limit of {one.timeout:g} s")
    except ProcessExpired as error:
        return Outcome("error", how_it_ended(error.exitcode))
    except Exception as error:  # an answer that cannot travel between processes
        return Outcome("error", f"{type(error).__name__}: {error}")


def how_it_ended(exitcode: int) -> str:
    """What a process's exit status says, where it did not answer."""
    if exitcode == -signal.SIGKILL:
        return "the cell's process was killed (SIGKILL): most likely out of memory"
    if exitcode < 0:
        return f"the cell's process was ended by {signal.Signals(-exitcode).name}"
    return f"the cell's process exited with status {exitcode}"


@contextmanager
def environment(values: dict[str, str]) -> Iterator[None]:
    """Environment variables in place while processes may start."""
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
