"""Arithmetic that needs more than float32."""

import torch
from torch import Tensor


def double(values: Tensor) -> Tensor:
    """`values` in float64: on their own device, or on the CPU where the device has none (mps)."""
    return (values.cpu() if values.device.type == "mps" else values).double()


def distances(inputs: Tensor, others: Tensor) -> Tensor:
    """Euclidean distances [n, m] between items [n, *shape] and [m, *shape], as if computed pair by pair.

    In float32, ‖a‖² + ‖b‖² − 2 a·b is off by some 0.01 near zero, or exact, depending on how many rows are
    asked for at once; in float64 neither shows.
    """
    wide = torch.cdist(double(inputs.flatten(1)), double(others.flatten(1)))
    return wide.to(inputs.dtype).to(inputs.device)
