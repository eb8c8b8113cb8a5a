"""The timing lane of an entry: its noise, ratios to the yardstick, and times to its error."""

from collections.abc import Mapping, Sequence

from zorbench import stats
from zorbench.report.cells import PHASES, Record, attested, finite, label, metric, timings
from zorbench.report.model import Clocked


def clocked(timed: Sequence[Record], yardstick: str | None, final_errors: Sequence[float]) -> Clocked | None:
    """What the records of the lane say; `final_errors` are the yardstick's final validation errors.

    Ratios pair what ran in the same round, each row's first run in it with the yardstick's; a second run in
    a round is an A/A pair with the first. None without any record.
    """
    if not timed:
        return None
    rounds: dict[str, dict[int, Record]] = {}
    for record in filter(attested, timed):
        rounds.setdefault(label(record), {})[int(record["repetition"])] = record
    first = {row: _first_runs(found) for row, found in rounds.items()}
    noise = {phase: _noise(rounds, phase) for phase in PHASES}
    target = stats.target_error(final_errors) if len(final_errors) else None
    return Clocked(
        yardstick=yardstick if yardstick in rounds else None,
        noise=noise,
        ratios={
            row: _ratios(runs, first[yardstick], noise)
            for row, runs in first.items()
            if yardstick in first and row != yardstick
        },
        target=target,
        to_target={} if target is None else {row: _to_target(runs, target) for row, runs in first.items()},
        runs=len(timed),
        busy=sum(record["status"] == "ok" and not attested(record) for record in timed),
    )


def _first_runs(runs: Mapping[int, Record]) -> dict[int, Record]:
    """By the number of the round, the first run in it."""
    return {repetition // 2: record for repetition, record in runs.items() if repetition % 2 == 0}


def _noise(rounds: Mapping[str, Mapping[int, Record]], phase: str) -> float | None:
    pairs = [
        (one[f"{phase}_seconds"], other[f"{phase}_seconds"])
        for found in rounds.values()
        for repetition, record in found.items()
        if repetition % 2 == 0 and repetition + 1 in found
        if (one := timings(record)) and (other := timings(found[repetition + 1]))
        if one.get(f"{phase}_seconds") and other.get(f"{phase}_seconds")
    ]
    return stats.aa_noise(pairs) if len(pairs) >= stats.AA_PAIRS else None


def _ratios(
    runs: Mapping[int, Record], yard: Mapping[int, Record], noise: Mapping[str, float | None]
) -> dict[str, stats.SpeedVerdict]:
    found = {}
    for phase in PHASES:
        band = noise[phase]
        pairs = [
            (timings(runs[number]).get(f"{phase}_seconds"), timings(yard[number]).get(f"{phase}_seconds"))
            for number in sorted(runs.keys() & yard.keys())
        ]
        known = [(a, b) for a, b in pairs if a and b]
        if band is not None and known:
            found[phase] = stats.compare_speed([a for a, _ in known], [b for _, b in known], band)
    return found


def _to_target(runs: Mapping[int, Record], target: float) -> float:
    """The median over the rounds of the seconds at which the validation error is first at most the target."""
    times = []
    for record in runs.values():
        points = [
            (seconds, error)
            for point in record.get("curve") or ()
            if (seconds := finite(point.get("seconds"))) is not None
            and (error := finite(point.get("error"))) is not None
        ]
        points.sort()
        times.append(stats.time_to_target([s for s, _ in points], [e for _, e in points], target))
    return stats.median_time(times)


def final_errors(records: Sequence[Record]) -> list[float]:
    """The final validation errors of cells."""
    found = (metric(record, "validation", "error") for record in records)
    return [error for error in found if error is not None]
