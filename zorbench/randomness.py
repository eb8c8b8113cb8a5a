"""Seeds by hashing, and global random state that belongs to a cell, not to the process."""

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


def derive_seed(*parts: object) -> int:
    """A 63-bit seed from any values: neighbouring seeds give unrelated streams."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


class GlobalRandomness:
    """A cell's own state of the global generators of Python, NumPy and torch.

    Rules get a generator of their own; library code below them may still use global ones. `installed()`
    puts the cell's state in place for the time of one call and restores the caller's afterwards.
    """

    def __init__(self, seed: int) -> None:
        self._state = _seeded_state(seed)

    @contextmanager
    def installed(self) -> Iterator[None]:
        outside = _read_state()
        _write_state(self._state)
        try:
            yield
        finally:
            self._state = _read_state()
            _write_state(outside)


def _read_state() -> dict[str, Any]:
    state: dict[str, Any] = {
        "python": random.getstate(),
        "numpy": np.random.get_state(),
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        state["cuda"] = torch.cuda.get_rng_state_all()
    if torch.backends.mps.is_available():
        state["mps"] = torch.mps.get_rng_state()
    return state


def _write_state(state: dict[str, Any]) -> None:
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    torch.set_rng_state(state["torch"])
    if "cuda" in state:
        torch.cuda.set_rng_state_all(state["cuda"])
    if "mps" in state:
        torch.mps.set_rng_state(state["mps"])


def _seeded_state(seed: int) -> dict[str, Any]:
    outside = _read_state()
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
    state = _read_state()
    _write_state(outside)
    return state
