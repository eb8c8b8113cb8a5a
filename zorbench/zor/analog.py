"""Zor's current rule: analog-spike gates, normalised correlation, AdamW."""

import os
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cache
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim.adamw import adamw

from zorbench.zor.correlation import signal_scale
from zorbench.zor.gate import fire, pass_open, spend
from zorbench.zor.graph import StepGraph
from zorbench.zor.initial import Init, own_generator
from zorbench.zor.layer import AnalogLayer, ConvLayer, ConvTransposeLayer, Layer
from zorbench.zor.network import PUBLISHED_GAIN, GatedNetwork
from zorbench.zor.precision import Precision, check_precision, products


class _Pass(NamedTuple):
    """What one forward pass leaves behind for learning."""

    activities: list[Tensor]  # p_l, l = 0 … L − 1
    spikes: list[Tensor | None]  # s_l, l = 0 … L, None where every unit fired; the output's only in training
    output: Tensor


class Zor(GatedNetwork[AnalogLayer]):
    """A network that learns from the correlation of activity and error, both scaled to unit length.

        forward    c ← c + x;  s = 1[c > θ];  p = f(c ⊙ s);  c ← 0 where s = 1;  next current = p W
        learning   δ_L = t − y;  δ ← δ / ‖δ‖;  δ_below = δ Wᵀ
                   W ← AdamW ascent along p̂ᵀ (δ ⊙ ŝ), then W ← clip(W, ± max_weight of the layer it leaves)

    Norms run over the batch, one for each unit; where a convolution shares a unit's weights among positions,
    over these as well (`connection`). All δ are computed with the weights before the step.

    charges: c kept by each layer, [rows of its last call, *n_l]; no rows where none is kept.
    first_moments, second_moments, steps: AdamW's state, one tensor for each W (betas 0.9, 0.999, eps 1e-8).
    lr, weight_decay: read at every step, so a schedule may set them.

    Source: the public repository dadukhankevin/Zor, rule of September 2025. Differs from the source in that
    a zero column of δ stays zero, that a first batch of n_l rows works, that `predict` leaves the charges
    alone, and in what it adds: convolutions, thresholds other than −2, other initial gains than ½. The
    source's recorded runs have one bound for all weights; here each layer has its own.
    """

    layer_types: ClassVar[tuple[type, ...]] = (Layer, ConvLayer, ConvTransposeLayer)

    def __init__(
        self,
        layers: Sequence[AnalogLayer],
        *,
        lr: float = 1e-3,
        weight_decay: float = 0.01,
        init: Init = "normal",
        gain: float = PUBLISHED_GAIN,
        compile: bool = False,
        precision: Precision = "full",
        seed: int | None = None,
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """Draw the initial weights.

        lr, weight_decay: AdamW's.
        init, gain: "normal", N(0, σ²) with σ = gain·sqrt(2 / (fan_in + fan_out)), as in the source with ½; or
            "orthogonal", which keeps the length of what passes times the gain, for many layers.
        compile: let torch.compile fuse the step; the first batch of every size then takes half a minute.
        precision: of matrix products, "full", "tf32" (CUDA) or "bf16".
        seed, generator: where the weights come from; at most one of them.

        Raises ValueError on fewer than 2 layers, layers that do not fit each other, or a negative rate.
        """
        self._check_rule(lr, weight_decay, precision)
        super().__init__(
            layers, [own_generator(seed, generator)], init=init, gain=gain, device=device, dtype=dtype
        )
        self._begin(lr, weight_decay, compile, precision)

    def _check_rule(self, lr: float, weight_decay: float, precision: Precision) -> None:
        if not lr >= 0:
            raise ValueError(f"lr must be 0 or more, got {lr!r}")
        if not weight_decay >= 0:
            raise ValueError(f"weight_decay must be 0 or more, got {weight_decay!r}")
        check_precision(precision)

    def _begin(self, lr: float, weight_decay: float, compile: bool, precision: Precision) -> None:
        self.lr = lr
        self.weight_decay = weight_decay
        self.compile = compile
        self.precision: Precision = precision
        self._own(self.weights)

    def _own(self, weights: list[Tensor], learning: Mapping[str, list[Tensor]] | None = None) -> None:
        """Take over weights, and a state of learning, by default that before the first step."""
        self.weights = weights
        self._device = weights[0].device
        state = self._before_learning() if learning is None else learning
        self.charges = state["charges"]
        self.first_moments = state["first_moments"]
        self.second_moments = state["second_moments"]
        self.steps = state["steps"]
        self._moves = [torch.empty_like(weight) for weight in weights]
        self._rate = torch.zeros((), device=self._device) if self._device.type == "cuda" else None
        self._graph = StepGraph()

    def _before_learning(self) -> dict[str, list[Tensor]]:
        first = self.weights[0]
        return {
            "charges": [first.new_zeros(*self._copies, 0, *shape) for shape in self.shapes],
            "first_moments": [torch.zeros_like(weight) for weight in self.weights],
            "second_moments": [torch.zeros_like(weight) for weight in self.weights],
            "steps": [torch.zeros((), device=first.device) for _ in self.weights],
        }

    @torch.no_grad()
    def train_batch(
        self, x: Float[Tensor, "batch *n_0"], t: Float[Tensor, "batch *n_L"]
    ) -> Float[Tensor, "batch *n_L"]:
        """Learn from one batch; returns the errors t − y made before the weights moved.

        Raises ValueError unless x and t are non-empty [batch, *n_0] and [batch, *n_L] tensors of the
        network's dtype.
        """
        self._check_pair(x, t)
        with self._products():
            if self._rate is None:
                return self._learn(x, t)
            self._rate.fill_(self.lr)  # a recorded step reads it from the device
            return self._graph(self._learn, x, t, self._place)

    @torch.no_grad()
    def forward(self, x: Float[Tensor, "batch *n_0"], train: bool = False) -> Float[Tensor, "batch *n_L"]:
        """The source's forward pass: charges move, in training those of the output layer too.

        At inference the output layer neither gates nor keeps charge, but the layers below it do, so the
        answer depends on what was asked before; `predict` is the one without memory. Raises ValueError as
        `predict` does.
        """
        self._check_rows("x", x, 0)
        with self._products():
            return self._run(x, train).output

    def save(self, path: str | os.PathLike[str], *, optimiser: bool = False) -> None:
        """Write the layers, the settings and the weights to a safetensors file, whole or not at all.

        optimiser: also AdamW's state and the charges, so that training goes on as if never interrupted.

        Raises ValueError if a layer's activation is a function, not a name; OSError if the file cannot be
        written, FileNotFoundError if there is no folder for it.
        """
        from zorbench.zor.file import save_network  # which builds on this class

        save_network(self, path, optimiser)

    @staticmethod
    def load(
        path: str | os.PathLike[str], *, device: torch.device | str | None = None, lazy: bool = False
    ) -> "Zor":
        """A network that was saved, on `device` (None: the CPU), whatever device it was on.

        lazy: only predict, with no more than one layer's weights in memory at a time: see `LazyZor`.

        Raises FileNotFoundError, and ValueError unless the file is whole, of this format, and its tensors
        fit its layers.
        """
        from zorbench.zor.file import load_network

        return load_network(path, device, lazy)

    def _learn(self, x: Tensor, t: Tensor) -> Tensor:
        if self.compile:
            self._size_charges(x)
            errors, directions = _compiled_propose()(self, x, t)
        else:
            errors, directions = self._propose(x, t)
        self._climb(directions)
        return errors

    def _size_charges(self, x: Tensor) -> None:
        """Zero charges of the batch's size beforehand: making them would cut a compiled step in two."""
        rows = len(self._copies)
        for index, (layer, kept) in enumerate(zip(self.layers, self.charges, strict=True)):
            if not layer.stateless and kept.shape[rows] != x.shape[rows]:
                self.charges[index] = x.new_zeros(*x.shape[: rows + 1], *self.shapes[index])

    def _propose(self, x: Tensor, t: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The errors t − y, and the direction in which every W should move."""
        seen = self._run(x, train=True)
        # In the output's own memory, which nothing else holds: fresh memory costs more than the subtraction.
        errors = torch.sub(t, seen.output, out=seen.output)
        return errors, self._directions(seen, errors)

    def _run(self, x: Tensor, train: bool) -> _Pass:
        activities, spikes = [], []
        current = x
        last = len(self.connections)
        for index in range(last):
            analog, spiked = self._gate(current, index)
            activity = self._activate(analog, index)
            activities.append(activity)
            spikes.append(spiked)
            current = self._current(activity, index)
        if train:
            current, spiked = self._gate(current, last)
            spikes.append(spiked)
        return _Pass(activities, spikes, self._activate(current, last))

    def _gate(self, current: Tensor, index: int) -> tuple[Tensor, Tensor | None]:
        """What passes on and the spikes; None for these says that every unit fired."""
        layer = self.layers[index]
        kept = self.charges[index]
        rows = len(self._copies)
        fresh = layer.stateless or kept.shape[rows] != current.shape[rows]
        charge = current if fresh else kept.add_(current)
        if self._may_look(charge) and float(charge.amin()) > layer.threshold:
            # Far the most frequent case, and without the work of the others.
            self.charges[index] = kept.narrow(rows, 0, 0)
            return charge, None
        if layer.stateless:
            return fire(charge, layer.threshold)
        if fresh:
            charge = self.charges[index] = charge.clone()
        analog, spikes = fire(charge, layer.threshold)
        spend(charge, analog)
        return analog, spikes

    def _place(self) -> Hashable:
        """What a recorded step depends on beside the shapes of its arguments."""
        state = (self.weights, self.first_moments, self.second_moments, self.steps, self.charges)
        return self.weight_decay, tuple(tensor.data_ptr() for tensors in state for tensor in tensors)

    def _products(self) -> AbstractContextManager[object]:
        return products(self.precision, self._device)

    def _may_look(self, current: Tensor) -> bool:
        """Whether reading a value back is free: it makes a device wait, and cuts a compiled step in two."""
        return current.device.type == "cpu" and not torch.compiler.is_compiling()

    def _pass_open(self, current: Tensor, index: int) -> Tensor:
        return pass_open(current, self.layers[index].threshold)

    def _directions(self, seen: _Pass, errors: Tensor) -> list[Tensor]:
        """The direction for every W, from the top down; δ below the first W is never needed."""
        directions = []
        signal = errors
        # A compiler places its memory itself, and autocast leaves a product into given memory in full.
        anywhere = torch.compiler.is_compiling() or self.precision == "bf16"
        for index in reversed(range(len(self.connections))):
            connection = self.connections[index]
            scale = signal_scale(signal, connection.axes)
            activity, spikes = seen.activities[index], seen.spikes[index + 1]
            into = None if anywhere else self._moves[index]
            direction = connection.direction(activity, signal, scale, spikes, into)
            directions.append(direction.to(self.dtype))
            if index > 0:
                signal = connection.transport(signal, scale, self.weights[index]).to(self.dtype)
        return directions[::-1]

    def _climb(self, directions: list[Tensor]) -> None:
        """One AdamW step up `directions` over all weights at once, then the bounds."""
        adamw(
            self.weights,
            directions,
            self.first_moments,
            self.second_moments,
            [],
            self.steps,
            fused=True,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=self.lr if self._rate is None else self._rate,
            weight_decay=self.weight_decay,
            eps=1e-8,
            maximize=True,
        )
        for weight, layer in zip(self.weights, self.layers, strict=False):
            weight.clamp_(-layer.max_weight, layer.max_weight)


@cache
def _compiled_propose() -> Callable[[Zor, Tensor, Tensor], tuple[Tensor, list[Tensor]]]:
    return torch.compile(Zor._propose, dynamic=False)
