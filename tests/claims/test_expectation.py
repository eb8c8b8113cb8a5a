"""Verdicts, by cases worked out by hand."""

import pytest

from zorbench.claims import Expectation, verdict
from zorbench.stats import Estimate


def judged(
    low: float | None, high: float | None, direction: str, value: float, margin: float, n: int = 8
) -> str:
    middle = None if low is None or high is None else (low + high) / 2
    expected = Expectation(direction, value, margin)  # type: ignore[arg-type]
    return verdict(Estimate(middle, low, high, n), expected).status


@pytest.mark.parametrize(
    ("low", "high", "direction", "value", "margin", "expected"),
    [
        # 88.1 less half a point is 87.6.
        (87.7, 88.0, "at least", 88.1, 0.5, "VERIFIED"),
        (87.6, 88.0, "at least", 88.1, 0.5, "VERIFIED"),
        (87.5, 88.0, "at least", 88.1, 0.5, "INCONCLUSIVE"),
        (87.0, 87.6, "at least", 88.1, 0.5, "INCONCLUSIVE"),
        (87.0, 87.5, "at least", 88.1, 0.5, "REFUTED"),
        # Merely better: no difference is not better.
        (0.1, 0.2, "more than", 0.0, 0.0, "VERIFIED"),
        (0.0, 0.2, "more than", 0.0, 0.0, "INCONCLUSIVE"),
        (-0.1, 0.2, "more than", 0.0, 0.0, "INCONCLUSIVE"),
        (-0.2, 0.0, "more than", 0.0, 0.0, "REFUTED"),
        (0.0, 0.0, "more than", 0.0, 0.0, "REFUTED"),
        # 0.2 s, granted as much again.
        (0.1, 0.4, "at most", 0.2, 0.2, "VERIFIED"),
        (0.3, 0.5, "at most", 0.2, 0.2, "INCONCLUSIVE"),
        (0.41, 0.5, "at most", 0.2, 0.2, "REFUTED"),
        (-0.2, -0.1, "less than", 0.0, 0.0, "VERIFIED"),
        (-0.2, 0.0, "less than", 0.0, 0.0, "INCONCLUSIVE"),
        (0.0, 0.1, "less than", 0.0, 0.0, "REFUTED"),
        # The same, up to one point either way.
        (-1.0, 1.0, "equal", 0.0, 1.0, "VERIFIED"),
        (-0.5, 1.1, "equal", 0.0, 1.0, "INCONCLUSIVE"),
        (-2.0, 2.0, "equal", 0.0, 1.0, "INCONCLUSIVE"),
        (1.1, 1.2, "equal", 0.0, 1.0, "REFUTED"),
        (-1.2, -1.1, "equal", 0.0, 1.0, "REFUTED"),
    ],
)
def test_the_whole_interval_decides(low, high, direction, value, margin, expected):
    assert judged(low, high, direction, value, margin) == expected


def test_fewer_than_eight_seeds_decide_nothing():
    found = verdict(Estimate(90.0, 89.0, 91.0, 7), Expectation("at least", 50.0))
    assert (found.status, found.reason) == ("INCONCLUSIVE", "n = 7, a verdict needs 8")


def test_without_an_interval_nothing_is_decided():
    assert judged(None, None, "at least", 0.0, 0.0) == "INCONCLUSIVE"


@pytest.mark.parametrize("estimate", [None, Estimate(None, None, None, 0)])
def test_without_a_measurement_it_was_not_run(estimate):
    assert verdict(estimate, Expectation("at least", 1.0)).status == "NOT RUN"
