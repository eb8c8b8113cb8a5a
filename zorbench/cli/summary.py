"""The tables that a run prints at its end: error of every row, training time where there is a timing lane."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from zorbench.report.model import EntryView, ReportView, Row

NOTE = "* floor that is the zero of skill   ! failed cells, so no mean   – not applicable, or not timed"

_TITLE = "mean error"
_TIMED_TITLE = "mean error, training seconds"


_MOST_COLUMNS = 4  # that fit into 90 characters


def summary_tables(view: ReportView) -> list[tuple[str, Table]]:
    """Titles and tables for each suite and data set: rows are baselines, floors last; columns are entries."""
    groups: dict[tuple[str, str], list[EntryView]] = {}
    for suite in view.suites:
        for entry in suite.entries:
            groups.setdefault((suite.name, entry.dataset), []).append(entry)
    return [
        (
            f"{suite} on {dataset}: {_TIMED_TITLE if any(entry.clocked for entry in shown) else _TITLE}",
            _table(dataset, shown),
        )
        for (suite, dataset), entries in groups.items()
        for start in range(0, len(entries), _MOST_COLUMNS)
        if (shown := entries[start:][:_MOST_COLUMNS])
    ]


def _table(dataset: str, entries: Sequence[EntryView]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("baseline", no_wrap=True)
    for entry in entries:
        heading = entry.title.removeprefix(f"{dataset}-")
        table.add_column(Text(heading), justify="right", no_wrap=True)
    labels = _labels(entries)
    for number, label in enumerate(labels):
        rows = [entry.row(label) for entry in entries]
        floor = _is_floor(entries, label)
        following = labels[number + 1] if number + 1 < len(labels) else None
        last_of_group = following is not None and not floor and _is_floor(entries, following)
        cells = [_cell(row, entry.clocked is not None) for row, entry in zip(rows, entries, strict=True)]
        table.add_row(Text(label), *cells, style="dim" if floor else "", end_section=last_of_group)
    return table


def _labels(entries: Sequence[EntryView]) -> list[str]:
    """The rows' labels: by their mean rank of error over the entries, floors last."""
    ranks: dict[str, list[int]] = {}
    for entry in entries:
        for group in ("headline", "outside", "floor"):
            for rank, row in enumerate(entry.group(group)):
                ranks.setdefault(row.label, []).append(rank)
    return sorted(
        ranks, key=lambda label: (_is_floor(entries, label), sum(ranks[label]) / len(ranks[label]), label)
    )


def _is_floor(entries: Sequence[EntryView], label: str) -> bool:
    return any(row is not None and row.group == "floor" for row in (entry.row(label) for entry in entries))


def _cell(row: Row | None, timed: bool) -> str:
    if row is None:
        return "–"
    if row.failed or "error" not in row.stats:
        return "!"
    seconds = row.stats.get("train_seconds")
    time = "–" if seconds is None else _short(seconds.mean)
    error = f"{row.stats['error'].mean:.4f}{'*' if row.zero else ' '}"
    return f"{error} {time:>6}" if timed else error


def _short(seconds: float) -> str:
    if seconds < 0.01:
        return "<0.01"
    return f"{seconds:.2f}" if seconds < 100 else f"{seconds:.0f}"
