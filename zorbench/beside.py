"""Stored records of other folders, put next to a run's own: what may stand there, and what is left out.

A stored record stands beside a run's own if it is of the same entry, budget, protocol, seed and episode. What
measures time must come from the same machine, too.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zorbench.cell import Cell
from zorbench.compare.times import Facts, machine_facts
from zorbench.environment import describe_environment
from zorbench.errors import InputError
from zorbench.report.cells import Record, label, lane, latest
from zorbench.report.current import EntryKey, current, entry_key
from zorbench.report.formatting import plural
from zorbench.store import read_records, read_runs

MARK = "borrowed"
"""The key under which a record tells the folder that it comes from."""


@dataclass(frozen=True)
class Shelf:
    """Another results folder: all its records, in the order they were written, and its runs by id."""

    folder: Path
    records: tuple[Record, ...]
    runs: Mapping[str, Facts]

    @classmethod
    def open(cls, folder: Path, own: Path) -> "Shelf":
        """Raises `InputError` if the folder is not there, holds no records, or is `own`, the run's."""
        if not folder.is_dir():
            raise InputError(f"--with {folder}: no such results folder")
        if folder.resolve() == own.resolve():
            raise InputError(f"--with {folder}: is the run's own folder; name another one, or leave it out")
        records = read_records(folder)
        if not records:
            raise InputError(
                f"--with {folder}: holds no records; a results folder has records.jsonl or records*.jsonl.gz"
            )
        return cls(folder, tuple(records), {str(run.get("id")): run for run in read_runs(folder)})

    def told(self, records: Iterable[Record]) -> str:
        """The folder, and the commits that these records of it were made at."""
        found = {str(self.runs.get(str(record.get("run")), {}).get("commit") or "") for record in records}
        commits = ", ".join(sorted(_short(commit) for commit in found if commit))
        return f"{self.folder.as_posix()} ({f'commit {commits}' if commits else 'of no known commit'})"

    def is_from(self, record: Record, machines: Collection[Facts]) -> bool:
        """Whether the record was made on one of `machines`."""
        return machine_facts(record, self.runs) in machines


@dataclass
class Asked:
    """What an entry of the run asks: its settings, and the episode of each seed."""

    spec: str
    limit: float | None  # seconds, under protocol time
    trials: int | None  # most that a row tried, under protocol tuned; None: not known
    episodes: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Gathered:
    """The records that stand beside the run's own, marked, and a term with a sentence for each folder."""

    records: tuple[Record, ...]
    remarks: tuple[tuple[str, str], ...]


def this_machine(device: str, threads: int) -> Facts:
    """The facts of the machine that this is; see `machine_facts`."""
    facts = machine_facts({"run": "", "device": device, "threads": threads}, {"": describe_environment()})
    assert facts is not None, "the environment describes its machine"
    return facts


def ready_made(shelves: Sequence[Shelf], machines: Collection[Facts]) -> dict[str, Record]:
    """The stored records that spare a cell, by key; of several the first folder's. Failures spare none."""
    found: dict[str, Record] = {}
    for shelf in shelves:
        for record in shelf.records:
            usable = not _measures_time(record) or shelf.is_from(record, machines)
            if record["status"] in ("ok", "unsupported") and usable:
                found.setdefault(record["key"], record)
    return found


def asked_by_cells(cells: Iterable[Cell]) -> dict[EntryKey, Asked]:
    """What planned cells ask."""
    found: dict[EntryKey, Asked] = {}
    for cell in cells:
        key = (cell.entry.suite, cell.entry.name, cell.protocol)
        limit = cell.entry.seconds if cell.protocol == "time" else None
        asked = found.setdefault(key, Asked(_spec(cell.entry.settings()), limit, cell.entry.trials))
        if cell.lane != "tuning":
            asked.episodes[cell.seed] = cell.episode_sha256
    return found


def asked_by_records(records: Iterable[Record]) -> dict[EntryKey, Asked]:
    """What records answer; of an entry whose settings were changed, those of its last record."""
    kept, _ = current([record for record in records if lane(record) != "tuning"])
    found: dict[EntryKey, Asked] = {}
    for record in kept:
        spec, limit = _spec(record.get("spec") or {}), record.get("seconds_limit")
        asked = found.setdefault(entry_key(record), Asked(spec, limit, None))
        asked.trials = max(filter(None, (asked.trials, record.get("trials"))), default=None)
        asked.episodes[int(record["seed"])] = str(record.get("episode_sha256"))
    return found


def gather(
    shelves: Sequence[Shelf],
    asked: Mapping[EntryKey, Asked],
    own: Sequence[Record],
    machines: Collection[Facts],
    *,
    planned: Collection[str] = (),
) -> Gathered:
    """The stored records that stand beside `own`, the run's; without their pictures.

    `planned` are keys of cells that the run wanted: their records count as its own rows. A row that the run
    has made itself, and any that an earlier folder has, is not taken from a folder.
    """
    there = {str(record["key"]) for record in own}
    stored = [record for shelf in shelves for record in shelf.records if record["key"] in planned]
    taken: dict[tuple[EntryKey, str], Path | None] = {_row(record): None for record in [*own, *stored]}
    records: list[Record] = []
    remarks = []
    for shelf in shelves:
        left: Counter[str] = Counter()
        fitting: list[Record] = []
        for record in shelf.records:
            entry = asked.get(entry_key(record))
            if entry is None or lane(record) == "tuning" or record["key"] in there:
                continue
            if record["key"] not in planned and taken.get(_row(record), shelf.folder) != shelf.folder:
                continue
            why = _why_not(record, entry, shelf.is_from(record, machines))
            if why:
                left[why] += 1
                continue
            taken.setdefault(_row(record), shelf.folder)
            there.add(str(record["key"]))
            fitting.append(_marked(record, shelf.folder.as_posix()))
        chosen = latest(current(fitting)[0])  # of a row whose code was changed, what was made last
        studies = {record.get("study") for record in chosen} - {None}
        chosen += [r for r in shelf.records if lane(r) == "tuning" and r.get("study") in studies]
        told = shelf.told(chosen or shelf.records)
        records += [_marked(record, told) for record in chosen]
        remarks.append((f"From {told}", _remark(chosen, left)))
    order = {key: number for number, key in enumerate(asked)}
    records.sort(key=lambda record: order[entry_key(record)])  # as the run has them, not as they are stored
    return Gathered(tuple(records), tuple(remarks))


def _why_not(record: Record, asked: Asked, same_machine: bool) -> str:
    """Why a stored record of an entry cannot stand beside the run's; empty if it can."""
    if _spec(record.get("spec") or {}) != asked.spec or record.get("seconds_limit") != asked.limit:
        return "of another budget"
    if None not in (asked.trials, record.get("trials")) and record["trials"] != asked.trials:
        return "of another number of trials"
    seed = int(record["seed"])
    if seed not in asked.episodes:
        return "of seeds that are not in this run"
    if record.get("episode_sha256") != asked.episodes[seed]:
        return "of other episodes: the data is another"
    if _measures_time(record) and not same_machine:
        return "that measure time, on another machine"
    return ""


def _row(record: Record) -> tuple[EntryKey, str]:
    return entry_key(record), label(record)


def _measures_time(record: Record) -> bool:
    return lane(record) == "timing" or record.get("protocol") == "time"


def _remark(chosen: Sequence[Record], left: Mapping[str, int]) -> str:
    rows = plural(len({label(record) for record in chosen}), "row")
    shown = f"{plural(len(chosen), 'record')} of {rows}" if chosen else "nothing on the same episodes"
    others = "; ".join(f"{plural(count, 'record')} {why}" for why, count in sorted(left.items()))
    left_out = f" Left out: {others}." if others else ""
    return f"{shown}; times count only from the same machine.{left_out}"


def _marked(record: Record, told: str) -> Record:
    """The record with where it comes from. Its pictures are not in the run's folder, where a page looks."""
    return {name: value for name, value in record.items() if name != "images"} | {MARK: told}


def _spec(values: Mapping[str, Any]) -> str:
    """What of an entry's settings decides a result."""
    kept = {name: value for name, value in values.items() if name not in ("timeout", "label")}
    return json.dumps(kept, sort_keys=True, default=str)


def _short(commit: str) -> str:
    name, plus, changes = commit.partition("+")
    return name[:12] + plus + changes
