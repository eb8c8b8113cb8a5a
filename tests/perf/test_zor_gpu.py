"""A step replayed from a recording on a CUDA device beside the same step run kernel by kernel."""

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor

from zorbench.zor import Zor

from .conftest import Findings
from .race import Race
from .steps import Shape, Step
from .targets import verdict

pytestmark = [pytest.mark.perf, pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")]

SHAPE = Shape(784, 64, 784, 48)
STEPS = 100  # in a turn
LEAST = 5.0


def many_steps(*, replayed: bool) -> Step:
    """As many as make a turn, with one wait for the device at their end."""
    net, x = Zor(SHAPE.layers(), seed=0, device="cuda"), SHAPE.data().cuda()
    if not replayed:
        net._graph = lambda step, x, t, place: step(x, t)

    def turn() -> Tensor:
        for _ in range(STEPS):
            errors = net.train_batch(x, x)
        torch.cuda.synchronize()
        return errors

    return turn


def test_a_replayed_step_beside_the_same_kernel_by_kernel(
    benchmark: BenchmarkFixture, findings: Findings
) -> None:
    benchmark.group = f"turns of {STEPS} training steps of {SHAPE} on CUDA"
    contenders = {"replayed": many_steps(replayed=True), "eager": many_steps(replayed=False)}
    race = Race(benchmark, contenders, steps=1)
    if "eager" in race:
        gain = race.ratio("eager", "replayed")
        eager, replayed = (race.microseconds(name) / STEPS for name in ("eager", "replayed"))
        findings.lines.append(
            f"A step of {SHAPE} on {torch.cuda.get_device_name()}: {eager:.0f} µs kernel by kernel, "
            f"{replayed:.0f} µs replayed; {gain:.1f} times as fast  {verdict(gain, LEAST, least=True)}"
        )
