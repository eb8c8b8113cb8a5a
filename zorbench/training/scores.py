"""What a trained network reaches on the test images, silence counted as wrong."""

from typing import Any

import numpy as np
from jaxtyping import Int, UInt8
from torch import Tensor

from zorbench.metrics import classification_metrics
from zorbench.spiking.learner import OneSpikeNet


def scored(
    net: OneSpikeNet, cached: UInt8[Tensor, "n below rows columns"], labels: Int[Tensor, " n"]
) -> dict[str, Any]:
    """Every score of the network's decisions on what reaches its decision.

    accuracy, silent        shares of all images
    macro_f1, macro_precision, macro_recall   over all classes; a class that is never decided for counts 0
    auc                     one against rest, from the network's `scores`
    confusion               [classes][classes + 1]: true class by decision, silence in the last column
    """
    found = classification_metrics(net.scores(cached), labels, net.classes)
    precision, recall = macro(np.array(found["confusion"]))
    return {
        "accuracy": found["accuracy"],
        "silent": found["abstained"],
        "macro_f1": found["macro_f1"],
        "macro_precision": precision,
        "macro_recall": recall,
        "auc": found["auc"],
        "confusion": found["confusion"],
    }


def macro(confusion: Int[np.ndarray, "classes decisions"]) -> tuple[float, float]:
    """Precision and recall, averaged over all classes; 0 for one without a decision, or without an image."""
    classes = len(confusion)
    right = np.diag(confusion)
    decided, there = confusion[:, :classes].sum(axis=0), confusion.sum(axis=1)
    precision, recall = right / np.maximum(decided, 1), right / np.maximum(there, 1)
    return float(precision.mean()), float(recall.mean())
