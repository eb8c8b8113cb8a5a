"""What tuning buys: the best validation error to be expected of so many trials."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.typing import ArrayLike


def expected_best(
    scores: Float[ndarray, "trials"] | ArrayLike, at_most: int | None = None
) -> Float[ndarray, "budgets"]:
    """The least validation error to be expected of m = 0, 1, … trials of a search.

    `scores` are the validation errors of the trials made, from 0 up, inf for one that failed: the defaults'
    first, which are reported apart as element 0 of the result, then those of n trials. Element m, up to n or
    `at_most`, is the mean over all subsets of m of the n trials of the least score in the subset. With
    x₍₁₎ ≤ … ≤ x₍ₙ₎ that is

        Σₖ x₍ₖ₎ · C(n − k, m − 1) / C(n, m), k = 1 … n − m + 1,

    and inf while m of the trials can all have failed.

    Source: Dodge et al., "Show Your Work: Improved Reporting of Experimental Results", EMNLP 2019. Differs in
    that the m are drawn without replacement: with it, the estimate is biased (a set of m may hold one trial
    twice) and its last value is not the best found (Tang et al., "Showing Your Work Doesn't Always Work", ACL
    2020). Differs also in that errors are minimised.

    Raises `ValueError` if there are no scores, one is NaN or below 0, or `at_most` is below 0.
    """
    x = np.asarray(scores, dtype=np.float64)
    if x.ndim != 1 or x.size == 0:
        raise ValueError(f"a search has a vector of at least one score, the defaults', got shape {x.shape}")
    if not (x >= 0).all():
        raise ValueError("scores are errors from 0 up, inf for a trial that failed")
    if at_most is not None and at_most < 0:
        raise ValueError(f"the number of trials is from 0 up, got {at_most}")
    n = x.size - 1
    most = n if at_most is None else min(at_most, n)
    ordered = np.sort(x[1:])
    best = [_mean_of_least(ordered, m) for m in range(1, most + 1)]
    return np.array([x[0], *best])


def _mean_of_least(ordered: Float[ndarray, "n"], m: int) -> float:
    """The mean of the least of `m` > 0 of the `ordered` values, over all subsets."""
    n = len(ordered)
    if np.isinf(ordered[n - m]):
        return np.inf
    k = np.arange(1, n - m + 1)
    # The weights by their ratios, w₁ = m / n and wₖ₊₁ = wₖ (n − k − m + 1) / (n − k): binomials overflow.
    weights = m / n * np.cumprod(np.concatenate(([1.0], (n - k - m + 1) / (n - k))))
    return float(weights @ ordered[: len(weights)])
