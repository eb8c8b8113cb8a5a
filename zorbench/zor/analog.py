"""Zor's current rule: analog-spike gates, normalised correlation, AdamW."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.optim.adamw import adamw

from zorbench.zor.correlation import correlation, normalise_signal
from zorbench.zor.gate import THRESHOLD, fire, starting_charge
from zorbench.zor.layer import Layer
from zorbench.zor.network import GatedNetwork


class _Pass(NamedTuple):
    """What one forward pass leaves behind for learning."""

    activities: list[Tensor]  # p_l, l = 0 … L − 1
    spikes: list[Tensor]  # s_l, l = 0 … L; the output layer's only in training
    output: Tensor


class Zor(GatedNetwork[Layer]):
    """A network that learns from the correlation of activity and error, both scaled to unit length.

        forward    c ← c + x;  s = 1[c > −2];  p = f(c ⊙ s);  c ← 0 where s = 1;  next current = p W
        learning   δ_L = t − y;  δ ← δ / ‖δ‖;  δ_below = δ Wᵀ
                   W ← AdamW ascent along p̂ᵀ (δ ⊙ ŝ), then W ← clip(W, ± max_weight of the layer it leaves)

    Norms run over the batch, one for each unit. All δ are computed with the weights before the step.

    charges: c kept by each layer, [rows of its last call, n_l]; no rows before the first, or if stateless.
    first_moments, second_moments, steps: AdamW's state, one tensor for each W (betas 0.9, 0.999, eps 1e-8).
    lr, weight_decay: read at every step, so a schedule may set them.

    Source: the public repository dadukhankevin/Zor, rule of September 2025. Differs from the source in that
    a zero column of δ stays zero, that a first batch of n_l rows works, and that `predict` leaves the charges
    alone. The source's recorded runs have one bound for all weights; here each layer has its own.
    """

    layer_type = Layer

    def __init__(
        self,
        layers: Sequence[Layer],
        *,
        lr: float = 1e-3,
        weight_decay: float = 0.01,
        seed: int | None = None,
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """Draw the initial weights. Raises ValueError on fewer than 2 layers or a negative rate.

        lr, weight_decay: AdamW's.  seed, generator: where the weights come from; at most one of them.
        """
        if not lr >= 0:
            raise ValueError(f"lr must be 0 or more, got {lr!r}")
        if not weight_decay >= 0:
            raise ValueError(f"weight_decay must be 0 or more, got {weight_decay!r}")
        super().__init__(layers, seed=seed, generator=generator, device=device, dtype=dtype)
        self.lr = lr
        self.weight_decay = weight_decay
        self.charges = [self.weights[0].new_zeros(0, size) for size in self.sizes]
        self.first_moments = [torch.zeros_like(weight) for weight in self.weights]
        self.second_moments = [torch.zeros_like(weight) for weight in self.weights]
        self.steps = [torch.zeros((), device=weight.device) for weight in self.weights]

    @torch.no_grad()
    def train_batch(
        self, x: Float[Tensor, "batch n_0"], t: Float[Tensor, "batch n_L"]
    ) -> Float[Tensor, "batch n_L"]:
        """Learn from one batch; returns the errors t − y made before the weights moved.

        Raises ValueError unless x and t are non-empty [batch, n_0] and [batch, n_L] tensors of the
        network's dtype.
        """
        self._check_pair(x, t)
        seen = self._run(x, train=True)
        errors = t - seen.output
        self._climb(self._directions(seen, errors))
        return errors

    @torch.no_grad()
    def forward(self, x: Float[Tensor, "batch n_0"], train: bool = False) -> Float[Tensor, "batch n_L"]:
        """The source's forward pass: charges move, in training those of the output layer too.

        At inference the output layer neither gates nor keeps charge, but the layers below it do, so the
        answer depends on what was asked before; `predict` is the one without memory. Raises ValueError as
        `predict` does.
        """
        self._check_rows("x", x, 0)
        return self._run(x, train).output

    def _run(self, x: Tensor, train: bool) -> _Pass:
        activities, spikes = [], []
        current = x
        for index, weight in enumerate(self.weights):
            analog, spiked = self._gate(current, index)
            activity = self._activate(analog, index)
            activities.append(activity)
            spikes.append(spiked)
            current = activity @ weight
        last = len(self.weights)
        if train:
            current, spiked = self._gate(current, last)
            spikes.append(spiked)
        return _Pass(activities, spikes, self._activate(current, last))

    def _gate(
        self, current: Float[Tensor, "batch n"], index: int
    ) -> tuple[Float[Tensor, "batch n"], Bool[Tensor, "batch n"]]:
        if self.layers[index].stateless:
            analog, spikes, _ = fire(current)
        else:
            analog, spikes, self.charges[index] = fire(
                starting_charge(self.charges[index], current) + current
            )
        return analog, spikes

    def _fires(self, current: Tensor, index: int) -> Tensor:
        return current > THRESHOLD

    def _directions(self, seen: _Pass, errors: Tensor) -> list[Tensor]:
        """The direction for every W, from the top down; δ below the first W is never needed."""
        directions = []
        signal = normalise_signal(errors)
        for index in reversed(range(len(self.weights))):
            directions.append(correlation(seen.activities[index], signal, seen.spikes[index + 1]))
            if index > 0:
                signal = normalise_signal(signal @ self.weights[index].T)
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
            lr=self.lr,
            weight_decay=self.weight_decay,
            eps=1e-8,
            maximize=True,
        )
        for weight, layer in zip(self.weights, self.layers, strict=False):
            weight.clamp_(-layer.max_weight, layer.max_weight)
