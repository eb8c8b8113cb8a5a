"""What is held equal: the budget through which a rule gets its shots.

`samples`: a ceiling on sample presentations in training forward passes, from the same episode in the same
order for every rule. A rule may use less, never more. `time`: the same training seconds on the same pinned
threads, first step and compilation included; training stops at the first minibatch past the limit. `tuned`:
that of `samples`, with the settings that a study chose (see `zorbench.tuning`).
"""

import sys
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from zorbench.clock import TrainingClock
from zorbench.data import batch_order

CHECKPOINTS = 10


class BudgetExceeded(RuntimeError):
    """A rule asked for more presentations than its ceiling leaves, or for some when its time was over."""


def checkpoint_samples(samples: int, batch: int, count: int = CHECKPOINTS) -> list[int]:
    """Numbers of presentations after which the validation error is measured, evenly spaced in log."""
    first = min(batch, samples)
    return sorted({round(value) for value in np.geomspace(first, samples, count)})


def checkpoint_seconds(seconds: float, count: int = CHECKPOINTS) -> list[float]:
    """Training seconds after which the validation error is measured, evenly spaced in log, two decades."""
    return [float(value) for value in np.geomspace(seconds / 100, seconds, count)]


class Budget:
    """Hands out shots, counts presentations, and stops at the ceiling.

    `batches()` yields minibatches in the episode's order; `shots()` hands out all shots once; `take`
    hands out chosen ones. All three pause the training clock while they work, and measure a validation
    checkpoint when one is due. `n_shots` shots; `batch` the minibatch; `samples` the ceiling on
    presentations and `seconds` that on training time, of which one is None; `seen` presentations and
    `updates` hand-outs so far. None of them can be set.

    `progress` in [0, 1], the share of the ceiling that was spent when the minibatch in hand was asked for,
    drives schedules: 0 in the first step, 1 once another is asked for and none is left.
    """

    def __init__(
        self,
        inputs: Float[Tensor, "n *shape"],
        targets: Float[Tensor, "n *out"],
        *,
        samples: int | None,
        batch: int,
        order_seed: int,
        clock: TrainingClock,
        seconds: float | None = None,
        checkpoint: Callable[[int], None] | None = None,
    ) -> None:
        if (samples is None) == (seconds is None):
            raise ValueError("a budget has a ceiling either on samples or on seconds")
        self._samples = samples
        self._seconds = seconds
        self._batch = batch
        self._seen = 0
        self._updates = 0
        self._progress = 0.0
        self._inputs = inputs
        self._targets = targets
        self._clock = clock
        self._order = batch_order(len(inputs), batch, order_seed)
        self._rest: Tensor | None = None  # what was cut off the last minibatch of a stage
        self._checkpoint = checkpoint
        self._due: list[float] = []
        if checkpoint is not None and samples is not None:
            self._due.extend(checkpoint_samples(samples, min(batch, len(inputs))))
        elif checkpoint is not None and seconds is not None:
            self._due.extend(checkpoint_seconds(seconds))

    @property
    def n_shots(self) -> int:
        """How many shots there are."""
        return len(self._inputs)

    @property
    def batch(self) -> int:
        """The size of a minibatch."""
        return self._batch

    @property
    def samples(self) -> int | None:
        """The ceiling on presentations; None where time is the ceiling."""
        return self._samples

    @property
    def seconds(self) -> float | None:
        """The ceiling on training seconds; None where presentations are."""
        return self._seconds

    @property
    def seen(self) -> int:
        """Presentations so far."""
        return self._seen

    @property
    def updates(self) -> int:
        """Hand-outs so far."""
        return self._updates

    @property
    def progress(self) -> float:
        """Share of the ceiling that was spent when the last minibatch was asked for, in [0, 1]."""
        return self._progress

    @property
    def remaining(self) -> int:
        """Presentations left. Under a ceiling on time: as many as one likes, or 0 once it is over."""
        if self._samples is not None:
            return self._samples - self._seen
        return 0 if self._spent >= 1 else sys.maxsize

    def batches(self, until: float = 1.0) -> Iterator[tuple[Tensor, Tensor]]:
        """Minibatches in the episode's order until the share `until` of the ceiling is spent.

        A partial minibatch at the end of an epoch is kept. The last one is cut so that a ceiling on
        presentations is met exactly; training time ends at the first minibatch past it. A rule that learns
        in stages calls this once a stage with growing `until`; what was cut off a stage's last minibatch
        begins the next, so that the order is the same as without stages.
        """
        if not 0 < until <= 1:
            raise ValueError(f"until must be in (0, 1], got {until}")
        limit = sys.maxsize if self._samples is None else round(self._samples * until)
        inputs, targets, order = self._inputs, self._targets, self._order
        while True:
            self._pause()
            if self._updates:
                self._after_update()
            left = limit - self._seen
            if left <= 0 or (self._seconds is not None and self._spent >= until):
                self._clock.resume()
                return
            chosen = next(order) if self._rest is None else self._rest
            self._rest = None
            if len(chosen) > left:
                chosen, self._rest = chosen[:left], chosen[left:]
            where = chosen.to(inputs.device)
            batch = inputs[where], targets[where]
            self._count(len(chosen))
            self._clock.resume()
            yield batch

    def shots(self) -> tuple[Tensor, Tensor]:
        """All shots, each counted once: for closed forms, and for solvers that pass over all of them."""
        return self._hand_out(None)

    def take(self, indices: Int64[Tensor, " k"] | Sequence[int]) -> tuple[Tensor, Tensor]:
        """The shots at `indices`: whole numbers, 0 … n_shots − 1, each counted as often as it is named.

        Raises `BudgetExceeded` beyond the ceiling, and `ValueError` for anything but a list of numbers.
        """
        chosen = torch.as_tensor(indices)
        if chosen.ndim != 1 or chosen.is_floating_point() or chosen.dtype == torch.bool:
            found = f"{chosen.dtype} of shape {list(chosen.shape)}"
            raise ValueError(f"take: expected a list of whole numbers, got {found}")
        return self._hand_out(chosen.long())

    def _hand_out(self, indices: Int64[Tensor, " k"] | None) -> tuple[Tensor, Tensor]:
        self._pause()
        try:
            if self._updates:
                self._after_update()
            count = self.n_shots if indices is None else len(indices)
            if count > self.remaining:
                left = f"{self.remaining} of {self._samples}"
                if self._seconds is not None:
                    left = f"none of {self._seconds:g} training seconds"
                raise BudgetExceeded(f"asked for {count} presentations with {left} left")
            inputs, targets = self._inputs, self._targets
            # Indexing copies, so that a rule which writes into its batch cannot change the shots.
            batch = (
                (inputs.clone(), targets.clone()) if indices is None else (inputs[indices], targets[indices])
            )
            self._count(count)
            return batch
        finally:
            self._clock.resume()  # also for a rule that catches what was raised, and goes on

    @property
    def _spent(self) -> float:
        """Share of the ceiling that is spent now; more than 1 past a limit of time."""
        if self._samples is not None:
            return self._seen / self._samples
        assert self._seconds is not None
        return self._clock.seconds / self._seconds

    def _count(self, presentations: int) -> None:
        self._seen += presentations
        self._updates += 1

    def _pause(self) -> None:
        """Where time is the limit, wait for a device: what it was asked for counts."""
        if self._seconds is None:
            self._clock.pause_briefly()
        else:
            self._clock.pause()
        self._progress = min(self._spent, 1.0)

    def _after_update(self) -> None:
        """What is due between two hand-outs."""
        if self._clock.first_step is None:
            self._clock.pause()
            self._clock.first_step = self._clock.seconds
        if self._due and self._now() >= self._due[0]:
            self._measure()

    def _now(self) -> float:
        """Where the learning is, in what its checkpoints count."""
        return self._seen if self._seconds is None else self._clock.seconds

    def _measure(self) -> None:
        while self._due and self._due[0] <= self._now():
            self._due.pop(0)
        if self._checkpoint is not None and self._spent < 1:  # the last point is measured after fit
            self._clock.pause()
            self._checkpoint(self._seen)
