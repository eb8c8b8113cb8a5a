"""From suites, baselines and seeds to cells with their keys."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch

from zorbench.cell import Cell
from zorbench.conditions import parse
from zorbench.data import Dataset, load
from zorbench.entry import Entry, Protocol
from zorbench.errors import InputError
from zorbench.lanes import CellMaker
from zorbench.probes import PROBE_SEEDS
from zorbench.registry import Registry, Row, source_hash
from zorbench.tasks import TASKS

DEVICES = ("cpu", "cuda", "mps")


@dataclass(frozen=True)
class Request:
    """What a run was asked for.

    `baselines` names rows; empty means those of each entry. `protocols` stand in for the entries' own, as
    do `train_seconds`, `trials`, `timed` (a timing lane) and `probed` where they are not None.
    """

    entries: Sequence[Entry]
    seeds: Sequence[int]
    baselines: Sequence[str] = ()
    device: str = "cpu"
    data_root: Path | None = None
    timeout: float | None = None
    protocols: Sequence[Protocol] = ()
    train_seconds: float | None = None
    trials: int | None = None
    timed: bool | None = None
    probed: bool | None = None


def make_plan(request: Request, registry: Registry) -> list[Cell]:
    """Every cell of a request, in the order they run: phase, then entry, then seed, then row.

    Floors are always among the rows. Everything that can be checked before the first cell runs is checked
    here: data, shots, devices, configurations. Raises `InputError`.
    """
    _check_device(request.device)
    if not request.seeds:
        raise InputError("no seeds: --seeds must be at least 1")
    sources = cache(source_hash)
    cells: list[Cell] = []
    for entry in request.entries:
        rows = _rows_of(entry, request, registry)
        dataset = load(entry.dataset, request.data_root)
        entry = _as_requested(replace(entry, dataset=dataset.name), request)
        _check_entry(entry, dataset)
        task = TASKS[entry.task]
        # Each task has floors of its own.
        rows = [row for row in rows if row.plugin.role != "floor" or task in row.plugin.tasks]
        maker = CellMaker(entry, dataset, request.device, request.data_root, sources)
        for protocol in entry.protocols:
            for seed in request.seeds:
                cells.extend(maker.accuracy(row, protocol, seed) for row in rows)
            if protocol == "tuned":
                cells.extend(cell for row in rows for cell in maker.trials(row))
        if entry.timed:
            cells.extend(maker.timing([row for row in rows if row.plugin.role != "floor"]))
        if entry.probed and entry.task == "classification":
            for seed in range(PROBE_SEEDS):
                cells.extend(maker.probe(row, seed) for row in rows)
    distinct = list({cell.key: cell for cell in cells}.values())
    return sorted(distinct, key=lambda cell: cell.phase)  # which keeps the order within a phase


def _as_requested(entry: Entry, request: Request) -> Entry:
    """The entry with what the request asks for instead of its own."""
    asked: dict[str, Any] = {
        "timeout": request.timeout,
        "protocols": tuple(request.protocols) or None,
        "seconds": request.train_seconds,
        "trials": request.trials,
        "timed": request.timed,
        "probed": request.probed,
    }
    entry = replace(entry, **{name: value for name, value in asked.items() if value is not None})
    if "time" in entry.protocols and entry.seconds is None:
        raise InputError(
            f"suite {entry.suite}, entry {entry.name}: protocol time needs a training time; give the entry "
            f"seconds, or use --train-seconds"
        )
    return entry


def _rows_of(entry: Entry, request: Request, registry: Registry) -> list[Row]:
    """What the request names; else what the entry's suite is about; else everything."""
    try:
        return _chosen_rows(request.baselines or entry.rows, registry)
    except InputError as error:
        if request.baselines:
            raise
        problem = str(error).removeprefix("--baseline ")
        raise InputError(f"suite {entry.suite}, baselines: {problem}") from error


def _chosen_rows(names: Iterable[str], registry: Registry) -> list[Row]:
    chosen = {row.label: row for row in (registry.row(name) for name in names)}
    everything = {row.label: row for row in registry.rows()}
    floors = {label: row for label, row in everything.items() if row.plugin.role == "floor"}
    # Floors first, so that what an interrupted run leaves has its zero.
    usual = {label: row for label, row in everything.items() if not row.only_named}
    return list({**floors, **(chosen or usual)}.values())


def _check_entry(entry: Entry, dataset: Dataset) -> None:
    if entry.task not in dataset.tasks:
        able = ", ".join(sorted(dataset.tasks))
        raise InputError(
            f"suite {entry.suite}, entry {entry.name}: {dataset.name} has no {entry.task} "
            f"(items of shape {list(dataset.shape)}); it can be asked for: {able}"
        )
    if "tuned" in entry.protocols and dataset.folds is not None:
        raise InputError(
            f"suite {entry.suite}, entry {entry.name}: {dataset.name} brings its own splits, so none "
            f"of it is kept for tuning; valid protocols here: samples, time"
        )
    if entry.conditions and TASKS[entry.task].images_out:
        raise InputError(
            f"suite {entry.suite}, entry {entry.name}: noise is for classification, not for {entry.task}"
        )
    for condition in entry.conditions:
        try:
            parse(condition)
        except InputError as error:
            raise InputError(f"suite {entry.suite}, entry {entry.name}: {error}") from error


@cache
def _check_device(device: str) -> None:
    kind = device.partition(":")[0]
    try:
        if kind not in DEVICES:
            raise RuntimeError(f"valid: {', '.join(DEVICES)}, cuda:N")
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = " ".join(str(error).split())[:120]
        raise InputError(f"--device {device}: not to be had here: {reason}") from error
