"""Leak probes: what an honest rule cannot know, and how much better than chance is too good.

A classifier that learned from permuted labels must fall to chance. Its shots keep their inputs; the labels
are dealt out anew so that each class's shots carry all labels as evenly as can be, its own no more often than
any other. Whoever then names the true classes has them from elsewhere.
"""

import math

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

PROBE_SEEDS = 2
"""How many seeds of an entry are probed."""

ALLOWED = 3.0
"""How many standard deviations above chance a classifier may be."""


def dealt_anew(labels: Int64[Tensor, " n"], n_classes: int, seed: int) -> Int64[Tensor, " n"]:
    """Labels without information: shot i of class c gets c + 1 + π(i) modulo the number of classes K.

    π runs through 0 … K − 1 in an order of its own for each class, so a class's own label comes to its shots
    not before all others have. Each label is given about as often as before.
    """
    rng = np.random.default_rng(seed)
    dealt = torch.empty_like(labels)
    for label in range(n_classes):
        members = torch.nonzero(labels == label).flatten()
        turns: list[int] = []
        while len(turns) < len(members):
            others = rng.permutation(n_classes - 1)  # all labels but its own
            turns.extend([*others.tolist(), n_classes - 1])
        steps = torch.tensor(turns[: len(members)], dtype=labels.dtype)
        dealt[members] = (label + 1 + steps) % n_classes
    return dealt


def highest_honest_accuracy(test_labels: Int64[Tensor, " n"], n_classes: int) -> float:
    """The accuracy up to which a rule may be said to be at chance, with one seed.

    p + `ALLOWED` √(p (1 − p) / K) with p the share of the most frequent class. An honest rule may give all of
    a class's items one answer, right with a chance of 1 in K, so the classes are its draws, not the items.
    """
    shares = torch.bincount(test_labels, minlength=n_classes).double() / max(len(test_labels), 1)
    p = float(shares.max())
    return min(1.0, p + ALLOWED * math.sqrt(p * (1 - p) / n_classes))


def depends_on_the_split(whole: Float[Tensor, "n *out"], again: Float[Tensor, "n *out"]) -> float:
    """The share of items whose answer is another when asked for one by one and in reverse: 0 for a pure rule.

    Products of other shapes round otherwise, and a threshold may turn that into a spike more or less: an
    answer is another if it moves by more than a hundredth of what answers spread over.
    """
    spread = float(whole.max() - whole.min()) if whole.numel() else 0.0
    moved = (whole - again).abs().flatten(1).amax(dim=1)
    return float((moved > max(0.01 * spread, 1e-6)).double().mean())
