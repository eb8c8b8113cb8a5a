"""What a rule does beside what it is asked to do."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zorbench.clock import TrainingClock
from zorbench.data.guard import DataShut, shut
from zorbench.protocol import Budget

THREADS = 1


class TickingClock(TrainingClock):
    """Stands still but for hand-outs: as many seconds as there were."""

    def __init__(self, device: torch.device) -> None:
        super().__init__(device)
        self.ticks = 0

    @property
    def seconds(self) -> float:
        return self.ticks


class WatchedBudget(Budget):
    """A budget that keeps what it handed out, to see whether it was written into."""

    def __init__(self, *shots: Tensor, clock: TrainingClock, **settings: Any) -> None:
        super().__init__(*shots, clock=clock, **settings)
        self.takes = 0
        self.shown = 0  # presentations by `batches`
        self._handed: list[tuple[Tensor, Tensor]] = []  # the tensor in the rule's hands, and a copy

    def batches(self, until: float = 1.0) -> Iterator[tuple[Tensor, Tensor]]:
        for handed in super().batches(until):
            self.shown += len(handed[0])
            yield self._kept(handed)

    def shots(self) -> tuple[Tensor, Tensor]:
        return self._kept(super().shots())

    def take(self, indices: Any) -> tuple[Tensor, Tensor]:
        handed = super().take(indices)
        self.takes += 1
        return self._kept(handed)

    def rewritten(self) -> bool:
        """Whether anything that was handed out is another now."""
        return not all(torch.equal(theirs, copy) for theirs, copy in self._handed)

    def _kept(self, handed: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        self._handed += [(part, part.clone()) for part in handed]
        if isinstance(self._clock, TickingClock):
            self._clock.ticks += 1
        return handed


class Notes:
    """What was noticed while methods of the rule were at work, as texts: `fit: torch's generator`."""

    def __init__(self) -> None:
        self.generators: list[str] = []
        self.settings: list[str] = []
        self.rewritten: list[str] = []
        self.data: list[str] = []

    @contextmanager
    def watching(self, method: str, inputs: Sequence[Tensor] = ()) -> Iterator[None]:
        """Around a call of `method`; torch's settings are put right again after it."""
        generators, settings, copies = _generators(), _settings(), [part.clone() for part in inputs]
        try:
            with shut(None):
                yield
        except DataShut as error:
            self.data.append(f"{method}: {error}")
            raise
        finally:
            self._note(self.generators, method, generators, _generators())
            self._note(self.settings, method, settings, _settings())
            if not all(torch.equal(part, copy) for part, copy in zip(inputs, copies, strict=True)):
                self.rewritten.append(f"{method} wrote into its {_plural(inputs)}")
            install_settings()

    @staticmethod
    def _note(found: list[str], method: str, before: dict[str, Any], after: dict[str, Any]) -> None:
        found += [f"{method}: {name}" for name in before if before[name] != after[name]]


def install_settings() -> None:
    """torch's settings as a cell has them."""
    torch.set_num_threads(THREADS)
    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(True)
    torch.use_deterministic_algorithms(False)


def _plural(inputs: Sequence[Tensor]) -> str:
    return "input" if len(inputs) == 1 else "inputs"


def _generators() -> dict[str, Any]:
    numbers: Any
    _, numbers, position, *_ = np.random.get_state()
    return {
        "Python's generator (module random)": random.getstate(),
        "NumPy's global generator": (numbers.tobytes(), position),
        "torch's global generator": torch.get_rng_state().numpy().tobytes(),
    }


def _settings() -> dict[str, Any]:
    return {
        "torch.set_num_threads": torch.get_num_threads(),
        "torch.set_default_dtype": torch.get_default_dtype(),
        "torch.set_grad_enabled": torch.is_grad_enabled(),
        "torch.use_deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
    }
