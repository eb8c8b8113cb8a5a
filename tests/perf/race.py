"""Timings that can be compared on a machine with other work: the contenders take turns."""

import time
from collections.abc import Mapping
from statistics import median, quantiles

import torch
from pytest_benchmark.fixture import BenchmarkFixture

from .steps import Step

WARM_UP = 5  # steps of each contender
FEWEST, MOST = 10, 300  # rounds


class Race:
    """In every round each contender makes its turn of a few steps, so what slows a round slows them all.

    pytest-benchmark times the first contender; its rivals run, timed by the same clock, in the set-up of each
    of its rounds, and are kept in `extra_info`. A ratio is the median of the ratios within a round.
    """

    def __init__(
        self, benchmark: BenchmarkFixture, contenders: Mapping[str, Step], *, steps: int, seconds: float = 15
    ) -> None:
        """Run it, about so long, in turns of `steps` steps, after a few that do not count."""
        first, *rivals = contenders
        self._seconds: dict[str, list[float]] = {name: [] for name in contenders}

        def turn(name: str) -> None:
            step = contenders[name]
            for _ in range(steps):
                step()

        def rivals_turns() -> None:
            for name in rivals:
                begin = time.perf_counter()
                turn(name)
                self._seconds[name].append((time.perf_counter() - begin) / steps)

        for step in contenders.values():
            for _ in range(WARM_UP):
                assert bool(torch.isfinite(step()).all())
        begin = time.perf_counter()
        for name in contenders:
            turn(name)
        rounds = int(seconds / (time.perf_counter() - begin))
        benchmark.pedantic(turn, args=(first,), setup=rivals_turns, rounds=min(max(rounds, FEWEST), MOST))
        if benchmark.stats is not None:  # None where benchmarks are disabled
            self._seconds[first] = [seconds / steps for seconds in benchmark.stats.stats.data]
            benchmark.extra_info |= {name: self._summary(name) for name in contenders}

    def __contains__(self, name: str) -> bool:
        """Whether a contender of that name was timed."""
        return bool(self._seconds.get(name))

    def microseconds(self, name: str) -> float:
        """The median of a step."""
        return median(self._seconds[name]) * 1e6

    def ratio(self, name: str, to: str) -> float:
        return median(a / b for a, b in zip(self._seconds[name], self._seconds[to], strict=True))

    def _summary(self, name: str) -> dict[str, float]:
        low, middle, high = (seconds * 1e6 for seconds in quantiles(self._seconds[name], n=4))
        return {"quartile_1_us": low, "median_us": middle, "quartile_3_us": high}
