"""The harness must not be felt: what it adds to a step, to starting up, and to scoring.

Run by `make perf`. Targets: at most 10 µs a step beyond the same indexing written bare; `--help` under
0.5 s; 10,000 images of 784 pixels scored under 2 s.
"""

import subprocess
import sys

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from zorbench.clock import TrainingClock
from zorbench.data import batch_order
from zorbench.metrics import image_metrics
from zorbench.protocol import Budget

pytestmark = pytest.mark.perf

STEPS = 1000


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(params=[10, 1000], ids=lambda n: f"{n} shots")
def shots(request: pytest.FixtureRequest) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.rand(request.param, 1, 28, 28), torch.rand(request.param, 10)


@pytest.mark.benchmark(group="1000 steps of batch 10")
def test_bare_indexing(benchmark: BenchmarkFixture, shots: tuple[torch.Tensor, torch.Tensor]) -> None:
    inputs, targets = shots
    chosen = batch_order(len(inputs), 10, 0)
    batches = [next(chosen) for _ in range(STEPS)]

    def loop() -> int:
        seen = 0
        for indices in batches:
            seen += len(inputs[indices]) + len(targets[indices]) > 0
        return seen

    assert benchmark(loop) == STEPS


@pytest.mark.benchmark(group="1000 steps of batch 10")
def test_budget_batches(benchmark: BenchmarkFixture, shots: tuple[torch.Tensor, torch.Tensor]) -> None:
    inputs, targets = shots

    def budget() -> tuple[tuple[Budget], dict[str, object]]:
        clock = TrainingClock(torch.device("cpu"))
        return (
            Budget(
                inputs,
                targets,
                samples=STEPS * 10,
                batch=10,
                order_seed=0,
                clock=clock,
                checkpoint=lambda samples: None,
            ),
        ), {}

    def loop(made: Budget) -> int:
        return sum(1 for _ in made.batches())

    assert benchmark.pedantic(loop, setup=budget, rounds=20, warmup_rounds=2) == STEPS


@pytest.mark.benchmark(group="start")
def test_help(benchmark: BenchmarkFixture) -> None:
    command = [sys.executable, "-m", "zorbench", "--help"]
    done = benchmark.pedantic(lambda: subprocess.run(command, capture_output=True, check=True), rounds=5)
    assert b"Learning rules" in done.stdout


@pytest.mark.benchmark(group="scoring 10,000 images, SSIM included")
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32)], ids=str)
def test_scoring(benchmark: BenchmarkFixture, shape: tuple[int, int, int]) -> None:
    prediction, target = torch.rand(10_000, *shape), torch.rand(10_000, *shape)
    scores = benchmark.pedantic(lambda: image_metrics(prediction, target), rounds=5, warmup_rounds=1)
    assert "ssim" in scores
