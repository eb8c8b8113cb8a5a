"""From suites, baselines and seeds to cells with their keys."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch

from zorbench.baseline import offers_many
from zorbench.cell import RECORD_FORMAT, Cell, cell_key
from zorbench.conditions import parse
from zorbench.config import config_values
from zorbench.data import Dataset, load
from zorbench.entry import Entry
from zorbench.errors import InputError
from zorbench.registry import Registry, Row, source_hash
from zorbench.run import THREADS, entry_episode
from zorbench.tasks import TASKS, Task

DEVICES = ("cpu", "cuda", "mps")


@dataclass(frozen=True)
class Request:
    """What a run was asked for. `baselines` names rows; empty means those of each entry."""

    entries: Sequence[Entry]
    seeds: Sequence[int]
    baselines: Sequence[str] = ()
    device: str = "cpu"
    data_root: Path | None = None
    timeout: float | None = None


def make_plan(request: Request, registry: Registry) -> list[Cell]:
    """Every cell of a request, in the order they run: entry, then seed, then row.

    Floors are always among the rows. Everything that can be checked before the first cell runs is checked
    here: data, shots, devices, configurations. Raises `InputError`.
    """
    _check_device(request.device)
    if not request.seeds:
        raise InputError("no seeds: --seeds must be at least 1")
    sources = cache(source_hash)
    cells = []
    for entry in request.entries:
        rows = _rows_of(entry, request, registry)
        dataset = load(entry.dataset, request.data_root)
        entry = replace(entry, dataset=dataset.name, timeout=request.timeout or entry.timeout)
        _check_entry(entry, dataset)
        for seed in request.seeds:
            try:
                episode = entry_episode(entry, dataset, seed)
            except InputError as error:
                raise InputError(f"suite {entry.suite}, entry {entry.name}: {error}") from error
            if entry.test is not None and entry.test > len(episode.test):
                raise InputError(
                    f"suite {entry.suite}, entry {entry.name}: test = {entry.test}, but {dataset.name} has "
                    f"{len(episode.test)} to test on; leave test out for all"
                )
            if entry.samples < len(episode.shots):
                raise InputError(
                    f"suite {entry.suite}, entry {entry.name}: samples = {entry.samples} is less than its "
                    f"{len(episode.shots)} shots; every shot must be affordable once"
                )
            for row in rows:
                if row.plugin.role == "floor" and TASKS[entry.task] not in row.plugin.tasks:
                    continue  # each task has floors of its own
                about = _about(row, TASKS[entry.task])
                cells.append(
                    Cell(
                        entry=entry,
                        seed=seed,
                        protocol="samples",
                        label=row.label,
                        ref=row.ref,
                        settings=row.settings,
                        device=request.device,
                        data_root=request.data_root,
                        key=cell_key(
                            format=RECORD_FORMAT,
                            entry=entry.identity(),
                            suite=entry.suite,
                            episode=episode.sha256,
                            seed=seed,
                            protocol="samples",
                            lane="accuracy",
                            repetition=0,
                            row=row.label,
                            config=about["config"],
                            source=sources(row.ref.path),
                            device=request.device.partition(":")[0],
                            threads=THREADS,
                            dtype="float32",
                            torch=_torch_minor(),
                        ),
                        about=about,
                        episode_sha256=episode.sha256,
                        n_shots=len(episode.shots),
                        source=sources(row.ref.path),
                        torch=_torch_minor(),
                        unsupported=_unsupported(row, entry, dataset),
                        classes=dataset.class_names if entry.task == "classification" else (),
                        offers_many=offers_many(row.plugin),
                    )
                )
    return list({cell.key: cell for cell in cells}.values())


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


def _about(row: Row, task: type[Task]) -> dict[str, Any]:
    """What a record says of its row."""
    plugin = row.plugin
    return {
        "baseline": plugin.name,
        "role": plugin.role,
        "tags": asdict(plugin.tags),
        "config": config_values(row.config()),
        "config_source": row.config_source(task),
    }


def _unsupported(row: Row, entry: Entry, dataset: Dataset) -> str:
    """Why this rule cannot do this entry; empty if it can."""
    task = TASKS[entry.task]
    if task not in row.plugin.tasks:
        return row.plugin.unsupported.get(task, "the plugin does not declare this task")
    if row.plugin.needs_images and len(dataset.shape) != 3:
        return f"needs images; items of {dataset.name} have shape {list(dataset.shape)}"
    return ""


def _check_entry(entry: Entry, dataset: Dataset) -> None:
    if entry.task not in dataset.tasks:
        able = ", ".join(sorted(dataset.tasks))
        raise InputError(
            f"suite {entry.suite}, entry {entry.name}: {dataset.name} has no {entry.task} "
            f"(items of shape {list(dataset.shape)}); it can be asked for: {able}"
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


def _torch_minor() -> str:
    return ".".join(torch.__version__.split(".")[:2])
