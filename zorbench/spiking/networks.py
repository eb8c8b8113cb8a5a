"""Published networks of one-spike layers, as descriptions: what they are made of, and which rule trains what.

All encode an image in 6 maps of first-spike times, and end in a decision layer of 20 maps for each class.
Their layers learn one after the other, from below, by unsupervised STDP; the decision learns by reward.

Sources: Mozafari et al., Pattern Recognition 94 (2019), as in SpykeTorch; aidinattar/snn for those of 2024.
Both always have 200 decision maps, which is 20 for each of 10 classes; here it is 20 for each of any number.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from zorbench.spiking.stdp import PUNISHMENT, REWARD, STDP

Schedule = Literal["together", "source", "alternate", "greedy"]
Judge = Literal["branch", "ensemble"]
Shape = tuple[int, int, int]
LETTERS = "abcdefgh"


@dataclass(frozen=True)
class Layer:
    """A convolution firing above `threshold`; up to k winners, `radius` apart, learn; then max-pooling."""

    maps: int
    kernel: int
    padding: int
    threshold: float
    k: int
    radius: int
    pool: int = 1
    rule: STDP = field(default_factory=STDP)


@dataclass(frozen=True)
class Branches:
    """Layers side by side on one input: each in a frame of silent neurons, one above the other, then pooled.

    They are trained one after the other, and share the counter after which rates double.
    """

    layers: tuple[Layer, ...]
    frames: tuple[int, ...]
    pool: int


@dataclass(frozen=True)
class Decision:
    """A layer without a threshold, whose largest last potential decides; of several kernels, their majority.

    `judge`: a branch is rewarded or punished for its own vote ("branch") or the majority's ("ensemble").
    """

    kernels: tuple[int, ...] = (5,)
    padding: int = 2
    per_class: int = 20
    reward: STDP = REWARD
    punishment: STDP = PUNISHMENT
    judge: Judge = "branch"

    def __post_init__(self) -> None:
        _check_choice("judge", self.judge, get_args(Judge))


@dataclass(frozen=True)
class Joint:
    """The layer below the decision goes on learning, by reward, from what the whole network decides.

    `schedule` says which of the two learns in a batch: both ("together"), or by the epoch and the number of
    batches before, both from 0:

        source     the layer while epoch + (batches mod 2) = 0: every other batch of epoch 0, then never
        alternate  the layer while epoch + batches is even: what the source seems to mean
        greedy     the layer in the first `epochs` epochs, then the decision
    """

    schedule: Schedule
    reward: STDP = STDP(0.001, -0.00075, stabilised=False)  # noqa: RUF009
    punishment: STDP = STDP(-0.001, 0.000125, stabilised=False)  # noqa: RUF009
    epochs: int = 1

    def __post_init__(self) -> None:
        _check_choice("schedule", self.schedule, get_args(Schedule))

    def turns(self, epoch: int, batches: int) -> tuple[bool, bool]:
        """Whether the layer learns, and whether the decision does."""
        if self.schedule == "together":
            return True, True
        layer = {
            "source": epoch + batches % 2 == 0,
            "alternate": (epoch + batches) % 2 == 0,
            "greedy": epoch < self.epochs,
        }[self.schedule]
        return layer, not layer


@dataclass(frozen=True)
class Network:
    """Layers from below, the decision, and, where the last layer learns on beside it, how."""

    name: str
    layers: tuple[Layer | Branches, ...]
    decision: Decision = field(default_factory=Decision)
    joint: Joint | None = None

    def __post_init__(self) -> None:
        if self.joint is not None and not (self.layers and isinstance(self.layers[-1], Layer)):
            raise ValueError(f"{self.name}: only a single layer can learn jointly with the decision")

    def placed(self) -> Iterator[tuple[str, int, Layer]]:
        """Name, level (from 0) and description of each layer: "layer1", …; branches "layer3a", …"""
        for level, layer in enumerate(self.layers):
            if isinstance(layer, Layer):
                yield f"layer{level + 1}", level, layer
            else:
                for letter, branch in zip(LETTERS, layer.layers, strict=False):
                    yield f"layer{level + 1}{letter}", level, branch

    @property
    def stages(self) -> tuple[str, ...]:
        """What is trained, in this order."""
        return (*(name for name, _, _ in self.placed()), "decision")

    @property
    def deciders(self) -> tuple[str, ...]:
        """Names of the decision's weights: "decision", or "decision_a", … of several kernels."""
        kernels = self.decision.kernels
        if len(kernels) == 1:
            return ("decision",)
        return tuple(f"decision_{letter}" for letter, _ in zip(LETTERS, kernels, strict=False))

    def level(self, stage: str) -> int:
        """How many levels of layers are below a stage's input. In joint training that is the layer's, too."""
        if stage == "decision":
            return len(self.layers) - (self.joint is not None)
        return self.layer(stage)[0]

    def layer(self, stage: str) -> tuple[int, Layer]:
        """Level and description of a layer."""
        for name, level, layer in self.placed():
            if name == stage:
                return level, layer
        raise ValueError(f"{self.name} has no layer {stage!r}; its stages are {', '.join(self.stages)}")

    def sizes(self, inputs: int, classes: int) -> dict[str, tuple[int, int, int, int]]:
        """Shapes of all weights [maps, inputs, kh, kw]."""
        sizes, below = {}, [inputs]
        for part in self.layers:
            layers = part.layers if isinstance(part, Branches) else (part,)
            below.append(sum(layer.maps for layer in layers))
        for name, level, layer in self.placed():
            sizes[name] = (layer.maps, below[level], layer.kernel, layer.kernel)
        for name, kernel in zip(self.deciders, self.decision.kernels, strict=True):
            sizes[name] = (self.decision.per_class * classes, below[-1], kernel, kernel)
        return sizes

    def shapes(self, inputs: int, height: int, width: int) -> list[Shape]:
        """Maps, rows and columns that enter each level, and last the decision.

        Raises `ValueError` for images that are too small.
        """
        shapes = [(inputs, height, width)]
        for number, level in enumerate(self.layers, 1):
            layers, frames = ((level,), (0,)) if isinstance(level, Layer) else (level.layers, level.frames)
            sides = {
                tuple(side + 2 * (layer.padding + frame) - layer.kernel + 1 for side in shapes[-1][1:])
                for layer, frame in zip(layers, frames, strict=True)
            }
            if len(sides) > 1:
                raise ValueError(f"{self.name}: the branches of layer {number} differ in size: {sides}")
            high, wide = (side // level.pool for side in sides.pop())
            if high < 1 or wide < 1:
                raise ValueError(
                    f"images of {height}×{width} are too small for {self.name}: layer {number} has no output"
                )
            shapes.append((sum(layer.maps for layer in layers), high, wide))
        least = max(self.decision.kernels) - 2 * self.decision.padding
        if min(shapes[-1][1:]) < least:
            raise ValueError(f"images of {height}×{width} are too small for the decision of {self.name}")
        return shapes


def _check_choice(what: str, found: str, valid: tuple[str, ...]) -> None:
    if found not in valid:
        raise ValueError(f"unknown {what} {found!r}; it is one of {', '.join(valid)}")


def _first(maps: int, pool: int) -> tuple[Layer, Layer]:
    """The two layers that all networks begin with; the second differs in size and pooling."""
    return Layer(30, 5, 2, 15, 5, 3, pool=2), Layer(maps, 3, 1, 10, 8, 1, pool=pool)


_ADDITIVE = STDP(stabilised=False)
_DEEPR = (*_first(150, 2), Layer(250, 3, 1, 50, 15, 0, pool=3, rule=_ADDITIVE))
_INCEPTION = Branches(tuple(Layer(100, kernel, 1, 50, 15, 1) for kernel in (3, 5, 7)), (0, 1, 2), pool=3)

NETWORKS: dict[str, Network] = {
    network.name: network
    for network in (
        Network("mozafari2018", _first(250, 3)),
        Network("deep2024", (*_first(150, 2), Layer(250, 3, 1, 50, 15, 1, pool=3))),
        Network("deepr2024", _DEEPR, joint=Joint("together")),
        Network("deepr2024_2", _DEEPR, joint=Joint("source")),
        Network("inception2024", (*_first(75, 2), _INCEPTION)),
        Network("majority2024", _first(250, 3), Decision(kernels=(3, 5, 7))),
    )
}


def network(name: str, *, schedule: Schedule | None = None, judge: Judge | None = None) -> Network:
    """A network of `NETWORKS`, with another schedule of joint training or another judge of branches."""
    if name not in NETWORKS:
        raise ValueError(f"unknown network {name!r}; it is one of {', '.join(NETWORKS)}")
    found = NETWORKS[name]
    if schedule is not None:
        if found.joint is None:
            raise ValueError(f"{name} has no layer that learns jointly, so no schedule")
        found = replace(found, joint=replace(found.joint, schedule=schedule))
    if judge is not None:
        if len(found.decision.kernels) == 1:
            raise ValueError(f"{name} has no branches that vote, so no judge")
        found = replace(found, decision=replace(found.decision, judge=judge))
    return found
