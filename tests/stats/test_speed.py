"""Ratios of times against closed forms and simulated clocks; times to a target by hand."""

import math
import statistics

import numpy as np
import pytest
from scipy import stats as scipy_stats

from zorbench.stats import (
    AA_PAIRS,
    Estimate,
    aa_noise,
    compare_speed,
    median_time,
    speed_ratio,
    target_error,
    time_to_target,
)


def times(rng, shape, noise=0.05):
    """Seconds about 2, with multiplicative noise."""
    return 2.0 * np.exp(noise * rng.standard_normal(shape))


# Ratios


def test_the_ratio_is_the_geometric_mean_with_the_t_interval_of_the_logarithms():
    a, b = times(np.random.default_rng(0), (2, 9), noise=0.4)
    ratios = [x / y for x, y in zip(a, b, strict=True)]
    wanted = scipy_stats.ttest_1samp(np.log(ratios), 0.0).confidence_interval(0.95)
    got = speed_ratio(a, b)
    assert got.value == pytest.approx(statistics.geometric_mean(ratios))
    assert (got.low, got.high) == pytest.approx((math.exp(wanted.low), math.exp(wanted.high)))


def test_turning_the_ratio_round_inverts_it():
    a, b = times(np.random.default_rng(1), (2, 6))
    one, other = speed_ratio(a, b), speed_ratio(b, a)
    assert (one.value, one.low, one.high) == pytest.approx((1 / other.value, 1 / other.high, 1 / other.low))


def test_few_pairs_have_no_interval():
    assert speed_ratio([], []) == Estimate(None, None, None, 0)
    assert speed_ratio([3.0], [2.0]) == Estimate(pytest.approx(1.5), None, None, 1)


def test_the_interval_covers_the_true_ratio_about_as_often_as_it_says():
    rng = np.random.default_rng(2)
    trials, truth = 4000, 1.3
    found = [
        speed_ratio(truth * a, b)
        for a, b in zip(times(rng, (trials, 8), 0.2), times(rng, (trials, 8), 0.3), strict=True)
    ]
    # Four standard errors of a share of 0.95 over the trials are 0.014.
    assert np.mean([r.low <= truth <= r.high for r in found]) == pytest.approx(0.95, abs=0.014)


@pytest.mark.parametrize("bad", [0.0, -1.0])
def test_times_without_a_ratio_are_refused(bad):
    with pytest.raises(ValueError, match="times of a ratio are above 0"):
        speed_ratio([1.0, bad], [1.0, 1.0])
    with pytest.raises(ValueError, match="times of a ratio are above 0"):
        speed_ratio([1.0, 1.0], [1.0, bad])


def test_times_that_are_not_paired_are_refused():
    with pytest.raises(ValueError, match="paired seed by seed, got 2 and 1"):
        speed_ratio([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="paired times need to be finite"):
        speed_ratio([1.0, math.inf], [1.0, 1.0])


# Noise


@pytest.mark.parametrize("of", [1, 4, 8, 30])
@pytest.mark.parametrize("drift", [1.0, 1.02, 0.9])
def test_at_least_95_percent_of_comparisons_of_equals_are_noise(of, drift):
    rng = np.random.default_rng(of)
    trials, pairs = 4000, 8
    measured = times(rng, (trials, pairs, 2)) * [1.0, drift]
    later = times(rng, (trials, of, 2)) * [1.0, drift]
    bands = np.array([aa_noise(one, of) for one in measured])
    logs = np.log(later[:, :, 0] / later[:, :, 1]).mean(1)
    within = np.mean(np.abs(logs) <= np.log(bands))
    assert within >= 0.95 - 4 * math.sqrt(0.95 * 0.05 / trials)


def test_the_band_is_not_wider_than_need_be():
    rng = np.random.default_rng(3)
    pairs, later = 40, 10
    logs = [math.log(aa_noise(times(rng, (pairs, 2)), later)) for _ in range(2000)]
    # Two means of log ratios, whose spread is √2 · 0.05, and how far the first is from 0 on average.
    spread = math.sqrt(2) * 0.05
    interval = scipy_stats.t.ppf(0.975, pairs - 1) * spread * math.sqrt(1 / pairs + 1 / later)
    away = spread / math.sqrt(pairs) * math.sqrt(2 / math.pi)
    # The sample's standard deviation is 0.994 of the true one on average.
    assert np.mean(logs) == pytest.approx(0.994 * interval + away, rel=0.01)


def test_unless_said_the_band_is_for_as_many_pairs_as_were_measured():
    pairs = times(np.random.default_rng(4), (11, 2))
    assert aa_noise(pairs) == aa_noise(pairs, 11) < aa_noise(pairs, 10)


def test_a_clock_without_noise_has_no_band():
    assert aa_noise(np.full((AA_PAIRS, 2), 2.0)) == 1.0
    assert aa_noise([[2.0, 1.0]] * AA_PAIRS) == aa_noise([[1.0, 2.0]] * AA_PAIRS) == pytest.approx(2.0)


def test_noise_that_cannot_be_told_is_refused():
    with pytest.raises(ValueError, match="at least 8 A/A pairs, got 7"):
        aa_noise(np.ones((7, 2)))
    with pytest.raises(ValueError, match=r"are \[pairs, 2\], got the shape \(8, 3\)"):
        aa_noise(np.ones((8, 3)))
    with pytest.raises(ValueError, match="A/A times need 2 dimensions"):
        aa_noise(np.ones(8))
    with pytest.raises(ValueError, match="above 0"):
        aa_noise(np.zeros((8, 2)))
    with pytest.raises(ValueError, match="at least one pair, got 0"):
        aa_noise(np.ones((8, 2)), 0)


# Verdicts

# Ratios of 1.1 · e^±0.01: the interval of four is 1.1 · e^±0.018, from 1.080 to 1.120.
FIRST = np.array([1.1 * math.exp(0.01), 1.1 * math.exp(-0.01)] * 2)


@pytest.mark.parametrize(
    ("noise", "equal"),
    [
        (1.0, False),
        (1.079, False),  # just short of the interval
        (1.082, True),  # touches it, though the ratio itself is outside
        (1.15, True),  # holds the whole of it
    ],
)
def test_ratios_that_touch_the_noise_are_equal(noise, equal):
    slower = compare_speed(FIRST, np.ones(4), noise)
    assert (slower.equal, slower.noise) == (equal, noise)
    assert slower.ratio == speed_ratio(FIRST, np.ones(4))
    assert compare_speed(np.ones(4), FIRST, noise).equal == equal


def test_an_interval_around_one_is_equal_whatever_the_noise():
    assert compare_speed([1.0, 1.3, 0.8], [1.0, 1.0, 1.0], 1.0).equal


def test_too_few_pairs_show_no_difference():
    assert compare_speed([9.0], [1.0], 1.1).equal
    assert compare_speed([], [], 1.1).equal


@pytest.mark.parametrize("noise", [0.9, math.nan, math.inf])
def test_noise_that_is_no_band_is_refused(noise):
    with pytest.raises(ValueError, match="a factor from 1 up"):
        compare_speed([1.0], [1.0], noise)


# Time to a target


def test_the_target_is_reached_at_the_first_point_that_is_as_good():
    seconds, errors = [0.0, 1.0, 2.5, 4.0], [0.9, 0.5, 0.3, 0.5]
    assert time_to_target(seconds, errors, 0.5) == 1.0
    assert time_to_target(seconds, errors, 0.49) == 2.5
    assert time_to_target(seconds, errors, 0.9) == 0.0


def test_a_miss_takes_for_ever():
    assert time_to_target([1.0, 2.0], [0.9, 0.5], 0.4) == math.inf
    assert time_to_target([1.0, 2.0], [math.nan, -math.inf], 0.4) == math.inf
    assert time_to_target([], [], 0.4) == math.inf


def test_a_curve_that_is_none_is_refused():
    with pytest.raises(ValueError, match="one error at each time"):
        time_to_target([1.0, 2.0], [0.5], 0.4)
    with pytest.raises(ValueError, match="never decrease"):
        time_to_target([2.0, 1.0], [0.5, 0.4], 0.4)
    with pytest.raises(ValueError, match="from 0 or later"):
        time_to_target([-1.0, 1.0], [0.5, 0.4], 0.4)
    with pytest.raises(ValueError, match="seconds of a curve need to be finite"):
        time_to_target([1.0, math.nan], [0.5, 0.4], 0.4)
    with pytest.raises(ValueError, match="a finite error, got nan"):
        time_to_target([1.0], [0.5], math.nan)


def test_the_target_is_the_median_of_final_errors():
    assert target_error([0.5, 0.1, 0.2]) == 0.2
    assert target_error([0.4, 0.1, 0.2, 0.9]) == pytest.approx(0.3)
    with pytest.raises(ValueError, match="at least one final error"):
        target_error([])
    with pytest.raises(ValueError, match="final errors need to be finite"):
        target_error([0.1, math.inf])


@pytest.mark.parametrize(
    ("times", "median"),
    [
        ([3.0, 1.0, math.inf], 3.0),
        ([math.inf, 1.0, math.inf], math.inf),
        ([1.0, math.inf], math.inf),
        ([2.0, math.inf, 1.0, 4.0], 3.0),
        ([2.0, math.inf, 1.0, math.inf], math.inf),
        ([math.inf] * 2, math.inf),
        ([0.0], 0.0),
    ],
)
def test_a_miss_is_longer_than_every_time(times, median):
    assert median_time(times) == median


@pytest.mark.parametrize(
    ("bad", "message"), [([], "at least one time"), ([-1.0], "0 up"), ([math.nan], "0 up")]
)
def test_times_without_a_median_are_refused(bad, message):
    with pytest.raises(ValueError, match=message):
        median_time(bad)
