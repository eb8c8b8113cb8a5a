"""Zor: analog-spike networks trained by local correlations, in both published rules."""

import copy
import math
from collections.abc import Mapping, Sequence
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
from zorbench.zor import Layer, NoveltyLayer, NoveltyZor, Zor, ZorEnsemble, diagnose

OPEN = -math.inf  # a threshold that every charge is above


class ZorBaseline(StepBaseline):
    """Zor's current rule: gated charges, ΔW ∝ p̂ᵀ(δ ⊙ ŝ) through AdamW; no derivative of an activation.

    Targets are the images, or one-hot classes. In reconstruction the middle hidden layer is the bottleneck.
    Source: the public repository dadukhankevin/Zor (September 2025), in zorbench's own implementation, with
    its published constants. The signal δ Wᵀ travels through the transposed forward weights.

    `zor_deep` has ten hidden layers and differs from the source in what keeps so many alive: orthogonal
    initial weights, no charge between batches, an output layer without a gate, and a step that shrinks with
    the root of their number. (As published, output units fall below −2 early, and one that is silent learns
    no more; with steps of full length whole hidden layers do, after some thousand of them.)
    """

    name = "zor"
    tasks = {Reconstruction, Colorization, Classification}
    published = {"zor": {Reconstruction}}
    variants = {
        "zor_deep": {
            "hidden_layers": 10,
            "init": "orthogonal",
            "gain": 1.0,
            "lr_by_depth": True,
            "stateless": True,
            "output_gate": False,
        }
    }
    tags = Tags(
        uses_weight_transport=True,
        optimiser="AdamW",
        initialisation="see config; normal: σ = gain·√(2/(n_in + n_out))",
        output="see config",
    )

    @dataclass(frozen=True)
    class Config:
        lr: float = search(1e-3, low=1e-4, high=1e-1, log=True)  # AdamW step size
        weight_decay: float = search(1e-2, low=1e-5, high=1e-1, log=True)  # decoupled, per step × lr
        output: str = choice("linear", "sigmoid", "softmax")  # activation of the output layer
        stateless: bool = False  # True: charges do not last from one batch to the next
        max_weight: float = search(1.0, low=0.1, high=10.0, log=True)  # bound on |w|
        threshold: float = -2.0  # θ of input and hidden units
        output_gate: bool = True  # False: output units pass every charge, in training too
        hidden_layers: int = 1  # where the entry asks for no depth
        init: str = choice("normal", "orthogonal")  # distribution of the initial weights
        gain: float = search(0.5, low=0.1, high=2.0, log=True)  # their scale
        lr_by_depth: bool = False  # True: lr is divided by the root of the number of hidden layers
        targets: str = choice("one_hot", "signed")  # of classes: 0 and 1, or −1 and 1

        def __post_init__(self) -> None:
            if self.hidden_layers < 1:
                raise ValueError(f"hidden_layers must be at least 1, got {self.hidden_layers}")

    def build(self, entry: EntrySpec, config: Config, rng: torch.Generator) -> None:
        self.net = Zor(**self._settings(entry, config), generator=rng)

    def _settings(self, entry: EntrySpec, config: Config) -> dict[str, Any]:
        """What is asked of the core, but for where its weights come from."""
        self.batch: tuple[Tensor, Tensor] | None = None  # the last, for diagnostics
        self.shape = entry.output_shape
        self.signed = entry.task is Classification and config.targets == "signed"
        depth = entry.depth or config.hidden_layers
        widths = [entry.hidden] * depth
        self.code = depth // 2 + 1  # the layer in the middle, counted from the input
        if entry.task is Reconstruction:
            widths[self.code - 1] = entry.code
        layer = partial(Layer, stateless=config.stateless, max_weight=config.max_weight)
        return {
            "layers": [
                *(layer(n, threshold=config.threshold) for n in (math.prod(entry.input_shape), *widths)),
                layer(math.prod(entry.output_shape), **_output(config)),
            ],
            "lr": config.lr / math.sqrt(depth) if config.lr_by_depth else config.lr,
            "weight_decay": config.weight_decay,
            "init": config.init,
            "gain": config.gain,
            "device": entry.device,
        }

    def step(self, inputs: Tensor, targets: Tensor) -> None:
        self.batch = inputs.flatten(1), self._aims(targets).flatten(1)
        self.net.train_batch(*self.batch)

    def _aims(self, targets: Tensor) -> Tensor:
        return 2 * targets - 1 if self.signed else targets

    def build_many(self, entry: EntrySpec, config: Config, rngs: Sequence[torch.Generator]) -> None:
        self.nets = ZorEnsemble(**self._settings(entry, config), generators=rngs)

    def step_many(self, inputs: Tensor, targets: Tensor) -> None:
        self.batch = inputs.flatten(2), self._aims(targets).flatten(2)
        self.nets.train_batch(*self.batch)

    def member(self, index: int) -> "ZorBaseline":
        one = copy.copy(self)
        one.net = self.nets.network(index)
        one.batch = None if self.batch is None else (self.batch[0][index], self.batch[1][index])
        del one.nets
        return one

    def encode(self, inputs: Tensor) -> Tensor:
        return self.net.encode(inputs.flatten(1), self.code)

    def decode(self, codes: Tensor) -> Tensor:
        return self.net.decode(codes, self.code).view(-1, *self.shape)

    def state(self) -> dict[str, Tensor]:
        """The weights: prediction starts from zero charge."""
        return {f"w{layer}": weight for layer, weight in enumerate(self.net.weights)}

    def diagnostics(self) -> Mapping[str, Sequence[float]]:
        """Of a network with several hidden layers, on the last minibatch; see `zorbench.zor.diagnose`."""
        if self.batch is None or len(self.net.weights) == 2:
            return {}
        return diagnose(self.net, *self.batch)._asdict()


class ZorTheta0(ZorBaseline):
    """Zor as a classifier: hidden units fire above zero charge, so that the gate bends what it passes.

    Under the published threshold of −2 nearly every unit always fires and the network is all but linear. Here
    θ = 0 for hidden units, charges do not last between batches, and output units are not gated: with
    θ = 0 the passing charge is that of a ReLU, and ŝ its mask at a layer's own weights; δ travels down
    without any mask, as in the source. Variants: target coding ±1, softmax output, four hidden layers.
    """

    name = "zor_theta0"
    tasks = {Classification}
    unsupported = dict.fromkeys(
        (Reconstruction, Colorization), "a variant for classification; zor does this task"
    )
    published = {}
    variants = {
        "zor_signed": {"targets": "signed"},
        "zor_softmax": {"output": "softmax", "gain": 1.0},
        "zor_theta0_deep": {"hidden_layers": 4, "init": "orthogonal", "gain": 1.0, "lr_by_depth": True},
    }

    @dataclass(frozen=True)
    class Config(ZorBaseline.Config):
        threshold: float = 0.0
        stateless: bool = True
        output_gate: bool = False


def _output(config: ZorBaseline.Config) -> dict[str, Any]:
    """Activation and threshold of the output layer."""
    activation = None if config.output == "linear" else config.output
    return {"activation": activation, **({} if config.output_gate else {"threshold": OPEN})}


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
        hidden = entry.code if entry.task is Reconstruction else entry.hidden
        n_in, n_out = math.prod(entry.input_shape), math.prod(entry.output_shape)
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
