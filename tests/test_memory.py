import mmap
import subprocess
import sys

import numpy as np
import pytest
import torch

from zorbench.memory import PeakMemory, total_memory

MIB = 2**20
linux = pytest.mark.skipif(sys.platform != "linux", reason="measured on Linux only")


@pytest.fixture
def peak():
    peak = PeakMemory(torch.device("cpu"))
    peak.start()
    if peak.read() is None:
        pytest.skip("this kernel does not let a process reset its high water mark")
    return peak


@linux
def test_memory_that_was_given_back_is_still_in_the_peak(peak):
    peak.start()
    block = np.ones(64 * MIB, dtype=np.uint8)
    del block
    assert 60 * MIB < peak.read() < 90 * MIB


@linux
def test_what_was_there_before_is_not(peak):
    block = np.ones(64 * MIB, dtype=np.uint8)
    peak.start()
    assert peak.read() < 20 * MIB
    assert block[-1] == 1


@linux
def test_what_happens_in_a_pause_is_not_in_the_peak_but_what_came_before_is(peak):
    def touch(size: int) -> None:
        """Pages of its own, given back: an array may get what the process kept of an earlier one."""
        with mmap.mmap(-1, size) as pages:
            np.frombuffer(pages, dtype=np.uint8)[:] = 1

    peak.start()
    touch(32 * MIB)
    peak.pause()
    touch(128 * MIB)
    peak.resume()
    assert 28 * MIB < peak.read() < 60 * MIB


def test_a_device_that_tells_nothing_has_no_peak():
    peak = PeakMemory(torch.device("meta"))
    peak.start()
    assert peak.read() is None


@linux
def test_an_allocation_beyond_the_machine_fails_in_a_limited_process():
    code = (
        "import numpy as np; from zorbench.memory import limit_memory, total_memory; limit_memory();"
        "np.ones(2**20); np.empty(total_memory(), dtype=np.uint8)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert "MemoryError" in done.stderr


def test_the_memory_of_the_machine_is_known_in_bytes():
    assert total_memory() is None or total_memory() > 256 * MIB
