"""How two layers are joined: forward current, signal back, and the correlation that moves the weights.

Each kind answers the same three questions, for activity p of the layer below and, in the layer above, a
signal q before its normalisation with the scale r = 1 / ‖q‖ of every unit, δ = q ⊙ r:

    current    x = p W
    transport  δ_below = δ Wᵀ
    direction  p̂ᵀ (δ ⊙ ŝ), every column of p and s divided by its norm + 1e-8

A scale is one number a unit, so it is applied to whatever is smallest: activities, signals or weights.

A convolution is the same on unfolded images: a row for each sample and position, a column of p for each
weight of the window, a column of δ and s for each channel. All rows take part in a norm.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F
from torch.nn.grad import conv2d_input, conv2d_weight

from zorbench.zor.correlation import EPSILON, Axes, scale_from_squares
from zorbench.zor.layer import AnalogLayer, ConvLayer, ConvTransposeLayer, Layer, NoveltyLayer
from zorbench.zor.precision import operands
from zorbench.zor.sparse import product

Shape = tuple[int, ...]


class Connection(ABC):
    """What joins a layer of units of shape `below` to one of shape `above`.

    weight_shape: of W.  fan_in, fan_out: weights that end in, and leave, one unit.
    axes: those of δ and s that one unit of the layer above runs over, counted from the end.
    """

    below: Shape
    above: Shape
    weight_shape: Shape
    fan_in: int
    fan_out: int
    axes: Axes

    @abstractmethod
    def current(self, activity: Tensor, weight: Tensor) -> Tensor:
        """The current x that reaches the layer above."""

    @abstractmethod
    def transport(self, signal: Tensor, scale: Tensor, weight: Tensor) -> Tensor:
        """The signal δ_below of the layer below."""

    @abstractmethod
    def direction(
        self, activity: Tensor, signal: Tensor, scale: Tensor, spikes: Tensor | None, into: Tensor | None
    ) -> Tensor:
        """The direction in which the weights should grow. `spikes` None: every unit fired.

        `into`: memory of W's shape for the answer, which need not be used.
        """


class Dense(Connection):
    """A weight [n_in, n_out] for every pair of units; images are laid flat. Leading axes are copies."""

    def __init__(self, below: Shape, above: Shape) -> None:
        self.below, self.above = below, above
        self.fan_in, self.fan_out = math.prod(below), math.prod(above)
        self.weight_shape = (self.fan_in, self.fan_out)
        self.axes = (-1 - len(above),)

    def current(
        self, activity: Float[Tensor, "*copies batch n_in"], weight: Float[Tensor, "*copies n_in n_out"]
    ) -> Float[Tensor, "*copies batch n_out"]:
        return _shaped(product(_flat(activity, self.below), weight), self.above)

    def transport(self, signal: Tensor, scale: Tensor, weight: Tensor) -> Tensor:
        signal, scale = _flat(signal, self.above), _flat(scale, self.above)
        if signal.numel() <= weight.numel():
            below = (signal * scale) @ weight.mT
        else:
            below = signal @ (weight * scale).mT
        return _shaped(below, self.below)

    def direction(
        self,
        activity: Tensor,
        signal: Tensor,
        scale: Tensor,
        spikes: Tensor | None,
        into: Tensor | None = None,
    ) -> Tensor:
        activity, signal = _flat(activity, self.below), _flat(signal, self.above)
        rows = scale_from_squares((activity * activity).sum(-2, keepdim=True))
        columns = _flat(scale, self.above)
        if spikes is None:  # ŝ is the same everywhere
            rows = rows * _all_fired(signal.shape[-2])
        else:
            spikes = _flat(spikes, self.above)
            signal = signal * spikes
            columns = columns * scale_from_squares(spikes.sum(-2, keepdim=True))
        # In a product aᵀ b the scales of columns may be applied before or after.
        before_rows = activity.shape[-2] <= self.fan_out
        before_columns = signal.shape[-2] <= self.fan_in
        left = activity * rows if before_rows else activity
        right = signal * columns if before_columns else signal
        direction = torch.matmul(left.mT, right, out=into)
        if not before_rows:
            direction.mul_(rows.mT)
        return direction if before_columns else direction.mul_(columns)


class Convolution(Connection):
    """W [out, in, k, k], the same window of weights at every position."""

    axes = (-4, -2, -1)

    def __init__(self, below: Shape, layer: ConvLayer) -> None:
        channels, *size = below
        self.stride, self.padding = layer.stride, _padding(layer)
        self.below = below
        self.above = (layer.out_channels, *(self._positions(n, layer.kernel) for n in size))
        if min(self.above) < 1:
            raise ValueError(f"{layer!r} leaves nothing of an image of {list(below)}")
        self.weight_shape = (layer.out_channels, channels, layer.kernel, layer.kernel)
        self.fan_in, self.fan_out = channels * layer.kernel**2, layer.out_channels * layer.kernel**2

    def current(
        self, activity: Float[Tensor, "batch in h w"], weight: Float[Tensor, "out in k k"]
    ) -> Float[Tensor, "batch out h2 w2"]:
        return F.conv2d(activity, weight, stride=self.stride, padding=self.padding)

    def transport(self, signal: Tensor, scale: Tensor, weight: Tensor) -> Tensor:
        shape = (len(signal), *self.below)
        weight, signal = operands(weight * _by_channel(scale), signal)
        return conv2d_input(shape, weight, signal, stride=self.stride, padding=self.padding)

    def direction(
        self,
        activity: Tensor,
        signal: Tensor,
        scale: Tensor,
        spikes: Tensor | None,
        into: Tensor | None = None,
    ) -> Tensor:
        signal, columns = _gated(signal, scale, spikes)
        below, above = operands(activity, signal)
        raw = conv2d_weight(below, self.weight_shape, above, stride=self.stride, padding=self.padding)
        # ‖p‖² of a column: the squares, summed over the batch, at every position under one weight.
        squares = (activity * activity).sum(0, keepdim=True)
        under = F.unfold(squares, self.weight_shape[-1], stride=self.stride, padding=self.padding).sum(-1)
        rows = scale_from_squares(under.view(1, *self.weight_shape[1:]))
        return raw.mul_(rows).mul_(columns)

    def _positions(self, size: int, kernel: int) -> int:
        return (size + 2 * self.padding - kernel) // self.stride + 1


class TransposedConvolution(Connection):
    """W [in, out, k, k], the adjoint of a convolution that leads from the layer above to the one below."""

    axes = (-4, -2, -1)

    def __init__(self, below: Shape, layer: ConvTransposeLayer) -> None:
        channels, *size = below
        self.stride, self.padding = layer.stride, _padding(layer)
        wanted = layer.output_size or tuple(n * layer.stride for n in size)
        least = [(n - 1) * layer.stride - 2 * self.padding + layer.kernel for n in size]
        self.extra = tuple(n - low for n, low in zip(wanted, least, strict=True))
        if not all(0 <= extra < layer.stride for extra in self.extra) or min(wanted) < 1:
            ranges = " and ".join(f"{max(low, 1)} to {low + layer.stride - 1}" for low in least)
            raise ValueError(
                f"{layer!r} on an image of {list(below)} reaches height and width of {ranges}, "
                f"not {list(wanted)}: set output_size, kernel or padding"
            )
        self.below, self.above = below, (layer.out_channels, *wanted)
        self.weight_shape = (channels, layer.out_channels, layer.kernel, layer.kernel)
        self.fan_in, self.fan_out = channels * layer.kernel**2, layer.out_channels * layer.kernel**2

    def current(
        self, activity: Float[Tensor, "batch in h w"], weight: Float[Tensor, "in out k k"]
    ) -> Float[Tensor, "batch out h2 w2"]:
        return F.conv_transpose2d(
            activity, weight, stride=self.stride, padding=self.padding, output_padding=self.extra
        )

    def transport(self, signal: Tensor, scale: Tensor, weight: Tensor) -> Tensor:
        weight = weight * _by_channel(scale).transpose(0, 1)
        return F.conv2d(signal, weight, stride=self.stride, padding=self.padding)

    def direction(
        self,
        activity: Tensor,
        signal: Tensor,
        scale: Tensor,
        spikes: Tensor | None,
        into: Tensor | None = None,
    ) -> Tensor:
        signal, columns = _gated(signal, scale, spikes)
        below, above = operands(activity, signal)
        raw = conv2d_weight(above, self.weight_shape, below, stride=self.stride, padding=self.padding)
        rows = scale_from_squares((activity * activity).sum((0, 2, 3)).view(-1, 1, 1, 1))
        return raw.mul_(rows).mul_(columns.transpose(0, 1))


def connect(shape: Shape, layers: Sequence[AnalogLayer | NoveltyLayer]) -> list[Connection]:
    """The connections of a stack of layers above an input of `shape`.

    Raises ValueError where a convolution has no image below it, or leaves nothing of it.
    """
    connections: list[Connection] = []
    for layer in layers:
        connections.append(_joined(shape, layer))
        shape = connections[-1].above
    return connections


def input_shape(layer: AnalogLayer | NoveltyLayer) -> Shape:
    """The shape of one sample. Raises ValueError on a convolution, which has nothing below it here."""
    if isinstance(layer, ConvLayer | ConvTransposeLayer):
        raise ValueError(f"the input layer must be a Layer, got {layer!r}")
    return layer.size if isinstance(layer.size, tuple) else (layer.size,)


def _joined(below: Shape, layer: AnalogLayer | NoveltyLayer) -> Connection:
    if isinstance(layer, Layer | NoveltyLayer):
        return Dense(below, input_shape(layer))
    if len(below) != 3:
        raise ValueError(
            f"{layer!r} needs an image below it, got {below[0]} units: give that layer's size as "
            f"(channels, height, width)"
        )
    return Convolution(below, layer) if isinstance(layer, ConvLayer) else TransposedConvolution(below, layer)


def _padding(layer: ConvLayer | ConvTransposeLayer) -> int:
    return (layer.kernel - 1) // 2 if layer.padding is None else layer.padding


def _gated(signal: Tensor, scale: Tensor, spikes: Tensor | None) -> tuple[Tensor, Tensor]:
    """q ⊙ s of images, and the scale [channels, 1, 1, 1] that makes it δ ⊙ ŝ."""
    columns = _by_channel(scale)
    if spikes is None:
        return signal, columns * _all_fired(signal[:, 0].numel())
    return signal * spikes, columns * scale_from_squares(spikes.sum((0, 2, 3))).view(-1, 1, 1, 1)


def _all_fired(rows: int) -> float:
    """ŝ where every unit fired in all of so many rows."""
    return 1 / (math.sqrt(rows) + EPSILON)


def _by_channel(scale: Tensor) -> Tensor:
    return scale.view(-1, 1, 1, 1)


def _flat(units: Tensor, shape: Shape) -> Tensor:
    return units if len(shape) == 1 else units.flatten(-len(shape))


def _shaped(units: Tensor, shape: Shape) -> Tensor:
    return units if len(shape) == 1 else units.unflatten(-1, shape)
