"""What a number of seeds could have shown: the power of a paired t test, solved for effect and for seeds."""

import bisect
import math
from functools import lru_cache

from jaxtyping import Float
from numpy import ndarray
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import nctdtr, stdtrit

from zorbench.stats.estimate import SIGNIFICANCE, finite

MOST_SEEDS = 10_000
"""The most seeds that `seeds_needed` looks at."""


def minimum_detectable_effect(
    differences: Float[ndarray, "n"] | ArrayLike, power: float = 0.8, alpha: float = SIGNIFICANCE
) -> float | None:
    """The least true mean difference, up or down, that as many seeds would show with probability `power`.

    It is δ = ν s / √n with P(T′(n − 1, ν) > t(n − 1; 1 − alpha/2)) = power: T′ is noncentral t, s the
    standard deviation of the `differences`, the test two-sided at level `alpha`. Being significant in the
    wrong direction does not count as showing it (for power 0.8 that is less likely than 1e-6).

    In the units of the differences, from 0 up; None for fewer than two. Takes s for the true one, which is
    uncertain by a factor of about 1 ± 1/√(2n − 2).

    Source: Cohen, "Statistical Power Analysis for the Behavioral Sciences", 1988, chapter 2. Raises
    `ValueError` if `differences` is not a vector of finite numbers, or unless alpha/2 < power < 1.
    """
    d = finite(differences, 1, "differences")
    _check_levels(power, alpha)
    if d.size < 2:
        return None
    return _noncentrality(d.size, power, alpha) * float(d.std(ddof=1)) / math.sqrt(d.size)


def seeds_needed(
    differences: Float[ndarray, "n"] | ArrayLike,
    effect: float,
    power: float = 0.8,
    alpha: float = SIGNIFICANCE,
) -> int | None:
    """The fewest seeds with which a true mean difference of `effect` is shown with probability `power`.

    The inverse of `minimum_detectable_effect`, with the spread of the `differences` there are. At least 2;
    None for fewer than two differences, or if `MOST_SEEDS` are not enough.

    Raises `ValueError` as that does, and if `effect` is 0 or not finite.
    """
    d = finite(differences, 1, "differences")
    _check_levels(power, alpha)
    if effect == 0 or not math.isfinite(effect):
        raise ValueError(f"an effect to be shown is finite and not 0, got {effect}")
    if d.size < 2:
        return None
    spread = float(d.std(ddof=1))
    if spread == 0:
        return 2
    counts = range(2, MOST_SEEDS + 1)
    standard = abs(effect) / spread
    found = bisect.bisect_left(counts, power, key=lambda n: _power(n, standard * math.sqrt(n), alpha))
    return counts[found] if found < len(counts) else None


def _power(n: int, noncentrality: float, alpha: float) -> float:
    """P(T′ > the critical t), with n − 1 degrees of freedom."""
    return float(1.0 - nctdtr(n - 1, noncentrality, -stdtrit(n - 1, alpha / 2.0)))


@lru_cache(maxsize=256)
def _noncentrality(n: int, power: float, alpha: float) -> float:
    """The ν at which `n` seeds have the `power`."""
    high = 1.0
    while _power(n, high, alpha) < power:
        high *= 2.0
    return float(brentq(lambda nu: _power(n, nu, alpha) - power, 0.0, high, xtol=1e-10))


def _check_levels(power: float, alpha: float) -> None:
    if not 0.0 < alpha / 2.0 < power < 1.0:
        raise ValueError(f"power and level need 0 < alpha/2 < power < 1, got power {power}, alpha {alpha}")
