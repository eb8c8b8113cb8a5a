"""What a layer is made of: frozen, checked settings."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from zorbench.zor.gate import THRESHOLD

Activation = Callable[[Tensor], Tensor]

ACTIVATIONS: dict[str, Activation] = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "softmax": partial(torch.softmax, dim=-1),
}


@dataclass(frozen=True)
class Layer:
    """A layer of the current rule (`Zor`), joined to the one below by a weight for every pair of units.

    Raises ValueError on a value outside its range.

    size: units, ≥ 1, or the shape (channels, height, width) of an image of units.
    activation: function f of the gated charge: a name of `ACTIVATIONS` (softmax runs over the last axis, the
        others are elementwise), a callable, or None (identity).
    stateless: start every call from zero charge instead of keeping it between calls.
    max_weight: bound, > 0, on the magnitude of the weights that leave this layer; the last layer's is never
        read.
    threshold: θ; a unit fires when its charge is above it. −inf: the gate is always open.
    """

    size: int | tuple[int, int, int]
    activation: str | Activation | None = None
    stateless: bool = False
    max_weight: float = 1.0
    threshold: float = THRESHOLD

    def __post_init__(self) -> None:
        if isinstance(self.size, tuple):
            whole = len(self.size) == 3 and all(map(_is_count, self.size))
            _check("size", self.size, whole, "units or (channels, height, width), all whole and 1 or more")
        else:
            _check_count("size", self.size)
        _check_gate(self)


@dataclass(frozen=True)
class ConvLayer:
    """A layer of `Zor` joined to the image below by a convolution; one bank of weights for all positions.

    out_channels, kernel, stride: as in torch's Conv2d, square.  padding: zeros on every side; None keeps the
    size at stride 1 with an odd kernel, (kernel − 1) // 2.  The rest: as in `Layer`. Raises ValueError on a
    value outside its range.
    """

    out_channels: int
    kernel: int
    stride: int = 1
    padding: int | None = None
    activation: str | Activation | None = None
    stateless: bool = False
    max_weight: float = 1.0
    threshold: float = THRESHOLD

    def __post_init__(self) -> None:
        _check_window(self)
        _check_gate(self)


@dataclass(frozen=True)
class ConvTransposeLayer:
    """A layer of `Zor` joined to the image below by a transposed convolution, for decoders.

    out_channels, kernel, stride, padding: of the convolution that leads from this layer's image to the one
    below, as in `ConvLayer`.  output_size: height and width of this layer's image; None means those below
    times the stride.  The rest: as in `Layer`. Raises ValueError on a value outside its range.
    """

    out_channels: int
    kernel: int
    stride: int = 1
    padding: int | None = None
    output_size: tuple[int, int] | None = None
    activation: str | Activation | None = None
    stateless: bool = False
    max_weight: float = 1.0
    threshold: float = THRESHOLD

    def __post_init__(self) -> None:
        _check_window(self)
        if self.output_size is not None:
            size = self.output_size
            whole = isinstance(size, tuple) and len(size) == 2 and all(map(_is_count, size))
            _check("output_size", size, whole, "(height, width), both whole and 1 or more")
        _check_gate(self)


AnalogLayer = Layer | ConvLayer | ConvTransposeLayer


@dataclass(frozen=True)
class NoveltyLayer:
    """A layer of the novelty rule (`NoveltyZor`). Raises ValueError on a value outside its range.

    Defaults are those of its README's hidden layer. learning_range, novelty, max_weight and the memory of
    co-activation belong to the weights that leave the layer, so the last layer's are never read.

    size: units, ≥ 1.
    activation: as in `Layer`.
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
        _check_count("size", self.size)
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


def _check_gate(layer: AnalogLayer) -> None:
    resolve_activation(layer.activation)
    _check("max_weight", layer.max_weight, layer.max_weight > 0, "above 0")
    _check("threshold", layer.threshold, layer.threshold < float("inf"), "a number or -inf")


def _check_window(layer: ConvLayer | ConvTransposeLayer) -> None:
    _check_count("out_channels", layer.out_channels)
    _check_count("kernel", layer.kernel)
    _check_count("stride", layer.stride)
    padding = layer.padding
    fits = padding is None or (type(padding) is int and 0 <= padding < layer.kernel)
    _check("padding", padding, fits, "whole, from 0 to less than the kernel")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _check_count(name: str, value: object) -> None:
    _check(name, value, _is_count(value), "a whole number, 1 or more")


def _check(name: str, value: object, holds: bool, wanted: str) -> None:
    if not holds:
        raise ValueError(f"{name} must be {wanted}, got {value!r}")
