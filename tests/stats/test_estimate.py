"""Spread, and what counts as enough seeds."""

import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zorbench.stats import VERDICT_SEEDS, Estimate, is_smoke, mean_spread


@settings(max_examples=50)
@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=20))
def test_mean_and_spread_equal_those_of_the_standard_library(values):
    mean, sd, n = mean_spread(values)
    assert mean == pytest.approx(statistics.fmean(values), abs=1e-9)
    assert sd == pytest.approx(statistics.stdev(values), abs=1e-9)
    assert n == len(values)


def test_one_value_has_a_mean_but_no_spread():
    assert mean_spread([0.25]) == (0.25, None, 1)


@pytest.mark.parametrize("values", [[], [[1.0, 2.0]]])
def test_the_mean_of_no_vector_is_refused(values):
    with pytest.raises(ValueError, match="at least one value"):
        mean_spread(values)


def test_fewer_than_eight_seeds_are_a_smoke_test():
    assert VERDICT_SEEDS == 8
    assert [is_smoke(n) for n in (0, 1, 7, 8, 9)] == [True, True, True, False, False]


def test_an_estimate_cannot_be_changed():
    with pytest.raises(AttributeError):
        Estimate(0.5, 0.4, 0.6, 8).value = 1.0  # type: ignore[misc]
