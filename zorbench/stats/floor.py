"""Errors held against the trivial: which floor an entry has, and skill over it with its interval."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.typing import ArrayLike

from zorbench.stats.estimate import Estimate, t_quantile

MIN_FLOOR_ERROR = 1e-6
"""The least mean floor error that skill is defined for, in error units: below it, trivial is perfect."""


def skill(errors: Float[ndarray, "n"] | ArrayLike, floor_errors: Float[ndarray, "n"] | ArrayLike) -> Estimate:
    """How much of the floor's error is gone: S = 1 − Σ error / Σ floor error, summed over the paired seeds.

    1 is perfect, 0 no better than trivial, below 0 worse. The interval is S ± t(n − 1) · SE with the
    jackknife standard error SE² = (n − 1)/n · Σ (S₋ᵢ − mean S₋)², where S₋ᵢ leaves seed i out; it is not
    clipped at 1.

    The value is None if the mean floor error is below `MIN_FLOOR_ERROR` or there are no seeds; the interval
    is None for fewer than two seeds, or if leaving one out brings the mean floor error below that.

    Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 11.
    Raises `ValueError` if the two are not equally long vectors of finite numbers from 0 up.
    """
    e, f = np.asarray(errors, dtype=np.float64), np.asarray(floor_errors, dtype=np.float64)
    if e.ndim != 1 or e.shape != f.shape:
        raise ValueError(f"skill pairs one error with one floor error a seed, got {e.shape} and {f.shape}")
    if not (np.isfinite(e).all() and np.isfinite(f).all() and (e >= 0).all() and (f >= 0).all()):
        raise ValueError("skill needs finite errors from 0 up; leave failed seeds out first")
    n = len(e)
    if n == 0 or f.mean() < MIN_FLOOR_ERROR:
        return Estimate(None, None, None, n)
    value = float(1.0 - e.sum() / f.sum())
    if n == 1:
        return Estimate(value, None, None, n)
    e_without, f_without = e.sum() - e, f.sum() - f
    if f_without.min() < MIN_FLOOR_ERROR * (n - 1):
        return Estimate(value, None, None, n)
    left_out = 1.0 - e_without / f_without
    error = math.sqrt((n - 1) * left_out.var())
    half = t_quantile(n) * error
    return Estimate(value, value - half, value + half, n)


def choose_floor(validation_errors: Mapping[str, Sequence[float]]) -> str:
    """The name of the floor with the least mean error on the validation images; of equals, the first by name.

    The test set has no say: a floor chosen there would be the best of several looks at it.
    Raises `ValueError` if there is no floor, or one has no errors or an error that is not finite.
    """
    if not validation_errors:
        raise ValueError("no floor to choose from")
    for name, errors in validation_errors.items():
        if len(errors) == 0 or not np.isfinite(errors).all():
            raise ValueError(f"floor '{name}' needs at least one validation error, all of them finite")
    # fsum: exact, so that the order of the seeds cannot decide between equals.
    return min(validation_errors, key=lambda name: (_mean(validation_errors[name]), name))


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
