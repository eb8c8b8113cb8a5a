"""Training a layer of one-spike neurons, sample after sample, on the first-spike times that reach it.

Layers are trained one after the other, from below, so that a layer's inputs can be worked out once and kept.
Each sample is met by the weights that the one before has left.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from zorbench.spiking import _decision_loops, _onespike_loops
from zorbench.spiking.firing import check_threshold, geometry_of, least_spikes
from zorbench.spiking.rows import rows_to_change
from zorbench.spiking.stdp import STDP


def learn(
    weight: Float[Tensor, "maps inputs kh kw"],
    times: UInt8[Tensor, "samples inputs height width"],
    rule: STDP,
    *,
    threshold: float,
    k: int,
    radius: int,
    steps: int,
    padding: int = 0,
    order: Int[Tensor, " n"] | None = None,
    rates: Float[Tensor, "n 2"] | None = None,
    lexicographic: bool = False,
) -> Int[Tensor, "n k 3"]:
    """Unsupervised STDP, in place: fire, inhibit point-wise, up to k winners, STDP. Returns the winners.

    `order`: the samples to learn from, one after the other, by their index (all, unless given). `rates`: (a⁺,
    a⁻) for each of them, as from `Doubling`, instead of the rule's. `lexicographic`: see `winners`.
    """
    check_threshold(threshold)
    geometry, (maps, _, _) = geometry_of(times, weight, padding, steps)
    order = _order(order, len(times))
    rates = torch.tensor([rule.rates]).repeat(len(order), 1) if rates is None else rates.to(torch.float32)
    if rates.shape != (len(order), 2):
        raise ValueError(f"rates are [{len(order)}, 2], two for each sample, got {list(rates.shape)}")
    found = torch.empty(len(order), k, 3, dtype=torch.int32)
    arrays = rates.contiguous().numpy(), rule.bounds, rule.stabilised, found.numpy()
    with rows_to_change(weight) as rows:
        least = least_spikes(threshold, rows, rule.high)
        firing = (rows, maps, np.float32(threshold), least), geometry, radius, lexicographic
        _onespike_loops.learn(times.contiguous().numpy(), order.numpy(), *firing, *arrays)
    return found


@dataclass(frozen=True)
class Decisions:
    """What a decision layer said in training: classes, and the winners (map, row, column); −1 is silence."""

    classes: Int[Tensor, " n"]
    winners: Int[Tensor, "n 3"]


def learn_to_decide(
    weight: Float[Tensor, "maps inputs kh kw"],
    times: UInt8[Tensor, "samples inputs height width"],
    labels: Int[Tensor, " samples"],
    classes: Int[Tensor, " maps"],
    reward: STDP,
    punishment: STDP,
    *,
    steps: int,
    padding: int = 0,
    order: Int[Tensor, " n"] | None = None,
    lexicographic: bool = False,
) -> Decisions:
    """R-STDP of a decision layer, in place: `decide`, then STDP by `reward` if the winner's class is right.

    If it is wrong, STDP by `punishment`; silence changes nothing. `classes`: of each map. `order`: as in
    `learn`; rates stay as they are, so that a caller who scales them calls with one batch after the other.
    """
    geometry, shape = geometry_of(times, weight, padding, steps)
    order = _order(order, len(times))
    if len(labels) != len(times) or len(classes) != len(weight):
        raise ValueError(
            f"{len(times)} samples need as many labels, {len(weight)} maps as many classes, "
            f"got {len(labels)} and {len(classes)}"
        )
    winners = torch.empty(len(order), 3, dtype=torch.int32)
    decided = torch.empty(len(order), dtype=torch.int64)
    rules = tuple((rule.rates, rule.bounds, rule.stabilised) for rule in (reward, punishment))
    meanings = labels.to(torch.int64).contiguous().numpy(), classes.to(torch.int64).contiguous().numpy()
    with rows_to_change(weight) as rows:
        layer = rows, geometry, shape, lexicographic, rules, winners.numpy(), decided.numpy()
        _decision_loops.learn(times.contiguous().numpy(), order.numpy(), *meanings, *layer)
    return Decisions(decided, winners)


def _order(order: Tensor | None, samples: int) -> Tensor:
    if order is None:
        return torch.arange(samples)
    if len(order) and not (int(order.min()) >= 0 and int(order.max()) < samples):
        raise ValueError(f"the order names samples outside of 0 … {samples - 1}")
    return order.to(torch.int64).contiguous()
