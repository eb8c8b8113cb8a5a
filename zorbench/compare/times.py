"""Training times of two results folders: which machines they come from, and ratios on the same one."""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from zorbench import stats
from zorbench.compare.model import TimeChange, Times
from zorbench.compare.side import Side, place_of
from zorbench.report.cells import Record, attested, label, timings
from zorbench.report.current import EntryKey, entry_key

Facts = Mapping[str, Any]
"""What decides how fast a cell is, beside its rule: device, threads, torch, and what the run file tells."""


def machine_facts(record: Record, runs: Mapping[str, Facts]) -> Facts | None:
    """The facts of the machine that a cell ran on; None if no run file tells them."""
    run = runs.get(str(record.get("run"))) or {}
    if not run.get("machine"):
        return None
    torch = (run.get("versions") or {}).get("torch") or record.get("torch")
    return {
        "device": record.get("device"),
        "threads": record.get("threads"),
        "torch": torch,
        **run["machine"],
    }


def machine_differences(old: Side, new: Side) -> str:
    """How the machines of the two sides differ, in words; empty if they are the same and known."""
    sides = [_machines(_all_cells(side), side.runs) for side in (old, new)]
    for side, found in zip((old, new), sides, strict=True):
        if None in found.values():
            return f"no run file tells which machine {side.name} comes from"
    if set(sides[0]) == set(sides[1]):
        return ""
    names = sorted({name for side in sides for facts in side.values() if facts for name in facts})
    told = []
    for name in names:
        values = [sorted({_text(facts.get(name)) for facts in side.values() if facts}) for side in sides]
        if values[0] != values[1]:
            told.append(f"{name} {', '.join(values[0])} → {', '.join(values[1])}")
    return "; ".join(told)


def compare_times(old: Side, new: Side, wanted: Iterable[str] | None) -> Times:
    """Ratios of the seconds of training, new to old, for rows timed on the same machine on both sides.

    Only attested cells of the timing lane count; of a round, the first run of each row. Rounds are paired
    by their number and episode. `wanted`: the rows to look at, None for all.
    """
    sides = [_rounds(side, wanted) for side in (old, new)]
    if not sides[0]:
        return Times()
    if not sides[1]:
        return Times(obstacle=f"{new.name} has no attested times of the same rows")
    changes = []
    for key, row in sorted(sides[0].keys() & sides[1].keys()):
        pairs = _pairs(sides[0][key, row], sides[1][key, row], old, new)
        if pairs:
            ratio = stats.speed_ratio([b for _, b in pairs], [a for a, _ in pairs])
            changes.append(TimeChange(place_of(key, row), ratio))
    if not changes:
        differences = machine_differences(old, new) or "no round was timed on both sides"
        return Times(obstacle=differences)
    logs = [math.log(change.ratio.value) for change in changes if change.ratio.value]
    changes.sort(key=lambda change: (-(change.ratio.value or 0), str(change.place)))
    return Times(tuple(changes), math.exp(math.fsum(logs) / len(logs)))


def _rounds(side: Side, wanted: Iterable[str] | None) -> dict[tuple[EntryKey, str], dict[int, Record]]:
    """By row, then by number of the round, the row's first attested run in it."""
    chosen = None if wanted is None else set(wanted)
    found: dict[tuple[EntryKey, str], dict[int, Record]] = {}
    for record in side.timing:
        repetition = int(record.get("repetition") or 0)
        if attested(record) and repetition % 2 == 0 and (chosen is None or label(record) in chosen):
            found.setdefault((entry_key(record), label(record)), {})[repetition // 2] = record
    return found


def _pairs(
    old: Mapping[int, Record], new: Mapping[int, Record], old_side: Side, new_side: Side
) -> list[tuple[float, float]]:
    pairs = []
    for number in sorted(old.keys() & new.keys()):
        one, other = old[number], new[number]
        facts = machine_facts(one, old_side.runs)
        if facts is None or facts != machine_facts(other, new_side.runs):
            continue
        if one.get("episode_sha256") != other.get("episode_sha256"):
            continue
        a, b = timings(one).get("train_seconds"), timings(other).get("train_seconds")
        if a and b:
            pairs.append((a, b))
    return pairs


def _machines(records: Iterable[Record], runs: Mapping[str, Facts]) -> dict[str, Facts | None]:
    every = (machine_facts(record, runs) for record in records)
    return {json.dumps(facts, sort_keys=True, default=str): facts for facts in every}


def _all_cells(side: Side) -> Iterable[Record]:
    for cells in (side.accuracy, side.probe):
        for by_seed in cells.values():
            yield from by_seed.values()
    yield from side.timing


def _text(value: Any) -> str:
    return "none" if value is None else str(value)
