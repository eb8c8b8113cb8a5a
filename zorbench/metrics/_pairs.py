"""Walk a prediction and its target together, a block of items at a time."""

from collections.abc import Callable

import torch
from jaxtyping import Float, Float64
from torch import Tensor

# Float64 values in a block: half a MiB, so that a score's intermediate arrays stay in a core's cache.
BLOCK = 1 << 16


def check_pair(prediction: Tensor, target: Tensor) -> None:
    """Raise `ValueError` unless both are `[N, ...]` of one shape and hold at least one value."""
    if prediction.shape != target.shape:
        problem = "prediction and target differ in shape"
    elif prediction.ndim < 2:
        problem = "prediction and target need a batch axis and at least one more"
    elif prediction.numel() == 0:
        problem = "nothing to score"
    else:
        return
    raise ValueError(f"{problem}: prediction {list(prediction.shape)}, target {list(target.shape)}")


def per_item(
    score: Callable[[Tensor, Tensor], Tensor],
    prediction: Float[Tensor, "batch *shape"],
    target: Float[Tensor, "batch *shape"],
) -> Float64[Tensor, "batch"]:
    """Apply `score` (two `[n, *shape]` blocks → `[n]`) to blocks that cover the batch.

    The blocks are float64 copies on the CPU: a prediction scores the same wherever it was made, and a large
    batch costs little memory beyond its own.
    """
    check_pair(prediction, target)
    size = max(1, BLOCK // prediction[0].numel())
    with torch.no_grad():
        return torch.cat(
            [
                score(p.to("cpu", torch.float64), t.to("cpu", torch.float64))
                for p, t in zip(prediction.split(size), target.split(size), strict=True)
            ]
        )
