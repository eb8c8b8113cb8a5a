"""The commands and their options. Only light imports here: `--help` must not wait for torch."""

import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from zorbench import __version__
from zorbench.cli import folders, own
from zorbench.cli.choices import Asked, DataRoot, Equal, Listing, Part, Plugins, Retry
from zorbench.errors import InputError

OK, CHECK_FAILED, BAD_INPUT, CELLS_FAILED, INTERRUPTED = 0, 1, 2, 3, 130
INTERRUPTED_NOTE = "zorbench: interrupted; what has ended is kept, the same command goes on from there"

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Learning rules compared on equal terms.",
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"zorbench {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Learning rules compared on equal terms."""


@app.command()
def run(
    suites: Annotated[
        list[str] | None, typer.Argument(help="Suites by name, or paths to TOML files.", show_default=False)
    ] = None,
    preset: Annotated[
        str | None, typer.Option(help="smoke, quick or full, of the suites given or of all.")
    ] = None,
    baseline: Annotated[
        list[str] | None,
        typer.Option(help="NAME or NAME[key=value,...]; repeatable. Default: all. Floors are always added."),
    ] = None,
    entry: Annotated[
        list[str] | None, typer.Option(help="Entries by name, e.g. mnist5k-10shot; repeatable. Default: all.")
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(help="Number of seeds, 0 to N-1. Default: the preset's, else 8.")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:N or mps.")] = "cpu",
    protocol: Annotated[
        list[Equal] | None,
        typer.Option(help="What is held equal, instead of what each entry says; repeatable."),
    ] = None,
    train_seconds: Annotated[
        float | None, typer.Option(help="Training seconds under protocol time, instead of each entry's.")
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option(help="Configurations a rule may try under protocol tuned, defaults included."),
    ] = None,
    timing: Annotated[
        bool | None,
        typer.Option(
            "--timing/--no-timing", help="A timing lane for all entries, or none. Default: the entry's."
        ),
    ] = None,
    probes: Annotated[
        bool | None,
        typer.Option("--probes/--no-probes", help="Permuted labels for all classifiers, or none."),
    ] = None,
    jobs: Annotated[
        int, typer.Option(help="Cells at a time, but for those that measure time: these run alone.")
    ] = 1,
    data_root: DataRoot = None,
    out: Annotated[
        Path | None, typer.Option(help="Results folder. Default: results/NAME of the preset or suites.")
    ] = None,
    plugin: Plugins = None,
    retry: Annotated[
        Retry | None,
        typer.Option(
            help="Run cells again that ended in an error or timeout, or were timed on a busy machine."
        ),
    ] = None,
    seeds_together: Annotated[
        bool,
        typer.Option(
            "--seeds-together",
            help="Learn all seeds of a rule that offers it as one computation: faster, but without times.",
        ),
    ] = False,
    timeout: Annotated[
        float | None, typer.Option(help="Hard limit of one cell in seconds, instead of the suite's.")
    ] = None,
    with_: folders.With = None,
    dataset: own.Dataset = None,
    task: own.Task = None,
    shots: own.Shots = None,
    images: own.Images = None,
    samples: own.Samples = None,
    batch: own.Batch = None,
    hidden: own.Hidden = None,
    code: own.Code = None,
    validation: own.Validation = None,
    test: own.Test = None,
) -> None:
    """Run what is not there yet of suites or a preset, then write the report.

    Exit status: 0 all well, 2 bad input (nothing was run), 3 some cells failed, 130 interrupted.
    """
    from zorbench.cli.run import RunOptions, run_suites

    entry_options = {"dataset": dataset, "task": task, "shots": shots, "images": images, "samples": samples}
    entry_options |= {"batch": batch, "hidden": hidden, "code": code, "validation": validation, "test": test}
    options = RunOptions(
        suites=suites or [],
        preset=preset,
        baselines=baseline or [],
        seeds=seeds,
        device=device,
        jobs=jobs,
        data_root=data_root,
        out=out,
        plugins=plugin or [],
        retry_failed=retry is Retry.failed,
        seeds_together=seeds_together,
        timeout=timeout,
        protocols=[one.value for one in protocol or []],
        train_seconds=train_seconds,
        trials=trials,
        timed=timing,
        probed=probes,
        beside=with_ or [],
        own=own.asked(entry_options, others=bool(suites or preset)),
        entries=entry or [],
    )
    try:
        failed = run_suites(options)
    except KeyboardInterrupt:
        print(INTERRUPTED_NOTE, file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    raise typer.Exit(CELLS_FAILED if failed else OK)


@app.command()
def claims(
    ids: Annotated[
        list[str] | None, typer.Argument(help="Claims by their id. Default: all.", show_default=False)
    ] = None,
    data_root: DataRoot = None,
    out: Annotated[Path | None, typer.Option(help="Results folder. Default: results/claims.")] = None,
    seeds: Annotated[
        int, typer.Option(help="Number of seeds, 0 to N-1; a verdict needs 8.", show_default=True)
    ] = 8,
    minutes: Annotated[
        float, typer.Option(help="Run what fits, the cheapest verdicts first.", show_default=True)
    ] = 30,
    jobs: Annotated[
        int | None, typer.Option(help="Cells at a time, but for those that are timed. Default: 2.")
    ] = None,
    list_only: Annotated[
        bool, typer.Option("--list", help="List the claims and what they cost, and run nothing.")
    ] = False,
    file: Annotated[Path | None, typer.Option(help="Another claims file.")] = None,
    plugin: Plugins = None,
    retry: Annotated[
        Retry | None, typer.Option(help="Run cells again that failed, or were timed on a busy machine.")
    ] = None,
) -> None:
    """Hold published claims against measurements: VERIFIED, REFUTED, INCONCLUSIVE or NOT RUN.

    Exit status: 0 all well, refuted claims too; 2 bad input, 3 some cells failed, 130 interrupted.
    """
    from zorbench.cli.claims import ClaimsOptions, list_claims, run_claims

    options = ClaimsOptions(
        ids=ids or [],
        file=file,
        data_root=data_root,
        out=out,
        seeds=seeds,
        minutes=minutes,
        jobs=jobs,
        plugins=plugin or [],
        retry_failed=retry is Retry.failed,
    )
    if list_only:
        list_claims(options)
        return
    try:
        failed = run_claims(options)
    except KeyboardInterrupt:
        print(INTERRUPTED_NOTE, file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    raise typer.Exit(CELLS_FAILED if failed else OK)


@app.command()
def train(
    network: Annotated[str, typer.Argument(help="A published network, e.g. mozafari2018.")],
    dataset: Annotated[str, typer.Option(help="A data set of labelled images.")] = "mnist",
    epochs: Annotated[
        list[str] | None,
        typer.Option(help="Epochs of each stage, e.g. 2,4,20; the last are those by reward."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of weights, held-out images and orders.")] = 0,
    batch: Annotated[int, typer.Option(help="Images after which rates of reward are scaled anew.")] = 1000,
    validation: Annotated[
        int | None,
        typer.Option(
            help="Training images held out. Default: a tenth, at most 5000, if selected on; else 0."
        ),
    ] = None,
    select_on: Annotated[
        Part, typer.Option(help="What says which epoch counts: validation images, test images, the last.")
    ] = Part.validation,
    patience: Annotated[
        int | None, typer.Option(help="Stop when more than so many epochs have gone by since the best.")
    ] = None,
    test_every_epoch: Annotated[
        bool, typer.Option("--test-every-epoch", help="Also note test figures of each epoch by reward.")
    ] = False,
    data_root: DataRoot = None,
    out: Annotated[
        Path | None, typer.Option(help="Results folder. Default: results/NETWORK-DATASET.")
    ] = None,
    threads: Annotated[int, typer.Option(help="Threads of encoding and evaluation.")] = 1,
    maps: Annotated[
        bool, typer.Option("--maps", help="Draw learned features, and when they fire on a few test images.")
    ] = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write scalars for TensorBoard, which must be installed.")
    ] = False,
) -> None:
    """Train a published network whole, by its own protocol; an interrupted training goes on.

    Exit status: 0 all well, 2 bad input, 130 interrupted.
    """
    from zorbench.cli.train import TrainOptions, train_network
    from zorbench.training import Settings, parse_epochs

    settings = Settings(
        network=network,
        epochs=parse_epochs(epochs or []),
        seed=seed,
        batch=batch,
        validation=validation,
        select_on=select_on.value,
        patience=patience,
        test_every_epoch=test_every_epoch,
    )
    try:
        train_network(settings, TrainOptions(dataset, data_root, out, threads, maps, tensorboard))
    except KeyboardInterrupt:
        print("zorbench: interrupted; the same command goes on after the last whole epoch", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None


@app.command()
def report(
    results: folders.Results,
    with_: folders.With = None,
) -> None:
    """Write the report of a results folder again, from its records."""
    from zorbench.cli.report import report_on

    report_on(results, with_ or [])


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Its name, e.g. my_rule.")],
    task: Annotated[Asked, typer.Option(help="What it is for.")] = Asked.classification,
    out: Annotated[Path, typer.Option(help="Folder to write it to.")] = Path("."),
) -> None:
    """Write a plugin that already runs, NAME.py, and its test; then change it into your rule."""
    from zorbench.cli.new import write_plugin

    written = write_plugin(name, task.value, out)
    print(f"wrote {written.plugin} and {written.test}; next:")
    for command in written.commands:
        print(f"  {command}")


@app.command()
def check(
    plugin: Annotated[
        str | None,
        typer.Argument(help="A plugin file, a folder of them, or a baseline's name.", show_default=False),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All bundled baselines.")] = False,
    row: Annotated[str | None, typer.Option(help="One row of the plugin alone.")] = None,
    slow: Annotated[
        bool, typer.Option("--slow", help="Also slow checks, and rows that run only where they are named.")
    ] = False,
    listed: Annotated[bool, typer.Option("--list", help="List the checks, and check nothing.")] = False,
) -> None:
    """Check that a plugin does what is asked of every rule, in each of its tasks.

    Exit status: 0 nothing failed (known failures aside), 1 a check failed, 2 bad input, 130 interrupted.
    """
    from zorbench.cli.check import CheckOptions, print_checks
    from zorbench.cli.check import check as check_plugin

    if listed:
        print_checks()
        return
    try:
        passed = check_plugin(CheckOptions(plugin, every, row, slow))
    except KeyboardInterrupt:
        print("zorbench: interrupted", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    raise typer.Exit(OK if passed else CHECK_FAILED)


@app.command(name="list")
def list_(
    what: Annotated[Listing, typer.Argument(help="What to list.")],
    data_root: DataRoot = None,
    plugin: Plugins = None,
    markdown: Annotated[
        bool,
        typer.Option("--markdown", help="Of baselines: a whole page of Markdown, with their docstrings."),
    ] = False,
) -> None:
    """List the baselines, the suites or the data sets there are."""
    from zorbench.cli.baselines_page import baselines_page
    from zorbench.cli.listing import print_listing

    if markdown:
        if what is not Listing.baselines:
            raise InputError(f"--markdown is for baselines, not for {what.value}")
        print(baselines_page(plugin or []), end="")
        return

    print_listing(what.value, data_root, plugin or [])


folders.add_to(app)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Entry point: a user's mistake is one line and status 2."""
    signal.signal(signal.SIGTERM, _interrupt)  # a cancelled job stops its cells, as Ctrl-C does
    try:
        app()
    except BrokenPipeError:  # the reader of a table had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(OK)
    except OSError as error:
        print(f"zorbench: {error}", file=sys.stderr)
        sys.exit(BAD_INPUT)
    except InputError as error:
        print(f"zorbench: {error}", file=sys.stderr)
        sys.exit(BAD_INPUT)
