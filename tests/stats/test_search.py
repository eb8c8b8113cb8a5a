"""The expected best of a search against every subset of its trials."""

import math
import statistics
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zorbench.stats import expected_best

scores = st.lists(st.one_of(st.floats(0, 1e3), st.just(0.5), st.just(math.inf)), min_size=1, max_size=9)


@given(scores)
def test_it_is_the_mean_over_all_subsets(scores):
    trials = scores[1:]
    wanted = [scores[0]]
    for m in range(1, len(trials) + 1):
        wanted.append(statistics.fmean(min(subset) for subset in combinations(trials, m)))
    assert expected_best(scores) == pytest.approx(wanted)


def test_the_defaults_stand_apart():
    got = expected_best([0.1, 0.9, 0.7])
    assert got == pytest.approx([0.1, 0.8, 0.7])
    assert expected_best([math.inf, 0.5]) == pytest.approx([math.inf, 0.5])


@given(scores, st.integers(0, 12))
def test_the_curve_stops_where_it_is_told(scores, most):
    assert np.array_equal(expected_best(scores, most), expected_best(scores)[: most + 1])


def test_failed_trials_count_until_one_must_have_succeeded():
    assert expected_best([0.4, math.inf, 0.2, math.inf]).tolist() == [0.4, math.inf, math.inf, 0.2]


def test_a_long_search_stays_exact():
    # Of the numbers 1 … n, the least of m is (n + 1) / (m + 1) on average.
    n = 3000
    got = expected_best([0.0, *np.random.default_rng(0).permutation(n) + 1.0])
    m = np.arange(1, n + 1)
    assert got[1:] == pytest.approx((n + 1) / (m + 1), rel=1e-9)
    # Even where the weight of a failure is too small for a float.
    assert math.isinf(expected_best([0.0, *[0.5] * 2000, *[math.inf] * 1000])[1000])


@pytest.mark.parametrize("bad", [[], [[0.1]], 0.1])
def test_no_scores_are_refused(bad):
    with pytest.raises(ValueError, match="at least one score"):
        expected_best(bad)


@pytest.mark.parametrize("bad", [math.nan, -0.1, -math.inf])
def test_scores_that_are_no_errors_are_refused(bad):
    with pytest.raises(ValueError, match="errors from 0 up"):
        expected_best([0.1, bad])


def test_a_negative_budget_is_refused():
    with pytest.raises(ValueError, match="from 0 up, got -1"):
        expected_best([0.1], -1)
