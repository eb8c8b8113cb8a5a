"""`zorbench list baselines | suites | datasets`."""

import inspect
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table


def print_listing(what: str, data_root: Path | None, plugins: Sequence[Path]) -> None:
    """Print one of the three listings as a table."""
    tables = {
        "baselines": lambda: _baselines(plugins),
        "suites": _suites,
        "datasets": lambda: _datasets(data_root),
    }
    # Not on a terminal, rows are not folded, so that other programs can read them.
    width = None if sys.stdout.isatty() else 200
    Console(width=width).print(tables[what]())


def _table(*columns: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _baselines(plugins: Sequence[Path]) -> Table:
    from zorbench.registry import Registry

    table = _table("baseline", "role", "tasks", "plugin", "settings", "what it is")
    registry = Registry(plugins)
    for row in registry.rows():
        about = inspect.getdoc(row.plugin) or ""
        table.add_row(
            escape(row.label),
            row.plugin.role,
            ", ".join(sorted(task.name for task in row.plugin.tasks)),
            row.ref.distribution or row.ref.path.name,
            ", ".join(f"{key}={value}" for key, value in row.settings.items()),
            escape(about.partition("\n")[0]),
        )
    if registry.broken:
        table.caption = "\n".join(escape(f"not to be had: {broken}") for broken in registry.broken)
        table.caption_justify = "left"
    return table


def _suites() -> Table:
    from zorbench.suite import bundled_suites, find_suite, load_presets

    table = _table("suite", "task", "entries", "what it is")
    for name in bundled_suites():
        suite = find_suite(name)
        counts = {preset: len(suite.entries(preset)) for preset in load_presets()}
        per_preset = ", ".join(f"{preset} {count}" for preset, count in counts.items())
        table.add_row(name, suite.task, f"{len(suite.entries())} ({per_preset})", suite.description)
    return table


def _datasets(data_root: Path | None) -> Table:
    from zorbench.data import catalog

    table = _table("dataset", "shape", "training", "test", "tasks", "available", "what it is")
    for info in catalog(data_root):
        table.add_row(
            info.name,
            "×".join(str(size) for size in info.shape) if info.shape else "",
            str(info.n_train or ""),
            str(info.n_test or ""),
            ", ".join(sorted(info.tasks)),
            info.where,
            info.summary,
        )
    return table
