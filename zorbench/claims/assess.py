"""From the records of a claim's cells to an estimate and a verdict. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from zorbench.claims.expectation import Verdict, verdict
from zorbench.claims.file import Claim
from zorbench.claims.measures import MEASURES, SECONDS, Record, training_seconds
from zorbench.stats import Estimate, choose_floor, mean_interval, paired_difference, speed_ratio

FAILED = ("error", "timeout", "diverged")


@dataclass(frozen=True)
class Cells:
    """The records that a claim rests on: of its row, of the row it is compared with, and of the floors."""

    row: Sequence[Record]
    than: Sequence[Record] = ()
    floors: Sequence[Record] = ()


@dataclass(frozen=True)
class Finding:
    """A verdict with what it rests on. Means of the two rows are over the seeds of the estimate.

    `floor`: name and mean of the floor with the least validation error, for claims on a mean.
    """

    verdict: Verdict
    estimate: Estimate | None = None
    row_mean: float | None = None
    than_mean: float | None = None
    floor: tuple[str, float] | None = field(default=None)


def assess(claim: Claim, cells: Cells) -> Finding:
    """The verdict on a claim. A row with a failed cell has no mean, so that there is none on it."""
    failures = _failures(cells.row) + _failures(cells.than)
    if failures:
        return Finding(Verdict("INCONCLUSIVE", "; ".join(failures)))
    row, than = _values(claim, cells.row), _values(claim, cells.than)
    seeds = sorted(set(row) & set(than)) if claim.compares else sorted(row)
    if not seeds:
        return Finding(_nothing(claim, cells))
    a, b = [row[seed] for seed in seeds], [than[seed] for seed in seeds] if claim.compares else []
    match claim.compare:
        case "mean":
            estimate = mean_interval(a)
        case "difference":
            estimate = paired_difference(a, b)
        case "ratio":  # how many times as long the other takes
            estimate = speed_ratio(b, a)
    return Finding(
        verdict(estimate, claim.expected),
        estimate,
        sum(a) / len(a),
        sum(b) / len(b) if b else None,
        None if claim.compares or claim.measure == SECONDS else _floor(claim, cells.floors),
    )


def _values(claim: Claim, records: Sequence[Record]) -> dict[int, float]:
    if claim.measure == SECONDS:
        return training_seconds(records, str(records[0]["variant"])) if records else {}
    of = MEASURES[claim.measure].of
    found = {int(record["seed"]): of(record, claim.conditions) for record in records}
    return {seed: value for seed, value in found.items() if value is not None}


def _nothing(claim: Claim, cells: Cells) -> Verdict:
    if not cells.row or (claim.compares and not cells.than):
        return Verdict("NOT RUN")
    if claim.measure == SECONDS:
        why = "others were busy on the machine, so that no time is attested; --retry failed times them anew"
        return Verdict("INCONCLUSIVE", why)
    return Verdict("INCONCLUSIVE", f"the records tell no {claim.measure}")


def _failures(records: Sequence[Record]) -> list[str]:
    failed = [record for record in records if record["status"] in FAILED]
    if not failed:
        return []
    first = failed[0]
    return [
        f"{first['variant']}: {first['status']} in {len(failed)} of {len(records)} cells: {first['reason']}"
    ]


def _floor(claim: Claim, records: Sequence[Record]) -> tuple[str, float] | None:
    """The floor by validation error, as reports choose it; none if one failed."""
    by_label: dict[str, list[Record]] = {}
    for record in records:
        if record["status"] == "ok":
            by_label.setdefault(str(record["variant"]), []).append(record)
    if not by_label or _failures(records):
        return None
    errors: Mapping[str, list[float]] = {
        label: [float(record["metrics"]["validation"]["error"]) for record in found]
        for label, found in by_label.items()
    }
    chosen = choose_floor(errors)
    values = list(_values(claim, by_label[chosen]).values())
    return (chosen, sum(values) / len(values)) if values else None
