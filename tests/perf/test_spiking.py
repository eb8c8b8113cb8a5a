"""Steps of spiking networks beside what they are measured against, in one run of `make perf`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from .conftest import Findings
from .race import Race
from .spiking_steps import (
    conv_products,
    mlp_classifier_step,
    shifting_step,
    snntorch_step,
    stl_conv_step,
    stl_step,
)
from .targets import verdict

pytestmark = [pytest.mark.perf, pytest.mark.usefixtures("threads")]

two_threads = pytest.mark.parametrize("threads", [2], indirect=True, ids=["two threads"])

WIDE, BATCH = (784, 800, 10), 128
SMALL = (784, 256, 10)


@two_threads
def test_shifting_beside_an_mlp(benchmark: BenchmarkFixture, findings: Findings) -> None:
    contenders = {"shifting": shifting_step(WIDE, BATCH), "MLP": mlp_classifier_step(WIDE, BATCH)}
    race = Race(benchmark, contenders, steps=3)
    if "shifting" in race:
        ratio = race.ratio("shifting", "MLP")
        findings.lines.append(
            f"Shifting 784-800-10, batch {BATCH}: {race.microseconds('shifting') / 1e3:,.1f} ms a step, "
            f"{ratio:.1f} of an MLP's  {verdict(ratio, 40)}, aim {verdict(ratio, 10)}"
        )


@two_threads
def test_shifting_costs_in_proportion_to_the_batch(benchmark: BenchmarkFixture, findings: Findings) -> None:
    sizes = (64, 128, 256, 512)
    contenders = {f"batch {size}": shifting_step(WIDE, size) for size in sizes}
    race = Race(benchmark, contenders, steps=1)
    if "batch 64" in race:
        ratios = [race.ratio(f"batch {size}", "batch 64") for size in sizes[1:]]
        listed = ", ".join(f"{ratio:.1f} at {size}" for ratio, size in zip(ratios, sizes[1:], strict=True))
        findings.lines.append(f"Shifting, a step at batch 64 = 1: {listed}")


@two_threads
def test_stl_beside_the_loop_of_snntorch(benchmark: BenchmarkFixture, findings: Findings) -> None:
    race = Race(benchmark, {"STL": stl_step(SMALL, 48), "snntorch": snntorch_step(SMALL, 48)}, steps=10)
    if "STL" in race:
        ratio = race.ratio("STL", "snntorch")
        findings.lines.append(
            f"STL 784-256-10, T = 4, batch 48: {race.microseconds('STL') / 1e3:,.1f} ms a step, "
            f"{ratio:.2f} of snntorch's own loop  {verdict(ratio, 0.8)}"
        )


@two_threads
def test_the_convolutional_stl_beside_its_products(benchmark: BenchmarkFixture, findings: Findings) -> None:
    race = Race(benchmark, {"STL": stl_conv_step(50), "products": conv_products(50)}, steps=1, seconds=20)
    if "STL" in race:
        ratio = race.ratio("STL", "products")
        findings.lines.append(
            f"STL 128C5-128C5-2048-100, T = 4, batch 50: {race.microseconds('STL') / 1e3:,.0f} ms a step, "
            f"{ratio:.2f} of its products alone  {verdict(ratio, 1.3)}"
        )


@two_threads
def test_memory_of_a_step_of_shifting(findings: Findings) -> None:
    command = [sys.executable, "-m", "tests.perf.shifting_memory", *map(str, WIDE), str(BATCH)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root, env=os.environ)
    if done.stdout.strip() == "None":
        pytest.skip("peak memory is known on Linux only")
    peak = int(done.stdout) / 1e9
    findings.lines.append(
        f"Shifting 784-800-10, batch {BATCH}: {peak:.3f} GB at the peak  {verdict(peak, 1.0)}"
    )
    assert 4 * 784 * 800 / 1e9 < peak < 1.0, "at least the weights, at most a gigabyte"
