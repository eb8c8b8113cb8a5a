"""What a layer is made of: frozen, checked settings, one class for each of the two rules."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Activation = Callable[[Tensor], Tensor]

ACTIVATIONS: dict[str, Activation] = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu}


@dataclass(frozen=True)
class Layer:
    """A layer of the current rule (`Zor`). Raises ValueError on a value outside its range.

    size: units, ≥ 1.
    activation: elementwise function f of the gated charge: a name of `ACTIVATIONS`, a callable, or None
        (identity).
    stateless: start every call from zero charge instead of keeping it between calls.
    max_weight: bound, > 0, on the magnitude of the weights that leave this layer; the last layer's is never
        read.
    """

    size: int
    activation: str | Activation | None = None
    stateless: bool = False
    max_weight: float = 1.0

    def __post_init__(self) -> None:
        _check_size(self.size)
        resolve_activation(self.activation)
        _check("max_weight", self.max_weight, self.max_weight > 0, "above 0")


@dataclass(frozen=True)
class NoveltyLayer:
    """A layer of the novelty rule (`NoveltyZor`). Raises ValueError on a value outside its range.

    Defaults are those of its README's hidden layer. learning_range, novelty, max_weight and the memory of
    co-activation belong to the weights that leave the layer, so the last layer's are never read.

    size, activation: as in `Layer`.
    target_rate: ρ in [0, 1], the share of samples a unit should fire on.
    threshold_step: η ≥ 0, how far a threshold moves for a rate that is off by one.
    memory: β in [0, 1], share of the old value kept by the averages of rate and co-activation.
    learning_range: R > 0, largest Frobenius norm of one weight update.
    novelty: ν, share of the remembered co-activation taken off a synapse's eligibility; below 0 it adds.
    max_weight: bound, > 0, on the magnitude of the weights.
    threshold_inhibition: κ, how much lower the threshold is after a spike on the previous training batch.
    """

    size: int
    activation: str | Activation | None = None
    target_rate: float = 0.5
    threshold_step: float = 0.2
    memory: float = 0.2
    learning_range: float = 0.5
    novelty: float = 0.01
    max_weight: float = 0.2
    threshold_inhibition: float = 0.0

    def __post_init__(self) -> None:
        _check_size(self.size)
        resolve_activation(self.activation)
        _check("target_rate", self.target_rate, 0 <= self.target_rate <= 1, "from 0 to 1")
        _check("threshold_step", self.threshold_step, self.threshold_step >= 0, "0 or more")
        _check("memory", self.memory, 0 <= self.memory <= 1, "from 0 to 1")
        _check("learning_range", self.learning_range, self.learning_range > 0, "above 0")
        _check("max_weight", self.max_weight, self.max_weight > 0, "above 0")


def resolve_activation(activation: str | Activation | None) -> Activation | None:
    """The function behind a layer's `activation`; None stays None, so that the identity costs nothing."""
    if activation is None or callable(activation):
        return activation
    try:
        return ACTIVATIONS[activation]
    except (KeyError, TypeError):
        valid = ", ".join(ACTIVATIONS)
        raise ValueError(
            f"unknown activation {activation!r}; valid: {valid}, None (identity) or a callable"
        ) from None


def _check_size(size: int) -> None:
    whole = isinstance(size, int) and not isinstance(size, bool)
    _check("size", size, whole and size >= 1, "a whole number, 1 or more")


def _check(name: str, value: float, holds: bool, wanted: str) -> None:
    if not holds:
        raise ValueError(f"{name} must be {wanted}, got {value!r}")
