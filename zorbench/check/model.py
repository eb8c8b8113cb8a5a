"""What a check is, and what comes out of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from zorbench.check.subject import Subject

Status = Literal["passed", "failed", "skipped", "known"]

WHOLE = ""
"""In place of a task: what concerns the row as a whole."""


BASIC = ("runs", "opens-no-data-set", "answers-fit-the-task")
"""What all else in a task needs."""


class Failed(Exception):
    """A rule does not do what the contract asks: the text says what, where, and what to do."""


class Skipped(Exception):
    """A check does not apply: the text says why."""


class Crashed(Failed):
    """A method of the plugin raised something."""


class TooLong(BaseException):
    """A check's time is over. No `Exception`, so that a rule which catches those does not catch it."""


@dataclass(frozen=True)
class Check:
    """One thing that is asked of every plugin.

    `function` returns if all is well, and else raises `Failed` or `Skipped`; `needs` are checks without which
    it says nothing; `per_task`: it is made in each task of the row, not once; `slow`: only on request.
    """

    name: str
    purpose: str
    function: "Callable[[Subject], None]"
    needs: tuple[str, ...]
    per_task: bool
    slow: bool


@dataclass(frozen=True)
class Result:
    """What a check found in one row and task."""

    row: str
    task: str  # WHOLE for the row as a whole
    check: str
    status: Status
    message: str = ""
    seconds: float = 0.0

    @property
    def place(self) -> str:
        """Row and task: `perceptron, classification`."""
        return f"{self.row}, {self.task}" if self.task else self.row


def check(
    name: str,
    purpose: str,
    *,
    needs: tuple[str, ...] = BASIC,
    per_task: bool = True,
    slow: bool = False,
) -> "Callable[[Callable[[Subject], None]], Check]":
    """Make a check of a function. `needs`: by default, in a task, that the rule runs at all."""

    def make(function: "Callable[[Subject], None]") -> Check:
        return Check(name, purpose, function, needs if per_task else (), per_task, slow)

    return make
