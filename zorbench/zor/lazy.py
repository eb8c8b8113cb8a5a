"""A saved network that predicts with the weights of one layer in memory at a time."""

import torch
from torch import Tensor

from zorbench.zor.analog import Zor
from zorbench.zor.settings import Settings
from zorbench.zor.tensorfile import AnyPath, TensorFile

_NOT_HELD = ("weights", "charges", "first_moments", "second_moments", "steps")


class LazyZor(Zor):
    """What `Zor.load(path, lazy=True)` gives: `predict`, `encode` and `decode`, with the bits of `Zor`.

    Each asks the file for a layer's weights when it comes to that layer, and lets go of them after it. In
    memory are then the largest layer and the activities; convolutions add what torch itself works in. All
    else needs the whole network: it raises RuntimeError, for a tensor of the network's state AttributeError.
    A file that changed since is noticed: RuntimeError.
    """

    def __init__(self, file: TensorFile, settings: Settings, device: torch.device | str | None) -> None:
        super().__init__(**settings._asdict(), device="meta")
        for name in (*_NOT_HELD, "_moves"):
            delattr(self, name)
        self._device = torch.device("cpu" if device is None else device)
        self._file = file

    def _weight(self, index: int) -> Tensor:
        return self._file.read(f"weights.{index}", passing=True).to(self._device)

    def __getattr__(self, name: str) -> object:
        if name in _NOT_HELD:
            raise AttributeError(f"a network loaded with lazy=True holds no {name}: load it without")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def train_batch(self, x: Tensor, t: Tensor) -> Tensor:
        raise self._cannot("train")

    def forward(self, x: Tensor, train: bool = False) -> Tensor:
        raise self._cannot("run forward, which keeps charges")

    def save(self, path: AnyPath, *, optimiser: bool = False) -> None:
        raise RuntimeError(f"a network loaded with lazy=True is its file already: copy {self._file.path}")

    def _cannot(self, what: str) -> RuntimeError:
        return RuntimeError(f"a network loaded with lazy=True cannot {what}: load it without")
