"""Skill and floors, against closed forms, a brute-force jackknife and simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from zorbench.stats import MIN_FLOOR_ERROR, VERDICT_SEEDS, Estimate, choose_floor, skill

pairs = st.lists(st.tuples(st.floats(0, 2), st.floats(0.01, 2)), min_size=2, max_size=12)


def jackknife_by_loop(errors: list[float], floors: list[float]) -> tuple[float, float, float]:
    n = len(errors)
    left_out = []
    for i in range(n):
        e = errors[:i] + errors[i + 1 :]
        f = floors[:i] + floors[i + 1 :]
        left_out.append(1 - sum(e) / sum(f))
    mean = sum(left_out) / n
    variance = (n - 1) / n * sum((s - mean) ** 2 for s in left_out)
    value = 1 - sum(errors) / sum(floors)
    half = scipy_stats.t.ppf(0.975, n - 1) * math.sqrt(variance)
    return value, value - half, value + half


@given(pairs)
def test_skill_and_its_interval_equal_a_jackknife_by_loop(pairs):
    errors, floors = ([float(x) for x in column] for column in zip(*pairs, strict=True))
    got = skill(errors, floors)
    assert (got.value, got.low, got.high) == pytest.approx(
        jackknife_by_loop(errors, floors), rel=1e-9, abs=1e-9
    )
    assert got.n == len(errors)


def test_with_one_floor_error_for_all_seeds_the_interval_is_the_t_interval_of_the_mean():
    errors, floor = [0.1, 0.2, 0.15, 0.3, 0.25], 0.5
    low, high = scipy_stats.t.interval(
        0.95, 4, loc=1 - np.mean(errors) / floor, scale=scipy_stats.sem(errors) / floor
    )
    got = skill(errors, [floor] * 5)
    assert (got.value, got.low, got.high) == pytest.approx((1 - 0.2 / 0.5, low, high))


def test_skill_is_a_ratio_of_sums_and_not_a_mean_of_ratios():
    assert skill([1.0, 1.0], [1.0, 3.0]).value == pytest.approx(1 - 2 / 4)


@pytest.mark.parametrize(("factor", "value"), [(0.0, 1.0), (0.25, 0.75), (1.0, 0.0), (3.0, -2.0)])
def test_a_fixed_share_of_the_floor_error_is_known_without_doubt(factor, value):
    floors = np.array([0.1, 0.2, 0.4, 0.3])
    got = skill(factor * floors, floors)
    assert (got.value, got.low, got.high) == pytest.approx((value,) * 3, abs=1e-7)


@given(pairs, st.floats(1e-2, 1e3))
def test_the_unit_of_the_errors_does_not_matter(pairs, scale):
    errors, floors = (np.array(column) for column in zip(*pairs, strict=True))
    one, other = skill(errors, floors), skill(scale * errors, scale * floors)
    assert (other.value, other.low, other.high) == pytest.approx(
        (one.value, one.low, one.high), rel=1e-6, abs=1e-6
    )


@given(pairs, st.randoms(use_true_random=False))
def test_the_order_of_the_seeds_does_not_matter(pairs, random):
    shuffled = random.sample(pairs, len(pairs))
    one, other = (skill(*zip(*p, strict=True)) for p in (pairs, shuffled))
    assert (other.value, other.low, other.high) == pytest.approx((one.value, one.low, one.high), abs=1e-7)


def test_skill_is_undefined_on_a_floor_that_is_as_good_as_perfect():
    assert skill([0.1, 0.2], [0.0, 0.0]) == Estimate(None, None, None, 2)
    assert skill([0.1, 0.2], [0.0, 1.9 * MIN_FLOOR_ERROR]) == Estimate(None, None, None, 2)
    assert skill([0.0, 0.0], [MIN_FLOOR_ERROR * 1.01] * 2).value == 1.0


def test_one_seed_has_a_skill_but_no_interval():
    assert skill([0.1], [0.4]) == Estimate(0.75, None, None, 1)


def test_no_seeds_have_no_skill():
    assert skill([], []) == Estimate(None, None, None, 0)


def test_an_interval_that_hangs_on_one_seed_is_not_given():
    assert skill([0.1, 0.1, 0.1], [0.0, 0.0, 0.6]) == Estimate(pytest.approx(0.5), None, None, 3)


@pytest.mark.parametrize(
    ("errors", "floors"),
    [([0.1], [0.1, 0.2]), ([[0.1]], [[0.1]]), (0.1, 0.1)],
)
def test_errors_that_are_not_paired_are_refused(errors, floors):
    with pytest.raises(ValueError, match="pairs one error with one floor error"):
        skill(errors, floors)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -0.1])
def test_errors_that_are_no_errors_are_refused(bad):
    with pytest.raises(ValueError, match="finite errors from 0 up"):
        skill([0.1, bad], [0.1, 0.2])
    with pytest.raises(ValueError, match="finite errors from 0 up"):
        skill([0.1, 0.2], [0.1, bad])


def test_the_interval_covers_the_true_skill_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    trials, n, truth = 4000, VERDICT_SEEDS, 0.6
    floors = 0.3 + 0.03 * rng.standard_normal((trials, n))
    errors = (1 - truth) * floors + 0.02 * rng.standard_normal((trials, n))
    found = [skill(e, f) for e, f in zip(errors, floors, strict=True)]
    covered = np.mean([s.low <= truth <= s.high for s in found])
    # Four standard errors of a share of 0.95 over the trials are 0.014.
    assert covered == pytest.approx(0.95, abs=0.015)


def test_the_floor_has_the_least_mean_validation_error():
    assert choose_floor({"mean": [0.3, 0.1], "black": [0.05, 0.5], "median": [0.2, 0.1]}) == "median"


def test_floors_that_tie_are_taken_by_name_whatever_their_order():
    tied = {"pixel_median": [0.1, 0.2, 0.3], "black": [0.3, 0.2, 0.1], "mean": [0.2, 0.2, 0.2]}
    assert choose_floor(tied) == "black"
    assert choose_floor(dict(reversed(tied.items()))) == "black"


def test_a_choice_without_floors_is_refused():
    with pytest.raises(ValueError, match="no floor to choose from"):
        choose_floor({})


@pytest.mark.parametrize("errors", [[], [0.1, math.nan], [math.inf]])
def test_a_floor_without_a_mean_error_is_named(errors):
    with pytest.raises(ValueError, match="floor 'mean'"):
        choose_floor({"black": [0.1], "mean": errors})
