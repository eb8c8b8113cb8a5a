"""What is held equal: the budget through which a rule gets its shots.

Protocol `samples`: a ceiling on sample presentations in training forward passes, from the same episode in
the same order for every rule. A rule may use less, never more.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from zorbench.clock import TrainingClock
from zorbench.data import batch_order

CHECKPOINTS = 10


class BudgetExceeded(RuntimeError):
    """A rule asked for more presentations than its ceiling leaves."""


def checkpoint_samples(samples: int, batch: int, count: int = CHECKPOINTS) -> list[int]:
    """Numbers of presentations after which the validation error is measured, evenly spaced in log."""
    first = min(batch, samples)
    return sorted({round(value) for value in np.geomspace(first, samples, count)})


class Budget:
    """Hands out shots, counts presentations, and stops at the ceiling.

    `batches()` yields minibatches in the episode's order; `shots()` hands out all shots once; `take`
    hands out chosen ones. All three pause the training clock while they work, and measure a validation
    checkpoint when one is due. `n_shots` shots; `samples` the ceiling; `seen` presentations and `updates`
    hand-outs so far; `progress` = seen / samples drives schedules.
    """

    def __init__(
        self,
        inputs: Float[Tensor, "n *shape"],
        targets: Float[Tensor, "n *out"],
        *,
        samples: int,
        batch: int,
        order_seed: int,
        clock: TrainingClock,
        checkpoint: Callable[[int], None] | None = None,
    ) -> None:
        self.n_shots = len(inputs)
        self.samples = samples
        self.batch = batch
        self.seen = 0
        self.updates = 0
        self._inputs = inputs
        self._targets = targets
        self._clock = clock
        self._order = batch_order(self.n_shots, batch, order_seed)
        self._rest: Tensor | None = None  # what was cut off the last minibatch of a stage
        self._checkpoint = checkpoint
        self._due = checkpoint_samples(samples, min(batch, self.n_shots)) if checkpoint else []
        self._next_due = self._due.pop(0) if self._due else samples + 1

    @property
    def progress(self) -> float:
        """Share of the ceiling spent, in [0, 1]."""
        return self.seen / self.samples

    @property
    def remaining(self) -> int:
        """Presentations left."""
        return self.samples - self.seen

    def batches(self, until: float = 1.0) -> Iterator[tuple[Tensor, Tensor]]:
        """Minibatches in the episode's order until the share `until` of the ceiling is spent.

        A partial minibatch at the end of an epoch is kept, and the last one is cut so that the ceiling is
        met exactly. A rule that learns in stages calls this once a stage with growing `until`; what was cut
        off a stage's last minibatch begins the next, so that the order is the same as without stages.
        """
        limit = self._limit(until)
        inputs, targets, order = self._inputs, self._targets, self._order
        while True:
            self._clock.pause_briefly()
            if self.updates:
                self._after_update()
            left = limit - self.seen
            if left <= 0:
                self._clock.resume()
                return
            chosen = next(order) if self._rest is None else self._rest
            self._rest = None
            if len(chosen) > left:
                chosen, self._rest = chosen[:left], chosen[left:]
            where = chosen.to(inputs.device)
            batch = inputs[where], targets[where]
            self.seen += len(chosen)
            self.updates += 1
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
        self._clock.pause_briefly()
        try:
            if self.updates:
                self._after_update()
            count = self.n_shots if indices is None else len(indices)
            if count > self.remaining:
                left = f"{self.remaining} of {self.samples}"
                raise BudgetExceeded(f"asked for {count} presentations with {left} left")
            inputs, targets = self._inputs, self._targets
            # Indexing copies, so that a rule which writes into its batch cannot change the shots.
            batch = (
                (inputs.clone(), targets.clone()) if indices is None else (inputs[indices], targets[indices])
            )
            self.seen += count
            self.updates += 1
            return batch
        finally:
            self._clock.resume()  # also for a rule that catches what was raised, and goes on

    def _after_update(self) -> None:
        """What is due between two hand-outs."""
        if self._clock.first_step is None:
            self._clock.pause()
            self._clock.first_step = self._clock.seconds
        if self.seen >= self._next_due:
            self._measure()

    def _measure(self) -> None:
        while self._next_due <= self.seen:
            self._next_due = self._due.pop(0) if self._due else self.samples + 1
        if self._checkpoint is not None and self.seen < self.samples:  # the last point is measured after fit
            self._clock.pause()
            self._checkpoint(self.seen)

    def _limit(self, until: float) -> int:
        if not 0 < until <= 1:
            raise ValueError(f"until must be in (0, 1], got {until}")
        return round(self.samples * until)
