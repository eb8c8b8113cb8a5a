"""Protocol `tuned`: which settings a rule may try, and which of them it is then evaluated with.

Every rule tries as many configurations: its defaults, then points of a Halton sequence over the settings that
its plugin declares with `search`. What is chosen is that with the least mean validation error on episodes of
the tuning fifth, from which evaluation never draws. What a plugin declares with `choice` tells rows apart
and is not searched.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from scipy.stats import qmc

TUNING_SEEDS = (10_000, 10_001)
"""Seeds of the episodes that trials are validated on."""

MOST_SEARCHED = 4
"""How many settings a rule may search: with more, the same trials no longer cost a reader the same trust."""


@dataclass(frozen=True)
class Searched:
    """A setting and the range it is searched in, evenly or evenly in its logarithm."""

    name: str
    low: float
    high: float
    log: bool
    whole: bool = False  # rounded to a whole number

    def at(self, share: float) -> float:
        """The value at `share` in [0, 1] of the range."""
        if self.log:
            value = math.exp(math.log(self.low) + share * (math.log(self.high) - math.log(self.low)))
        else:
            value = self.low + share * (self.high - self.low)
        value = min(max(value, self.low), self.high)
        return round(value) if self.whole else float(f"{value:.6g}")


def space(config: type, fixed: Mapping[str, Any] | Sequence[str] = ()) -> list[Searched]:
    """The settings that a configuration class declares with `search`, less those that a row has `fixed`."""
    found = []
    for item in fields(config):
        declared = item.metadata.get("search")
        if declared is not None and item.name not in fixed:
            whole = isinstance(item.default, int) and item.type not in (float, "float")  # lr: float = 1
            found.append(Searched(item.name, **declared, whole=whole))
    return found


def trials(searched: Sequence[Searched], count: int) -> list[dict[str, float]]:
    """What each of `count` trials sets: nothing in the first, the defaults; then points of a Halton sequence.

    The sequence is not scrambled, and starts after its corner at 0: the same for everyone. Nothing to search:
    the defaults alone.
    """
    if count < 1:
        raise ValueError(f"there must be at least one trial, got {count}")
    if not searched or count == 1:
        return [{}]
    sequence = qmc.Halton(len(searched), scramble=False)
    sequence.fast_forward(1)
    points = sequence.random(count - 1)
    return [{}] + [
        {one.name: one.at(share) for one, share in zip(searched, row, strict=True)} for row in points
    ]


@dataclass(frozen=True)
class Study:
    """The trials of one row on one entry: what each sets, and the keys of its records, a tuning seed each."""

    id: str
    settings: tuple[dict[str, Any], ...]
    keys: tuple[tuple[str, ...], ...]

    def scores(self, records: Mapping[str, Mapping[str, Any]]) -> list[float]:
        """The mean validation error of every trial; infinity where a cell has failed or is missing."""
        return [self._score([records.get(key) for key in keys]) for keys in self.keys]

    def chosen(self, records: Mapping[str, Mapping[str, Any]]) -> int | None:
        """The trial with the least mean validation error, of equals the first; None if all failed."""
        scores = self.scores(records)
        best = min(range(len(scores)), key=scores.__getitem__)
        return best if math.isfinite(scores[best]) else None

    @staticmethod
    def _score(found: Sequence[Mapping[str, Any] | None]) -> float:
        errors = [
            record["metrics"]["validation"]["error"] if record and record["status"] == "ok" else math.inf
            for record in found
        ]
        return math.fsum(errors) / len(errors)


def why_unmatched(config: type, searched: Sequence[Searched], role: str) -> str:
    """Why a row's trials would not be on equal terms with others'; empty if they are.

    A rule without any settings has nothing to tune: its row is what it is. Floors are never tuned.
    """
    if role == "floor":
        return ""
    if len(searched) > MOST_SEARCHED:
        return f"searches {len(searched)} settings; {MOST_SEARCHED} are the most that count as equal terms"
    if fields(config) and not searched:
        return "declares no setting to search"
    return ""
