"""`zorbench run` and `zorbench report`: from options to records, a report and a count of failures."""

import math
import secrets
import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from zorbench.cell import FAILED, Cell, Group, Outcome, Work, make_record
from zorbench.cli.display import Display, make_display
from zorbench.entry import Entry
from zorbench.environment import describe_environment
from zorbench.errors import InputError, unknown
from zorbench.executors import run_local
from zorbench.plan import Request, make_plan
from zorbench.registry import Registry
from zorbench.run import THREADS
from zorbench.stats import is_smoke
from zorbench.store import RUNS, Store, read_records, read_runs
from zorbench.suite import bundled_suites, find_suite, load_presets
from zorbench.tasks import TASKS
from zorbench.together import group_seeds

DEFAULT_SEEDS = 8


@dataclass(frozen=True)
class RunOptions:
    """The options of `zorbench run`."""

    suites: Sequence[str]
    preset: str | None
    baselines: Sequence[str]
    seeds: int | None
    device: str
    jobs: int
    data_root: Path | None
    out: Path | None
    plugins: Sequence[Path]
    retry_failed: bool
    seeds_together: bool
    timeout: float | None


def run_suites(options: RunOptions) -> int:
    """Run, write the report, and return how many of the planned cells have failed.

    Raises `InputError` before anything is run or written.
    """
    entries, seeds, name = _what_to_run(options)
    _check_numbers(seeds, options)
    cells = make_plan(
        Request(
            entries=entries,
            seeds=range(seeds),
            baselines=options.baselines,
            device=options.device,
            data_root=options.data_root,
            timeout=options.timeout,
        ),
        Registry(options.plugins),
    )
    results = options.out or Path("results") / name
    with Store(results) as store:
        keys = [_keys(cell, options) for cell in cells]
        retry = options.retry_failed
        todo = [cell for cell, own in zip(cells, keys, strict=True) if store.needs(*own, retry_failed=retry)]
        display = make_display(sys.stderr)
        display.planned(cells, todo, results)
        there = [store.records[cell.key] for cell in cells if cell.key in store.records]
        untimed = sum(record["status"] == "ok" and not record["attested"] for record in there)
        if untimed and options.jobs == 1:
            display.line(f"{untimed} of them ran side by side, so have no times; another --out times them")
        if todo:
            run_cells(
                todo,
                store,
                display,
                jobs=options.jobs,
                seeds=seeds,
                preset=options.preset,
                together=options.seeds_together,
            )
        failed = sum((store.find(*own) or {}).get("status") in FAILED for own in keys)
    if failed:
        display.line(f"{failed} of {len(cells)} cells failed; --retry failed runs errors and timeouts again")
    report_on(results)
    return failed


def report_on(results: Path) -> None:
    """Write the report of a results folder, print its tables and where the page is."""
    from rich.console import Console

    from zorbench.cli.summary import NOTE, summary_tables
    from zorbench.report import write_report

    if not results.is_dir():
        raise InputError(f"{results}: no such results folder")
    records = read_records(results)
    if not records:
        raise InputError(f"{results}: holds no records; `zorbench run --out {results}` makes some")
    runs = read_runs(results)
    paths = write_report(results, records, runs)
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    for title, table in summary_tables(records, runs):
        console.print(title, style="bold", markup=False)
        console.print(table)
    print(NOTE)
    print(f"report: {paths.html}")


def _what_to_run(options: RunOptions) -> tuple[list[Entry], int, str]:
    """Entries, number of seeds, and a name for the results folder."""
    presets = load_presets()
    if not options.suites and options.preset is None:
        raise InputError(
            f"nothing to run: name a suite ({', '.join(bundled_suites())}) or --preset ({', '.join(presets)})"
        )
    if options.preset is not None and options.preset not in presets:
        raise unknown("preset", options.preset, presets)
    suites = [find_suite(name) for name in options.suites or bundled_suites()]
    if not options.suites:
        suites.sort(key=lambda suite: list(TASKS).index(suite.task))
    entries = [entry for suite in suites for entry in suite.entries(options.preset)]
    if not entries:
        raise InputError(
            f"no entry of {', '.join(suite.name for suite in suites)} is in preset {options.preset}"
        )
    seeds = presets[options.preset].seeds if options.preset else DEFAULT_SEEDS
    name = "-".join(
        [*(suite.name for suite in suites if options.suites), *([options.preset] if options.preset else [])]
    )
    return entries, seeds if options.seeds is None else options.seeds, name


def _check_numbers(seeds: int, options: RunOptions) -> None:
    if seeds < 1:
        raise InputError(f"--seeds {seeds}: must be at least 1")
    if options.jobs < 1:
        raise InputError(f"--jobs {options.jobs}: must be at least 1")
    if options.timeout is not None and not 0 < options.timeout < math.inf:
        raise InputError(f"--timeout {options.timeout:g}: must be a number of seconds, more than 0")


def _keys(cell: Cell, options: RunOptions) -> tuple[str, ...]:
    """Where the cell's record may stand; one that was made with other seeds counts if these are asked for."""
    return (cell.key, cell.together_key) if options.seeds_together else (cell.key,)


def _arranged(runnable: list[Cell], store: Store, together: bool) -> Sequence[Work]:
    """What the processes do. A cell that ran before by itself, and failed, does so again."""
    if not together:
        return runnable
    again = [cell for cell in runnable if cell.key in store.records]
    return [*group_seeds(cell for cell in runnable if cell.key not in store.records), *again]


def run_cells(
    todo: Sequence[Cell],
    store: Store,
    display: Display,
    *,
    jobs: int,
    seeds: int,
    preset: str | None = None,
    together: bool = False,
) -> None:
    """Run cells, at most `jobs` at a time, and append their records to the store."""
    started = datetime.now(UTC)
    run = f"{started:%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"
    store.write_run(
        {
            "id": run,
            "started": started.isoformat(timespec="seconds"),
            "command": ["zorbench", *sys.argv[1:]],
            "command_line": shlex.join(["zorbench", *sys.argv[1:]]),
            "preset": preset,
            "seeds": seeds,
            "grade": "smoke" if is_smoke(seeds) else "verdict",
            "jobs": jobs,
            **describe_environment(),
        }
    )
    attested = jobs == 1
    runnable = [cell for cell in todo if not cell.unsupported]
    for cell in todo:
        if cell.unsupported:
            outcome = Outcome("unsupported", cell.unsupported)
            store.append(make_record(cell, outcome, run=run, threads=THREADS, attested=attested))
    log = store.results / RUNS / f"{run}.log"
    work = _arranged(runnable, store, together)
    display.grouped([one for one in work if isinstance(one, Group)])
    begin = time.monotonic()
    with display.running(len(runnable)):
        for progress in run_local(work, jobs, log):
            if progress.group is not None and progress.outcome is not None:
                display.parted(progress.group, progress.outcome)
            if progress.cell is not None and progress.outcome is not None:
                record = make_record(
                    progress.cell, progress.outcome, run=run, threads=THREADS, attested=attested
                )
                store.append(record, progress.outcome.images)
                display.ended(progress.cell, progress.outcome)
            display.now(progress.running)
    display.took(time.monotonic() - begin)
    if log.exists() and log.stat().st_size == 0:
        log.unlink()
    elif log.exists():
        display.line(f"what plugins printed, and their tracebacks: {log}")
