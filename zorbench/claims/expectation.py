"""When a claim holds: its figure, its margin, and the verdict on an interval. Pure."""

from dataclasses import dataclass
from typing import Literal

from zorbench.stats import VERDICT_SEEDS, Estimate, is_smoke

Direction = Literal["at least", "more than", "at most", "less than", "equal"]
Status = Literal["VERIFIED", "REFUTED", "INCONCLUSIVE", "NOT RUN"]
STATUSES: tuple[Status, ...] = ("VERIFIED", "REFUTED", "INCONCLUSIVE", "NOT RUN")


@dataclass(frozen=True)
class Expectation:
    """A claimed figure, in the measure's unit, and the margin that it is granted.

    `at least`, `at most`: the figure less the margin is good enough. `more than`, `less than`: it is not, so
    that with a margin of 0 two equal rows refute "better". `equal`: not further away than the margin.
    """

    direction: Direction
    value: float
    margin: float = 0.0

    @property
    def low(self) -> float | None:
        """The least that the claim allows; None where there is no such bound."""
        return None if self.direction in ("at most", "less than") else self.value - self.margin

    @property
    def high(self) -> float | None:
        """The most that the claim allows; None where there is no such bound."""
        return None if self.direction in ("at least", "more than") else self.value + self.margin

    @property
    def strict(self) -> bool:
        """Whether the bound itself falls short."""
        return self.direction in ("more than", "less than")


@dataclass(frozen=True)
class Verdict:
    """What can be said of a claim, and why, where the numbers beside it do not tell."""

    status: Status
    reason: str = ""


def verdict(estimate: Estimate | None, expected: Expectation) -> Verdict:
    """VERIFIED if the whole interval is within what the claim allows, REFUTED if all of it lies outside.

    INCONCLUSIVE if it is partly within, if there is no interval, or with too few seeds for any verdict;
    NOT RUN if there is nothing to judge.
    """
    if estimate is None or estimate.n == 0:
        return Verdict("NOT RUN")
    if is_smoke(estimate.n):
        return Verdict("INCONCLUSIVE", f"n = {estimate.n}, a verdict needs {VERDICT_SEEDS}")
    if estimate.low is None or estimate.high is None:
        return Verdict("INCONCLUSIVE", "the interval is not defined")
    if _within(estimate.low, expected) and _within(estimate.high, expected):
        return Verdict("VERIFIED")
    below = expected.low is not None and _short(expected.low - estimate.high, expected)
    above = expected.high is not None and _short(estimate.low - expected.high, expected)
    if below or above:
        return Verdict("REFUTED")
    return Verdict("INCONCLUSIVE", "the interval holds both what the claim allows and what it does not")


def _within(value: float, expected: Expectation) -> bool:
    low, high = expected.low, expected.high
    fits = (low is None or value >= low) and (high is None or value <= high)
    return fits and not (expected.strict and value in (low, high))


def _short(distance: float, expected: Expectation) -> bool:
    return distance > 0 or (expected.strict and distance == 0)
