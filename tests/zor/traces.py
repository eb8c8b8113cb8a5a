"""Reading a golden trace so that no array of it is left out unnoticed."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from zorbench.zor import Layer, Zor

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


TRACES = [
    "zor_stateful_3layer",
    "zor_stateless_3layer",
    "zor_stateful_varying_batch",
    "zor_sigmoid_4layer_clamped",
]
"""Those of the current rule."""


def recorded_network(trace: Trace, kind=Zor, **options):
    """A network of `kind` with the trace's settings and, in every copy of it, the trace's weights."""
    sizes = trace.sizes()
    shared = {"stateless": trace.setting("stateless"), "max_weight": trace.setting("max_weight")}
    output = trace.setting("output_activation")
    layers = [Layer(size, **shared) for size in sizes[:-1]]
    layers.append(Layer(sizes[-1], None if output == "none" else output, **shared))
    zor = kind(layers, lr=trace.setting("lr"), weight_decay=trace.setting("weight_decay"), **options)
    for index, weight in enumerate(zor.weights):
        weight.copy_(trace.tensor(f"w{index}_init"))
    return zor


def follow(trace: Trace, zor: Zor) -> None:
    """Hold every recorded array against what the network does with the recorded batches."""
    device = zor.weights[0].device
    for step in trace.steps():
        errors = zor.train_batch(trace.tensor(f"x{step}").to(device), trace.tensor(f"t{step}").to(device))
        trace.agrees(f"err{step}", errors.cpu())
        for index, weight in enumerate(zor.weights):
            trace.agrees(f"w{index}_step{step}", weight.cpu())
    trace.agrees("y_eval", zor.forward(trace.tensor("x_eval").to(device)).cpu())
    assert not trace.unread
