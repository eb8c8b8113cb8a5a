"""What keeps two records of the same cell from being compared."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from zorbench.compare.model import Obstacle, Place
from zorbench.report.cells import Record
from zorbench.report.formatting import seed_list

# Decide no result, or not that of the clean images.
_IDLE = ("timeout", "label", "conditions")


def budget_obstacles(place: Place, old: Record, new: Record) -> list[Obstacle]:
    """What an entry asks: data, shots, samples, sizes, seconds under `time`, trials under `tuned`."""
    differences = _differences(_asked(old), _asked(new))
    return [Obstacle("entry budget", place, "; ".join(differences))] if differences else []


def episode_obstacles(place: Place, pairs: Iterable[tuple[int, Record, Record]]) -> list[Obstacle]:
    """Seeds whose cells did not see the same images in the same order. `pairs`: seed, old, new."""
    moved = sorted(
        {seed for seed, old, new in pairs if old.get("episode_sha256") != new.get("episode_sha256")}
    )
    if not moved:
        return []
    seeds = f"seed{'s' if len(moved) > 1 else ''} {seed_list(moved)}"
    return [Obstacle("episodes", place, f"other images, or another order, for {seeds}: did the data change?")]


def config_obstacles(place: Place, old: Record, new: Record) -> list[Obstacle]:
    """Settings of the row. Under `tuned` they are a study's result, and only its size must be the same."""
    if place.protocol == "tuned":
        trials = _differences({"trials": old.get("trials")}, {"trials": new.get("trials")})
        return [Obstacle("entry budget", place, "; ".join(trials))] if trials else []
    differences = _differences(old.get("config") or {}, new.get("config") or {})
    return [Obstacle("config", place, "; ".join(differences))] if differences else []


def _asked(record: Record) -> dict[str, Any]:
    spec = {name: value for name, value in (record.get("spec") or {}).items() if name not in _IDLE}
    return spec | {name: record.get(name) for name in ("seconds_limit", "task", "dataset")}


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """`samples 1000 → 500` for each value that differs, in order of their names."""
    return [
        f"{name} {_shown(old, name)} → {_shown(new, name)}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name) or (name in old) != (name in new)
    ]


def _shown(values: Mapping[str, Any], name: str) -> str:
    return json.dumps(values[name], ensure_ascii=False) if name in values else "none"
