"""The plugin contract: what a learning rule must offer to be compared.

A rule that learns from minibatches derives from `StepBaseline` and writes `build`, `step` and `predict`;
any other derives from `Baseline` and writes `fit` as well. The harness owns the data, their order, the
clock, the seeds and the device.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from zorbench.protocol import Budget
from zorbench.state import find_tensors
from zorbench.tasks import Task

Role = Literal["contender", "floor", "reference"]


@dataclass(frozen=True)
class Tags:
    """What kind of rule this is. Shown beside its figures.

    `local`: a weight's change depends on its own two units, itself and a signal to its post-synaptic unit
    (a borrowed `readout` left aside). Such a rule offers `update(pre, post, signal, w)`, the change of `w`
    [n_in, n_out] from `pre` [batch, n_in], `post` [batch, n_out] in 0 … 1 and `signal` [batch, n_out].
    `uses_weight_transport`: the learning signal travels through the transposed forward weights.
    `chooses_samples`: picks its own minibatches (`budget.take`). `bottleneck`: in reconstruction, has
    `encode` and `decode`; without it the rule is scored outside the headline. `readout`: a read-out
    borrowed for the task ("ridge"). `optimiser`, `initialisation`, `output`: for the ledger.
    """

    local: bool = False
    uses_weight_transport: bool = False
    chooses_samples: bool = False
    bottleneck: bool = True
    readout: str = ""
    optimiser: str = ""
    initialisation: str = ""
    output: str = ""


@dataclass(frozen=True)
class EntrySpec:
    """What `build` is told: the task, the shapes and the budget, not which data set it is.

    `input_shape` and `output_shape` are those of one sample; `n_shots` the number of training samples;
    `samples` the ceiling on presentations, None where time is the ceiling; `hidden` the suggested hidden
    size; `depth` the number of hidden layers asked of a network, None for the rule's own; `code` the most
    numbers that `encode` may return for one image.
    """

    task: type[Task]
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    n_classes: int
    n_shots: int
    samples: int | None
    batch: int
    hidden: int
    code: int
    depth: int | None = None
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))


def search(default: float, *, low: float, high: float, log: bool = False) -> Any:
    """A configuration field with the range that tuning searches, linear or logarithmic."""
    if not low <= default <= high or (log and low <= 0):
        raise ValueError(
            f"search: need low <= default <= high (and low > 0 with log), got {low}, {default}, {high}"
        )
    return field(default=default, metadata={"search": {"low": low, "high": high, "log": log}})


def choice(default: Any, *others: Any) -> Any:
    """A configuration field with a closed set of values: the default and the others."""
    return field(default=default, metadata={"choices": (default, *others)})


class Baseline:
    """A learning rule under test. One plugin; `variants` registers it again with other configurations.

    Rows in `only_named`, its own or a variant's, run where a suite or a command names them, and nowhere else:
    what takes too long to be beside all others.
    """

    name: ClassVar[str]
    tasks: ClassVar[Set[type[Task]]]
    unsupported: ClassVar[Mapping[type[Task], str]] = {}  # task → why the rule cannot do it
    unsupported_protocols: ClassVar[Mapping[str, str]] = {}  # protocol → why it cannot learn under it
    role: ClassVar[Role] = "contender"
    yardstick: ClassVar[bool] = False  # its first row is what the others' times are measured in
    needs_images: ClassVar[bool] = False  # inputs must be [channels, height, width]
    tags: ClassVar[Tags] = Tags()
    time_steps: int = 1  # T, for how many steps a rule that runs in time shows itself a sample
    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = {}  # row name → configuration
    only_named: ClassVar[Set[str]] = frozenset()  # row names
    published: ClassVar[
        Mapping[str, Set[type[Task]]]
    ] = {}  # row name → tasks it has its published setting for
    known_failures: ClassVar[Mapping[str, str]] = {}  # check that the rule fails → why (`zorbench check`)

    @dataclass(frozen=True)
    class Config:
        """No settings."""

    def build(self, entry: EntrySpec, config: Any, rng: torch.Generator) -> None:
        """Make the untrained state on `entry.device`; every random draw is from `rng` (a CPU generator)."""

    def fit(self, budget: Budget) -> None:
        """Learn from the shots that `budget` hands out."""
        raise NotImplementedError(f"{type(self).__name__} has no fit")

    def predict(self, inputs: Float[Tensor, "batch *shape"]) -> Float[Tensor, "batch *out"]:
        """Answer for each input. Changes no state; does not depend on how the inputs are split."""
        return self.decode(self.encode(inputs))

    def encode(self, inputs: Float[Tensor, "batch *shape"]) -> Float[Tensor, "batch code"]:
        """Reconstruction: at most `entry.code` float32 numbers for each image."""
        raise NotImplementedError(f"{type(self).__name__} has no encode")

    def decode(self, codes: Float[Tensor, "batch code"]) -> Float[Tensor, "batch *out"]:
        """Reconstruction: the images, from the codes alone."""
        raise NotImplementedError(f"{type(self).__name__} has no decode")

    def state(self) -> dict[str, Tensor]:
        """What prediction needs, as tensors: counted as parameters. Found by scanning the attributes.

        A rule may also have `load_state(state)`, which makes an untrained copy answer as the one did that
        the state is from.
        """
        return find_tensors(self)

    def diagnostics(self) -> Mapping[str, Sequence[float]]:
        """What goes on in the layers now: by name, one number for each layer above the input, bottom to top.

        Asked at every checkpoint, off the clock, for the learning curve; changes no state. The report draws
        three, all of the last minibatch: `activation_rate` (share of units that fire), `signal_norm` (root
        mean square of the signal that a layer learns from) and `alignment` (cosine of the direction in which
        the weights into the layer are to move with the negative gradient of the loss).
        """
        return {}

    def operations(self, inputs: Float[Tensor, "batch *shape"]) -> Mapping[str, float] | None:
        """What the rule takes that torch's products do not show: for loops of its own, numpy or scipy.

        None: it is all counted where torch computes it. Otherwise averages of one sample over all its
        `time_steps`, in predicting for `inputs`: `macs` and `acs`, terms without a zero for a factor, `acs`
        where one is −1 or 1 always; `dense`, all terms; `activation_sparsity`, the share of zeros among what
        reaches layers above the first; and of one presentation in learning: `forward_macs`, `update_macs`
        (changes of weights), `transport_macs` (the signal to learn from), all terms. Whoever names some of
        the first four, or of the last three, has none of these counted; what is left out is not known.
        Asked once, after `fit`, off the clock; changes no state.
        """
        return None


class StepBaseline(Baseline):
    """A rule that learns from one minibatch at a time.

    With `build_many`, `step_many` and `member` it offers to learn S seeds at once, as one computation; what
    is learned must be what S rules learn alone, up to rounding.
    """

    def step(self, inputs: Float[Tensor, "batch *shape"], targets: Float[Tensor, "batch *out"]) -> None:
        """Learn from one minibatch."""
        raise NotImplementedError(f"{type(self).__name__} has no step")

    def fit(self, budget: Budget) -> None:
        """Step through the budget's minibatches until it is spent."""
        for inputs, targets in budget.batches():
            self.step(inputs, targets)

    def build_many(self, entry: EntrySpec, config: Any, rngs: Sequence[torch.Generator]) -> None:
        """Make S untrained copies, each from its own one of `rngs` and as `build` makes it.

        Optional. A configuration that cannot be learned so raises NotImplementedError, with the reason.
        """
        raise NotImplementedError(f"{type(self).__name__} has no build_many")

    def step_many(
        self, inputs: Float[Tensor, "copies batch *shape"], targets: Float[Tensor, "copies batch *out"]
    ) -> None:
        """Learn from one minibatch for each copy."""
        raise NotImplementedError(f"{type(self).__name__} has no step_many")

    def member(self, index: int) -> "StepBaseline":
        """Copy `index`, 0 … S − 1, as a rule by itself, which predicts; changes nothing here."""
        raise NotImplementedError(f"{type(self).__name__} has no member")


def offers_many(plugin: type[Baseline]) -> bool:
    """Whether a rule can learn several seeds at once: it has `build_many`, and no `fit` of its own."""
    return (
        issubclass(plugin, StepBaseline)
        and plugin.build_many is not StepBaseline.build_many
        and plugin.fit is StepBaseline.fit
    )
