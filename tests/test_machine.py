"""Who is at work on the machine while seconds are measured. Bounds are coarse: others may be at work, too."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from zorbench import machine
from zorbench.machine import Load, busy_seconds, pinned

knows = pytest.mark.skipif(busy_seconds() is None, reason="this system does not tell how busy it is")
CORES = os.cpu_count() or 1


@contextmanager
def somebody_at_work() -> Iterator[None]:
    """Another process that computes without end."""
    code = "print(flush=True)\nwhile True: pass"
    other = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        assert other.stdout is not None
        other.stdout.readline()
        yield
    finally:
        other.kill()
        other.communicate()


def compute(seconds: float) -> float:
    """Compute for so long of this process's own time; how much of it there was."""
    begin = time.process_time()
    while time.process_time() - begin < seconds:
        pass
    return time.process_time() - begin


def stat(text, tmp_path, monkeypatch):
    (tmp_path / "stat").write_text(text)
    monkeypatch.setattr(machine, "_STAT", tmp_path / "stat")


# How busy


def test_busy_seconds_are_all_but_idling_waiting_and_guests_counted_twice(tmp_path, monkeypatch):
    #            user nice system idle iowait irq softirq steal guest guest_nice
    stat("cpu  1000 200 30 999999 888888 4 5 6 700 70\ncpu0 9 9 9 9\n", tmp_path, monkeypatch)
    assert busy_seconds() == pytest.approx((1000 + 200 + 30 + 4 + 5 + 6) / os.sysconf("SC_CLK_TCK"))


def test_a_system_that_does_not_tell_is_unknown(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "_STAT", tmp_path / "nothing")
    assert busy_seconds() is None


@knows
def test_a_process_at_work_shows_in_the_busy_seconds():
    with somebody_at_work():
        begin, wall = busy_seconds(), time.perf_counter()
        time.sleep(0.5)
        spent, wall = busy_seconds() - begin, time.perf_counter() - wall
    assert 0.1 < spent < CORES * wall + 0.1


# Others


@knows
def test_others_at_work_are_seen():
    with somebody_at_work(), Load() as load:
        time.sleep(0.5)
    assert load.of_others > 0.2 / CORES  # nearly one core, unless it shares it
    assert load.of_others <= 1


@knows
def test_one_s_own_work_is_not_that_of_others():
    """Least of a few tries: whoever else is at work here is not always."""

    def others(work):
        found = []
        for _ in range(3):
            with Load() as load:
                work(0.1)
            found.append(load.of_others)
        return min(found)

    assert others(compute) < others(time.sleep) + 0.5 / CORES


class Times:
    """A machine whose counters are told what they show."""

    def __init__(self, monkeypatch, cores=4):
        self.wall = self.own = self.busy = 0.0
        monkeypatch.setattr(machine, "busy_seconds", lambda: self.busy)
        monkeypatch.setattr(machine, "time", self)
        monkeypatch.setattr(os, "cpu_count", lambda: cores)

    def perf_counter(self):
        return self.wall

    def process_time(self):
        return self.own


@pytest.mark.parametrize(
    ("wall", "own", "busy", "expected"),
    [
        (10.0, 9.0, 9.0, 0.0),
        (10.0, 9.0, 13.02, 4 / 40),
        (10.0, 0.0, 20.02, 20 / 40),
        (0.01, 0.01, 0.03, 0.0),  # a tick of the kernel's
        (10.0, 9.0, 8.0, 0.0),
        (1.0, 0.0, 99.0, 1.0),
    ],
)
def test_the_load_is_the_share_of_all_cores_that_others_took(monkeypatch, wall, own, busy, expected):
    times = Times(monkeypatch)
    with Load() as load:
        times.wall, times.own, times.busy = wall, own, busy
    assert load.of_others == pytest.approx(expected)


@pytest.mark.parametrize(("average", "expected"), [(0.0, 0.0), (1.0, 0.0), (3.0, 0.5), (99.0, 1.0)])
def test_where_the_system_does_not_tell_the_load_average_does(monkeypatch, average, expected):
    times = Times(monkeypatch)
    times.busy = None
    monkeypatch.setattr(os, "getloadavg", lambda: (average, 50.0, 50.0))
    with Load() as load:
        times.wall = 1.0
    assert load.of_others == pytest.approx(expected)


def test_the_load_is_known_also_where_something_is_raised():
    load = Load()
    with pytest.raises(KeyError), load:
        raise KeyError
    assert 0 <= load.of_others <= 1


# Cores


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system pins no process")
def test_a_process_is_kept_to_its_last_cores_and_let_go_again():
    before = os.sched_getaffinity(0)
    with pinned(1):
        assert os.sched_getaffinity(0) == {max(before)}
    assert os.sched_getaffinity(0) == before
    with pytest.raises(KeyError), pinned(1):
        raise KeyError
    assert os.sched_getaffinity(0) == before
    with pinned(len(before) + 1):
        assert os.sched_getaffinity(0) == before


def test_where_the_system_pins_no_process_nothing_happens(monkeypatch):
    monkeypatch.delattr(os, "sched_setaffinity", raising=False)
    with pinned(1):
        pass
