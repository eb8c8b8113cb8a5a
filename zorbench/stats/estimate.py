"""What all of the statistics share: a number with its interval, and how many seeds a verdict takes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.typing import ArrayLike
from scipy.special import stdtrit

VERDICT_SEEDS = 8
"""The fewest seeds that a verdict may rest on; fewer are a smoke test."""

CONFIDENCE = 0.95
"""The level of every interval."""

SIGNIFICANCE = 0.05
"""The level of every test: the greatest p that counts as significant."""


@dataclass(frozen=True)
class Estimate:
    """A number from `n` seeds and the interval from `low` to `high` around it; None for what is undefined."""

    value: float | None
    low: float | None
    high: float | None
    n: int


def is_smoke(n: int) -> bool:
    """Whether `n` seeds are too few for a verdict."""
    return n < VERDICT_SEEDS


def t_quantile(n: int) -> float:
    """How many standard errors of a mean of `n` > 1 values its interval reaches to either side."""
    return float(stdtrit(n - 1, 0.5 + CONFIDENCE / 2.0))


def mean_spread(values: Sequence[float] | Float[ndarray, "n"]) -> tuple[float, float | None, int]:
    """Mean, standard deviation (n − 1 in the denominator; None for one value) and number of `values`.

    Raises `ValueError` if there are none.
    """
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or x.size == 0:
        raise ValueError(f"a mean needs a vector of at least one value, got the shape {x.shape}")
    return float(x.mean()), float(x.std(ddof=1)) if x.size > 1 else None, x.size


def finite(values: ArrayLike, ndim: int, what: str) -> Float[ndarray, "..."]:
    """`values` in float64; raises `ValueError`, naming `what`, unless finite and of `ndim` dimensions."""
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != ndim:
        raise ValueError(f"{what} need {ndim} dimension{'s' * (ndim > 1)}, got the shape {x.shape}")
    if not np.isfinite(x).all():
        raise ValueError(f"{what} need to be finite; leave failed seeds out first")
    return x


def finite_pair(a: ArrayLike, b: ArrayLike, what: str) -> tuple[Float[ndarray, "n"], Float[ndarray, "n"]]:
    """Two vectors with one number a seed each, as `finite` checks them, and equally long."""
    first, second = finite(a, 1, what), finite(b, 1, what)
    if first.shape != second.shape:
        raise ValueError(f"{what} are paired seed by seed, got {first.size} and {second.size}")
    return first, second
