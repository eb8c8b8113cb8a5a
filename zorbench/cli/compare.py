"""`zorbench compare`: two results folders in, a verdict and its tables out."""

import math
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from zorbench.compare import Comparison, Side, compare, markdown, verdict
from zorbench.compare.words import (
    CHANGE_HEAD,
    CODE,
    UNGATED,
    added_line,
    change_cells,
    gap_lines,
    obstacle_lines,
    probe_lines,
    times_line,
)
from zorbench.errors import InputError
from zorbench.report.formatting import plural
from zorbench.store import read_records, read_runs

MOST_ROWS = 30
"""Rows of the printed table; the Markdown has all."""


def compare_folders(
    old: Path,
    new: Path,
    *,
    margin: float,
    time_margin: float | None,
    baselines: Sequence[str],
    out: Path | None,
) -> int:
    """Print what changed from `old` to `new`, write Markdown to `out`, and return the exit status.

    Raises `InputError` for a folder that holds no records, or a margin that is no number from 0 up.
    """
    for name, value in (("--margin", margin), ("--time-margin", time_margin)):
        if value is not None and not 0 <= value < math.inf:
            raise InputError(f"{name} {value:g}: must be a number from 0 up")
    found = compare(
        read_side(old), read_side(new), margin=margin, time_margin=time_margin, baselines=baselines
    )
    if out is not None:
        if not out.absolute().parent.is_dir():
            raise InputError(f"--markdown {out}: there is no folder {out.parent}")
        out.write_text(markdown(found), encoding="utf-8")
    _show(found)
    return found.status


def read_side(results: Path) -> Side:
    """The records and runs of a results folder, named as it was given."""
    if not results.is_dir():
        raise InputError(f"{results}: no such results folder")
    records = read_records(results)
    if not records:
        raise InputError(f"{results}: holds no records; `zorbench run --out {results}` makes some")
    return Side.of(results.as_posix(), records, read_runs(results))


def _show(found: Comparison) -> None:
    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    changed = [change for change in found.gated if change.changed]
    if changed:
        console.print(_table(found))
    if len(changed) > MOST_ROWS:
        more = len(changed) - MOST_ROWS
        _print(console, f"and {more} more, which lost less or gained; --markdown FILE has them all")
    timed = sum(change.changed for change in found.ungated)
    if timed:
        _print(console, f"{plural(timed, 'row')} {UNGATED}")
    for title, lines in (
        ("leak probe fails", probe_lines(found)),
        ("not comparable", obstacle_lines(found)),
        ("no result", gap_lines(found.gaps)),
        ("note", found.notes),
    ):
        for line in lines:
            _print(console, f"{title}: {line}")
    if found.added:
        _print(console, f"new rows: {added_line(found)}")
    if times_line(found):
        _print(console, times_line(found))
    for change in found.slowdowns:
        _print(console, f"slower: {change.place}: {change.ratio.value:.2f} ×")
    _print(console, verdict(found))


def _table(found: Comparison) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for number, title in enumerate((*CHANGE_HEAD, CODE)):
        table.add_column(title.lower(), justify="left" if number < 2 else "right", no_wrap=number > 0)
    worse = found.regressions
    for change in [change for change in found.gated if change.changed][:MOST_ROWS]:
        entry = str(change.place).removesuffix(f" {change.place.label}")
        code = "changed" if change.recoded else "same"
        cells = [entry, change.place.label, *change_cells(change), code]
        table.add_row(*map(Text, cells), style="bold" if change in worse else "")
    return table


def _print(console: Console, text: str) -> None:
    console.print(text, markup=False, soft_wrap=True)
