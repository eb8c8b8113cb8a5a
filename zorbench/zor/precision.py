"""In what precision products of matrices are computed. Full, unless asked otherwise."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Literal, get_args

import torch
from torch import Tensor

Precision = Literal["full", "tf32", "bf16"]


def check_precision(precision: str) -> None:
    """Raises ValueError unless it is one of the three."""
    if precision not in get_args(Precision):
        valid = ", ".join(get_args(Precision))
        raise ValueError(f"unknown precision {precision!r}; valid: {valid}")


def products(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """Where matrix products and convolutions run in `precision`.

    full: the network's own type; on CUDA without TF32, which torch would use for convolutions.
    tf32: operands of ten bits on CUDA; elsewhere full.
    bf16: operands and results in bfloat16, all else in the network's own type; float64 stays as it is.
    """
    if device.type != "cuda":
        return _bfloat16(device) if precision == "bf16" else nullcontext()
    return _on_cuda(precision, device)


def operands(*tensors: Tensor) -> tuple[Tensor, ...]:
    """`tensors` in the precision of the products around, for a product that autocast does not reach."""
    kind = tensors[0].device.type
    if tensors[0].dtype == torch.float64 or not torch.is_autocast_enabled(kind):
        return tensors
    return tuple(tensor.to(torch.get_autocast_dtype(kind)) for tensor in tensors)


def _bfloat16(device: torch.device) -> AbstractContextManager[object]:
    return torch.autocast(device.type, dtype=torch.bfloat16, cache_enabled=False)


@contextmanager
def _on_cuda(precision: Precision, device: torch.device) -> Iterator[None]:
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    matmul.allow_tf32 = cudnn.allow_tf32 = precision == "tf32"
    try:
        with _bfloat16(device) if precision == "bf16" else nullcontext():
            yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before
