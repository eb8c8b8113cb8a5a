"""Where the names go in a figure, so that no two lie on each other. Boxes and points are in figure points."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

_REACHES = (6.0, 13.0, 21.0, 30.0, 40.0, 52.0, 66.0)  # points; from the second on, a line leads there
_DIRECTIONS = (
    *((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1)),
    *((1, 0.5), (1, -0.5), (-1, 0.5), (-1, -0.5)),
    *((0.5, 1), (-0.5, 1), (0.5, -1), (-0.5, -1)),
)


@dataclass(frozen=True)
class Box:
    """An upright rectangle."""

    left: float
    bottom: float
    right: float
    top: float

    def overlap(self, other: "Box") -> float:
        """The shared area."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.top, other.top) - max(self.bottom, other.bottom)
        return width * height if width > 0 and height > 0 else 0.0

    def outside(self, other: "Box") -> float:
        """The area of this box that `other` does not cover."""
        return (self.right - self.left) * (self.top - self.bottom) - self.overlap(other)


def spread_out(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places at least `gap` apart inside [low, high], in the order of `wanted` and near to it.

    Neighbours that would touch form a block around the mean of what they want (pooled adjacent violators).
    Where the room is too small for all, the gap shrinks to what fits.
    """
    if not wanted:
        return []
    if len(wanted) > 1:
        gap = min(gap, (high - low) / (len(wanted) - 1))
    order = sorted(range(len(wanted)), key=lambda i: (wanted[i], i))
    blocks: list[tuple[float, int]] = []  # mean of (wanted − offset in the row), size
    for rank, i in enumerate(order):
        mean, size = wanted[i] - rank * gap, 1
        while blocks and blocks[-1][0] > mean:
            before, n = blocks.pop()
            mean, size = (before * n + mean * size) / (n + size), n + size
        blocks.append((mean, size))
    starts = np.clip(
        np.repeat([mean for mean, _ in blocks], [size for _, size in blocks]),
        low,
        high - (len(wanted) - 1) * gap,
    )
    places = [0.0] * len(wanted)
    for rank, i in enumerate(order):
        places[i] = float(starts[rank] + rank * gap)
    return places


@dataclass(frozen=True)
class Placed:
    """The left bottom corner of a label, and whether it lies so far off that a line must lead to it."""

    x: float
    y: float
    leader: bool


def place_labels(
    points: Sequence[tuple[float, float]],
    sizes: Sequence[tuple[float, float]],
    bounds: Box,
    taken: Iterable[Box] = (),
) -> list[Placed]:
    """A place for the label of each point: the nearest of a fixed set of candidates with the least overlap.

    Greedy, crowded points first; `taken` are boxes to keep clear of, such as the points' own marks.
    """
    occupied = list(taken)
    crowd = [sum(_near(p, q) for q in points) for p in points]
    placed: dict[int, Placed] = {}
    for i in sorted(range(len(points)), key=lambda i: (-crowd[i], points[i], i)):
        best: tuple[float, Placed, Box] | None = None
        for cost, leader, box in _candidates(points[i], sizes[i]):
            clash = sum(box.overlap(other) for other in occupied) + 4.0 * box.outside(bounds)
            total = cost + clash
            if best is None or total < best[0]:
                best = (total, Placed(box.left, box.bottom, leader), box)
        assert best is not None
        occupied.append(best[2])
        placed[i] = best[1]
    return [placed[i] for i in range(len(points))]


def _near(p: tuple[float, float], q: tuple[float, float]) -> bool:
    return abs(p[0] - q[0]) < 60 and abs(p[1] - q[1]) < 15


def _candidates(point: tuple[float, float], size: tuple[float, float]) -> Iterable[tuple[float, bool, Box]]:
    """Boxes around a point with their costs: beside it first, then above and below, then ever farther off."""
    (x, y), (width, height) = point, size
    for ring, reach in enumerate(_REACHES):
        for turn, (dx, dy) in enumerate(_DIRECTIONS):
            diagonal = 0.75 if dx and dy else 1.0
            left = x + dx * reach * diagonal - (width if dx < 0 else width / 2 if dx == 0 else 0)
            bottom = y + dy * reach * diagonal - height / 2 + dy * height / 3
            yield 6.0 * ring + 0.5 * turn, ring > 0, Box(left, bottom, left + width, bottom + height)
