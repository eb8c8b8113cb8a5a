"""Reading a golden trace so that no array of it is left out unnoticed."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

AGREEMENT = 1e-5


class Trace:
    """The arrays of one file; `unread` names those that no test has asked for yet."""

    def __init__(self, path: Path) -> None:
        with np.load(path, allow_pickle=False) as arrays:
            self._arrays = dict(arrays)
        self.unread = set(self._arrays)

    def setting(self, name: str):
        self.unread.discard(name)
        return self._arrays[name].item()

    def sizes(self) -> list[int]:
        self.unread.discard("sizes")
        return self._arrays["sizes"].tolist()

    def tensor(self, name: str) -> Tensor:
        self.unread.discard(name)
        return torch.from_numpy(self._arrays[name])

    def steps(self) -> range:
        return range(sum(name.startswith("err") for name in self._arrays))

    def agrees(self, name: str, actual: Tensor) -> None:
        torch.testing.assert_close(
            actual, self.tensor(name), rtol=0, atol=AGREEMENT, msg=lambda text: f"{name}: {text}"
        )
