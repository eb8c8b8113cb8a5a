"""The commands that work on results folders: compare, export, pack. Only light imports here, as in `app`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

Results = Annotated[Path, typer.Argument(help="A results folder, e.g. results/quick.")]

With = Annotated[
    list[Path] | None,
    typer.Option(
        "--with",
        help="A results folder whose records stand next to the run's own, where they are of the same entries "
        "and episodes, and spare the cells that are among them; repeatable.",
    ),
]


class Lane(StrEnum):
    """What cells are for."""

    accuracy = "accuracy"
    timing = "timing"
    tuning = "tuning"
    probe = "probe"


def compare(
    old: Annotated[Path, typer.Argument(help="The results folder to hold others against.")],
    new: Annotated[Path, typer.Argument(help="The results folder that must not be worse.")],
    margin: Annotated[
        float, typer.Option(help="How much skill a row may lose, on the mean over its seeds.")
    ] = 0.02,
    time_margin: Annotated[
        float | None,
        typer.Option(help="By what share training may get slower, e.g. 0.2. Default: times do not gate."),
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option(help="Also write the comparison as Markdown, e.g. for a pull request.")
    ] = None,
    baseline: Annotated[
        list[str] | None, typer.Option(help="Look at this row or plugin only; repeatable. Default: all.")
    ] = None,
) -> None:
    """Hold one results folder against another: has anything got worse?

    Exit status: 0 no regression; 1 a regression beyond a margin; 2 not comparable (episodes, config,
    protocol or entry budget differ) or bad input; 3 incomplete (cells of OLD that NEW lacks, or that failed
    in NEW only). If several hold, 2 comes before 3 and 3 before 1.
    """
    from zorbench.cli.compare import compare_folders

    status = compare_folders(
        old, new, margin=margin, time_margin=time_margin, baselines=baseline or [], out=markdown
    )
    raise typer.Exit(status)


def export(
    results: Results,
    out: Annotated[Path | None, typer.Option(help="Where to. Default: RESULTS/export.")] = None,
    format_: Annotated[
        list[str] | None,
        typer.Option("--format", help="csv, parquet, or both with a comma; repeatable. Default: csv."),
    ] = None,
) -> None:
    """Write records (a row a record) and learning curves (a row a checkpoint) as CSV or Parquet."""
    from zorbench.cli.export import export_folder

    export_folder(results, out, format_ or [])


def pack(
    results: Results,
    out: Annotated[Path, typer.Argument(help="A folder for the packed records, e.g. results/reference.")],
    lane: Annotated[
        list[Lane] | None, typer.Option(help="Keep cells of this lane only; repeatable. Default: all.")
    ] = None,
) -> None:
    """Pack a results folder to be committed: gzip shards of at most 10 MiB, and its runs.

    The same records give the same bytes. Pictures, logs and reports stay behind.
    """
    from zorbench.cli.export import pack_folder

    pack_folder(results, out, [one.value for one in lane or []])


def add_to(app: typer.Typer) -> None:
    """Make these commands of the application."""
    for command in (compare, export, pack):
        app.command()(command)
