"""One row of an entry: its cells over the seeds, and every number derived from them."""

import shlex
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from zorbench import stats
from zorbench.report.cells import Record, attested, metric, numbers, one_per_seed, outcome, strips, timings
from zorbench.report.curves import mean_curve
from zorbench.report.model import Failure, Group, Row, Sample, Skill, Stat
from zorbench.report.profiles import profiles


@dataclass(frozen=True)
class RowCells:
    """The cells of one row: `ok` has one record a seed, `all` every cell that could run; `timed` times."""

    label: str
    baseline: str
    role: str
    all: tuple[Record, ...]
    ok: Mapping[int, Record]
    timed: tuple[Record, ...]
    failures: tuple[Failure, ...]

    @classmethod
    def of(
        cls,
        label: str,
        records: Sequence[Record],
        timed: Sequence[Record] = (),
        failures: tuple[Failure, ...] = (),
    ) -> "RowCells":
        """`records` of the accuracy lane; of `timed`, those whose seconds count are kept."""
        ok = one_per_seed(r for r in records if outcome(r)[0] == "ok")
        first, alone = records[0], tuple(filter(attested, timed))
        return cls(label, str(first["baseline"]), str(first["role"]), tuple(records), ok, alone, failures)

    def validation_errors(self, seeds: Sequence[int]) -> list[float]:
        """The validation error of each of `seeds`, or nothing if one lacks it."""
        found = [metric(self.ok[seed], "validation", "error") for seed in seeds]
        values = [value for value in found if value is not None]
        return values if len(values) == len(found) else []


def paired_skill(row: RowCells, floor: RowCells) -> Skill | None:
    """The row's skill over the seeds that it shares with the floor, episode by episode; None if undefined."""
    if row.failures:
        return None
    pairs = [
        (_error(record), _error(floor.ok[seed]))
        for seed, record in row.ok.items()
        if seed in floor.ok and record.get("episode_sha256") == floor.ok[seed].get("episode_sha256")
    ]
    estimate = stats.skill([error for error, _ in pairs], [error for _, error in pairs])
    if estimate.value is None:
        return None
    return Skill(estimate.value, estimate.low, estimate.high, estimate.n)


def group_of(record: Record) -> Group:
    """Where the record's row stands; what is not on equal terms is out of the headline."""
    if record["role"] == "floor":
        return "floor"
    if record.get("unmatched"):
        return "outside"
    tags = record.get("tags") or {}
    free = record.get("task") == "reconstruction" and tags.get("bottleneck") is False
    return "outside" if free else "headline"


def build_row(cells: RowCells, sample_seed: int | None) -> Row:
    """The row without its skill. A row with a failed cell keeps no mean: what is left would flatter it."""
    described = next(iter(cells.ok.values()), cells.all[0])
    tags = dict(described.get("tags") or {})
    ok = () if cells.failures else tuple(cells.ok.values())
    alone = cells.timed if ok else ()
    return Row(
        label=cells.label,
        baseline=cells.baseline,
        role=cells.role,
        group=group_of(described),
        cells=len(cells.all),
        n=len(cells.ok),
        failures=cells.failures,
        stats=_stats(ok, alone),
        tags=tags,
        config=dict(described.get("config") or {}),
        config_source=str(described.get("config_source") or ""),
        trials=described.get("trials"),
        unmatched=str(described.get("unmatched") or ""),
        command=command(cells.label, cells.all),
        keys=tuple(str(r.get("key", "")) for r in sorted(cells.all, key=lambda r: int(r["seed"]))),
        over_samples=mean_curve(ok, "samples"),
        over_seconds=mean_curve(alone, "seconds"),
        errors={seed: _error(record) for seed, record in cells.ok.items()} if ok else {},
        profiles=profiles(ok),
        confusion=_confusion(ok),
        sample=_sample(cells.ok.get(sample_seed) if sample_seed is not None else None),
    )


def command(label: str, records: Sequence[Record]) -> str:
    """The command that makes a row's records again, as one would type it."""
    first = records[0]
    parts = ["zorbench", "run", str(first["suite"]), "--entry", str(first["entry"]), "--baseline", label]
    parts += ["--seeds", str(max(int(record["seed"]) for record in records) + 1)]
    if first.get("protocol", "samples") != "samples":
        parts += ["--protocol", str(first["protocol"])]
    if first.get("seconds_limit"):
        parts += ["--train-seconds", f"{first['seconds_limit']:g}"]
    if first.get("trials"):
        parts += ["--trials", str(first["trials"])]
    if first.get("device", "cpu") != "cpu":
        parts += ["--device", str(first["device"])]
    return shlex.join(parts)


def _stats(ok: Iterable[Record], alone: Iterable[Record]) -> dict[str, Stat]:
    """Mean and spread over the seeds; a cell timed several times counts once, by its mean."""
    values: dict[str, list[float]] = defaultdict(list)
    for record in ok:
        for name, value in numbers(record).items():
            values[name].append(value)
    timed: dict[tuple[str, int], list[float]] = defaultdict(list)
    for record in alone:
        for name, value in timings(record).items():
            timed[name, int(record["seed"])].append(value)
    for (name, _), repetitions in sorted(timed.items()):
        values[name].append(float(np.mean(repetitions)))
    return {name: Stat(*stats.mean_spread(values[name])) for name in sorted(values)}


def _confusion(ok: Iterable[Record]) -> tuple[tuple[int, ...], ...] | None:
    """The confusion counts summed over the seeds; None where there are none or they differ in shape."""
    found = [r["metrics"]["clean"]["confusion"] for r in ok if r["metrics"]["clean"].get("confusion")]
    if not found or len({tuple(len(line) for line in matrix) for matrix in found}) > 1:
        return None
    return tuple(tuple(int(count) for count in line) for line in np.sum(found, axis=0))


def _sample(record: Record | None) -> Sample | None:
    return Sample(_error(record), strips(record)) if record is not None and strips(record) else None


def _error(record: Record) -> float:
    value = metric(record, "clean", "error")
    assert value is not None, "an ok cell has a finite error"
    return value
