"""Scores of a classifier that may abstain."""

from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from numpy.typing import ArrayLike
from torch import Tensor


def classification_metrics(
    scores: Float[Tensor, "batch classes"] | ArrayLike,
    labels: Int[Tensor, "batch"] | ArrayLike,
    n_classes: int,
) -> dict[str, Any]:
    """Every classification score of `scores` (the larger, the likelier) against the true `labels`.

    A row's prediction is its one largest score. A row without one (a tie at the top, a nan anywhere) is an
    abstention: it counts as wrong and as no class, never as the first of the tied ones.

    accuracy    the share of rows that are right
    solved      1 if all rows are right, else 0; its mean over the seeds is a success rate
    error       1 − accuracy, the error that skill is computed from
    macro_f1    F1 averaged over all classes; one that is neither true nor predicted anywhere counts 0
    auc         one-against-rest area under the ROC curve, averaged over the classes that have both members
                and others; abstaining rows take part with the scores they have. None if no class has both,
                or if a score is nan
    abstained   the share of rows that abstain
    confusion   `[n_classes][n_classes + 1]` counts: true class by prediction, abstentions in the last column

    Raises `ValueError` if the shapes do not fit, nothing is given, or a label is no class.
    """
    scores, labels = _checked(scores, labels, n_classes)
    predicted = _predictions(scores)
    confusion = np.bincount(labels * (n_classes + 1) + predicted, minlength=n_classes * (n_classes + 1))
    accuracy = float(np.mean(predicted == labels))

    from sklearn.metrics import f1_score  # here, so that importing the metrics stays light

    return {
        "error": 1.0 - accuracy,
        "accuracy": accuracy,
        "solved": float(accuracy == 1.0),
        "macro_f1": float(
            f1_score(labels, predicted, labels=range(n_classes), average="macro", zero_division=0)
        ),
        "auc": _mean_auc(scores, labels),
        "abstained": float(np.mean(predicted == n_classes)),
        "confusion": confusion.reshape(n_classes, n_classes + 1).tolist(),
    }


def error_rate(
    scores: Float[Tensor, "batch classes"] | ArrayLike,
    labels: Int[Tensor, "batch"] | ArrayLike,
    n_classes: int,
) -> float:
    """The share of rows whose prediction is wrong or missing: `error` of `classification_metrics` alone."""
    scores, labels = _checked(scores, labels, n_classes)
    return float(np.mean(_predictions(scores) != labels))


def _predictions(scores: ndarray) -> ndarray:
    """The class of each row's one largest score, or the number of classes where there is none."""
    tops = scores == scores.max(axis=1, keepdims=True)  # a row with a nan has a nan maximum: no top at all
    return np.where(tops.sum(axis=1) == 1, tops.argmax(axis=1), scores.shape[1])


def _mean_auc(scores: ndarray, labels: ndarray) -> float | None:
    from sklearn.metrics import roc_auc_score

    if np.isnan(scores).any():
        return None
    areas = []
    for k in range(scores.shape[1]):
        member = labels == k
        if member.any() and not member.all():
            # Only the order matters to the area; ranks also admit infinite scores, such as log 0.
            ranks = np.unique(scores[:, k], return_inverse=True)[1]
            areas.append(roc_auc_score(member, ranks))
    return float(np.mean(areas)) if areas else None


def _checked(scores: Any, labels: Any, n_classes: int) -> tuple[ndarray, ndarray]:
    # numpy has no bfloat16; float64 holds every float exactly, so no tie comes or goes.
    scores = scores.detach().cpu().double().numpy() if isinstance(scores, Tensor) else np.asarray(scores)
    labels = labels.detach().cpu().numpy() if isinstance(labels, Tensor) else np.asarray(labels)
    shapes = f"scores {list(scores.shape)}, labels {list(labels.shape)}, {n_classes} classes"
    if n_classes < 1 or labels.ndim != 1 or scores.shape != (len(labels), n_classes):
        raise ValueError(f"scores must be [N, classes] and labels [N]: {shapes}")
    if len(labels) == 0:
        raise ValueError(f"nothing to score: {shapes}")
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"labels must be integers, not {labels.dtype}")
    if labels.min() < 0 or labels.max() >= n_classes:
        raise ValueError(f"labels must be 0 to {n_classes - 1}, got {labels.min()} to {labels.max()}")
    return scores, labels.astype(np.int64)
