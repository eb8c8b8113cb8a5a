"""All checks of one row, in this process."""

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

from zorbench.check.catalogue import CHECKS
from zorbench.check.model import WHOLE, Check, Failed, Result, Skipped, Status, TooLong
from zorbench.check.subject import Subject, at_work, told
from zorbench.check.watch import install_settings
from zorbench.predict import ContractError, Diverged
from zorbench.registry import Row
from zorbench.tasks import TASKS

SECONDS, SLOW_SECONDS = 30, 300
"""What one check may take, fast or slow."""


def planned(row: Row, *, slow: bool) -> list[tuple[str, Check]]:
    """The checks of a row in order, each with its task: those of the row as a whole, then task by task."""
    whole = [(WHOLE, one) for one in CHECKS if not one.per_task]
    wanted = [one for one in CHECKS if one.per_task and (slow or not one.slow)]
    return whole + [(name, one) for name, task in TASKS.items() if task in row.plugin.tasks for one in wanted]


def check_row(row: Row, *, slow: bool = False) -> Iterator[Result]:
    """The result of each of the row's checks, as it is made.

    A method of the plugin that raises, or does not end, fails the check that called it.
    """
    install_settings()
    able = {name: task for name, task in TASKS.items() if task in row.plugin.tasks}
    subjects = {name: Subject(row, task) for name, task in able.items()}
    subjects[WHOLE] = next(iter(subjects.values()))
    passed: set[tuple[str, str]] = set()
    for task, one in planned(row, slow=slow):
        missing = [name for name in one.needs if (task, name) not in passed]
        if missing:
            yield Result(row.label, task, one.name, "skipped", f"needs {missing[0]}")
            continue
        result = _made(subjects[task], task, one)
        if result.status == "passed":
            passed.add((task, one.name))
        yield result


def _made(subject: Subject, task: str, one: Check) -> Result:
    start = time.perf_counter()
    limit = SLOW_SECONDS if one.slow else SECONDS
    status: Status = "failed"
    message = ""
    try:
        with _limited(limit):
            one.function(subject)
        status = "passed"
    except Skipped as reason:
        status, message = "skipped", str(reason)
    except (Failed, ContractError, Diverged) as error:
        message = str(error)
    except TooLong as error:
        message = f"{error} has not ended after {limit} s; does it end when its budget is spent?"
        at_work.clear()
    except Exception as error:  # by way of the harness, which a plugin's answer has confused
        message = told(error, subject.row.ref.path.parent)
    seconds = time.perf_counter() - start
    return Result(subject.row.label, task, one.name, status, message, seconds)


@contextlib.contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Raise `TooLong` inside after so many seconds, where the platform has an alarm for it."""
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
        raise TooLong(at_work[-1] if at_work else "the check")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
