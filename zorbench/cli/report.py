"""`zorbench report`, and the end of every run: the report of a results folder and its tables."""

import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from zorbench.beside import Gathered, Shelf, asked_by_records, gather
from zorbench.compare.times import machine_facts
from zorbench.errors import InputError
from zorbench.report.cells import Record
from zorbench.store import read_records, read_runs


def report_on(results: Path, beside: Sequence[Path] = ()) -> None:
    """Write the report of a results folder, print its tables, what they say, and where the page is.

    Stored records of the folders `beside` stand next to its own.
    """
    shelves = [Shelf.open(folder, results) for folder in beside]

    def stored_beside(own: Sequence[Record]) -> Gathered:
        runs = {str(run.get("id")): run for run in read_runs(results)}
        machines = [facts for record in own if (facts := machine_facts(record, runs))]
        return gather(shelves, asked_by_records(own), own, machines)

    write_and_show(results, stored_beside)


def write_and_show(
    results: Path,
    stored_beside: Callable[[Sequence[Record]], Gathered],
    planned: Collection[str] | None = None,
) -> None:
    """The same, with whatever `stored_beside` gives for the folder's own records.

    `planned`: the keys of what a run wanted, whose code of a rule counts; None: what was written last.
    """
    from rich.console import Console

    from zorbench.cli.summary import NOTE, summary_tables
    from zorbench.report import write_report
    from zorbench.report.summary import in_short
    from zorbench.report.wording import self_check

    if not results.is_dir():
        raise InputError(f"{results}: no such results folder")
    own = read_records(results)
    gathered = stored_beside(own)
    # What comes last decides which code of a rule counts: what was planned, or else the folder's own.
    meant = [record for record in own if planned is None or record["key"] in planned]
    rest = [record for record in own if planned is not None and record["key"] not in planned]
    records: list[Record] = [*rest, *gathered.records, *meant] if gathered.records else [*own]
    if not records:
        raise InputError(f"{results}: holds no records; `zorbench run --out {results}` makes some")
    runs = read_runs(results)
    paths = write_report(results, records, runs, remarks=gathered.remarks)
    view = paths.view
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    for title, table in summary_tables(view):
        console.print(title, style="bold", markup=False)
        console.print(table)
    print(NOTE)
    for term, remark in gathered.remarks:
        console.print(f"{term}: {remark}", markup=False, soft_wrap=True)
    for line in filter(None, [*(sentence for _, sentence in in_short(view)), self_check(view)]):
        console.print(line, markup=False, soft_wrap=True)
    print(f"report: {paths.html}")
