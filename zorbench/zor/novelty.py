"""Zor's novelty rule: homeostatic thresholds, eligibility reduced by what is known already."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from zorbench.zor.initial import own_generator
from zorbench.zor.layer import NoveltyLayer
from zorbench.zor.network import GatedNetwork

MAXIMUM_THRESHOLD = 2.0


class _Pass(NamedTuple):
    """What one forward pass leaves behind for learning."""

    activities: list[Tensor]  # p_l, l = 0 … L
    output: Tensor


class NoveltyZor(GatedNetwork[NoveltyLayer]):
    """A network whose units hold a firing rate and whose synapses favour co-activation that is new.

        forward    s = 1[x > θ − κ s_last];  r ← β r + (1 − β) mean(s);  p = f(x ⊙ s);  next current = p W
        learning   v_L = t − y;  v_below = v Wᵀ;  θ ← clip(θ − η (ρ − r), 0, 2)
                   E = pᵀ p_above / B;  C ← β C + (1 − β) |E|;  E ← clip(E − ν C, 0, 1)
                   G = (pᵀ v / B) ⊙ E, shortened to norm R;  W ← clip(W + G, ± max_weight)

    In the third and fourth line β, R, ν and max_weight are those of the layer that W leaves. p of the output
    layer is gated, its y is not. All v are computed with the weights before the step. Which samples are
    shown, and in what order, is the caller's affair.

    thresholds, rates: θ and r, [n_l] for each layer, from 0.
    coactivations: C, [n_l, n_{l+1}] for each W, from 0.
    last_spikes: s of the last training batch, [batch, n_l] for each layer; 0 rows before the first.

    Source: the public repository dadukhankevin/Zor, rule of its first release. Differs from the source in
    that `predict` takes s_last as 0.
    """

    layer_types = (NoveltyLayer,)

    def __init__(
        self,
        layers: Sequence[NoveltyLayer],
        *,
        seed: int | None = None,
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """Draw the initial weights. Raises ValueError on fewer than 2 layers.

        seed, generator: where the weights come from; at most one of them.
        """
        super().__init__(layers, [own_generator(seed, generator)], device=device, dtype=dtype)
        self.thresholds = [self.weights[0].new_zeros(shape) for shape in self.shapes]
        self.rates = [self.weights[0].new_zeros(shape) for shape in self.shapes]
        self.coactivations = [torch.zeros_like(weight) for weight in self.weights]
        self.last_spikes = [self.weights[0].new_zeros(0, *shape) for shape in self.shapes]

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
        self._move_thresholds()
        self._move_weights(seen.activities, errors)
        return errors

    @torch.no_grad()
    def forward(self, x: Float[Tensor, "batch n_0"], train: bool = False) -> Float[Tensor, "batch n_L"]:
        """The source's forward pass: the last training spikes, if of as many rows, lower the thresholds.

        In training the rate averages move and the spikes are remembered. Raises ValueError as `predict` does.
        """
        self._check_rows("x", x, 0)
        return self._run(x, train).output

    def _run(self, x: Tensor, train: bool) -> _Pass:
        activities = []
        current = x
        last = len(self.weights)
        for index, layer in enumerate(self.layers):
            spikes = (current > self._effective_threshold(index, len(x))).to(self.dtype)
            if train:
                self.last_spikes[index] = spikes
                self.rates[index].lerp_(spikes.mean(0), 1 - layer.memory)
            activities.append(self._activate(current * spikes, index))
            if index < last:
                current = activities[index] @ self.weights[index]
        return _Pass(activities, self._activate(current, last))

    def _effective_threshold(self, index: int, batch: int) -> Tensor:
        threshold, spikes = self.thresholds[index], self.last_spikes[index]
        if len(spikes) != batch:
            return threshold
        return threshold - self.layers[index].threshold_inhibition * spikes

    def _pass_open(self, current: Tensor, index: int) -> Tensor:
        return current * (current > self.thresholds[index])

    def _move_thresholds(self) -> None:
        for layer, threshold, rate in zip(self.layers, self.thresholds, self.rates, strict=True):
            threshold.add_(rate - layer.target_rate, alpha=layer.threshold_step).clamp_(0, MAXIMUM_THRESHOLD)

    def _move_weights(self, activities: list[Tensor], errors: Tensor) -> None:
        signal, batch = errors, len(errors)
        for index in reversed(range(len(self.weights))):
            layer, weight, known = self.layers[index], self.weights[index], self.coactivations[index]
            below, above = activities[index], activities[index + 1]
            together = below.T @ above / batch
            known.lerp_(together.abs(), 1 - layer.memory)
            eligible = (together - layer.novelty * known).clamp_(0, 1)
            update = (below.T @ signal / batch).mul_(eligible)
            # A norm of 0 gives an infinite factor, which the bound turns into 1: no branch on a value.
            shorten = (layer.learning_range / torch.linalg.vector_norm(update)).clamp_(max=1)
            if index > 0:
                signal = signal @ weight.T
            weight.addcmul_(update, shorten).clamp_(-layer.max_weight, layer.max_weight)
