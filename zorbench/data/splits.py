"""Fixed stratified choices: the same share of every class."""

import numpy as np
from jaxtyping import Int64
from numpy import ndarray

from zorbench.data.seeding import generator


def stratified_choice(
    labels: Int64[ndarray, "n"], share: float, *key: object, least: int = 0
) -> Int64[ndarray, "m"]:
    """Sorted indices of a fixed random `share` of each class, rounded half up, at least `least` of each.

    The choice in a class depends on `key`, the class and the class's members only.
    """
    chosen = [np.empty(0, dtype=np.int64)]
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        count = max(least, int(share * len(members) + 0.5))
        chosen.append(generator(*key, int(label)).permutation(members)[:count])
    return np.sort(np.concatenate(chosen))


def without(n: int, indices: Int64[ndarray, "m"]) -> Int64[ndarray, "k"]:
    """range(n) less `indices`, ascending."""
    keep = np.ones(n, dtype=bool)
    keep[indices] = False
    return np.flatnonzero(keep)


def stratified_fold(
    labels: Int64[ndarray, "n"], folds: int, name: str, seed: int
) -> tuple[Int64[ndarray, "a"], Int64[ndarray, "b"]]:
    """(training, test) indices of cross-validation: shuffle number `seed // folds`, fold `seed % folds`.

    `folds` consecutive seeds from a multiple of `folds` on test every index exactly once.
    """
    shuffle, fold = divmod(seed, folds)
    parts = []
    for label in np.unique(labels):
        order = generator(name, "folds", shuffle, int(label)).permutation(np.flatnonzero(labels == label))
        parts.append(order[fold::folds])
    test = np.sort(np.concatenate(parts))
    return without(len(labels), test), test
