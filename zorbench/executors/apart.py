"""Call one function in a process of its own, which begins warm."""

import os
from collections.abc import Callable
from concurrent.futures import TimeoutError
from multiprocessing import forkserver
from pathlib import Path
from typing import TypeVar

from pebble import ProcessExpired, concurrent

from zorbench.executors.local import environment, how_it_ended, warm_context
from zorbench.executors.worker import ENVIRONMENT, Surroundings, settle

Argument = TypeVar("Argument")


def run_apart(function: Callable[[Argument], None], argument: Argument, *, timeout: float, log: Path) -> str:
    """Call `function(argument)`, which must be found by its name, elsewhere; why it did not end well, or "".

    What it prints goes to `log`. Leaving (an interrupt) ends the process.
    """
    surroundings = Surroundings(Path.cwd(), dict(os.environ) | ENVIRONMENT, log.absolute(), limit_memory=True)
    with environment(ENVIRONMENT):
        start = concurrent.process(timeout=timeout, context=warm_context())(_called)  # type: ignore[call-overload]
        future = start(function, argument, surroundings)
        try:
            future.result()
        except TimeoutError:
            return f"exceeded its limit of {timeout:g} s"
        except ProcessExpired as error:
            return how_it_ended(error.exitcode)
        except Exception as error:  # of the function itself, or on the way
            return f"{type(error).__name__}: {error}"
        finally:
            future.cancel()
    return ""


def get_ready() -> None:
    """Let the process from which others are forked begin its imports, meanwhile."""
    if warm_context().get_start_method() == "forkserver":
        with environment(ENVIRONMENT):
            forkserver.ensure_running()


def _called(function: Callable[[Argument], None], argument: Argument, surroundings: Surroundings) -> None:
    settle(surroundings)
    function(argument)
