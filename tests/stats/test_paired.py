"""Paired comparisons against scipy, an exact step-down in fractions, and simulated truth."""

import math
from fractions import Fraction
from itertools import combinations, product

import numpy as np
import pytest
from scipy import stats as scipy_stats

from zorbench.stats import (
    VERDICT_SEEDS,
    Comparison,
    Estimate,
    compare_all,
    mean_interval,
    paired_difference,
)
from zorbench.stats.paired import DRAWN_FLIPS, EXACT_SEEDS

# Intervals


@pytest.mark.parametrize("n", [2, 3, 8, 50])
def test_the_interval_of_a_mean_is_the_t_interval(n):
    x = np.random.default_rng(n).gamma(2.0, size=n)
    low, high = scipy_stats.t.interval(0.95, n - 1, loc=np.mean(x), scale=scipy_stats.sem(x))
    got = mean_interval(x)
    assert (got.value, got.low, got.high) == pytest.approx((np.mean(x), low, high))
    assert got.n == n


def test_the_interval_of_a_paired_difference_is_that_of_the_paired_t_test():
    a, b = np.random.default_rng(0).gamma(2.0, size=(2, 9))
    wanted = scipy_stats.ttest_rel(a, b).confidence_interval(0.95)
    got = paired_difference(a, b)
    assert (got.value, got.low, got.high) == pytest.approx((np.mean(a) - np.mean(b), wanted.low, wanted.high))


def test_few_values_have_no_interval():
    assert mean_interval([]) == paired_difference([], []) == Estimate(None, None, None, 0)
    assert mean_interval([0.25]) == Estimate(0.25, None, None, 1)
    assert paired_difference([0.5], [0.25]) == Estimate(0.25, None, None, 1)


@pytest.mark.parametrize("seeds", [3, 8])
def test_intervals_cover_the_truth_about_as_often_as_they_say(seeds):
    rng = np.random.default_rng(seeds)
    trials, truth = 4000, -0.05
    # The two share most of what varies over the seeds, as errors on the same episode do.
    b = 0.3 + 0.1 * rng.standard_normal((trials, seeds))
    a = b + truth + 0.02 * rng.standard_normal((trials, seeds))
    differences = [paired_difference(x, y) for x, y in zip(a, b, strict=True)]
    means = [mean_interval(y) for y in b]
    # Four standard errors of a share of 0.95 over the trials are 0.014.
    assert np.mean([d.low <= truth <= d.high for d in differences]) == pytest.approx(0.95, abs=0.014)
    assert np.mean([m.low <= 0.3 <= m.high for m in means]) == pytest.approx(0.95, abs=0.014)


@pytest.mark.parametrize("bad", [[[1.0]], 1.0, [math.nan, 1.0], [math.inf, 1.0]])
def test_values_without_a_mean_are_refused(bad):
    with pytest.raises(ValueError, match="the values of a mean need"):
        mean_interval(bad)


def test_errors_that_are_not_paired_are_refused():
    with pytest.raises(ValueError, match="paired seed by seed, got 1 and 2"):
        paired_difference([0.1], [0.1, 0.2])
    with pytest.raises(ValueError, match="leave failed seeds out first"):
        paired_difference([0.1, 0.2], [0.1, math.nan])


# The step-down test


def squared_t(differences) -> Fraction | float:
    n = len(differences)
    mean = Fraction(sum(differences), n)
    variance = sum((d - mean) ** 2 for d in differences) / (n - 1)
    if variance == 0:
        return math.inf if mean else Fraction(0)
    return mean**2 * n / variance


def step_down_by_loop(errors, pairs) -> list[float]:
    """Adjusted p of columns of integers: by the definition, in exact arithmetic."""
    columns = [[int(a) - int(b) for a, b in zip(errors[:, i], errors[:, j], strict=True)] for i, j in pairs]
    observed = [squared_t(d) for d in columns]
    order = sorted(range(len(pairs)), key=lambda k: observed[k], reverse=True)
    shares = [0] * len(pairs)
    flips = list(product([1, -1], repeat=len(errors)))
    for flip in flips:
        flipped = [squared_t([s * d for s, d in zip(flip, column, strict=True)]) for column in columns]
        for rank, k in enumerate(order):
            shares[k] += max(flipped[other] for other in order[rank:]) >= observed[k]
    adjusted, so_far = [0.0] * len(pairs), 0
    for k in order:
        so_far = max(so_far, shares[k])
        adjusted[k] = so_far / len(flips)
    return adjusted


def integer_errors(case: int) -> np.ndarray:
    """Small integers, so that many flips tie; a column that is another's copy or differs by a constant."""
    rng = np.random.default_rng(case)
    errors = rng.integers(20, 26, size=(8, 4)) + rng.integers(0, 5, size=4)
    if case % 3 == 1:
        errors[:, 3] = errors[:, 1]
    if case % 3 == 2:
        errors[:, 0] = errors[:, 2] + 3
    return errors


# 0.1 and 1/3 are not exact in binary, so that equal sums of differences come out unequal by rounding.
@pytest.mark.parametrize("unit", [1.0, 0.1, 1 / 3e6])
@pytest.mark.parametrize("case", range(6))
def test_adjusted_p_equals_an_exact_step_down_by_loop(case, unit):
    errors, pairs = integer_errors(case), list(combinations(range(4), 2))
    got = compare_all(errors * unit)
    assert [(c.first, c.second) for c in got] == pairs
    assert [c.p for c in got] == step_down_by_loop(errors, pairs)


def p_by_all_flips(errors, pairs):
    """Adjusted p with every flip, by t as it is written in books; for errors without ties."""
    first, second = np.array(pairs).T
    d = errors[:, first] - errors[:, second]
    flips = np.array(list(product([1.0, -1.0], repeat=len(d))))
    flipped = flips[:, :, None] * d
    t = np.abs(flipped.mean(1) / flipped.std(1, ddof=1))
    order = np.argsort(-t[0])
    p, so_far = np.empty(len(pairs)), 0.0
    for rank, k in enumerate(order):
        so_far = max(so_far, (t[:, order[rank:]].max(1) >= t[0, k] * (1 - 1e-9)).mean())
        p[k] = so_far
    return p


@pytest.mark.parametrize("seeds", [9, EXACT_SEEDS])
def test_every_flip_is_tried_for_few_seeds(seeds):
    errors = np.random.default_rng(seeds).standard_normal((seeds, 4)) + np.array([0.0, 0.0, 0.7, 1.4])
    wanted = p_by_all_flips(errors, list(combinations(range(4), 2)))
    assert [c.p for c in compare_all(errors)] == pytest.approx(wanted, abs=1e-12)


def test_drawn_flips_come_near_all_flips():
    errors = np.random.default_rng(0).standard_normal((EXACT_SEEDS + 1, 4)) + np.array([0.0, 0.2, 0.7, 1.4])
    wanted = p_by_all_flips(errors, list(combinations(range(4), 2)))
    got = np.array([c.p for c in compare_all(errors)])
    assert 0.001 < wanted.min() < 0.05 < wanted.max()
    # Four standard errors of a share of the drawn flips.
    assert (np.abs(got - wanted) <= 4 * np.sqrt(wanted * (1 - wanted) / DRAWN_FLIPS) + 1e-4).all()
    assert got == pytest.approx(np.round(got * (DRAWN_FLIPS + 1)) / (DRAWN_FLIPS + 1), abs=1e-12)


def test_drawn_flips_count_what_was_observed():
    errors = np.random.default_rng(0).standard_normal((60, 2)) + np.array([0.0, 50.0])
    (one,) = compare_all(errors)
    assert one.p == pytest.approx(1 / 10_001, rel=1e-12)
    assert compare_all(errors) == [one]


def test_adjusted_p_is_no_less_than_that_of_a_smaller_family_and_follows_t():
    errors = np.random.default_rng(3).standard_normal((8, 6)) + np.arange(6) * 0.4
    family = compare_all(errors)
    for one in family:
        (alone,) = compare_all(errors[:, [one.first, one.second]])
        assert alone.p <= one.p
    t = [abs(scipy_stats.ttest_rel(errors[:, c.first], errors[:, c.second]).statistic) for c in family]
    assert (np.diff([family[k].p for k in np.argsort(t)[::-1]]) >= 0).all()


def test_a_p_of_the_level_itself_is_significant():
    found = [Comparison(0, 1, paired_difference([], []), p, None).significant for p in (0.05, 0.0501, None)]
    assert found == [True, False, False]


# Degenerate columns


def test_equals_never_differ_significantly():
    rng = np.random.default_rng(0)
    a, better = rng.random(8), rng.random(8) - 5
    with np.errstate(all="raise"):
        got = compare_all(np.stack([a, a, better, a], axis=1))
    p = {(c.first, c.second): c.p for c in got}
    assert p[0, 1] == p[0, 3] == p[1, 3] == 1.0
    assert p[0, 2] == p[1, 2] == p[2, 3] == 2 / 2**8
    assert [c.p for c in compare_all(np.ones((8, 3)))] == [1.0] * 3


def test_errors_that_differ_by_rounding_are_equals():
    a = 0.1 + np.arange(8)
    above = np.nextafter(a, np.inf)
    (one,) = compare_all(np.stack([a, above], axis=1))
    assert one.p == 1.0
    assert not one.significant


def test_a_constant_difference_has_an_infinite_t():
    x = np.random.default_rng(0).random(8)
    with np.errstate(all="raise"):
        (one,) = compare_all(np.stack([x + 0.1, x], axis=1))
    assert one.p == 2 / 2**8  # only the identity and its opposite do as well
    assert one.significant
    assert one.difference.value == pytest.approx(0.1)


@pytest.mark.parametrize("scale", [1e-200, 1e-30, 1e150])
def test_the_unit_of_the_errors_does_not_matter(scale):
    errors = np.random.default_rng(1).random((8, 4)) + np.array([0, 0, 0.3, 0.6])
    wanted = [c.p for c in compare_all(errors)]
    assert [c.p for c in compare_all(errors * scale)] == wanted
    assert 0 < min(wanted) < 0.05 < max(wanted)


@pytest.mark.parametrize("seeds", [0, 1, 2, 5, VERDICT_SEEDS - 1])
def test_fewer_seeds_than_a_verdict_takes_give_no_p(seeds):
    errors = np.random.default_rng(0).random((seeds, 3)) * 1e-3 + [0, 10, 20]
    for one in compare_all(errors):
        assert one.p is None
        assert not one.significant
        assert one.difference.n == seeds
        assert (one.detectable is None) == (seeds < 2)


def test_what_would_have_been_detected_is_always_told():
    # n = 8 and power 0.8 at level 0.05 take an effect of 1.156 standard deviations (G*Power gives 1.1559).
    errors = np.stack([[0.0, 2.0] * 4, [0.0] * 8], axis=1)
    (one,) = compare_all(errors)
    assert one.p is not None
    assert one.detectable == pytest.approx(1.156 * math.sqrt(8 / 7), rel=1e-3)


@pytest.mark.parametrize("columns", [0, 1])
def test_fewer_than_two_columns_have_no_pairs(columns):
    assert compare_all(np.zeros((8, columns))) == []


def test_errors_that_cannot_be_compared_are_refused():
    with pytest.raises(ValueError, match=r"compared errors need 2 dimensions, got the shape \(3,\)"):
        compare_all([0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match="compared errors need to be finite"):
        compare_all([[0.1, math.nan]])


# What the verdicts are worth


def draw(rng, shape, tails):
    """Errors of baselines that share what varies from episode to episode."""
    noise = rng.standard_normal(shape) if tails == "normal" else rng.standard_t(3, shape)
    return noise + 2 * rng.standard_normal((shape[0], 1))


@pytest.mark.parametrize("tails", ["normal", "t3"])
def test_of_equals_a_pair_is_called_different_as_often_as_the_level_allows(tails):
    rng = np.random.default_rng(0)
    trials = 2000
    wrong = sum(any(c.significant for c in compare_all(draw(rng, (8, 6), tails))) for _ in range(trials))
    # The least p of a family is one of k/128, all as likely: 6 of them are at most 0.05.
    low, high = scipy_stats.binom.interval(0.9999, trials, 6 / 128)
    assert low <= wrong <= high


def test_equals_are_not_called_different_more_often_because_others_differ():
    rng = np.random.default_rng(1)
    trials = 1500
    shifts = np.array([0, 0, 0, 1.5, 4, 4])  # equal: 0 with 1 with 2, and 4 with 5
    wrong = 0
    for _ in range(trials):
        found = compare_all(draw(rng, (8, 6), "normal") + shifts)
        wrong += any(c.significant for c in found if shifts[c.first] == shifts[c.second])
    assert wrong <= scipy_stats.binom.ppf(0.9999, trials, 0.05)


def test_a_baseline_three_standard_deviations_better_is_found_so():
    rng = np.random.default_rng(2)
    trials = 400
    found = np.zeros(5)
    for _ in range(trials):
        errors = draw(rng, (8, 6), "normal")
        errors[:, 2] -= 3
        with_it = [c for c in compare_all(errors) if 2 in (c.first, c.second)]
        found += [c.significant and (c.difference.value < 0) == (c.first == 2) for c in with_it]
    assert found.min() / trials >= 0.8
