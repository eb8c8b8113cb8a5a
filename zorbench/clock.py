"""A clock that runs only while a rule learns."""

import time

import torch


class TrainingClock:
    """Seconds inside `fit`, with what the harness does in between left out.

    On a device that works asynchronously, call `settle` before reading `seconds`, so that they hold all the
    work asked for.
    """

    __slots__ = ("_device", "_running_since", "_total", "first_step")

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._total = 0.0
        self._running_since: float | None = None
        self.first_step: float | None = None  # seconds until the second presentation was asked for

    def resume(self) -> None:
        self._running_since = time.perf_counter()

    def pause(self) -> None:
        if self._running_since is not None:
            self._total += time.perf_counter() - self._running_since
            self._running_since = None

    @property
    def seconds(self) -> float:
        """Training seconds so far."""
        running = 0.0 if self._running_since is None else time.perf_counter() - self._running_since
        return self._total + running

    def settle(self) -> None:
        """With the clock stopped: wait for work still queued on the device, and count that wait."""
        if self._device.type != "cpu":
            self.resume()
            synchronise(self._device)
            self.pause()


def synchronise(device: torch.device) -> None:
    """Wait until `device` has done what was queued on it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
