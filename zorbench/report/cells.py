"""Records as cells: one record a cell, and the numbers that a cell has."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

Record = Mapping[str, Any]

PHASES = ("import", "build", "first_step", "train", "predict")
FAILED = ("error", "timeout", "diverged")
_CELL = ("suite", "entry", "protocol", "lane", "seed", "repetition", "baseline", "variant")

_TRIAL = ("study", "trial")


def latest(records: Iterable[Record]) -> list[Record]:
    """One record a cell, the last one written, in order of the cells' first appearance.

    A cell that was run again (after a failure, or after its code changed) would otherwise count twice. One
    that ran by itself comes before one that learned together with other seeds: it alone may have times.
    """
    last: dict[tuple[Any, ...], Record] = {}
    for record in records:
        cell = tuple(record.get(name) for name in (*_CELL, *(_TRIAL if lane(record) == "tuning" else ())))
        if cell not in last or together(last[cell]) or not together(record):
            last[cell] = record
    return list(last.values())


def together(record: Record) -> bool:
    """Whether the cell learned together with other seeds, as one computation: then it has no times."""
    return int(record.get("together") or 1) > 1


def lane(record: Record) -> str:
    """What the cell was for: `accuracy`, `timing`, `tuning` or `probe`."""
    return str(record.get("lane", "accuracy"))


def label(record: Record) -> str:
    """The name of the record's row."""
    return str(record.get("variant") or record["baseline"])


def outcome(record: Record) -> tuple[str, str]:
    """Status and reason; an `ok` without a finite error is a failure, whatever the record says."""
    status = str(record["status"])
    if status == "ok" and lane(record) == "accuracy" and metric(record, "clean", "error") is None:
        return "error", "the record has no finite error"
    return status, str(record.get("reason") or "")


def finite(value: Any) -> float | None:
    """`value` as a float if it is a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def number(record: Record, *path: str) -> float | None:
    """The finite number at a path of keys, if there is one."""
    value: Any = record
    for key in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return finite(value)


def metric(record: Record, condition: str, name: str) -> float | None:
    """A metric under a test condition (`clean`, a kind of noise) or on the `validation` images."""
    return number(record, "metrics", condition, name)


def numbers(record: Record) -> dict[str, float]:
    """Every number of a cell that a table can show, but for seconds (see `timings`)."""
    found: dict[str, float | None] = {}
    for condition, scores in (record.get("metrics") or {}).items():
        if condition == "clean":
            found.update({name: finite(value) for name, value in scores.items()})
        elif condition == "validation":
            found["validation"] = finite(scores.get("error"))
        else:
            found[f"error@{condition}"] = finite(scores.get("error"))
    for name in record.get("cost") or {}:
        found[name] = number(record, "cost", name)
    found["peak_memory"] = number(record, "peak_memory")
    return {name: value for name, value in found.items() if value is not None}


def timings(record: Record) -> dict[str, float]:
    """The seconds of a cell of the timing lane on an idle machine; none of any other."""
    if not attested(record):
        return {}
    found = {f"{name}_seconds": number(record, "seconds", name) for name in PHASES}
    return {name: value for name, value in found.items() if value is not None}


def attested(record: Record) -> bool:
    """Whether the cell's seconds may enter a time column."""
    return lane(record) == "timing" and record.get("attested") is True and record["status"] == "ok"


def one_per_seed(records: Iterable[Record]) -> dict[int, Record]:
    """The records by their seed, in order."""
    return {int(record["seed"]): record for record in sorted(records, key=lambda r: int(r["seed"]))}


def images_setting(record: Record) -> int | None:
    """How many images are learned from in all, if that is how the entry is set."""
    for value in (record.get("images_in_all"), (record.get("spec") or {}).get("images")):
        if isinstance(value, int):
            return value
    return None


def strips(record: Record) -> dict[str, str]:
    """The picture strips of a cell, relative to the results folder; empty if it kept none."""
    value = record.get("images")
    return {name: str(path) for name, path in value.items() if path} if isinstance(value, Mapping) else {}
