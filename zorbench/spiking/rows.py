"""Convolution weights as the compiled loops read them: one row of all maps for each input of a window."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

ROUND = 16  # numbers: rows are filled up to a multiple, so that whole vectors are added


def laid_out(weight: Float[Tensor, "maps inputs kh kw"]) -> Float[Tensor, "maps inputs kh kw"]:
    """The same weights with maps innermost in memory, [kh, kw, inputs, maps filled up].

    A tensor like any other; learning and firing work on it without a copy. Fill it with `copy_`: `clone` and
    arithmetic may lose the layout.
    """
    maps, inputs, kh, kw = weight.shape
    storage = torch.zeros(kh, kw, inputs, -(-maps // ROUND) * ROUND)
    mine = storage[..., :maps].permute(3, 2, 0, 1)
    mine.copy_(weight)
    return mine


def is_laid_out(weight: Tensor) -> bool:
    """Whether `weight` lies in memory as `laid_out` makes it."""
    maps, inputs, kh, kw = weight.shape
    width = -(-maps // ROUND) * ROUND
    strides = (1, width, kw * inputs * width, inputs * width)
    whole = weight.untyped_storage().nbytes() == 4 * kh * kw * inputs * width
    return weight.stride() == strides and weight.storage_offset() == 0 and whole


def rows_of(weight: Float[Tensor, "maps inputs kh kw"]) -> Any:
    """[kh · kw · inputs, maps filled up] as a NumPy array: of the same memory if laid out, else a copy."""
    if weight.ndim != 4 or weight.dtype != torch.float32 or weight.device.type != "cpu":
        raise ValueError(
            f"weights are float32 [maps, inputs, kh, kw] on the CPU, "
            f"got {weight.dtype} {list(weight.shape)} on {weight.device}"
        )
    mine = weight.detach() if is_laid_out(weight) else laid_out(weight.detach())
    _, inputs, kh, kw = mine.shape
    width = mine.stride(1)
    return mine.as_strided((kh * kw * inputs, width), (width, 1)).numpy()


@contextmanager
def rows_to_change(weight: Float[Tensor, "maps inputs kh kw"]) -> Iterator[Any]:
    """`rows_of(weight)`, of which changes end up in `weight`."""
    rows = rows_of(weight)
    yield rows
    if not is_laid_out(weight):
        maps, inputs, kh, kw = weight.shape
        weight.copy_(torch.from_numpy(rows)[:, :maps].view(kh, kw, inputs, maps).permute(3, 2, 0, 1))
