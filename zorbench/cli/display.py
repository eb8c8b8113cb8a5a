"""What a run shows while it runs: a live bar on a terminal, plain lines elsewhere."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column

from zorbench.cell import FAILED, Cell, Group, Outcome, Work

_PLAIN_EVERY = 10.0  # seconds between two plain lines of progress


class Display:
    """Plain lines: what was planned, progress now and then, every failure, the end."""

    def __init__(self, stream: IO[str]) -> None:
        self.stream = stream
        self.done = 0
        self.total = 0
        self._current = ""
        self._begin = self._last = time.monotonic()

    def line(self, text: str) -> None:
        print(text, file=self.stream, flush=True)

    def planned(self, cells: Sequence[Cell], todo: Sequence[Cell], results: Path) -> None:
        there = len(cells) - len(todo)
        idle = sum(bool(cell.unsupported) for cell in todo)
        already = f", {there} already there" if there else ""
        inapplicable = f", {idle} not applicable" if idle else ""
        self.line(f"{results}: {len(cells)} cells{already}{inapplicable}, {len(todo) - idle} to run")

    def grouped(self, groups: Sequence[Group]) -> None:
        if groups:
            cells = sum(len(group.cells) for group in groups)
            groups_of = "group" if len(groups) == 1 else "groups"
            self.line(f"{cells} of them in {len(groups)} {groups_of} of seeds, each one computation")

    def parted(self, group: Group, outcome: Outcome) -> None:
        self.line(f"not together: {name_of(group)}: {outcome.reason}; they run one by one")

    @contextmanager
    def running(self, total: int) -> Iterator[None]:
        self.total = total
        self._begin = self._last = time.monotonic()
        yield

    def now(self, work: Sequence[Work]) -> None:
        self._current = ", ".join(name_of(one) for one in work)
        if time.monotonic() - self._last >= _PLAIN_EVERY and self._current:
            self._last = time.monotonic()
            self.line(f"{self.done}/{self.total} cells, {self.left()}, now {self._current}")

    def ended(self, cell: Cell, outcome: Outcome) -> None:
        self.done += 1
        if outcome.status in FAILED and cell.lane != "tuning":
            self.line(f"{outcome.status}: {name_of(cell)}: {outcome.reason}")

    def left(self) -> str:
        """About how long the rest takes, at the pace so far."""
        if self.done < 5:  # the first cells wait for the first process
            return "time left unknown"
        seconds = (time.monotonic() - self._begin) / self.done * (self.total - self.done)
        return f"about {duration(seconds)} left"

    def took(self, seconds: float) -> None:
        cells = "cell" if self.done == 1 else "cells"
        self.line(f"{self.done} {cells} run in {duration(seconds)}")


class LiveDisplay(Display):
    """A terminal: one bar with the running cell, cells done, and the time left."""

    def __init__(self, stream: IO[str]) -> None:
        super().__init__(stream)
        self.console = Console(file=stream)
        self._bar: Progress | None = None

    def line(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def running(self, total: int) -> Iterator[None]:
        self.total = total
        columns = (
            BarColumn(bar_width=16, table_column=Column(no_wrap=True, min_width=16)),
            MofNCompleteColumn(table_column=Column(no_wrap=True, min_width=2 * len(str(total)) + 1)),
            TimeElapsedColumn(table_column=Column(no_wrap=True, min_width=7)),
            TextColumn("left", table_column=Column(no_wrap=True, min_width=4)),
            TimeRemainingColumn(table_column=Column(no_wrap=True, min_width=7)),
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, ratio=1)),
        )
        with Progress(*columns, console=self.console, transient=True, expand=True) as self._bar:
            self._task = self._bar.add_task("", total=total)
            yield

    def now(self, work: Sequence[Work]) -> None:
        if self._bar is not None:
            self._bar.update(self._task, description=", ".join(name_of(one) for one in work))

    def ended(self, cell: Cell, outcome: Outcome) -> None:
        super().ended(cell, outcome)
        if self._bar is not None:
            self._bar.update(self._task, completed=self.done)


def make_display(stream: IO[str]) -> Display:
    """Live on a terminal, plain elsewhere."""
    return LiveDisplay(stream) if stream.isatty() else Display(stream)


def name_of(work: Work) -> str:
    """A cell in one glance: `reconstruction/mnist5k-10shot seed 0 zor`; a group: `… 8 seeds zor`."""
    if isinstance(work, Group):
        cell = work.cells[0]
        return f"{cell.entry.suite}/{cell.entry.name} {len(work.cells)} seeds {cell.label}"
    cell = work
    lanes = {"timing": "timing lane", "probe": "permuted labels", "tuning": f"trial {cell.trial}"}
    what = lanes.get(cell.lane, "" if cell.protocol == "samples" else cell.protocol)
    more = f" ({what})" if what else ""
    return f"{cell.entry.suite}/{cell.entry.name} seed {cell.seed} {cell.label}{more}"


def duration(seconds: float) -> str:
    """`42 s`, `3 min 05 s`, `2 h 10 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
