"""Zor: analog-spike networks trained by local correlations, in both published rules."""

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from zorbench import (
    Baseline,
    Budget,
    Classification,
    Colorization,
    EntrySpec,
    Reconstruction,
    StepBaseline,
    Tags,
    choice,
    search,
)
from zorbench.zor import Layer, NoveltyLayer, NoveltyZor, Zor, ZorEnsemble


def _sizes(entry: EntrySpec) -> tuple[int, int, int]:
    """Units in, hidden and out; in reconstruction the hidden layer is the bottleneck."""
    hidden = entry.code if entry.task is Reconstruction else entry.hidden
    return math.prod(entry.input_shape), hidden, math.prod(entry.output_shape)


class ZorBaseline(StepBaseline):
    """Zor's current rule: gated charges, ΔW ∝ p̂ᵀ(δ ⊙ ŝ) through AdamW; no derivative of an activation.

    Targets are the images, or one-hot classes. Source: the public repository dadukhankevin/Zor (September
    2025), in zorbench's own implementation, with its published constants. The signal δ Wᵀ travels through
    the transposed forward weights.
    """

    name = "zor"
    tasks = {Reconstruction, Colorization, Classification}
    published = {"zor": {Reconstruction}}
    tags = Tags(
        uses_weight_transport=True,
        optimiser="AdamW",
        initialisation="normal, σ = ½·√(2/(n_in + n_out))",
        output="see config",
    )

    @dataclass(frozen=True)
    class Config:
        lr: float = search(1e-3, low=1e-4, high=1e-1, log=True)  # AdamW step size
        weight_decay: float = search(1e-2, low=1e-5, high=1e-1, log=True)  # decoupled, per step × lr
        output: str = choice("linear", "sigmoid")  # activation of the output layer
        stateless: bool = False  # True: charges do not last from one batch to the next
        max_weight: float = search(1.0, low=0.1, high=10.0, log=True)  # bound on |w|

    def build(self, entry: EntrySpec, config: Config, rng: torch.Generator) -> None:
        self.shape = entry.output_shape
        self.net = Zor(**self._settings(entry, config), generator=rng)

    def step(self, inputs: Tensor, targets: Tensor) -> None:
        self.net.train_batch(inputs.flatten(1), targets.flatten(1))

    def build_many(self, entry: EntrySpec, config: Config, rngs: Sequence[torch.Generator]) -> None:
        self.shape = entry.output_shape
        self.nets = ZorEnsemble(**self._settings(entry, config), generators=rngs)

    def step_many(self, inputs: Tensor, targets: Tensor) -> None:
        self.nets.train_batch(inputs.flatten(2), targets.flatten(2))

    def member(self, index: int) -> "ZorBaseline":
        one = copy.copy(self)
        one.net = self.nets.network(index)
        del one.nets
        return one

    def encode(self, inputs: Tensor) -> Tensor:
        return self.net.encode(inputs.flatten(1), 1)

    def decode(self, codes: Tensor) -> Tensor:
        return self.net.decode(codes, 1).view(-1, *self.shape)

    def state(self) -> dict[str, Tensor]:
        """The weights: prediction starts from zero charge."""
        return {f"w{layer}": weight for layer, weight in enumerate(self.net.weights)}

    def _settings(self, entry: EntrySpec, config: Config) -> dict[str, Any]:
        n_in, hidden, n_out = _sizes(entry)
        output = "sigmoid" if config.output == "sigmoid" else None
        return {
            "layers": [
                Layer(n_in, stateless=config.stateless, max_weight=config.max_weight),
                Layer(hidden, stateless=config.stateless, max_weight=config.max_weight),
                Layer(n_out, activation=output, stateless=config.stateless),
            ],
            "lr": config.lr,
            "weight_decay": config.weight_decay,
            "device": entry.device,
        }


class ZorNovelty(Baseline):
    """Zor's first rule: thresholds that seek a firing rate, and correlations less what is familiar.

    Constants of its published example (784-128-784, one image a class), with its curriculum: each step
    learns the (at most 50) shots with the largest running error q ← 0.9 q + 0.1 mean|t − y|, q = 1 at first;
    only the shots of the step move their q. Source: the first release of dadukhankevin/Zor.
    """

    name = "zor_novelty"
    tasks = {Reconstruction, Colorization, Classification}
    published = {"zor_novelty": {Reconstruction}}
    tags = Tags(
        uses_weight_transport=True,
        chooses_samples=True,
        optimiser="none (bounded steps)",
        initialisation="normal, σ = ½·√(2/(n_in + n_out))",
        output="sigmoid",
    )

    @dataclass(frozen=True)
    class Config:
        threshold_step: float = search(0.5, low=0.01, high=1.0, log=True)  # η of every layer
        curriculum: int = 50  # most shots of one step
        max_weight: float = search(0.2, low=0.02, high=2.0, log=True)  # bound on |w|

        def __post_init__(self) -> None:
            if self.curriculum < 1:
                raise ValueError(f"curriculum must be at least 1, got {self.curriculum}")

    def build(self, entry: EntrySpec, config: Config, rng: torch.Generator) -> None:
        self.shape, self.curriculum = entry.output_shape, config.curriculum
        n_in, hidden, n_out = _sizes(entry)
        layer = partial(NoveltyLayer, threshold_step=config.threshold_step, max_weight=config.max_weight)
        self.net = NoveltyZor(
            [
                layer(n_in, target_rate=1.0, learning_range=0.9, novelty=-0.99),
                layer(hidden, target_rate=1.0, learning_range=1.0, novelty=-0.1),
                layer(n_out, activation="sigmoid", target_rate=0.2, learning_range=1.0, novelty=-0.1),
            ],
            generator=rng,
            device=entry.device,
        )

    def fit(self, budget: Budget) -> None:
        running_error = torch.ones(budget.n_shots)
        while budget.remaining:
            size = min(self.curriculum, budget.n_shots, budget.remaining)
            chosen = running_error.topk(size).indices
            inputs, targets = budget.take(chosen)
            errors = self.net.train_batch(inputs.flatten(1), targets.flatten(1))
            mean_error = errors.abs().mean(dim=1).cpu()
            running_error[chosen] = 0.9 * running_error[chosen] + 0.1 * mean_error

    def encode(self, inputs: Tensor) -> Tensor:
        return self.net.encode(inputs.flatten(1), 1)

    def decode(self, codes: Tensor) -> Tensor:
        return self.net.decode(codes, 1).view(-1, *self.shape)

    def state(self) -> dict[str, Tensor]:
        """Weights and thresholds: what prediction needs."""
        weights = {f"w{layer}": weight for layer, weight in enumerate(self.net.weights)}
        return weights | {f"threshold{layer}": value for layer, value in enumerate(self.net.thresholds)}
