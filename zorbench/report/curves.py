"""Learning curves of several seeds as one: linear interpolation at points that all of them reach."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from zorbench.report.cells import Record, finite
from zorbench.report.model import Curve

_TIME_POINTS = 40


def mean_curve(records: Iterable[Record], axis: str) -> Curve | None:
    """The mean validation error of the records' curves against `axis` (`samples` or `seconds`).

    Curves are interpolated linearly between their points and never extended: the result spans what all seeds
    reach. On `samples` it has every point that any seed has; on `seconds`, where no two seeds meet, 40 points
    in equal ratios. Points at 0 are left out (the axis is logarithmic). Where the seeds share no stretch
    (a rule that learns in one step), the result is one point, the mean of the last ones. None without points.
    """
    curves = [points for record in records if (points := _points(record.get("curve") or (), axis))]
    if not curves:
        return None
    low, high = max(c[0][0] for c in curves), min(c[-1][0] for c in curves)
    if low >= high:
        ends = np.mean([c[-1] for c in curves], axis=0)
        return Curve((float(ends[0]),), (float(ends[1]),))
    if axis == "samples":
        grid = np.array(sorted({x for c in curves for x, _ in c if low <= x <= high}))
    else:
        grid = np.geomspace(low, high, _TIME_POINTS)
    errors = [np.interp(grid, [x for x, _ in c], [y for _, y in c]) for c in curves]
    return Curve(tuple(grid.tolist()), tuple(np.mean(errors, axis=0).tolist()))


def _points(curve: Sequence[Any], axis: str) -> list[tuple[float, float]]:
    """The curve's finite points right of 0, in order; of two at one place, the later."""
    points: dict[float, float] = {}
    for point in curve:
        x, y = finite(point.get(axis)), finite(point.get("error"))
        if x is not None and y is not None and x > 0:
            points[x] = y
    return sorted(points.items())
