"""Skill against shots and learning curves; every panel is an SVG, and the page lays them out."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from zorbench.report import palette
from zorbench.report.model import Curve, EntryView, SuiteView
from zorbench.report.svg import DASHED, MARKER, end_labels, log_axis, panel, told

Series = Mapping[str, int]


def error_name(entry: EntryView) -> str:
    """What the error of the entry is called on an axis."""
    return "error (1 − accuracy)" if entry.task == "classification" else "error (MSE)"


def skill_against_shots(entries: Sequence[EntryView], series: Series) -> str | None:
    """Skill against the number of shots, a line a row, for entries of one data set. None without lines."""
    lines: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for entry in entries:
        for row in entry.group("headline"):
            if row.skill is not None:
                lines[row.label].append((float(setting(entry) or 0), row.skill.value))
    if not any(len(points) > 1 for points in lines.values()):
        return None
    with panel(f"shots-{entries[0].anchor}", labelled=True) as (axes, finish):
        for label, points in sorted(lines.items()):
            look = palette.style(series[label])
            points.sort()
            axes.plot(
                *zip(*points, strict=True),
                color=look.colour,
                marker=look.marker,
                linestyle=look.dashes,
                gid=told(label, f"{label}: skill " + ", ".join(f"{y:.2f} at {x:g}" for x, y in points)),
            )
        every = sorted({x for points in lines.values() for x, _ in points})
        log_axis(axes, "x", every)
        axes.set_xticks(every, [f"{x:g}" for x in every])
        axes.set_xlabel("shots per class (log)" if entries[0].shots is not None else "images (log)")
        axes.set_ylabel("skill")
        axes.margins(x=0.06)
        axes.minorticks_off()
        floor_line(axes, 0.0)
        end_labels(axes, {label: points[-1] for label, points in lines.items()}, series)
        return finish(f"{entries[0].dataset}: skill against the number of shots")


def learning_curves(entry: EntryView, axis: str, series: Series) -> str | None:
    """Mean validation error against `samples` or `seconds`; a rule without a course is a single mark.

    The dashed line is the chosen floor's validation error. None if there is nothing to draw.
    """
    found = {
        row.label: curve
        for row in entry.rows
        if row.group != "floor" and (curve := getattr(row, f"over_{axis}")) is not None
    }
    if not found:
        return None
    with panel(f"curve-{axis}-{entry.anchor}", labelled=True) as (axes, finish):
        for label, curve in sorted(found.items()):
            _line(axes, curve, series[label], label)
        log_axis(axes, "x", [x for curve in found.values() for x in curve.x])
        level = floor_level(entry, "validation")
        magnitude_axis(axes, [y for curve in found.values() for y in curve.y] + level, "validation error")
        axes.set_xlabel("samples seen (log)" if axis == "samples" else "training seconds (log)")
        axes.margins(x=0.03, y=0.06)
        for height in level:
            floor_line(axes, height, f"floor: {entry.floor}")
        end_labels(axes, {label: (curve.x[-1], curve.y[-1]) for label, curve in found.items()}, series)
        return finish(f"{entry.title}: validation error against {axis}")


def setting(entry: EntryView) -> int | None:
    """The few-shot setting: shots per class, or images in all."""
    return entry.shots if entry.shots is not None else entry.images


def shot_families(suite: SuiteView) -> list[list[EntryView]]:
    """The suite's entries that differ in the few-shot setting alone, for every such family of two or more."""
    families: dict[tuple[object, ...], list[EntryView]] = defaultdict(list)
    for entry in suite.entries:
        if entry.floor is not None and setting(entry) is not None:
            kind = (entry.dataset, entry.task, entry.protocol, entry.spec.get("label", ""))
            families[*kind, entry.shots is None].append(entry)
    several = [family for family in families.values() if len({setting(entry) for entry in family}) > 1]
    return [sorted(family, key=lambda entry: (setting(entry) or 0, entry.name)) for family in several]


def _line(axes: Axes, curve: Curve, index: int, label: str) -> None:
    look = palette.style(index)
    gid = told(label, f"{label}: {curve.y[0]:.3g} at first, {curve.y[-1]:.3g} at the end")
    axes.plot(curve.x, curve.y, color=look.colour, linestyle=look.dashes, gid=gid)
    axes.plot(curve.x[-1:], curve.y[-1:], color=look.colour, marker=look.marker, ms=MARKER, gid=gid)


def floor_level(entry: EntryView, name: str) -> list[float]:
    """The chosen floor's mean of that name, if there is one."""
    floor = entry.floor_row
    return [floor.stats[name].mean] if floor and name in floor.stats else []


def floor_line(axes: Axes, level: float, name: str = "") -> None:
    """A dashed line where the floor is, with its name above the left end."""
    axes.axhline(level, color=palette.MUTED, lw=1.0, linestyle=DASHED, zorder=1)
    axes.annotate(
        name,
        (0.0, level),
        (3, 3.5),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        color=palette.MUTED,
        parse_math=False,
    )


def magnitude_axis(axes: Axes, levels: Sequence[float], name: str) -> None:
    """A vertical axis for errors or norms, logarithmic where they lie more than a factor of ten apart."""
    positive = [level for level in levels if level > 0]
    wide = len(positive) == len(levels) and max(positive) > 10 * min(positive)
    if wide:
        log_axis(axes, "y", levels)
    axes.set_ylabel(f"{name}, log" if wide else name)
