"""Power against scipy's noncentral t, published sample sizes and simulated t tests."""

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from zorbench.stats import minimum_detectable_effect, seeds_needed


def differences(n: int, sd: float) -> np.ndarray:
    x = np.random.default_rng(n).standard_normal(n)
    return 5.0 + sd * x / x.std(ddof=1)


def power_by_scipy(n, effect, sd, alpha):
    return scipy_stats.nct.sf(scipy_stats.t.isf(alpha / 2, n - 1), n - 1, effect * math.sqrt(n) / sd)


@pytest.mark.parametrize("n", [3, 8, 30])
@pytest.mark.parametrize(("power", "alpha"), [(0.8, 0.05), (0.5, 0.05), (0.9, 0.01)])
def test_the_detectable_effect_has_the_power(n, power, alpha):
    effect = minimum_detectable_effect(differences(n, 0.3), power, alpha)
    assert power_by_scipy(n, effect, 0.3, alpha) == pytest.approx(power, abs=1e-6)


@pytest.mark.parametrize("n", [2, 5, 8])
def test_the_detectable_effect_is_found_in_so_many_simulated_tests(n):
    effect, trials = minimum_detectable_effect(differences(n, 0.3)), 20_000
    x = effect + 0.3 * np.random.default_rng(n).standard_normal((trials, n))
    found = scipy_stats.ttest_1samp(x, 0.0, axis=1).pvalue <= 0.05
    # Four standard errors of a share of 0.8 over the trials are 0.011.
    assert found.mean() == pytest.approx(0.8, abs=0.012)


# Known sample sizes of the two-sided paired t test at level 0.05, for effects small, medium and large.
@pytest.mark.parametrize(
    ("effect", "power", "seeds"), [(0.2, 0.8, 199), (0.5, 0.8, 34), (0.8, 0.8, 15), (0.5, 0.95, 54)]
)
def test_the_seeds_needed_are_those_of_published_tables(effect, power, seeds):
    assert seeds_needed(differences(8, 1.0), effect, power) == seeds
    assert seeds_needed(differences(20, 3.0), -3 * effect, power) == seeds


@pytest.mark.parametrize("effect", [0.05, 0.3, 1.0, 4.0])
def test_one_seed_fewer_would_not_do(effect):
    n = seeds_needed(differences(6, 0.7), effect, power=0.9, alpha=0.01)
    assert power_by_scipy(n, effect, 0.7, 0.01) >= 0.9
    assert power_by_scipy(n - 1, effect, 0.7, 0.01) < 0.9


def test_more_seeds_than_anyone_runs_are_not_named():
    # 10,000 seeds have the power for a standardised effect of 0.0280185, and 9,999 for 0.0280199.
    assert seeds_needed(differences(8, 1.0), 0.028019) == 10_000
    assert seeds_needed(differences(8, 1.0), 0.028018) is None


def test_what_does_not_vary_is_always_detected():
    assert minimum_detectable_effect([0.5] * 4) == 0.0
    assert seeds_needed([0.5] * 4, 1e-9) == 2


@pytest.mark.parametrize("few", [[], [0.1]])
def test_fewer_than_two_differences_tell_nothing(few):
    assert minimum_detectable_effect(few) is None
    assert seeds_needed(few, 0.1) is None


@pytest.mark.parametrize(("power", "alpha"), [(1.0, 0.05), (0.8, 0.0), (0.02, 0.05), (math.nan, 0.05)])
def test_levels_that_are_none_are_refused(power, alpha):
    with pytest.raises(ValueError, match="alpha/2 < power < 1"):
        minimum_detectable_effect([0.1, 0.2], power, alpha)
    with pytest.raises(ValueError, match="alpha/2 < power < 1"):
        seeds_needed([0.1, 0.2], 0.1, power, alpha)


@pytest.mark.parametrize("effect", [0.0, math.nan, math.inf])
def test_an_effect_that_is_none_is_refused(effect):
    with pytest.raises(ValueError, match="finite and not 0"):
        seeds_needed([0.1, 0.2], effect)


def test_differences_that_are_no_vector_of_numbers_are_refused():
    with pytest.raises(ValueError, match="differences need 1 dimension, got"):
        minimum_detectable_effect([[0.1]])
    with pytest.raises(ValueError, match="differences need to be finite"):
        seeds_needed([0.1, math.nan], 0.1)
