"""What a comparison of two results folders found, as plain frozen values."""

from dataclasses import dataclass
from typing import Literal

from zorbench.stats import Estimate

NO_REGRESSION, REGRESSION, NOT_COMPARABLE, INCOMPLETE = 0, 1, 2, 3

TIE = 1e-9
"""What a loss may exceed a margin by and count as equal to it: the rounding of sums over seeds."""

STILL = 5e-5
"""What a row may move by and count as not moved: losses are printed with four decimals."""

Obstruction = Literal["episodes", "config", "protocol", "entry budget", "times", "nothing in common"]


@dataclass(frozen=True)
class Place:
    """A row of an entry under a protocol. An empty `label` stands for all rows of the entry."""

    suite: str
    entry: str
    protocol: str
    label: str = ""

    def __str__(self) -> str:
        protocol = "" if self.protocol == "samples" else f" ({self.protocol})"
        return f"{self.suite}/{self.entry}{protocol}{f' {self.label}' if self.label else ''}"


@dataclass(frozen=True)
class Change:
    """What became of a row over the `n` seeds that both sides have.

    `loss` is of skill, Σ (new error − old error) / Σ floor error with OLD's floor for both; where skill is
    undefined, of error itself: `in_error`. Above 0 the row got worse.
    """

    place: Place
    n: int
    old_error: float
    new_error: float
    old_skill: float | None
    new_skill: float | None
    loss: float
    in_error: bool
    recoded: bool  # the plugin's code or a core that it uses is another

    @property
    def changed(self) -> bool:
        """Whether the row moved by what can be seen."""
        return abs(self.loss) >= STILL


@dataclass(frozen=True)
class Obstacle:
    """Why something does not compare: which of episodes, config, protocol or budget, and how they differ."""

    what: Obstruction
    place: Place | None
    detail: str


@dataclass(frozen=True)
class Gap:
    """A cell of OLD's plan that NEW has no result of, and why."""

    place: Place
    seed: int
    reason: str


@dataclass(frozen=True)
class ProbeFailure:
    """A leak probe that passed in OLD and fails in NEW."""

    place: Place
    seed: int
    reason: str


@dataclass(frozen=True)
class TimeChange:
    """How many times as long a row trains in NEW: geometric mean of ratios within rounds."""

    place: Place
    ratio: Estimate


@dataclass(frozen=True)
class Times:
    """Training times of the timing lane on one machine; `obstacle`: why there are none, if any were timed.

    `overall` is the geometric mean of all rows' ratios.
    """

    changes: tuple[TimeChange, ...] = ()
    overall: float | None = None
    obstacle: str = ""


@dataclass(frozen=True)
class Comparison:
    """All that was found, each list in an order that depends on nothing but the records.

    `changes`, greatest loss first; `added`, rows that only NEW has; `notes`, what a reader should know.
    """

    old: str
    new: str
    margin: float
    time_margin: float | None
    changes: tuple[Change, ...]
    obstacles: tuple[Obstacle, ...]
    gaps: tuple[Gap, ...]
    probes: tuple[ProbeFailure, ...]
    added: tuple[Place, ...]
    times: Times
    same_machine: bool
    notes: tuple[str, ...]
    baselines: tuple[str, ...] = ()  # what was asked for; all rows, if empty
    commands: tuple[str, ...] = ()  # that made NEW's records

    @property
    def gated(self) -> tuple[Change, ...]:
        """The rows that the gate looks at: all but those under protocol `time`.

        What is learned in so many seconds measures the machine, and what else it had to do, as much as the
        code: such rows gate as times do, with a time margin and on the same machine.
        """
        if self.time_margin is not None and self.same_machine:
            return self.changes
        return tuple(change for change in self.changes if change.place.protocol != "time")

    @property
    def ungated(self) -> tuple[Change, ...]:
        """The other rows."""
        gated = set(self.gated)
        return tuple(change for change in self.changes if change not in gated)

    @property
    def regressions(self) -> tuple[Change, ...]:
        """Rows that lost more than the margin."""
        return tuple(change for change in self.gated if change.loss > self.margin + TIE)

    @property
    def slowdowns(self) -> tuple[TimeChange, ...]:
        """Rows that take longer than the time margin allows; none without one."""
        if self.time_margin is None:
            return ()
        most = 1 + self.time_margin + TIE
        return tuple(one for one in self.times.changes if (one.ratio.value or 0) > most)

    @property
    def status(self) -> int:
        """The exit status. What does not compare comes before what is missing, and that before what is worse.

        A verdict on some of the cells would read like one on all of them.
        """
        if self.obstacles:
            return NOT_COMPARABLE
        if self.gaps:
            return INCOMPLETE
        return REGRESSION if self.regressions or self.probes or self.slowdowns else NO_REGRESSION
