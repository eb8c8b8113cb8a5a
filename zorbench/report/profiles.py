"""What rules told of their layers, over the seeds: at the first checkpoint and at the end of training."""

from collections.abc import Iterable, Mapping
from typing import Any

from zorbench import stats
from zorbench.report.cells import Record, finite
from zorbench.report.model import Profile, Stat


def profiles(records: Iterable[Record]) -> dict[str, Profile]:
    """By name, every layer's numbers, from the lowest: mean and spread over the records that have them."""
    told = [points for record in records if (points := _points(record.get("curve") or ()))]
    names = sorted({name for points in told for point in points for name in point})
    return {
        name: Profile(
            first=_layers(points[0].get(name) for points in told),
            last=_layers(points[-1].get(name) for points in told),
        )
        for name in names
    }


def _points(curve: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """What was told, in the order of the checkpoints."""
    return [point["diagnostics"] for point in curve if isinstance(point.get("diagnostics"), Mapping)]


def _layers(told: Iterable[Any]) -> tuple[Stat | None, ...]:
    """A layer's numbers averaged; None for a layer without any."""
    lists = [values for values in told if isinstance(values, list)]
    layers: list[Stat | None] = []
    for layer in range(max(map(len, lists), default=0)):
        at_layer = [finite(values[layer]) for values in lists if layer < len(values)]
        found = [value for value in at_layer if value is not None]
        layers.append(Stat(*stats.mean_spread(found)) if found else None)
    return tuple(layers)
