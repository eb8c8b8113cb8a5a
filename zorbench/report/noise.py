"""Errors under noise: which test conditions an entry has, by kind, and a figure a kind."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from matplotlib.axes import Axes

from zorbench.conditions import KINDS, Kind, parse
from zorbench.errors import InputError
from zorbench.report import formatting as fmt
from zorbench.report import palette
from zorbench.report.figures import Series, error_name
from zorbench.report.formatting import Shown
from zorbench.report.model import EntryView, Row
from zorbench.report.svg import DASHED, MARKER, end_labels, panel, told

_PREFIX = "error@"
_OTHER = Kind("Other", "test condition", 0, 0)

MEANING = (
    "Test error against the strength of the noise on the test images, mean over the seeds; all rules learned "
    "from clean images and meet the same noisy ones. At the left the images are clean: a line that stays low "
    "belongs to a rule that noise does not mislead. The dashed line is the floor. Distances on the axis of "
    "Poisson noise are standard deviations at white, 1 / √photons."
)


@dataclass(frozen=True)
class Condition:
    """A test condition: its column, the name of its error in `Row.stats`, and where it stands on an axis."""

    heading: str
    key: str
    strength: float


@dataclass(frozen=True)
class NoiseGroup:
    """The conditions of one kind, from the weakest to the strongest."""

    kind: Kind
    conditions: tuple[Condition, ...]


def noise_groups(entry: EntryView) -> tuple[NoiseGroup, ...]:
    """The entry's conditions beside the clean one, kinds in the order of `KINDS`, any other ones last."""
    found: dict[str, list[Condition]] = {kind: [] for kind in [*KINDS, ""]}
    for key in sorted({name for row in entry.rows for name in row.stats if name.startswith(_PREFIX)}):
        name = key.removeprefix(_PREFIX)
        try:
            noise = parse(name)
        except InputError:  # of another version
            found[""].append(Condition(name, key, 0.0))
        else:
            heading = name.removeprefix(f"{noise.kind}-")
            found[noise.kind].append(Condition(heading, key, noise.strength))
    return tuple(
        NoiseGroup(KINDS.get(kind, _OTHER), tuple(sorted(conditions, key=lambda one: one.strength)))
        for kind, conditions in found.items()
        if conditions
    )


def mean_error(row: Row, key: str) -> Shown:
    """A row's mean error, for a table that has no room for its spread."""
    return replace(fmt.plain(row.stats.get(key), row.n), spread="")


def error_under_noise(entry: EntryView, group: NoiseGroup, series: Series) -> str | None:
    """Error against strength, a line a row. The dashed line is the chosen floor. None without lines or axis.

    All kinds of noise of an entry have the same vertical axis.
    """
    rules = [row for row in entry.rows if row.group != "floor"]
    lines = {row.label: points for row in rules if len(points := _points(row, group)) > 1}
    strongest = group.conditions[-1].strength
    if not lines or not strongest:
        return None
    with panel(f"noise-{group.kind.title}-{entry.anchor}", labelled=True) as (axes, finish):
        for label, points in sorted(lines.items()):
            look = palette.style(series[label])
            x, y = zip(*points, strict=True)
            gid = told(label, f"{label}: error {y[0]:.3g} clean, {y[-1]:.3g} at the strongest")
            axes.plot(
                x, y, color=look.colour, linestyle=look.dashes, marker=look.marker, ms=0.7 * MARKER, gid=gid
            )
        floor = _points(entry.floor_row, group) if entry.floor_row else []
        if floor:
            axes.plot(*zip(*floor, strict=True), color=palette.MUTED, lw=1.6, linestyle=DASHED)
        _ticks(axes, group.conditions)
        axes.set_xlabel(f"{group.kind.title} noise: {group.kind.level}")
        axes.set_ylabel(error_name(entry))
        axes.set_xlim(-0.02 * strongest, 1.04 * strongest)
        axes.set_ylim(0, 1.04 * _highest(entry))
        ends = {label: points[-1] for label, points in lines.items()}
        end_labels(axes, ends, series, dashed={f"floor: {entry.floor}": floor[-1]} if floor else None)
        return finish(f"{entry.title}: error under {group.kind.title} noise")


def _points(row: Row, group: NoiseGroup) -> list[tuple[float, float]]:
    """The row's mean errors by strength, from the clean images on."""
    places = [(0.0, "error"), *((one.strength, one.key) for one in group.conditions)]
    return [(x, row.stats[key].mean) for x, key in places if key in row.stats]


def _highest(entry: EntryView) -> float:
    drawn = [row for row in entry.rows if row.group != "floor" or row.zero]
    keys = ["error", *(one.key for group in noise_groups(entry) for one in group.conditions)]
    return max((row.stats[key].mean for row in drawn for key in keys if key in row.stats), default=0) or 1.0


def _ticks(axes: Axes, conditions: Sequence[Condition]) -> None:
    """A tick a level, named where there is room between its neighbours: clean and the strongest always."""
    places = [0.0, *(one.strength for one in conditions)]
    names = ["clean", *(one.heading for one in conditions)]
    gap = 0.1 * places[-1]
    shown = [0]
    for i in range(1, len(places)):
        last = i == len(places) - 1
        if last or (places[i] - places[shown[-1]] >= gap and places[-1] - places[i] >= gap):
            shown.append(i)
    axes.set_xticks(places, [name if i in shown else "" for i, name in enumerate(names)])
