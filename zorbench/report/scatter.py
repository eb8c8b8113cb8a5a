"""Error against training seconds: one mark a row, each with its name beside it."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.text import Annotation

from zorbench import stats
from zorbench.report import palette
from zorbench.report.figures import Series, error_name, floor_level, floor_line, magnitude_axis
from zorbench.report.formatting import plain, seconds
from zorbench.report.labels import Box, place_labels
from zorbench.report.model import EntryView, Row
from zorbench.report.svg import FONT, MARKER, freeze, log_axis, panel, short, text_width, told

_LEAST_SECONDS = 1e-6  # a logarithmic axis has no 0


def error_against_seconds(entry: EntryView, series: Series) -> str | None:
    """Test error against training seconds: a point a row with a bar of one standard deviation each way.

    A dashed line is the error of the chosen floor. The axes are drawn for the rules: other floors, hollow and
    grey, show where they lie in that range. None if no cell ran alone.
    """
    rows = [row for row in entry.rows if "train_seconds" in row.stats and "error" in row.stats]
    rules = [row for row in rows if row.group != "floor"]
    if not rules:
        return None
    with panel(f"scatter-{entry.anchor}") as (axes, finish):
        _front(axes, rules)
        for row in rules:
            _point(axes, row, series)
        log_axis(axes, "x", [_seconds(row) for row in rules])
        level = floor_level(entry, "error")
        magnitude_axis(axes, [row.stats["error"].mean for row in rules] + level, error_name(entry))
        axes.set_xlabel("training seconds (log)")
        axes.margins(x=0.12, y=0.1)
        for height in level:
            floor_line(axes, height)
        freeze(axes)
        floors = [row for row in rows if row.group == "floor" and not row.zero and _inside(axes, row)]
        for row in floors:
            error = row.stats["error"].mean
            axes.plot([_seconds(row)], [error], marker="o", markerfacecolor="none", color=palette.MUTED)
        taken = [box for row in [*rules, *floors] for box in _marks(axes, row)]
        for height in level:
            taken.append(_name_floor(axes, f"floor: {entry.floor}", height, taken))
        _name_points(axes, [*rules, *floors], taken)
        return finish(f"{entry.title}: error against training seconds")


def _front(axes: Axes, rules: Sequence[Row]) -> None:
    """A line through the rules that no other rule beats in both error and time."""
    errors, spent = [row.stats["error"].mean for row in rules], [_seconds(row) for row in rules]
    front = sorted(
        (s, e) for s, e, on_it in zip(spent, errors, stats.pareto_front(errors, spent), strict=True) if on_it
    )
    axes.plot(*zip(*front, strict=True), color=palette.MUTED, linewidth=0.7, marker="", zorder=0.5)


def _seconds(row: Row) -> float:
    return max(row.stats["train_seconds"].mean, _LEAST_SECONDS)


def _point(axes: Axes, row: Row, series: Series) -> None:
    look = palette.style(series[row.label])
    x, y, (left, right), (down, up) = _reach(row)
    drawn = axes.errorbar(
        [x],
        [y],
        xerr=[[x - left], [right - x]],
        yerr=[[y - down], [up - y]],
        color=look.colour,
        marker=look.marker,
        ms=MARKER,
        elinewidth=0.8,
    )
    error, spent = plain(row.stats["error"], row.n).text, seconds(row.stats["train_seconds"], row.n).text
    tip = f"{row.label}: error {error}, {spent}"
    for part in (drawn.lines[0], *drawn.lines[2]):
        part.set_gid(told(row.label, tip))


def _reach(row: Row) -> tuple[float, float, tuple[float, float], tuple[float, float]]:
    """Seconds and error of a row, and from where to where their bars go: never to 0, for logarithmic axes."""
    error, spent = row.stats["error"], row.stats["train_seconds"]
    x, y, wide, high = _seconds(row), error.mean, spent.sd or 0.0, error.sd or 0.0
    return x, y, (x - min(wide, 0.9 * x), x + wide), (y - min(high, 0.9 * y), y + high)


def _at(axes: Axes, row: Row) -> tuple[float, float]:
    """Where the row's point lies, in figure points."""
    x, y = axes.transData.transform((_seconds(row), row.stats["error"].mean))
    return float(x), float(y)


def _inside(axes: Axes, row: Row) -> bool:
    x, y = axes.transAxes.inverted().transform(_at(axes, row))
    return bool(0 <= x <= 1 and 0 <= y <= 1)


def _marks(axes: Axes, row: Row) -> list[Box]:
    """What a row's mark and bars cover."""
    px, py = _at(axes, row)
    half = MARKER / 2 + 0.5
    mark = Box(px - half, py - half, px + half, py + half)
    if row.group == "floor":
        return [mark]
    _, _, across, along = _reach(row)
    ends = axes.transData.transform([(across[0], along[0]), (across[1], along[1])])
    (left, bottom), (right, top) = ends.tolist()
    return [mark, Box(left, py - 1, right, py + 1), Box(px - 1, bottom, px + 1, top)]


def _name_floor(axes: Axes, name: str, height: float, taken: Sequence[Box]) -> Box:
    """The floor's name at that end and side of its line that are least taken; returns the box it covers."""
    area = axes.get_window_extent()
    level = float(axes.transData.transform((1.0, height))[1])
    width = text_width(name)
    corners = [
        (x, y) for y in (level + 2.0, level - FONT - 2.0) for x in (area.x0 + 3.0, area.x1 - width - 3.0)
    ]
    boxes = [Box(x, y, x + width, y + FONT) for x, y in corners]
    best = min(boxes, key=lambda box: sum(box.overlap(other) for other in taken))
    _write(axes, name, best.left, best.bottom, palette.MUTED)
    return best


def _name_points(axes: Axes, rows: Sequence[Row], taken: Sequence[Box]) -> None:
    """Each point's name beside it, with a fine line where there is no room close by."""
    points = [_at(axes, row) for row in rows]
    names = [short(row.label) for row in rows]
    area = axes.get_window_extent()
    bounds = Box(area.x0, area.y0, area.x1, area.y1)
    placed = place_labels(points, [(text_width(name), FONT) for name in names], bounds, taken)
    for row, name, (x, y), place in zip(rows, names, points, placed, strict=True):
        text = _write(axes, name, place.x, place.y, palette.MUTED if row.group == "floor" else palette.INK)
        if row.group != "floor":
            text.set_gid(told(row.label))
        if place.leader:
            end = (min(max(x, place.x), place.x + text_width(name)), min(max(y, place.y), place.y + FONT))
            (x0, y0), (x1, y1) = axes.transAxes.inverted().transform([(x, y), end])
            axes.plot([x0, x1], [y0, y1], transform=axes.transAxes, color=palette.MUTED, lw=0.5, zorder=1)


def _write(axes: Axes, name: str, left: float, bottom: float, colour: str) -> Annotation:
    at = (left, bottom + 0.2 * FONT)  # from the foot of the box to the line that the letters stand on
    return axes.annotate(name, at, xycoords="figure points", color=colour, parse_math=False)
