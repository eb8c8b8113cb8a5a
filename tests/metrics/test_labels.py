"""Classification scores against scikit-learn and brute force, abstentions by hand."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, roc_auc_score

from zorbench.metrics import classification_metrics


def area_by_counting(scores: np.ndarray, member: np.ndarray) -> float:
    """The share of (member, other) pairs in the right order, a tie counting one half."""
    pairs = [(a > b) + (a == b) / 2 for a in scores[member] for b in scores[~member]]
    return float(np.mean(pairs))


def random_problem(n: int, k: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Distinct scores that lean towards the true class, and every class among the labels."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % k)
    scores = rng.random((n, k))
    scores[np.arange(n), labels] += 0.3
    return scores, labels


@pytest.mark.parametrize(("n", "k"), [(50, 2), (200, 3), (300, 10)])
def test_without_ties_every_score_equals_that_of_scikit_learn(n, k):
    scores, labels = random_problem(n, k)
    predicted = scores.argmax(1)
    got = classification_metrics(torch.tensor(scores), torch.tensor(labels), k)
    assert got["accuracy"] == pytest.approx(accuracy_score(labels, predicted))
    assert got["error"] == 1 - got["accuracy"]
    assert got["macro_f1"] == pytest.approx(f1_score(labels, predicted, average="macro"))
    areas = [roc_auc_score(labels == c, scores[:, c]) for c in range(k)]
    assert got["auc"] == pytest.approx(np.mean(areas))
    assert got["abstained"] == 0.0
    assert np.array_equal(np.array(got["confusion"])[:, :k], confusion_matrix(labels, predicted))
    assert not np.any(np.array(got["confusion"])[:, k])


def test_probabilities_give_scikit_learns_one_against_rest_area():
    scores, labels = random_problem(120, 4)
    probabilities = scores / scores.sum(1, keepdims=True)
    expected = roc_auc_score(labels, probabilities, multi_class="ovr", average="macro")
    assert classification_metrics(probabilities, labels, 4)["auc"] == pytest.approx(expected)


@settings(deadline=None, max_examples=60)
@given(n=st.integers(1, 25), k=st.integers(1, 5), levels=st.integers(1, 4), seed=st.integers(0, 2**31))
def test_tied_scores_and_absent_classes_equal_a_count_by_hand(n, k, levels, seed):
    rng = np.random.default_rng(seed)
    scores, labels = rng.integers(0, levels, (n, k)).astype(float), rng.integers(0, k, n)
    confusion = np.zeros((k, k + 1), int)
    for row, label in zip(scores, labels, strict=True):
        tops = [c for c in range(k) if row[c] == max(row)]
        confusion[label, tops[0] if len(tops) == 1 else k] += 1
    f1 = []
    for c in range(k):
        true, called = confusion[c].sum(), confusion[:, c].sum()
        f1.append(2 * confusion[c, c] / (true + called) if true + called else 0.0)
    areas = [area_by_counting(scores[:, c], labels == c) for c in range(k) if 0 < np.sum(labels == c) < n]

    got = classification_metrics(scores, labels, k)
    assert got["confusion"] == confusion.tolist()
    assert got["accuracy"] == pytest.approx(np.trace(confusion[:, :k]) / n)
    assert got["solved"] == (np.trace(confusion[:, :k]) == n)
    assert got["error"] == 1 - got["accuracy"]
    assert got["abstained"] == pytest.approx(confusion[:, k].sum() / n)
    assert got["macro_f1"] == pytest.approx(np.mean(f1))
    assert got["auc"] == (pytest.approx(np.mean(areas)) if areas else None)


def test_all_tied_scores_abstain_everywhere_and_are_all_wrong():
    got = classification_metrics(torch.zeros(6, 3), torch.tensor([0, 0, 1, 1, 2, 2]), 3)
    assert got == {
        "error": 1.0,
        "accuracy": 0.0,
        "solved": 0.0,
        "macro_f1": 0.0,
        "auc": 0.5,
        "abstained": 1.0,
        "confusion": [[0, 0, 0, 2]] * 3,
    }


def test_a_tie_below_the_top_is_no_abstention():
    got = classification_metrics([[0.0, 0.0, 1.0]], [2], 3)
    assert (got["accuracy"], got["abstained"]) == (1.0, 0.0)


def test_a_perfect_classifier_has_the_best_of_every_score():
    labels = torch.tensor([0, 1, 2, 1])
    got = classification_metrics(torch.nn.functional.one_hot(labels, 3).float(), labels, 3)
    assert got == {
        "error": 0.0,
        "accuracy": 1.0,
        "solved": 1.0,
        "macro_f1": 1.0,
        "auc": 1.0,
        "abstained": 0.0,
        "confusion": [[1, 0, 0, 0], [0, 2, 0, 0], [0, 0, 1, 0]],
    }


def test_a_class_that_is_absent_everywhere_counts_nothing_in_f1_and_nothing_in_the_area():
    scores, labels = np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0]]), np.array([0, 1])
    got = classification_metrics(scores, labels, 3)
    assert got["macro_f1"] == pytest.approx(
        f1_score(labels, labels, labels=range(3), average="macro", zero_division=0)
    )
    assert got["macro_f1"] == pytest.approx(2 / 3)
    assert got["auc"] == 1.0


def test_one_class_alone_has_no_area():
    got = classification_metrics(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 0]), 2)
    assert got["auc"] is None
    assert got["accuracy"] == 0.5


def test_a_nan_makes_its_row_abstain_and_the_area_undefined():
    got = classification_metrics([[0.9, np.nan], [0.1, 0.8], [0.7, 0.2]], [0, 1, 0], 2)
    assert got["confusion"] == [[1, 0, 1], [0, 1, 0]]
    assert got["auc"] is None


def test_infinite_scores_are_ordered_like_any_other():
    scores = np.array([[np.inf, 0.0], [0.0, -np.inf], [-np.inf, 1.0], [5.0, np.inf], [-np.inf, -np.inf]])
    labels = np.array([0, 0, 1, 1, 1])
    got = classification_metrics(scores, labels, 2)
    assert got["auc"] == pytest.approx(np.mean([area_by_counting(scores[:, c], labels == c) for c in (0, 1)]))
    assert got["confusion"] == [[2, 0, 0], [0, 2, 1]]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int64])
def test_any_kind_of_score_is_taken(dtype):
    scores = torch.tensor([[3, 1], [0, 2], [1, 1]], dtype=dtype)
    assert classification_metrics(scores, torch.tensor([0, 1, 1]), 2)["confusion"] == [[1, 0, 0], [0, 1, 1]]


def test_scores_with_a_gradient_are_taken():
    scores = torch.eye(2, requires_grad=True)
    assert classification_metrics(scores, torch.tensor([0, 1]), 2)["accuracy"] == 1.0


def test_scores_survive_json_as_plain_numbers():
    got = classification_metrics(*random_problem(30, 3), 3)
    assert json.loads(json.dumps(got, allow_nan=False)) == got
    assert {type(count) for row in got["confusion"] for count in row} == {int}
    assert {type(value) for name, value in got.items() if name != "confusion"} == {float}


@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        (np.zeros((2, 3)), np.zeros(2, int), r"scores \[2, 3\], labels \[2\], 2 classes"),
        (np.zeros((2, 2)), np.zeros(3, int), r"scores \[2, 2\], labels \[3\]"),
        (np.zeros(2), np.zeros(2, int), r"scores \[2\], labels \[2\]"),
        (np.zeros((2, 2)), np.zeros((2, 2), int), r"labels \[2, 2\]"),
        (np.zeros((0, 2)), np.zeros(0, int), r"nothing to score: scores \[0, 2\], labels \[0\]"),
        (np.zeros((2, 2)), np.zeros(2), "integers, not float64"),
        (np.zeros((2, 2)), np.array([0, 2]), "0 to 1, got 0 to 2"),
        (np.zeros((2, 2)), np.array([-1, 1]), "0 to 1, got -1 to 1"),
    ],
)
def test_inputs_that_do_not_fit_are_named(scores, labels, message):
    with pytest.raises(ValueError, match=message):
        classification_metrics(scores, labels, 2)


def test_importing_the_metrics_does_not_import_scikit_learn():
    code = "import sys, zorbench.metrics; print('sklearn' in sys.modules, 'skimage' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["False", "False"]
