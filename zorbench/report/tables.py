"""The numbers as CSV: every record, and every line of the tables."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from zorbench.report.cells import Record
from zorbench.report.model import EntryView, ReportView, Row

_FIRST = (
    *("suite", "entry", "protocol", "lane", "seed", "repetition", "baseline", "variant", "role"),
    *("status", "reason", "dataset", "task", "shots", "images_in_all", "n_shots"),
)


def records_csv(records: Iterable[Record]) -> str:
    """A line a record, nested objects flattened with dots, lists as JSON; learning curves are left out."""
    lines = [flat(record) for record in records]
    columns = sorted({name for line in lines for name in line})
    columns = [name for name in _FIRST if name in columns] + [name for name in columns if name not in _FIRST]
    frame = pd.DataFrame(lines, columns=columns or list(_FIRST), dtype=object)
    order = [name for name in _FIRST[:8] if name in frame.columns]
    keys = frame[order].astype(str).assign(seed=pd.to_numeric(frame.get("seed")))
    return _csv(frame.loc[keys.sort_values(order, kind="stable").index])


def summary_csv(view: ReportView) -> str:
    """A line a suite × entry × row with the tables' numbers, unrounded; seconds of cells run alone only."""
    lines = [line for suite in view.suites for entry in suite.entries for line in _summary_lines(entry)]
    names = sorted({name.removesuffix(".mean") for line in lines for name in line if name.endswith(".mean")})
    stats = [f"{name}.{part}" for name in names for part in ("mean", "sd", "n")]
    head = ["suite", "entry", "protocol", "baseline", "variant", "role", "group", "status", "reason"]
    head += ["n", "cells", "zero_of_skill", "skill", "skill_low", "skill_high", "skill_n"]
    return _csv(pd.DataFrame(lines, columns=head + stats, dtype=object))


def _summary_lines(entry: EntryView) -> Iterator[dict[str, Any]]:
    place = {"suite": entry.suite, "entry": entry.name, "protocol": entry.protocol}
    for row in entry.rows:
        yield {**place, **_summary(row, entry.floor is not None)}
    for it in entry.unsupported:
        yield {**place, "variant": it.label, "group": it.group, "status": "unsupported", "reason": it.reason}


def _summary(row: Row, has_floor: bool) -> dict[str, Any]:
    line: dict[str, Any] = {
        "baseline": row.baseline,
        "variant": row.label,
        "role": row.role,
        "group": row.group,
        "status": "failed" if row.failed else "ok" if has_floor else "no floor",
        "reason": "; ".join(f"seed {f.seed}: {f.status}: {f.reason}" for f in row.failures),
        "n": row.n,
        "cells": row.cells,
        "zero_of_skill": row.zero,
    }
    if has_floor:  # numbers that no table shows are not handed out by the back door
        if row.skill is not None:
            skill = row.skill
            line |= {
                "skill": skill.value,
                "skill_low": skill.low,
                "skill_high": skill.high,
                "skill_n": skill.n,
            }
        for name, stat in row.stats.items():
            line |= {f"{name}.mean": stat.mean, f"{name}.sd": stat.sd, f"{name}.n": stat.n}
    return line


def flat(record: Record) -> dict[str, Any]:
    """A record as one line: nested objects flattened with dots, lists as JSON, without its learning curve."""
    line: dict[str, Any] = {}
    for name, value in record.items():
        if name == "curve":
            continue
        if isinstance(value, Mapping):
            line |= dict(_leaves(name, value))
        else:
            line[name] = _plain(value)
    return line


def _leaves(prefix: str, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(f"{prefix}.{name}", value)
        else:
            yield f"{prefix}.{name}", _plain(value)


def _plain(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | tuple) else value


def _csv(frame: pd.DataFrame) -> str:
    return str(frame.to_csv(index=False, lineterminator="\n"))
