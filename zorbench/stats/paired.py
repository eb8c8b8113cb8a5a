"""Baselines compared seed by seed: differences with their intervals, and tests of a family of pairs."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.typing import ArrayLike

from zorbench.stats.estimate import (
    SIGNIFICANCE,
    Estimate,
    finite,
    finite_pair,
    is_smoke,
    t_quantile,
)
from zorbench.stats.power import minimum_detectable_effect

EXACT_SEEDS = 12
"""The most seeds for which every sign flip is tried."""

DRAWN_FLIPS = 10_000
"""Flips drawn above that."""

# What two errors (relative to the larger) or two values of the statistic (which lies in [0, 1]) may differ by
# and be the same: far above float64's rounding, 1e-16 a seed, and far below a difference that matters.
_TIE = 1e-12


@dataclass(frozen=True)
class Comparison:
    """Column `first` against column `second`: negative differences mean that `first` errs less.

    `p` is adjusted for the family that the comparison came in, and None where there are too few seeds for a
    verdict. `detectable` is the `minimum_detectable_effect` of a single t test of this pair, without the
    adjustment; None for fewer than two seeds.
    """

    first: int
    second: int
    difference: Estimate
    p: float | None
    detectable: float | None

    @property
    def significant(self) -> bool:
        """Whether the pair differs, at the family's level of 0.05."""
        return self.p is not None and self.p <= SIGNIFICANCE


def mean_interval(values: Float[ndarray, "n"] | ArrayLike) -> Estimate:
    """The mean with its 95 % t interval, x̄ ± t(n − 1) · s / √n.

    No value for no values, no interval for fewer than two. Raises `ValueError` if `values` is not a vector
    of finite numbers.
    """
    x = finite(values, 1, "the values of a mean")
    n = x.size
    if n == 0:
        return Estimate(None, None, None, 0)
    mean = float(x.mean())
    if n == 1:
        return Estimate(mean, None, None, 1)
    half = t_quantile(n) * float(x.std(ddof=1)) / n**0.5
    return Estimate(mean, mean - half, mean + half, n)


def paired_difference(a: Float[ndarray, "n"] | ArrayLike, b: Float[ndarray, "n"] | ArrayLike) -> Estimate:
    """The mean of a − b with its t interval, where a and b hold the same seeds in the same order.

    Raises `ValueError` if they are not equally long vectors of finite numbers.
    """
    first, second = finite_pair(a, b, "paired errors")
    return mean_interval(first - second)


def compare_all(errors: Float[ndarray, "seeds entries"] | ArrayLike) -> list[Comparison]:
    """Every pair of columns, as one family of tests, in the order of `itertools.combinations`.

    The test is step-down max-|t| over joint sign flips: were two columns alike, the sign of their difference
    would be a coin toss in each seed. A flip σ ∈ {−1, 1}ⁿ changes the same seeds of all pairs at once, which
    keeps the pairs' dependence. With the pairs in descending order of |t|,

        p₍ₖ₎ = max over j ≤ k of the share of flips σ with max over i ≥ j of |t₍ᵢ₎(σ)| ≥ |t₍ⱼ₎|.

    All 2ⁿ flips are taken up to `EXACT_SEEDS` seeds; above that, the identity and `DRAWN_FLIPS` that are the
    same in every call. The family-wise error is at most 0.05, whichever pairs differ, if the differences of
    those that do not are jointly symmetric about 0. Pairs without any difference (beyond rounding)
    have t = 0; pairs whose differences all equal one other number have |t| = ∞.

    Source: Westfall and Young, "Resampling-Based Multiple Testing", 1993, algorithm 2.8 (with minimal p in
    place of maximal |t|); Romano and Wolf, "Exact and approximate stepdown methods for multiple hypothesis
    testing", JASA 100, 2005. Raises `ValueError` if `errors` is not a matrix of finite numbers.
    """
    e = finite(errors, 2, "compared errors")
    return _compare(e, list(combinations(range(e.shape[1]), 2)))


def _compare(e: Float[ndarray, "seeds entries"], pairs: Sequence[tuple[int, int]]) -> list[Comparison]:
    if not pairs:
        return []
    first, second = np.array(pairs).T
    a, b = e[:, first], e[:, second]
    d = a - b
    # Rounding may have the same sign in every seed; it is no difference.
    tested = np.where(np.abs(d) > _TIE * np.maximum(np.abs(a), np.abs(b)), d, 0.0)
    p: list[float] | list[None] = [None] * len(pairs) if is_smoke(len(d)) else _step_down(tested).tolist()
    return [
        Comparison(i, j, mean_interval(x), adjusted, minimum_detectable_effect(x))
        for (i, j), x, adjusted in zip(pairs, d.T, p, strict=True)
    ]


def _step_down(d: Float[ndarray, "seeds pairs"]) -> Float[ndarray, "pairs"]:
    """Adjusted p of each column of differences."""
    # |t| grows with u = |Σ d| / √(n Σ d²), as t² = (n − 1) u² / (1 − u²); Σ d² is the same for all flips.
    # u has neither an infinity nor a cancellation in it, and ranks the flips and the pairs alike.
    largest = np.abs(d).max(axis=0)
    scaled = d / np.where(largest > 0, largest, 1.0)  # squares neither overflow nor vanish
    norm = np.sqrt(len(d) * np.square(scaled).sum(axis=0))
    u = np.abs(_flips(len(d)) @ (scaled / np.where(norm > 0, norm, 1.0)))
    order = np.argsort(-u[0], kind="stable")
    u = u[:, order]
    highest = np.maximum.accumulate(u[:, ::-1], axis=1)[:, ::-1]
    share = (highest >= u[0] - _TIE).mean(axis=0)
    adjusted = np.empty(len(order))
    adjusted[order] = np.maximum.accumulate(share)
    return adjusted


@lru_cache(maxsize=4)
def _flips(n: int) -> Float[ndarray, "flips n"]:
    """Signs of `n` seeds, one flip a row, the identity first; read-only."""
    if n <= EXACT_SEEDS:
        # σ and −σ give the same |t|: the half in which the first seed keeps its sign has the same shares.
        bits = np.arange(2 ** (n - 1))[:, None] >> np.arange(n) & 1
    else:
        bits = np.random.default_rng(0).integers(2, size=(1 + DRAWN_FLIPS, n))
        # The flip that was observed counts as drawn: (b + 1) / (m + 1), so that p is valid and never 0.
        bits[0] = 0
    flips = 1.0 - 2.0 * bits
    flips.flags.writeable = False
    return flips
