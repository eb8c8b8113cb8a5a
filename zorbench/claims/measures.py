"""What a claim is about, as a number of a record."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Record = Mapping[str, Any]
SECONDS = "training seconds"


@dataclass(frozen=True)
class Measure:
    """A quantity: its unit, how many decimals tell enough, and its value in a record.

    `of` gets the record and the names of test conditions; None where the record does not tell. `noise`: it
    can be told under noise.
    """

    meaning: str
    unit: str
    decimals: int
    of: Callable[[Record, Sequence[str]], float | None]
    noise: bool = False


def _number(value: Any) -> float | None:
    plain = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if plain else None


def _clean(name: str, scale: float = 1.0) -> Callable[[Record, Sequence[str]], float | None]:
    def of(record: Record, conditions: Sequence[str]) -> float | None:
        value = _number(record["metrics"]["clean"].get(name))
        return None if value is None else scale * value

    return of


def _accuracy(record: Record, conditions: Sequence[str]) -> float | None:
    errors = [_number(record["metrics"].get(one, {}).get("error")) for one in conditions or ["clean"]]
    found = [error for error in errors if error is not None]
    return 100 * (1 - sum(found) / len(found)) if len(found) == len(errors) else None


def _last_to_least(record: Record, conditions: Sequence[str]) -> float | None:
    errors = [_number(point.get("error")) for point in record["curve"]]
    found = [error for error in errors if error is not None]
    return found[-1] / min(found) if found and min(found) > 0 else None


def _early_activity(record: Record, conditions: Sequence[str]) -> float | None:
    first: Mapping[str, Any] = record["curve"][0] if record["curve"] else {}
    rates = [_number(rate) for rate in first.get("diagnostics", {}).get("activation_rate", [])]
    found = [rate for rate in rates if rate is not None]
    return 100 * sum(found) / len(found) if found and len(found) == len(rates) else None


def _seconds(record: Record, conditions: Sequence[str]) -> float | None:
    return _number(record["seconds"].get("train")) if record.get("attested") is True else None


MEASURES: dict[str, Measure] = {
    "zor accuracy": Measure("100 · (1 − mean absolute error)", "%", 2, _clean("zor_accuracy", 100.0)),
    "psnr": Measure("mean of the images' PSNR", "dB", 2, _clean("psnr")),
    "error": Measure("what reports rank by: mean squared error, or 1 − accuracy", "", 5, _clean("error")),
    "accuracy": Measure("share of right classes", "%", 2, _accuracy, noise=True),
    "last to least error": Measure("last validation error / least on the way", "", 3, _last_to_least),
    "early activity": Measure("units × samples that fire at the first checkpoint", "%", 1, _early_activity),
    SECONDS: Measure("seconds inside of learning, of cells run alone", "s", 3, _seconds),
}


def training_seconds(records: Iterable[Record], row: str) -> dict[int, float]:
    """Seed → training seconds of a row's cells that ran alone; the mean where one was timed several times.

    Records of the timing lane come first: those of other lanes count only for seeds without any.
    """
    timed: dict[bool, dict[int, list[float]]] = {True: defaultdict(list), False: defaultdict(list)}
    for record in records:
        seconds = _seconds(record, ()) if record["variant"] == row and record["status"] == "ok" else None
        if seconds is not None:
            timed[record.get("lane") == "timing"][int(record["seed"])].append(seconds)
    chosen = {**timed[False], **timed[True]}
    return {seed: sum(found) / len(found) for seed, found in sorted(chosen.items())}
