"""Records as data frames: a row a record, or a row a checkpoint of its learning curve."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from zorbench.errors import InputError
from zorbench.report.cells import Record, label
from zorbench.report.tables import flat
from zorbench.store import read_records

TEXT = ("suite", "entry", "protocol", "lane", "baseline", "variant", "role", "status", "reason")
"""Columns of texts that every frame of records begins with, after the key."""

COUNTS = ("seed", "repetition")
ORDER = ("suite", "entry", "protocol", "lane", "variant", "seed", "repetition", "key")
CURVE = {
    "key": str,
    "suite": str,
    "entry": str,
    "protocol": str,
    "lane": str,
    "seed": int,
    "variant": str,
    "samples": int,
    "seconds": float,
    "error": float,
}
"""The columns of a frame of curves, and what they hold."""


def load_results(path: str | Path, *, curves: bool = False) -> pd.DataFrame:
    """The records of a results folder as a data frame, one row a record.

    Nested values become columns with dots in their names, such as `metrics.clean.psnr`, `config.lr`,
    `seconds.train` and `cost.samples`; `error` is the test error, `metrics.clean.error`. Whole numbers are
    integers (`Int64` where some are missing), other numbers floats, flags booleans, lists JSON. With
    `curves`, one row a checkpoint instead: `samples` presented, `seconds` of training, validation `error`.

    Rows are in order of suite, entry, protocol, lane, variant and seed. Raises `InputError` if the folder is
    not there, holds no records, or a file in it is no record file.
    """
    results = Path(path)
    if not results.is_dir():
        raise InputError(f"{results}: no such results folder")
    records = read_records(results)
    if not records:
        raise InputError(f"{results}: holds no records; `zorbench run --out {results}` makes some")
    return curves_frame(records) if curves else records_frame(records)


def records_frame(records: Iterable[Record]) -> pd.DataFrame:
    """A row a record; see `load_results`."""
    lines = [_line(record) for record in records]
    names = sorted({name for line in lines for name in line})
    first = ["key", *TEXT, *COUNTS, "error"]
    columns = first + [name for name in names if name not in first]
    frame = pd.DataFrame({name: _column([line.get(name) for line in lines]) for name in columns})
    kinds = dict.fromkeys(("key", *TEXT), "str") | dict.fromkeys(COUNTS, "int64") | {"error": "float64"}
    return _sorted(frame.astype(kinds))


def curves_frame(records: Iterable[Record]) -> pd.DataFrame:
    """A row a checkpoint; see `load_results`."""
    lines = [
        {**{name: record.get(name) for name in CURVE}, "variant": label(record), **point}
        for record in records
        for point in record.get("curve") or ()
    ]
    frame = pd.DataFrame([{name: line.get(name) for name in CURVE} for line in lines], columns=list(CURVE))
    return _sorted(frame.astype(CURVE), "samples")


def _line(record: Record) -> dict[str, Any]:
    line = flat(record)
    line["variant"] = label(record)
    line["error"] = line.get("metrics.clean.error")
    return line | {"repetition": line.get("repetition") or 0}


def _column(values: list[Any]) -> "pd.Series[Any]":
    """Values of one kind as that kind; whatever is mixed as texts."""
    found = [value for value in values if value is not None]
    missing = len(found) < len(values)
    kinds = {type(value) for value in found}
    if not found:
        return pd.Series(values, dtype="float64")
    if kinds == {bool}:
        return pd.Series(values, dtype="boolean" if missing else "bool")
    if kinds == {int}:
        return pd.Series(values, dtype="Int64" if missing else "int64")
    if kinds <= {int, float}:
        return pd.Series(values, dtype="float64")
    texts = [value if value is None or isinstance(value, str) else str(value) for value in values]
    return pd.Series(texts, dtype="str")


def _sorted(frame: pd.DataFrame, *more: str) -> pd.DataFrame:
    names = [name for name in (*ORDER, *more) if name in frame.columns]
    return frame.sort_values(names, kind="stable", ignore_index=True)
