"""`zorbench run`: from options to records and a count of failures."""

import itertools
import math
import secrets
import shlex
import sys
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from zorbench.beside import Shelf, asked_by_cells, gather, ready_made, this_machine
from zorbench.cell import FAILED, TIMING, Cell, Group, Outcome, Work, make_record
from zorbench.cli.display import Display, make_display
from zorbench.cli.report import write_and_show
from zorbench.entry import Entry, Protocol
from zorbench.environment import describe_environment
from zorbench.errors import InputError, unknown
from zorbench.executors import run_local
from zorbench.lanes import settled
from zorbench.own import SUITE as OWN_SUITE
from zorbench.own import Own, own_entries
from zorbench.plan import Request, make_plan
from zorbench.registry import Registry
from zorbench.report.cells import lane
from zorbench.report.current import current
from zorbench.session import THREADS
from zorbench.stats import is_smoke
from zorbench.store import RUNS, Store
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
    protocols: Sequence[Protocol] = ()
    train_seconds: float | None = None
    trials: int | None = None
    timed: bool | None = None
    probed: bool | None = None
    beside: Sequence[Path] = ()  # other results folders
    own: Own | None = None  # an entry without a suite
    entries: Sequence[str] = ()


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
            protocols=options.protocols,
            train_seconds=options.train_seconds,
            trials=options.trials,
            timed=options.timed,
            probed=options.probed,
        ),
        Registry(options.plugins),
    )
    results = options.out or Path("results") / name
    shelves = [Shelf.open(folder, results) for folder in options.beside]
    machines = [this_machine(options.device, THREADS)] if shelves else []
    with Store(results, ready_made(shelves, machines)) as store:
        keys = [_keys(cell, options) for cell in cells]
        planned = {key for own in keys for key in own}
        _renew(store, planned)
        todo = _to_run(cells, store, options)
        display = make_display(sys.stderr)
        display.planned(cells, todo, results)
        stored = sum(store.find(*own) is not None and not set(own) & set(store.records) for own in keys)
        if stored:
            display.line(f"{stored} of them stored in {', '.join(map(str, options.beside))}")
        if todo:
            run_cells(
                todo,
                store,
                display,
                jobs=options.jobs,
                seeds=seeds,
                preset=options.preset,
                together=options.seeds_together,
                needed=lambda cell: _is_needed(cell, store, options),
            )
        failed = sum(
            (store.find(*own) or {}).get("status") in FAILED
            for cell, own in zip(cells, keys, strict=True)
            if cell.lane != "tuning"  # a configuration that does not work is what trials are to find out
        )
    if failed:
        display.line(f"{failed} of {len(cells)} cells failed; --retry failed runs errors and timeouts again")
    stored_beside = partial(gather, shelves, asked_by_cells(cells), machines=machines, planned=planned)
    write_and_show(results, stored_beside, planned)
    return failed


def _renew(store: Store, planned: Collection[str]) -> None:
    """Write records again that were planned and replaced since: of a rule whose code is what it was before.

    What was written last is what a report shows, and a comparison.
    """
    records = [record for record in store.records.values() if lane(record) != "tuning"]
    shown = {record["key"] for record in current(records)[0]}
    for record in records:
        if record["key"] in planned and record["key"] not in shown:
            store.append(record)


def _what_to_run(options: RunOptions) -> tuple[list[Entry], int, str]:
    """Entries, number of seeds, and a name for the results folder."""
    if options.own is not None:
        entries = _named(own_entries(options.own, options.data_root), options.entries)
        return entries, DEFAULT_SEEDS if options.seeds is None else options.seeds, OWN_SUITE
    presets = load_presets()
    if not options.suites and options.preset is None:
        raise InputError(
            f"nothing to run: name a suite ({', '.join(bundled_suites())}), "
            f"or --preset ({', '.join(presets)}), or --dataset with --task"
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
    entries = _named(entries, options.entries)
    seeds = presets[options.preset].seeds if options.preset else DEFAULT_SEEDS
    name = "-".join(
        [*(suite.name for suite in suites if options.suites), *([options.preset] if options.preset else [])]
    )
    return entries, seeds if options.seeds is None else options.seeds, name


def _named(entries: list[Entry], names: Sequence[str]) -> list[Entry]:
    """Those of the entries that `names` has, all if it is empty."""
    known = {entry.name for entry in entries}
    for name in names:
        if name not in known:
            raise unknown("entry", name, sorted(known), "--entry")
    return [entry for entry in entries if not names or entry.name in names]


def _check_numbers(seeds: int, options: RunOptions) -> None:
    if seeds < 1:
        raise InputError(f"--seeds {seeds}: must be at least 1")
    if options.jobs < 1:
        raise InputError(f"--jobs {options.jobs}: must be at least 1")
    if options.timeout is not None and not 0 < options.timeout < math.inf:
        raise InputError(f"--timeout {options.timeout:g}: must be a number of seconds, more than 0")
    if options.train_seconds is not None and not 0 < options.train_seconds < math.inf:
        raise InputError(
            f"--train-seconds {options.train_seconds:g}: must be a number of seconds, more than 0"
        )
    if options.trials is not None and options.trials < 2:
        raise InputError(f"--trials {options.trials}: must be at least 2: the defaults and one more")


def _to_run(cells: Sequence[Cell], store: Store, options: RunOptions) -> list[Cell]:
    """What has no record or is run again; and, where that is a trial, what is evaluated with its study."""
    needed = {cell.key for cell in cells if _is_needed(cell, store, options)}
    studies = {cell.study.id for cell in cells if cell.study is not None and cell.key in needed}
    return [
        cell
        for cell in cells
        if cell.key in needed or (cell.study and cell.lane != "tuning" and cell.study.id in studies)
    ]


def _is_needed(cell: Cell, store: Store, options: RunOptions) -> bool:
    """Whether the cell has no record, or one of a failure or of settings that its study no longer chooses."""
    keys = _keys(cell, options)
    if store.needs(*keys, retry_failed=options.retry_failed):
        return True
    if cell.study is None or cell.lane == "tuning":
        return False
    return (store.find(*keys) or {}).get("trial") != cell.study.chosen(store.known)


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
    needed: Callable[[Cell], bool] = lambda cell: True,
) -> None:
    """Run cells in order of their phases, at most `jobs` at a time, and append their records to the store.

    `needed` is asked of each once its settings are known: trials run again may leave them as they were.
    """
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
    log = store.results / RUNS / f"{run}.log"
    begin = time.monotonic()
    with display.running(sum(not cell.unsupported for cell in todo)):
        for phase, waiting in itertools.groupby(todo, key=lambda cell: cell.phase):
            runnable = []
            for planned in waiting:
                cell, why = settled(planned, store.known)
                if not needed(cell):
                    continue
                if not (cell.unsupported or why):
                    runnable.append(cell)
                    continue
                outcome = Outcome("unsupported" if cell.unsupported else "error", cell.unsupported or why)
                store.append(make_record(cell, outcome, run=run, threads=THREADS))
                if not cell.unsupported:
                    display.ended(cell, outcome)
            at_once = 1 if any(cell.alone for cell in runnable) else jobs
            if phase == TIMING:
                display.line("timing lane: one cell at a time, pinned to a core")
            _run_phase(runnable, at_once, run, log, store, display, together)
    display.took(time.monotonic() - begin)
    if log.exists() and log.stat().st_size == 0:
        log.unlink()
    elif log.exists():
        display.line(f"what plugins printed, and their tracebacks: {log}")


def _run_phase(
    runnable: list[Cell], jobs: int, run: str, log: Path, store: Store, display: Display, together: bool
) -> None:
    """Run cells that need not wait for each other, and store what becomes of them."""
    work = _arranged(runnable, store, together)
    display.grouped([one for one in work if isinstance(one, Group)])
    for progress in run_local(work, jobs, log):
        if progress.group is not None and progress.outcome is not None:
            display.parted(progress.group, progress.outcome)
        if progress.cell is not None and progress.outcome is not None:
            record = make_record(progress.cell, progress.outcome, run=run, threads=THREADS)
            store.append(record, progress.outcome.images)
            display.ended(progress.cell, progress.outcome)
        display.now(progress.running)
