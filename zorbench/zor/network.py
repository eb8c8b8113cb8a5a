"""What the two rules share: weights, checked inputs, and a pure pass through the network or a part of it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import ClassVar, Generic, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from zorbench.zor.connection import Shape, connect, input_shape
from zorbench.zor.initial import Init, draw_weights
from zorbench.zor.layer import AnalogLayer, NoveltyLayer, resolve_activation

AnyLayer = TypeVar("AnyLayer", AnalogLayer, NoveltyLayer)

PUBLISHED_GAIN = 0.5


class GatedNetwork(ABC, Generic[AnyLayer]):
    """A stack of layers in which only the current of firing units passes on.

        input and hidden layers: p = f(x ⊙ s), next current = p W;   output layer: y = f(x), without a gate

    How a unit comes to fire (s) is the rule's own. All state is in plain attributes: lists of tensors.

    layers: the settings given, input first.
    shapes: of the units of each layer, [n_l] or [channels, height, width].
    connections: what joins each layer to the next.
    weights: W_l, one for each connection, [n_l, n_{l+1}] where all units are joined; may be written in place.
    """

    layer_types: ClassVar[tuple[type, ...]]

    def __init__(
        self,
        layers: Sequence[AnyLayer],
        generators: Sequence[torch.Generator],
        *,
        stacked: bool = False,
        init: Init = "normal",
        gain: float = PUBLISHED_GAIN,
        device: torch.device | str | None,
        dtype: torch.dtype,
    ) -> None:
        """Weights from the generator, or from one for each of several copies `stacked` along a first axis."""
        if len(layers) < 2:
            raise ValueError(f"expected at least 2 layers (input and output), got {len(layers)}")
        for layer in layers:
            if not isinstance(layer, self.layer_types):
                valid = ", ".join(kind.__name__ for kind in self.layer_types)
                raise ValueError(f"expected layers of type {valid}, got {layer!r}")
        self.layers: tuple[AnyLayer, ...] = tuple(layers)
        shape = input_shape(layers[0])
        self.connections = connect(shape, layers[1:])
        self.shapes: tuple[Shape, ...] = (shape, *(connection.above for connection in self.connections))
        self.dtype = dtype
        self._copies: Shape = (len(generators),) if stacked else ()
        drawn = [
            draw_weights(self.connections, own, init=init, gain=gain, device=device, dtype=dtype)
            for own in generators
        ]
        self.weights = [torch.stack(same) for same in zip(*drawn, strict=True)] if stacked else drawn[0]
        self._device = self.weights[0].device
        self._activations = [resolve_activation(layer.activation) for layer in layers]

    @torch.no_grad()
    def predict(self, x: Float[Tensor, "batch *n_0"]) -> Float[Tensor, "batch *n_L"]:
        """The output for x from a fresh start: changes no state, and each row's result is its own.

        Raises ValueError unless x is a non-empty [batch, *n_0] tensor of the network's dtype.
        """
        self._check_rows("x", x, 0)
        with self._products():
            return self._decode(self._activity(x, 0), 0)

    @torch.no_grad()
    def encode(self, x: Float[Tensor, "batch *n_0"], layer: int) -> Float[Tensor, "batch *n_layer"]:
        """The activity p of a layer below the output: what meets W_layer in `predict`; as pure as that.

        Raises ValueError on a layer that is not 0 … L − 1, and on x as `predict` does.
        """
        self._check_has_code(layer)
        self._check_rows("x", x, 0)
        with self._products():
            activity = self._activity(x, 0)
            for index in range(layer):
                activity = self._activity(self._current(activity, index), index + 1)
            return activity

    @torch.no_grad()
    def decode(self, p: Float[Tensor, "batch *n_layer"], layer: int) -> Float[Tensor, "batch *n_L"]:
        """The output from the activity p of `layer` on: decode(encode(x, l), l) is predict(x), bit for bit.

        Raises ValueError on a layer that is not 0 … L − 1, and unless p is a non-empty [batch, *n_layer]
        tensor of the network's dtype.
        """
        self._check_has_code(layer)
        self._check_rows("p", p, layer)
        with self._products():
            return self._decode(p, layer)

    @abstractmethod
    def _pass_open(self, current: Tensor, index: int) -> Tensor:
        """The current ⊙ s of layer `index` when nothing came before."""

    def _products(self) -> AbstractContextManager[object]:
        """The precision of matrix products."""
        return nullcontext()

    def _weight(self, index: int) -> Tensor:
        return self.weights[index]

    def _current(self, activity: Tensor, index: int) -> Tensor:
        return self.connections[index].current(activity, self._weight(index)).to(self.dtype)

    def _activity(self, current: Tensor, index: int) -> Tensor:
        return self._activate(self._pass_open(current, index), index)

    def _decode(self, activity: Tensor, layer: int) -> Tensor:
        last = len(self.connections)
        for index in range(layer, last - 1):
            activity = self._activity(self._current(activity, index), index + 1)
        return self._activate(self._current(activity, last - 1), last)

    def _activate(self, x: Tensor, index: int) -> Tensor:
        activation = self._activations[index]
        return x if activation is None else activation(x)

    def _check_has_code(self, layer: int) -> None:
        if not 0 <= layer < len(self.connections):
            highest = len(self.connections) - 1
            raise ValueError(f"layer must be one below the output, 0 to {highest}, got {layer}")

    def _check_rows(self, name: str, rows: Tensor, index: int) -> None:
        shape: Shape = self.shapes[index]
        copies: Shape = self._copies
        lead = len(copies)
        fits = rows.dim() == lead + 1 + len(shape) and rows.shape[lead + 1 :] == shape
        if not fits or rows.shape[:lead] != copies or rows.shape[lead] == 0:
            wanted = ", ".join(map(str, [*copies, "batch", *shape]))
            raise ValueError(f"{name} must be [{wanted}] with batch ≥ 1, got {list(rows.shape)}")
        if rows.dtype != self.dtype:
            raise ValueError(f"{name} must be {self.dtype} as the network is, got {rows.dtype}")

    def _check_pair(self, x: Tensor, t: Tensor) -> None:
        self._check_rows("x", x, 0)
        self._check_rows("t", t, len(self.shapes) - 1)
        lead = len(self._copies)
        if x.shape[lead] != t.shape[lead]:
            rows = f"{x.shape[lead]} and {t.shape[lead]}"
            raise ValueError(f"x and t must have the same number of rows, got {rows}")
