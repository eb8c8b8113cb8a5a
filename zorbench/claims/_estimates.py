"""Intervals over the seeds, with the names and signatures of `zorbench.stats`, whose they will be."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.special import stdtrit

from zorbench.stats import CONFIDENCE, Estimate

Values = Sequence[float] | Float[ndarray, "n"]


def mean_interval(values: Values) -> Estimate:
    """Mean and t interval: x̄ ± t(n − 1) · s / √n; no interval for one value, nothing for none."""
    x = np.asarray(values, dtype=np.float64)
    n = len(x)
    if n == 0:
        return Estimate(None, None, None, 0)
    mean = float(x.mean())
    if n == 1:
        return Estimate(mean, None, None, 1)
    half = float(stdtrit(n - 1, 0.5 + CONFIDENCE / 2.0)) * float(x.std(ddof=1)) / math.sqrt(n)
    return Estimate(mean, mean - half, mean + half, n)


def paired_difference(a: Values, b: Values) -> Estimate:
    """Mean of a − b over paired seeds, with its t interval."""
    return mean_interval(np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64))


def speed_ratio(a_seconds: Values, b_seconds: Values) -> Estimate:
    """Geometric mean of a / b over paired seeds, with the t interval of its logarithm."""
    found = paired_difference(np.log(a_seconds), np.log(b_seconds))
    value, low, high = (None if x is None else math.exp(x) for x in (found.value, found.low, found.high))
    return Estimate(value, low, high, found.n)
