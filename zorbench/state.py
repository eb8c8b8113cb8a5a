"""Find the tensors that an object holds."""

import inspect
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zorbench.protocol import Budget

_SKIPPED = (torch.Generator, torch.optim.Optimizer, Budget, type, ModuleType)
_MAX_DEPTH = 6


def find_tensors(root: object) -> dict[str, Tensor]:
    """Every distinct tensor reachable from `root`'s attributes, by a dotted name.

    Looks into modules (their state_dict), lists, tuples, dicts and plain objects, and turns NumPy arrays
    into tensors. Optimisers, generators and the budget are skipped: prediction does not need them. A tensor
    reached twice is listed once, and so is one that is a part of another's memory.
    """
    reached: dict[str, Tensor] = {}
    seen: set[int] = set()

    def visit(value: Any, name: str, depth: int) -> None:
        if isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
            value = _as_tensor(value)
        if isinstance(value, Tensor):
            reached[name] = value.detach()
            return
        if isinstance(value, _SKIPPED) or inspect.isroutine(value) or id(value) in seen or depth > _MAX_DEPTH:
            return
        items: list[tuple[Any, Any]]
        if isinstance(value, torch.nn.Module):
            items = list(value.state_dict(keep_vars=True).items())
        elif isinstance(value, dict):
            items = list(value.items())
        elif isinstance(value, list | tuple):
            items = list(enumerate(value))
        elif hasattr(value, "__dict__"):
            items = list(vars(value).items())
        else:
            return
        seen.add(id(value))
        for key, item in items:
            visit(item, f"{name}.{key}" if name else str(key), depth + 1)

    visit(root, "", 0)
    return _without_parts(reached)


def _as_tensor(array: np.ndarray) -> Tensor:
    try:
        return torch.from_numpy(array)
    except (TypeError, ValueError):  # a type that torch lacks, or a reversed view
        return torch.from_numpy(array.astype(np.complex128 if array.dtype.kind == "c" else np.float64))


def _without_parts(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Leave out each tensor whose memory lies within that of another; of two with the same, the later one."""
    kept: dict[str, tuple[int, int]] = {}
    for name, tensor in sorted(tensors.items(), key=lambda item: -_extent(item[1])):
        begin = _address(tensor)
        end = begin + _extent(tensor)
        if not begin or not any(low <= begin and end <= high for low, high in kept.values()):
            kept[name] = begin, end
    return {name: tensor for name, tensor in tensors.items() if name in kept}


def _address(tensor: Tensor) -> int:
    return tensor.data_ptr() if tensor.layout == torch.strided else 0


def _extent(tensor: Tensor) -> int:
    """Bytes from a tensor's first element to the end of its last."""
    if tensor.layout != torch.strided or not tensor.numel():
        return 0
    steps = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
    return (steps + 1) * tensor.element_size()
