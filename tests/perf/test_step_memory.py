"""A step keeps little beside what the rule itself keeps."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Findings
from .steps import Shape
from .targets import verdict

SHAPE = Shape(3072, 728, 3072, 512)
MOST = 2.0


def floor(shape: Shape) -> int:
    """Bytes of weights, of the optimiser's two moments, and of a batch's activities, currents and errors.

    Activities are those below the output, currents and errors those above the input.
    """
    weights = shape.n_in * shape.hidden + shape.hidden * shape.n_out
    units = (shape.n_in + shape.hidden) + 2 * (shape.hidden + shape.n_out)
    return 4 * (3 * weights + shape.batch * units)


@pytest.mark.slow
@pytest.mark.perf
def test_a_step_s_peak_is_at_most_twice_its_weights_moments_and_activations(findings: Findings) -> None:
    command = [sys.executable, str(Path(__file__).with_name("step_memory.py")), *map(str, SHAPE)]
    # glibc would keep freed memory for later, at times more and at times less: here it goes back at once.
    env = os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    if done.stdout.strip() == "None":
        pytest.skip("peak memory is known on Linux only")
    peak = int(done.stdout)
    ratio = peak / floor(SHAPE)
    findings.lines.append(
        f"Peak memory of a step of {SHAPE}: {peak / 1e6:.0f} MB, {ratio:.2f} of weights, both moments and "
        f"activations  {verdict(ratio, MOST)}"
    )
    assert ratio > 0.9, "less than must be there: something was not measured"
    assert ratio <= MOST
