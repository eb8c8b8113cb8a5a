"""How fast, and how much faster: ratios of paired times, the noise of a clock, time to a target.

Times are in seconds. Only times of cells that ran alone and interleaved belong here.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.typing import ArrayLike

from zorbench.stats.estimate import Estimate, finite, finite_pair, t_quantile
from zorbench.stats.paired import mean_interval

AA_PAIRS = 8
"""The fewest A/A pairs that tell the noise."""


@dataclass(frozen=True)
class SpeedVerdict:
    """How many times as long the first takes, and the band of noise around 1 that this was held against.

    `equal`: no difference was shown, and the ratio is printed with "≈".
    """

    ratio: Estimate
    noise: float
    equal: bool


def speed_ratio(
    a_seconds: Float[ndarray, "pairs"] | ArrayLike, b_seconds: Float[ndarray, "pairs"] | ArrayLike
) -> Estimate:
    """How many times as long a takes as b: exp of the mean of ln(a / b) over the pairs.

    The interval is exp of the t interval of that mean. Below 1, a is the faster. No value for no pairs, no
    interval for one.

    Source: Fleming and Wallace, "How not to lie with statistics: the correct way to summarize benchmark
    results", CACM 29(3), 1986. Raises `ValueError` if the two are not equally long vectors of finite times
    above 0.
    """
    a, b = finite_pair(a_seconds, b_seconds, "paired times")
    log = mean_interval(_log(a) - _log(b))
    return Estimate(_exp(log.value), _exp(log.low), _exp(log.high), log.n)


def aa_noise(pairs: Float[ndarray, "pairs 2"] | ArrayLike, of: int | None = None) -> float:
    """The factor within which the ratio of equals falls: from 1 / band to band is noise.

    `pairs` are times of one baseline against itself, taken as those of two baselines are. With x = ln of the
    ratio in each of k pairs, the band for a geometric mean `of` n pairs (k, unless said) is

        band = exp(|x̄| + t(k − 1) · s · √(1/k + 1/n)),

    the 95 % prediction interval of such a mean, widened until it is symmetric about a ratio of 1. At least
    95 % of A/A comparisons of n or more pairs fall within it, also where the second run of a pair tends to be
    the faster one (that is in x̄). Fewer pairs scatter more: for them, say `of`.

    Source: Hahn and Meeker, "Statistical Intervals", 1991, section 4.7 (mean of m future observations).
    Raises `ValueError` for fewer than `AA_PAIRS` pairs, a shape that is not [pairs, 2], times that are not
    finite and above 0, or `of` below 1.
    """
    seconds = finite(pairs, 2, "A/A times")
    if seconds.shape[1] != 2:
        raise ValueError(f"A/A times are [pairs, 2], got the shape {seconds.shape}")
    k = len(seconds)
    n = k if of is None else of
    if k < AA_PAIRS:
        raise ValueError(f"the noise takes at least {AA_PAIRS} A/A pairs, got {k}")
    if n < 1:
        raise ValueError(f"a ratio is the mean of at least one pair, got {n}")
    x = _log(seconds[:, 0]) - _log(seconds[:, 1])
    half = t_quantile(k) * float(x.std(ddof=1)) * math.sqrt(1.0 / k + 1.0 / n)
    return math.exp(abs(float(x.mean())) + half)


def compare_speed(
    a_seconds: Float[ndarray, "pairs"] | ArrayLike,
    b_seconds: Float[ndarray, "pairs"] | ArrayLike,
    noise: float,
) -> SpeedVerdict:
    """The `speed_ratio`, and whether its interval touches the band from 1 / `noise` to `noise`.

    The band comes from `aa_noise`, and the two count as equal also where there is no interval (fewer than two
    pairs). Raises `ValueError` as `speed_ratio` does, and if `noise` is not a finite factor from 1 up.
    """
    if not (math.isfinite(noise) and noise >= 1.0):
        raise ValueError(f"noise is a factor from 1 up, got {noise}")
    ratio = speed_ratio(a_seconds, b_seconds)
    if ratio.low is None or ratio.high is None:
        return SpeedVerdict(ratio, noise, equal=True)
    return SpeedVerdict(ratio, noise, equal=ratio.low <= noise and ratio.high >= 1.0 / noise)


def target_error(final_errors: Float[ndarray, "seeds"] | ArrayLike) -> float:
    """The error that others are timed to: the median of the final validation errors of the one that sets it.

    Raises `ValueError` if there are none or one is not finite.
    """
    errors = finite(final_errors, 1, "final errors")
    if errors.size == 0:
        raise ValueError("a target takes at least one final error")
    return float(np.median(errors))


def time_to_target(
    curve_seconds: Float[ndarray, "points"] | ArrayLike,
    curve_errors: Float[ndarray, "points"] | ArrayLike,
    target: float,
) -> float:
    """The seconds at the first point of a curve whose validation error is at most `target`; inf for a miss.

    Nothing is interpolated: the error between two points is not known. Errors that are not finite reach no
    target. Raises `ValueError` unless both are equally long vectors, the seconds are finite, from 0 up and
    in order, and the target is finite.
    """
    seconds = finite(curve_seconds, 1, "seconds of a curve")
    errors = np.asarray(curve_errors, dtype=np.float64)
    if errors.shape != seconds.shape:
        raise ValueError(f"a curve has one error at each time, got {seconds.shape} and {errors.shape}")
    if (seconds < 0).any() or (np.diff(seconds) < 0).any():
        raise ValueError("seconds of a curve start from 0 or later and never decrease")
    if not math.isfinite(target):
        raise ValueError(f"a target is a finite error, got {target}")
    reached = np.flatnonzero(np.isfinite(errors) & (errors <= target))
    return float(seconds[reached[0]]) if reached.size else math.inf


def median_time(times: Float[ndarray, "seeds"] | ArrayLike) -> float:
    """The median of times to a target, a miss (inf) being longer than every time.

    Of an even number it is the mean of the middle two: inf if one of these is. Raises `ValueError` if there
    are none, or one is NaN or below 0.
    """
    seconds = np.asarray(times, dtype=np.float64)
    if seconds.ndim != 1 or seconds.size == 0:
        raise ValueError(f"a median needs a vector of at least one time, got the shape {seconds.shape}")
    if not (seconds >= 0).all():
        raise ValueError("times are from 0 up, inf for a miss")
    middle = np.sort(seconds)[[(seconds.size - 1) // 2, seconds.size // 2]]
    return float(middle.mean())


def _log(seconds: Float[ndarray, "n"]) -> Float[ndarray, "n"]:
    if not (seconds > 0).all():
        raise ValueError("times of a ratio are above 0")
    logs: Float[ndarray, n] = np.log(seconds)
    return logs


def _exp(x: float | None) -> float | None:
    return None if x is None else math.exp(x)
