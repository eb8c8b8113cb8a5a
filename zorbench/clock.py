"""A clock that runs only while a rule learns."""

import time

import torch


class TrainingClock:
    """Seconds inside `fit`, with what the harness does in between left out.

    On a device that works asynchronously, `pause` first waits for the work asked for, so that `seconds` hold
    it; between two minibatches such a wait would cost more than it tells, so there `pause_briefly` lets the
    clock run on.
    """

    __slots__ = ("_device", "_running_since", "_total", "first_step")

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._total = 0.0
        self._running_since: float | None = None
        self.first_step: float | None = None  # seconds until the second presentation was asked for

    def resume(self) -> None:
        if self._running_since is None:
            self._running_since = time.perf_counter()

    def pause(self) -> None:
        if self._running_since is not None:
            synchronise(self._device)
            self._total += time.perf_counter() - self._running_since
            self._running_since = None

    def pause_briefly(self) -> None:
        if self._device.type == "cpu":
            self.pause()

    @property
    def seconds(self) -> float:
        """Training seconds so far."""
        running = 0.0 if self._running_since is None else time.perf_counter() - self._running_since
        return self._total + running


def synchronise(device: torch.device) -> None:
    """Wait until `device` has done what was queued on it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
