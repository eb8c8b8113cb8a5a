"""Reading a golden trace so that no array of it is left out unnoticed."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor


class Trace:
    """The arrays of one file; `unread` names those that no test has asked for yet."""

    def __init__(self, path: Path) -> None:
        with np.load(path, allow_pickle=False) as arrays:
            self._arrays = dict(arrays)
        self.unread = set(self._arrays)

    def tensor(self, name: str) -> Tensor:
        self.unread.discard(name)
        return torch.from_numpy(self._arrays[name])

    def number(self, name: str) -> float:
        self.unread.discard(name)
        return self._arrays[name].item()

    def steps(self) -> range:
        return range(sum(name.startswith("label") for name in self._arrays))

    def agrees(self, name: str, actual: Tensor, *, rtol: float = 0, atol: float = 0) -> None:
        expected = self.tensor(name)
        torch.testing.assert_close(actual, expected, rtol=rtol, atol=atol, msg=lambda text: f"{name}: {text}")
