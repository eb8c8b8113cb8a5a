"""A step of Zor beside an autograd step of the same shape, in one run of `make perf`."""

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from .conftest import Findings
from .race import Race
from .steps import (
    NO_COMPILER,
    Shape,
    Step,
    can_compile,
    ensemble_step,
    five_products,
    mlp_step,
    single_steps,
    zor_step,
)
from .targets import (
    MLP,
    MLPS_COMPILED,
    PRODUCTS,
    STEP_HEAD,
    STEP_TITLE,
    ZOR,
    ZOR_COMPILED,
    Targets,
    step_row,
    verdict,
)

pytestmark = pytest.mark.perf

SMALL = Shape(784, 64, 784, 10)

# Shape, targets, steps in a turn.
RACES = [
    (SMALL, Targets(mlp=1.0, compiled=1.3), 20),
    (Shape(784, 64, 784, 48), Targets(mlp=1.0, compiled=1.3), 10),
    (Shape(784, 128, 784, 512), Targets(mlp=1.1), 1),
    (Shape(3072, 728, 3072, 512), Targets(mlp=1.05, products=1.25), 1),
]
COPIES = 16


one_thread = pytest.mark.parametrize("threads", [1], indirect=True, ids=["one thread"])
two_threads = pytest.mark.parametrize("threads", [2], indirect=True, ids=["two threads"])


@pytest.mark.usefixtures("threads")
@one_thread
@pytest.mark.benchmark(group="a training step of 784-64-784, batch 10, one thread")
@pytest.mark.parametrize("make", [mlp_step, zor_step])
def test_step_at_one_thread(benchmark: BenchmarkFixture, make: type[Step]) -> None:
    assert torch.isfinite(benchmark(make(SMALL))).all()


@pytest.mark.usefixtures("threads")
@two_threads
@pytest.mark.parametrize(("shape", "targets", "steps"), RACES, ids=[str(race[0]) for race in RACES])
def test_step_beside_its_rivals(
    benchmark: BenchmarkFixture, findings: Findings, shape: Shape, targets: Targets, steps: int
) -> None:
    benchmark.group = f"turns of {steps} training steps of {shape}, two threads"
    contenders = {ZOR: zor_step(shape), MLP: mlp_step(shape), PRODUCTS: five_products(shape)}
    if can_compile():
        torch.compiler.reset()  # what was compiled for another shape is no use here
        contenders[ZOR_COMPILED] = zor_step(shape, compile=True)
        for label, name in MLPS_COMPILED.items():
            contenders[name] = mlp_step(shape, compiled=label.split(" + "))
    elif NO_COMPILER not in findings.lines:
        findings.lines.append(NO_COMPILER)
    race = Race(benchmark, contenders, steps=steps)
    if ZOR in race:
        findings.add_row(STEP_TITLE, STEP_HEAD, step_row(str(shape), race, targets))


@pytest.mark.usefixtures("threads")
@two_threads
def test_an_ensemble_beside_single_runs(benchmark: BenchmarkFixture, findings: Findings) -> None:
    benchmark.group = f"turns of 5 training steps of {COPIES} networks of {SMALL}, two threads"
    contenders = {"ensemble": ensemble_step(SMALL, COPIES), "single runs": single_steps(SMALL, COPIES)}
    race = Race(benchmark, contenders, steps=5)
    if "ensemble" in race:
        ratio = race.ratio("ensemble", "single runs")
        findings.lines.append(
            f"{COPIES} seeds of {SMALL} as an ensemble, {race.microseconds('ensemble'):,.0f} µs a step: "
            f"{ratio:.2f} of the single runs' sum  {verdict(ratio, 0.5)}"
        )
