"""What is refused at the door, and in which words."""

import torch
from torch import Tensor


def check_unit(inputs: Tensor, what: str = "inputs") -> None:
    """Raise `ValueError` unless `inputs` are a batch of at least one sample, with all values in [0, 1]."""
    if inputs.ndim < 2 or len(inputs) == 0 or inputs.numel() == 0:
        raise ValueError(f"{what} must be a batch of at least one sample, got the shape {list(inputs.shape)}")
    if not inputs.is_floating_point():
        raise ValueError(f"{what} must be floating-point numbers, got {inputs.dtype}")
    low, high = (float(value) for value in torch.aminmax(inputs))
    if not (low >= 0 and high <= 1):  # false for NaN as well, which aminmax passes on
        found = "NaN" if low != low else f"values from {low:g} to {high:g}"
        raise ValueError(f"{what} must lie in [0, 1], got {found}")


def check_steps(steps: int) -> None:
    """Raise `ValueError` unless the number of time steps is a whole number from 1 up."""
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise ValueError(f"the number of time steps T must be a whole number of at least 1, got {steps!r}")


def check_width(found: int, expected: int, what: str = "inputs") -> None:
    """Raise `ValueError` if a batch is not as wide as the layer that it is for."""
    if found != expected:
        raise ValueError(f"{what} have {found} numbers a sample; this layer takes {expected}")


def check_shape(inputs: Tensor, shape: tuple[int, ...]) -> None:
    """Raise `ValueError` if the samples of a batch have another shape: it could broadcast unnoticed."""
    if tuple(inputs.shape[1:]) != tuple(shape):
        found = list(inputs.shape[1:])
        raise ValueError(f"inputs have the shape {found} a sample; expected {list(shape)}")
