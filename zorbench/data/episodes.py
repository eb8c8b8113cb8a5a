"""Episodes: which inputs a cell learns from, is validated and tested on; and the order of presentation."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64
from numpy import ndarray
from torch import Tensor

from zorbench.data.dataset import Dataset
from zorbench.data.seeding import derived_seed, generator
from zorbench.data.splits import stratified_choice, without
from zorbench.errors import InputError

_BLOCK = 4096  # indices drawn at once by `batch_order`, where an epoch is shorter


@dataclass(frozen=True, eq=False)
class Episode:
    """Indices only. Equal where the SHA-256 is."""

    shots: Int64[ndarray, "n"]  # into the training part, in the order of the draw
    validation: Int64[ndarray, "m"]  # into the training part
    test: Int64[ndarray, "k"]  # into the test part
    order_seed: int  # for `batch_order`
    sha256: str  # of the data's fingerprint and all of the above

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Episode) and self.sha256 == other.sha256

    def __hash__(self) -> int:
        return hash(self.sha256)


def tuning_fifth(dataset: Dataset) -> Int64[ndarray, "n"]:
    """Training indices reserved for tuning, which no episode draws from: a fixed fifth of each class.

    Sorted; a function of the data set only. Empty where the data set brings its own splits.
    """
    if dataset.folds is not None:
        return np.empty(0, dtype=np.int64)
    return stratified_choice(dataset.train_labels().numpy(), 0.2, _key(dataset), "tuning fifth")


def draw_episode(
    dataset: Dataset,
    *,
    shots: int | None = None,
    images: int | None = None,
    validation: int,
    test: int | None = None,
    seed: int,
) -> Episode:
    """One draw: `shots` of each class or `images` in all, `validation` beside them, `test` (None: all).

    The pool is the training part less `tuning_fifth`, or the training fold of the data set's own split. One
    permutation of it per data set and seed: validation is its end, shots are the first of each class (images:
    the first) of the rest. So with the same validation, fewer shots are a subset of more. The test indices
    are the first of a fixed permutation, the same for all seeds (of those in the test fold).

    Own splits may have validation 0; one that tests on its training points (xor) validates on them, too.

    Raises: InputError where a number is not positive or asks for more than there is.
    """
    _check_numbers(dataset, shots, images, validation, test, seed)
    key = _key(dataset)
    labels = dataset.train_labels().numpy()
    everything = np.arange(dataset.n_test)
    if dataset.folds is not None:
        pool, tested = dataset.folds(seed)
    else:
        pool, tested = without(len(labels), tuning_fifth(dataset)), everything
    pool = generator(key, "pool", seed).permutation(pool)
    resubstitution = dataset.folds is not None and np.array_equal(np.sort(pool), tested)
    spare = len(pool) if resubstitution else len(pool) - 1
    if validation > spare:
        raise InputError(f"{dataset.name}: validation={validation} of a pool of {len(pool)}; at most {spare}")
    validated = pool[len(pool) - validation :]
    rest = pool if resubstitution else pool[: len(pool) - validation]
    if shots is not None:
        chosen = _first_of_each_class(dataset, labels, rest, shots)
    else:
        assert images is not None
        if images > len(rest):
            left = f"{len(rest)} are left of a pool of {len(pool)} with validation={validation}"
            raise InputError(f"{dataset.name}: images={images}, but {left}")
        chosen = rest[:images]
    order = generator(key, "test").permutation(everything)
    tests = order[np.isin(order, tested)][:test]
    order_seed = derived_seed(key, "order", seed)
    return Episode(
        chosen, validated, tests, order_seed, _digest(dataset, order_seed, chosen, validated, tests)
    )


def draw_tuning_episode(
    dataset: Dataset, *, shots: int | None = None, images: int | None = None, validation: int, seed: int
) -> Episode:
    """One draw from `tuning_fifth` alone, without anything to test on: for the choice of settings.

    Half of the fifth at most is validated on; of shots there are as many as asked for, or as the rest holds:
    a rule is then tuned with fewer than it is evaluated with, as all rules are.
    Raises: InputError where a number is not positive, or the data set brings its own splits.
    """
    _check_numbers(dataset, shots, images, validation, None, seed)
    key = _key(dataset)
    pool = tuning_fifth(dataset)
    if not len(pool):
        raise InputError(f"{dataset.name}: brings its own splits, so no part of it is kept for tuning")
    pool = generator(key, "tuning", seed).permutation(pool)
    validated, rest = np.split(pool, [min(validation, len(pool) // 2)])
    if shots is not None:
        labels = dataset.train_labels().numpy()
        fewest = int(np.unique(labels[rest], return_counts=True)[1].min())
        chosen = _first_of_each_class(dataset, labels, rest, min(shots, fewest))
    else:
        chosen = rest[:images]
    order_seed = derived_seed(key, "tuning order", seed)
    tests = np.empty(0, dtype=np.int64)
    return Episode(
        chosen, validated, tests, order_seed, _digest(dataset, order_seed, chosen, validated, tests)
    )


def batch_order(n: int, batch: int, order_seed: int) -> Iterator[Int64[Tensor, "at_most_batch"]]:
    """Endless minibatches of range(n): each epoch a new uniform permutation, cut up, its short end kept.

    Depends on n and `order_seed` alone, but for where it is cut.
    """
    if n < 1 or batch < 1:
        raise InputError(f"minibatches of {batch} out of {n} inputs: both numbers must be positive")
    return _batches(n, batch, generator("batches", order_seed))


def _batches(n: int, batch: int, rng: np.random.Generator) -> Iterator[Tensor]:
    epochs = max(1, _BLOCK // n)
    cuts = [min(batch, n - start) for start in range(0, n, batch)] * epochs
    while True:
        # Ranks of uniform numbers are a uniform permutation; the numbers are drawn epoch after epoch, so how
        # many epochs share a call does not show.
        block = torch.from_numpy(rng.random((epochs, n)).argsort(axis=1))
        yield from block.view(-1).split(cuts)


def _digest(dataset: Dataset, order_seed: int, *parts: Int64[ndarray, "n"]) -> str:
    digest = hashlib.sha256(f"{dataset.fingerprint} {order_seed}".encode())
    for part in parts:
        digest.update(f" {len(part)} ".encode() + part.astype("<i8").tobytes())
    return digest.hexdigest()


def _key(dataset: Dataset) -> str:
    # not the path: the same folder elsewhere draws the same
    return dataset.name.partition(":")[0]


def _check_numbers(
    dataset: Dataset, shots: int | None, images: int | None, validation: int, test: int | None, seed: int
) -> None:
    if (shots is None) == (images is None):
        raise InputError(f"{dataset.name}: give either shots (of each class) or images (in all)")
    least = {
        "shots": 1,
        "images": 1,
        "validation": 0 if dataset.folds is not None else 1,
        "test": 1,
        "seed": 0,
    }
    given = {"shots": shots, "images": images, "validation": validation, "test": test, "seed": seed}
    for name, value in given.items():
        if value is not None and value < least[name]:
            raise InputError(f"{dataset.name}: {name}={value}; it must be at least {least[name]}")


def _first_of_each_class(
    dataset: Dataset, labels: Int64[ndarray, "n"], rest: Int64[ndarray, "m"], shots: int
) -> Int64[ndarray, "k"]:
    """The first `shots` of each class in `rest`, in the order of `rest`."""
    found = labels[rest]
    positions = []
    for label in np.unique(labels):  # a class of the test part alone asks for none
        members = np.flatnonzero(found == label)
        if len(members) < shots:
            left = f"class {dataset.class_names[label]} has {len(members)} left of a pool of {len(rest)}"
            raise InputError(f"{dataset.name}: shots={shots}, but {left} without validation")
        positions.append(members[:shots])
    return rest[np.sort(np.concatenate(positions))]
