"""The tables that a run prints at its end: error and training time of every row, one table a suite."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from zorbench.report.build import build_view
from zorbench.report.model import EntryView, Row, SuiteView


def summary_tables(records: Sequence[Mapping[str, Any]], runs: Sequence[Mapping[str, Any]]) -> list[Table]:
    """One table a suite: rows are baselines, floors last; columns are entries."""
    return [_suite_table(suite) for suite in build_view(records, runs).suites]


def _suite_table(suite: SuiteView) -> Table:
    table = Table(
        title=Text(f"{suite.name}: mean error, training seconds (less is better)"),
        title_justify="left",
        title_style="bold",
        caption="* floor that is the zero of skill; ! cells failed: no mean; – not applicable, or not timed",
        caption_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    table.add_column("baseline", no_wrap=True)
    for entry in suite.entries:
        table.add_column(Text(entry.title.replace("-", "\n", 1)), justify="right", no_wrap=True)
    labels = _labels(suite)
    for number, label in enumerate(labels):
        rows = [entry.row(label) for entry in suite.entries]
        floor = any(row is not None and row.group == "floor" for row in rows)
        following = labels[number + 1] if number + 1 < len(labels) else None
        last_of_group = following is not None and not floor and _is_floor(suite, following)
        cells = [_cell(row) for row in rows]
        table.add_row(Text(label), *cells, style="dim" if floor else "", end_section=last_of_group)
    return table


def _labels(suite: SuiteView) -> list[str]:
    """The rows' labels: by their mean rank of error over the entries, floors last."""
    ranks: dict[str, list[int]] = {}
    for entry in suite.entries:
        for group in ("headline", "outside", "floor"):
            for rank, row in enumerate(entry.group(group)):
                ranks.setdefault(row.label, []).append(rank)
    return sorted(
        ranks, key=lambda label: (_is_floor(suite, label), sum(ranks[label]) / len(ranks[label]), label)
    )


def _is_floor(suite: SuiteView, label: str) -> bool:
    return any(_group(entry, label) == "floor" for entry in suite.entries)


def _group(entry: EntryView, label: str) -> str | None:
    row = entry.row(label)
    return None if row is None else row.group


def _cell(row: Row | None) -> str:
    if row is None:
        return "–"
    if row.failed or "error" not in row.stats:
        return "!"
    seconds = row.stats.get("train_seconds")
    time = "–" if seconds is None else _short(seconds.mean)
    return f"{row.stats['error'].mean:.4f}{'*' if row.zero else ' '} {time:>6}"


def _short(seconds: float) -> str:
    if seconds < 0.01:
        return "<0.01"
    return f"{seconds:.2f}" if seconds < 100 else f"{seconds:.0f}"
