"""What the two rules share: weights, checked inputs, and a pure pass through the network or a part of it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from zorbench.zor.initial import draw_weights, own_generator
from zorbench.zor.layer import Layer, NoveltyLayer, resolve_activation

AnyLayer = TypeVar("AnyLayer", Layer, NoveltyLayer)


class GatedNetwork(ABC, Generic[AnyLayer]):
    """A stack of layers in which only the current of firing units passes on.

        input and hidden layers: p = f(x ⊙ s), next current = p W;   output layer: y = f(x), without a gate

    How a unit comes to fire (s) is the rule's own. All state is in plain attributes: lists of tensors.

    layers: the settings given, input first.
    sizes: units of each layer, n_0 … n_L.
    weights: W_l as [n_l, n_{l+1}] tensors, one fewer than layers; may be written in place.
    """

    layer_type: ClassVar[type]

    def __init__(
        self,
        layers: Sequence[AnyLayer],
        *,
        seed: int | None,
        generator: torch.Generator | None,
        device: torch.device | str | None,
        dtype: torch.dtype,
    ) -> None:
        if len(layers) < 2:
            raise ValueError(f"expected at least 2 layers (input and output), got {len(layers)}")
        for layer in layers:
            if not isinstance(layer, self.layer_type):
                raise ValueError(f"expected layers of type {self.layer_type.__name__}, got {layer!r}")
        self.layers: tuple[AnyLayer, ...] = tuple(layers)
        self.sizes = tuple(layer.size for layer in layers)
        self.dtype = dtype
        self.weights = draw_weights(self.sizes, own_generator(seed, generator), device, dtype)
        self._activations = [resolve_activation(layer.activation) for layer in layers]

    @torch.no_grad()
    def predict(self, x: Float[Tensor, "batch n_0"]) -> Float[Tensor, "batch n_L"]:
        """The output for x from a fresh start: changes no state, and each row's result is its own.

        Raises ValueError unless x is a non-empty [batch, n_0] tensor of the network's dtype.
        """
        self._check_rows("x", x, 0)
        return self._decode(self._activity(x, 0), 0)

    @torch.no_grad()
    def encode(self, x: Float[Tensor, "batch n_0"], layer: int) -> Float[Tensor, "batch n_layer"]:
        """The activity p of a layer below the output: what meets W_layer in `predict`; as pure as that.

        Raises ValueError on a layer that is not 0 … L − 1, and on x as `predict` does.
        """
        self._check_has_code(layer)
        self._check_rows("x", x, 0)
        activity = self._activity(x, 0)
        for index in range(layer):
            activity = self._activity(activity @ self.weights[index], index + 1)
        return activity

    @torch.no_grad()
    def decode(self, p: Float[Tensor, "batch n_layer"], layer: int) -> Float[Tensor, "batch n_L"]:
        """The output from the activity p of `layer` on: decode(encode(x, l), l) is predict(x), bit for bit.

        Raises ValueError on a layer that is not 0 … L − 1, and unless p is a non-empty [batch, n_layer]
        tensor of the network's dtype.
        """
        self._check_has_code(layer)
        self._check_rows("p", p, layer)
        return self._decode(p, layer)

    @abstractmethod
    def _fires(self, current: Float[Tensor, "batch n"], index: int) -> Bool[Tensor, "batch n"]:
        """Which units of layer `index` fire on this current when nothing came before."""

    def _activity(self, current: Tensor, index: int) -> Tensor:
        return self._activate(current * self._fires(current, index), index)

    def _decode(self, activity: Tensor, layer: int) -> Tensor:
        last = len(self.sizes) - 1
        for index in range(layer, last - 1):
            activity = self._activity(activity @ self.weights[index], index + 1)
        return self._activate(activity @ self.weights[last - 1], last)

    def _activate(self, x: Tensor, index: int) -> Tensor:
        activation = self._activations[index]
        return x if activation is None else activation(x)

    def _check_has_code(self, layer: int) -> None:
        if not 0 <= layer < len(self.weights):
            highest = len(self.weights) - 1
            raise ValueError(f"layer must be one below the output, 0 to {highest}, got {layer}")

    def _check_rows(self, name: str, rows: Tensor, index: int) -> None:
        width = self.sizes[index]
        if rows.dim() != 2 or rows.shape[1] != width or rows.shape[0] == 0:
            raise ValueError(f"{name} must be [batch, {width}] with batch ≥ 1, got {list(rows.shape)}")
        if rows.dtype != self.dtype:
            raise ValueError(f"{name} must be {self.dtype} as the network is, got {rows.dtype}")

    def _check_pair(self, x: Tensor, t: Tensor) -> None:
        self._check_rows("x", x, 0)
        self._check_rows("t", t, len(self.sizes) - 1)
        if len(x) != len(t):
            raise ValueError(f"x and t must have the same number of rows, got {len(x)} and {len(t)}")
