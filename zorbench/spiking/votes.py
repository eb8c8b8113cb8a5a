"""What decision layers say together: the majority of their votes, and scores of all classes.

A vote is the class of a branch's winner, −1 where it is silent.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

LIFT = 1 + 1e-6  # by how much the decided class is above all others at least


def majority(votes: Int[Tensor, "n branches"]) -> Int[Tensor, " n"]:
    """The class that at least two branches vote for, the most of them; else the vote of the middle branch.

    The latter may be −1: three branches of which only an outer one speaks are silent, as in the source.
    """
    agree = (votes[:, :, None] == votes[:, None, :]).sum(dim=2).masked_fill(votes < 0, 0)
    most, first = agree.max(dim=1)
    middle = votes[:, votes.shape[1] // 2]
    return torch.where(most >= 2, votes.gather(1, first[:, None])[:, 0], middle)


def class_potentials(
    potentials: Float[Tensor, "n maps rows columns"], per_class: int
) -> Float[Tensor, "n classes"]:
    """Of each class the largest potential, over its maps and places."""
    return potentials.flatten(2).amax(dim=2).unflatten(1, (-1, per_class)).amax(dim=2)


def scores(
    potentials: Float[Tensor, "branches n classes"],
    votes: Int[Tensor, "n branches"],
    decided: Int[Tensor, " n"],
) -> Float[Tensor, "n classes"]:
    """Rows that add up to 1, the decided class the largest; 0 all over where nothing was decided.

    One branch:   P_c / Σ P, with P the class potentials.
    Several:      (votes_c + mean over branches of P_c / Σ P) / (branches + 1), which the mean only decides
                  between classes of equally many votes.

    The network compares potentials in coarser steps than float32 has, and a middle branch may decide: the
    decided class is put a millionth above the others where it is not yet.
    """
    shares = potentials.double()
    shares = (shares / shares.sum(dim=2, keepdim=True).clamp_min(1e-30)).mean(dim=0)
    if len(potentials) > 1:
        ballots = torch.zeros_like(shares)
        for vote in votes.T:
            ballots += torch.arange(shares.shape[1]) == vote[:, None]
        shares = (ballots + shares) / (len(potentials) + 1)
    spoke = decided >= 0
    mine = torch.arange(shares.shape[1]) == decided[:, None]
    others = shares.masked_fill(mine, 0).amax(dim=1, keepdim=True) * LIFT
    shares = torch.where(mine, torch.maximum(shares, others), shares) * spoke[:, None]
    return (shares / shares.sum(dim=1, keepdim=True).clamp_min(1e-30)).float()
