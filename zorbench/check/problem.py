"""The small problems that rules are checked on: a few real images, with others that are never shown."""

from dataclasses import dataclass, replace
from functools import cache

import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from zorbench.baseline import EntrySpec
from zorbench.check.watch import TickingClock, WatchedBudget
from zorbench.clock import TrainingClock
from zorbench.data import load
from zorbench.probes import dealt_anew
from zorbench.tasks import Colorization, Task

SMALL, LARGE = 8, 28
"""Height and width of the images; the larger for rules that refuse the smaller."""

POOL, UNSEEN = 400, 300
"""Items there are, and those of them that are never shown."""


@dataclass(frozen=True)
class Problem:
    """Shots, unseen items, and what `build` is told."""

    spec: EntrySpec
    inputs: Float32[Tensor, "n *shape"]
    targets: Float32[Tensor, "n *out"]
    unseen: Float32[Tensor, "m *shape"]
    wanted: Float32[Tensor, "m *out"]  # the targets of `unseen`

    def budget(self) -> WatchedBudget:
        """Of samples, as the entry has them."""
        clock = TrainingClock(self.spec.device)
        return WatchedBudget(*self._copies(), samples=self.spec.samples, clock=clock, **self._order())

    def timed_budget(self, hand_outs: int) -> WatchedBudget:
        """Of time, by a clock that only hand-outs move on: it is over after so many of them."""
        clock = TickingClock(self.spec.device)
        return WatchedBudget(*self._copies(), samples=None, seconds=hand_outs, clock=clock, **self._order())

    def error(self, prediction: Tensor) -> float:
        """Of a prediction for `unseen`."""
        task = self.spec.task
        return task.error(prediction.clamp(0, 1) if task.images_out else prediction, self.wanted)

    def permuted(self) -> "Problem":
        """The same classification with labels that hold no information, and half the presentations."""
        n_classes = self.spec.n_classes
        labels = dealt_anew(self.targets.argmax(dim=1), n_classes, seed=1)
        spec = replace(self.spec, samples=None if self.spec.samples is None else self.spec.samples // 2)
        return replace(self, spec=spec, targets=torch.eye(n_classes)[labels])

    def flat(self) -> "Problem":
        """The same with inputs that are no images: [n, pixels]."""
        inputs, unseen = self.inputs.flatten(1), self.unseen.flatten(1)
        spec = replace(self.spec, input_shape=tuple(inputs.shape[1:]))
        return replace(self, spec=spec, inputs=inputs, unseen=unseen)

    def timed(self) -> "Problem":
        """The same without a ceiling on samples."""
        return replace(self, spec=replace(self.spec, samples=None))

    def _copies(self) -> tuple[Tensor, Tensor]:
        return self.inputs.clone(), self.targets.clone()

    def _order(self) -> dict[str, int]:
        return {"batch": self.spec.batch, "order_seed": 7}


def tiny(task: type[Task], size: int, *, n: int = 20, samples: int = 40, batch: int = 5) -> Problem:
    """For what a rule must do or leave whatever it has learned."""
    return _problem(task, size, n, samples=samples, batch=batch, hidden=12, code=8)


def easy(task: type[Task], size: int) -> Problem:
    """For what a rule must learn: 100 shots, and as many presentations as deep networks need."""
    samples = 1000 if task is Colorization else 2000  # which needs no more
    return _problem(task, size, 100, samples=samples, batch=10, hidden=32, code=16)


def _problem(
    task: type[Task], size: int, n: int, *, samples: int, batch: int, hidden: int, code: int
) -> Problem:
    items, labels, n_classes = _pool(task is Colorization, size)
    inputs, targets = task.inputs(items), task.targets(items, labels, n_classes)
    spec = EntrySpec(
        task=task,
        input_shape=tuple(inputs.shape[1:]),
        output_shape=tuple(targets.shape[1:]),
        n_classes=n_classes,
        n_shots=n,
        samples=samples,
        batch=batch,
        hidden=hidden,
        code=code,
    )
    return Problem(spec, inputs[:n], targets[:n], inputs[-UNSEEN:], targets[-UNSEEN:])


@cache
def _pool(colour: bool, size: int) -> tuple[Float32[Tensor, "n *shape"], Int64[Tensor, " n"], int]:
    """400 items, their labels and the number of classes; where these matter, items of each come in turns."""
    name = "photos" if colour else "digits" if size == SMALL else "mnist5k"
    dataset = load(name)
    labels = dataset.train_labels()
    n_classes = len(dataset.class_names)
    if colour:
        chosen = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))[:POOL]
    else:
        each = [torch.where(labels == label)[0][: POOL // n_classes] for label in range(n_classes)]
        chosen = torch.stack(each, dim=1).flatten()
    items = dataset.train_inputs(chosen)
    margin = (items.shape[-1] - size) // 2
    if margin > 0:
        items = items[..., margin : margin + size, margin : margin + size].contiguous()
    return items, labels[chosen], n_classes
