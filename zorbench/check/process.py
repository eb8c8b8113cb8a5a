"""A row's checks in a process of their own: whatever a plugin does there ends with it."""

import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from zorbench.check.model import Result
from zorbench.check.row import check_row, planned
from zorbench.executors import run_apart
from zorbench.registry import PluginRef, Row

SECONDS, SLOW_SECONDS = 180, 1800
"""Hard limit of a row's process, fast or slow."""


@dataclass(frozen=True)
class _Order:
    """What the process is told."""

    label: str
    ref: PluginRef
    settings: dict[str, Any]
    slow: bool
    journal: Path  # gets a line for each result


def check_row_apart(row: Row, *, slow: bool = False) -> list[Result]:
    """The results of all of the row's checks. If its process ends early, the check it was at failed."""
    with tempfile.TemporaryDirectory(prefix="zorbench-check-") as folder:
        order = _Order(row.label, row.ref, row.settings, slow, Path(folder) / "journal")
        order.journal.touch()
        limit = SLOW_SECONDS if slow else SECONDS
        reason = run_apart(_work, order, timeout=limit, log=Path(folder) / "log")
        lines = order.journal.read_text(encoding="utf-8").splitlines()
    results = [Result(**json.loads(line)) for line in lines]
    missing = planned(row, slow=slow)[len(results) :]
    for number, (task, one) in enumerate(missing):
        if number == 0:
            results.append(Result(row.label, task, one.name, "failed", reason or "the process ended early"))
        else:
            text = f"not made: the process ended in {missing[0][1].name}"
            results.append(Result(row.label, task, one.name, "skipped", text))
    return results


def _work(order: _Order) -> None:
    row = Row(order.label, order.ref, order.ref.load(), order.settings)
    with order.journal.open("a", encoding="utf-8") as journal:
        for result in check_row(row, slow=order.slow):
            journal.write(json.dumps(asdict(result)) + "\n")
            journal.flush()
