"""Reward that several layers share: the decision and a plastic layer below it, or branches that vote.

A sample after the other, by the core's operations: what all layers say is known before any of them learns.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from zorbench.spiking.firing import decide, fire, inhibited, winners
from zorbench.spiking.first_spikes import pooled
from zorbench.spiking.networks import Decision, Layer
from zorbench.spiking.stdp import STDP, update
from zorbench.spiking.votes import majority

Rules = tuple[STDP, STDP]
"""Reward and punishment."""


@dataclass(frozen=True)
class Verdicts:
    """What a network said in training: classes, its branches' votes and winners (map, row, column).

    −1 is silence. `below`: the winners of the layer that learns jointly, where it learned (silence: −1).
    """

    classes: Int[Tensor, " n"]
    votes: Int[Tensor, "n branches"]
    winners: Int[Tensor, "n branches 3"]
    below: Int[Tensor, "n k 3"] | None = None


def learn_jointly(
    layer: Layer,
    decision: Decision,
    weights: tuple[Float[Tensor, "maps inputs kh kw"], Float[Tensor, "outputs maps kh kw"]],
    rules: tuple[Rules, Rules | None],
    times: UInt8[Tensor, "samples inputs height width"],
    labels: Int[Tensor, " samples"],
    order: Int[Tensor, " n"],
    *,
    steps: int,
    lexicographic: bool = False,
) -> Verdicts:
    """R-STDP, in place, of the layer's up to k winners and, if it has rules, the decision's, in each sample.

    Both are rewarded if the decision is right and punished if it is wrong; its silence changes nothing. Only
    the layer's winners are found under point-wise inhibition: the decision gets all that fired.
    """
    below, above = weights
    n = len(order)
    said = torch.full((n, 3), -1, dtype=torch.int32)
    found = torch.full((n, layer.k, 3), -1, dtype=torch.int32)
    clamp = True  # the first update puts all weights into their bounds
    last = torch.tensor([steps - 1])
    for i, sample in enumerate(order.tolist()):
        one = times[sample : sample + 1]
        fired = fire(one, below, layer.threshold, steps=steps, padding=layer.padding)
        middle = pooled(fired.times, layer.pool)
        winner = decide(middle, above, steps=steps, padding=decision.padding, lexicographic=lexicographic)
        said[i] = winner[0]
        if winner[0, 0] < 0:
            continue
        wrong = int(winner[0, 0]) // decision.per_class != int(labels[sample])
        fired = inhibited(fired, steps)
        won = winners(fired, layer.k, layer.radius, steps=steps, lexicographic=lexicographic)[0]
        found[i] = won
        posts = fired.times[0][tuple(won.long().T)]  # of −1, whatever is last: not used
        update(below, one, won, posts, rules[0][wrong], steps=steps, padding=layer.padding, clamp=clamp)
        if rules[1] is not None:
            rule = rules[1][wrong]
            update(above, middle, winner, last, rule, steps=steps, padding=decision.padding, clamp=clamp)
        clamp = False
    classes = _classes(said[:, 0], decision.per_class)
    return Verdicts(classes, classes[:, None], said[:, None], found)


def learn_as_ensemble(
    decision: Decision,
    weights: list[Float[Tensor, "outputs inputs kh kw"]],
    rules: Rules,
    times: UInt8[Tensor, "samples inputs height width"],
    labels: Int[Tensor, " samples"],
    order: Int[Tensor, " n"],
    *,
    steps: int,
    lexicographic: bool = False,
) -> Verdicts:
    """R-STDP, in place, of voting branches: all are rewarded or punished for the majority's class."""
    won = torch.full((len(order), len(weights), 3), -1, dtype=torch.int32)
    options = {"steps": steps, "padding": decision.padding}
    clamp, last = True, torch.tensor([steps - 1])
    for i, sample in enumerate(order.tolist()):
        one = times[sample : sample + 1]
        for branch, weight in enumerate(weights):
            won[i, branch] = decide(one, weight, lexicographic=lexicographic, **options)[0]
        said = int(majority(_classes(won[i : i + 1, :, 0], decision.per_class)))
        if said < 0:
            continue
        rule = rules[said != int(labels[sample])]
        for weight, winner in zip(weights, won[i], strict=True):
            update(weight, one, winner[None], last, rule, clamp=clamp, **options)
        clamp = False
    votes = _classes(won[:, :, 0], decision.per_class)
    return Verdicts(majority(votes), votes, won)


def _classes(maps: Int[Tensor, "*n"], per_class: int) -> Int[Tensor, "*n"]:
    """The classes of decision maps; −1 stays."""
    return torch.div(maps.long(), per_class, rounding_mode="floor").clamp_min(-1)
