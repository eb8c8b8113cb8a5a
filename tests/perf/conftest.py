"""Collects what the speed benchmarks found, and prints it after them."""

import os
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field

import pytest
import torch

from .targets import aligned


@dataclass
class Findings:
    """What is to be printed: tables by their titles, each a list of rows, and lines below them."""

    tables: dict[str, list[Sequence[str]]] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def add_row(self, title: str, head: Sequence[str], row: Sequence[str]) -> None:
        self.tables.setdefault(title, [head]).append(row)


FINDINGS = pytest.StashKey[Findings]()


@pytest.fixture
def findings(pytestconfig: pytest.Config) -> Findings:
    return pytestconfig.stash.setdefault(FINDINGS, Findings())


@pytest.fixture
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    """So many of torch's threads as the parameter says."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> Generator[None, None, None]:
    yield  # pytest-benchmark's own tables first
    found = config.stash.get(FINDINGS, None)
    if found is None:
        return
    terminalreporter.section("speed")
    for title, rows in found.tables.items():
        for line in [title, *aligned(rows), ""]:
            terminalreporter.line(line)
    for line in [*found.lines, *_disturbed()]:
        terminalreporter.line(line)


def _disturbed() -> Iterator[str]:
    """A word of caution where others worked on the machine: threads that wait for each other suffer most."""
    cores = os.cpu_count() or 1
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if load > 1.5 * cores:
        yield f"The machine was busy (load {load:.1f} on {cores} cores): measure again when it is not."
