"""The product p W where most units are closed: only the weights of live units are read."""

import torch
from jaxtyping import Float
from torch import Tensor

LEAST_WEIGHTS = 2**20
"""Below so many weights the search for live units may cost more than it saves."""

LIVE_ONE_IN = 8
"""The product is taken over live units alone where at most one unit in so many is live."""


def product(
    activity: Float[Tensor, "*copies batch n_in"], weight: Float[Tensor, "*copies n_in n_out"]
) -> Float[Tensor, "*copies batch n_out"]:
    """p W, to rounding; for finite W, since a closed unit's weights are left out and not multiplied by 0.

    Which way is taken is seen from p, on a CPU only: elsewhere looking would wait for the device. The two
    limits above are measured, see docs/speed.md.
    """
    live = _few_live(activity, weight)
    if live is None:
        return activity @ weight
    return activity.index_select(1, live) @ weight.index_select(0, live)


def _few_live(activity: Tensor, weight: Tensor) -> Tensor | None:
    """The units with p ≠ 0 in any row, or None where they are too many or the product is not worth a look."""
    if weight.numel() < LEAST_WEIGHTS or weight.dim() != 2 or weight.device.type != "cpu":
        return None
    if torch.compiler.is_compiling():  # a look would cut the compiled step in two
        return None
    most = len(weight) // LIVE_ONE_IN
    if int(torch.count_nonzero(activity[0])) > most:  # mostly the case, and one row tells it
        return None
    live = activity.abs().sum(0).nonzero().squeeze(1)
    return live if len(live) <= most else None
