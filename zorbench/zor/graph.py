"""A training step recorded once on a CUDA device and replayed: its many small kernels cost one launch."""

from collections.abc import Callable, Hashable
from typing import Protocol

import torch
from torch import Tensor

Step = Callable[[Tensor, Tensor], Tensor]


class Graph(Protocol):
    """What was recorded."""

    def replay(self) -> None:
        """Do it again, on the same memory."""


def capture_cuda(run: Callable[[], Tensor]) -> tuple[Graph, Tensor]:
    """Record what `run` does, without doing it; returns the graph and the memory of its answer."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        answer = run()
    return graph, answer


class StepGraph:
    """Runs a step as it is, records it when the same is asked again, and from then on replays it.

    The step must write all that lasts in place. What a recording depends on is told by `place`: addresses and
    constants. When it or a shape changes (another batch size, a weight replaced) the step runs as it is, and
    is recorded anew at the next call. A copy begins without a recording.
    """

    def __init__(
        self, capture: Callable[[Callable[[], Tensor]], tuple[Graph, Tensor]] = capture_cuda
    ) -> None:
        self._capture = capture
        self._place: Hashable = None
        self._recorded: tuple[Graph, Tensor, Tensor, Tensor] | None = None

    def __call__(self, step: Step, x: Tensor, t: Tensor, place: Callable[[], Hashable]) -> Tensor:
        """The step's answer, in memory of the caller's own."""
        if self._place is None or self._place != (x.shape, t.shape, place()):
            self._recorded = None
            answer = step(x, t)
            self._place = x.shape, t.shape, place()  # the first step may have made memory
            return answer
        if self._recorded is None:
            inputs, targets = x.clone(), t.clone()
            graph, answer = self._capture(lambda: step(inputs, targets))
            self._recorded = graph, inputs, targets, answer
        graph, inputs, targets, answer = self._recorded
        inputs.copy_(x)
        targets.copy_(t)
        graph.replay()
        return answer.clone()

    def __getstate__(self) -> dict[str, object]:
        return {"_capture": self._capture, "_place": None, "_recorded": None}
