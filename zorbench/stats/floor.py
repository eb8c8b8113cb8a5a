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
    e, f = _paired(errors, floor_errors)
    gone = _share(e, f)
    value, low, high = (None if part is None else 1.0 - part for part in (gone.value, gone.high, gone.low))
    return Estimate(value, low, high, gone.n)


def skill_difference(
    errors: Float[ndarray, "n"] | ArrayLike,
    others: Float[ndarray, "n"] | ArrayLike,
    floor_errors: Float[ndarray, "n"] | ArrayLike,
) -> Estimate:
    """How much more skill one has than another: S_a − S_b = Σ (b − a) / Σ floor error over the paired seeds.

    Above 0, `errors` are the better ones. The interval is that of `skill`, for the difference as a whole, so
    that what makes a seed hard for both drops out. Undefined where `skill` is; raises `ValueError` as that.
    """
    a, f = _paired(errors, floor_errors)
    b, _ = _paired(others, floor_errors)
    return _share(b - a, f)


def _paired(errors: ArrayLike, floor_errors: ArrayLike) -> tuple[Float[ndarray, "n"], Float[ndarray, "n"]]:
    e, f = np.asarray(errors, dtype=np.float64), np.asarray(floor_errors, dtype=np.float64)
    if e.ndim != 1 or e.shape != f.shape:
        raise ValueError(f"skill pairs one error with one floor error a seed, got {e.shape} and {f.shape}")
    if not (np.isfinite(e).all() and np.isfinite(f).all() and (e >= 0).all() and (f >= 0).all()):
        raise ValueError("skill needs finite errors from 0 up; leave failed seeds out first")
    return e, f


def _share(part: Float[ndarray, "n"], floor: Float[ndarray, "n"]) -> Estimate:
    """Σ part / Σ floor with its jackknife t interval."""
    n = len(floor)
    if n == 0 or floor.mean() < MIN_FLOOR_ERROR:
        return Estimate(None, None, None, n)
    value = float(part.sum() / floor.sum())
    if n == 1:
        return Estimate(value, None, None, n)
    part_without, floor_without = part.sum() - part, floor.sum() - floor
    if floor_without.min() < MIN_FLOOR_ERROR * (n - 1):
        return Estimate(value, None, None, n)
    left_out = part_without / floor_without
    half = t_quantile(n) * math.sqrt((n - 1) * left_out.var())
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
