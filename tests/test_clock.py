from types import SimpleNamespace

import pytest
import torch

from zorbench import clock
from zorbench.clock import TrainingClock


@pytest.fixture
def time(monkeypatch):
    """A time that passes only when told to: `time.now += 1`."""
    time = SimpleNamespace(now=100.0)
    monkeypatch.setattr(clock, "time", SimpleNamespace(perf_counter=lambda: time.now))
    return time


def test_only_the_time_between_resume_and_pause_counts(time):
    watch = TrainingClock(torch.device("cpu"))
    time.now += 5
    watch.resume()
    time.now += 2
    watch.pause()
    time.now += 50
    watch.resume()
    time.now += 1
    watch.pause()
    assert watch.seconds == 3


def test_a_running_clock_can_be_read(time):
    watch = TrainingClock(torch.device("cpu"))
    watch.resume()
    time.now += 2
    assert watch.seconds == 2
    time.now += 1
    assert watch.seconds == 3


def test_a_second_pause_changes_nothing(time):
    watch = TrainingClock(torch.device("cpu"))
    watch.resume()
    time.now += 2
    watch.pause()
    time.now += 9
    watch.pause()
    assert watch.seconds == 2


def test_waiting_for_a_device_counts_and_leaves_the_clock_stopped(time, monkeypatch):
    def wait(device):
        assert device.type == "cuda"
        time.now += 4

    monkeypatch.setattr(clock, "synchronise", wait)
    watch = TrainingClock(torch.device("cuda"))
    watch.resume()
    time.now += 1
    watch.pause()
    time.now += 100
    assert watch.seconds == 5


def test_a_device_that_works_by_itself_is_not_waited_for_between_two_minibatches(time, monkeypatch):
    monkeypatch.setattr(clock, "synchronise", lambda device: pytest.fail("waited for the device"))
    watch = TrainingClock(torch.device("cuda"))
    watch.resume()
    time.now += 1
    watch.pause_briefly()
    time.now += 2
    watch.resume()
    time.now += 4
    assert watch.seconds == 7


def test_there_is_nothing_to_wait_for_on_the_cpu(time, monkeypatch):
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: pytest.fail("waited for the CPU"))
    watch = TrainingClock(torch.device("cpu"))
    watch.resume()
    time.now += 3
    watch.pause_briefly()
    time.now += 100
    watch.pause()
    assert watch.seconds == 3
