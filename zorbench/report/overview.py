"""The skill of every row on every entry of a suite, as a table of tinted cells."""

from collections.abc import Sequence
from dataclasses import dataclass

from zorbench.report.formatting import MISSING, fixed
from zorbench.report.model import EntryView, Group, SuiteView
from zorbench.report.wording import failed_of


@dataclass(frozen=True)
class Tile:
    """A cell of the overview: its text, how strong its tint is (0 to 1), on which side, and a link."""

    text: str
    strength: float = 0.0
    side: str = ""  # "above" or "below" the floor, or nothing
    link: str = ""
    title: str = ""
    number: float | None = None  # to sort by


@dataclass(frozen=True)
class Line:
    """A row of the overview; its label's group decides where it stands."""

    label: str
    group: Group
    tiles: tuple[Tile, ...]


def overview(suite: SuiteView) -> dict[Group, tuple[Line, ...]]:
    """The lines by group, in each the complete ones first, by their mean skill, best first.

    A baseline that no entry of the suite is for has no line.
    """
    groups: dict[str, Group] = {}
    for entry in suite.entries:
        for row in entry.rows:
            groups.setdefault(row.label, row.group)
    placed: dict[Group, tuple[Line, ...]] = {"headline": (), "outside": (), "floor": ()}
    for label in sorted(groups, key=lambda name: _order(name, suite.entries)):
        line = Line(label, groups[label], tuple(_tile(label, entry) for entry in suite.entries))
        placed[groups[label]] += (line,)
    return placed


def _order(label: str, entries: Sequence[EntryView]) -> tuple[int, float, str]:
    skills = [row.skill.value for entry in entries if (row := entry.row(label)) and row.skill]
    missing = len(entries) - len(skills)
    return missing, -sum(skills) / len(skills) if skills else 0.0, label


def _tile(label: str, entry: EntryView) -> Tile:
    row = entry.row(label)
    if row is None:
        reason = next((it.reason for it in entry.unsupported if it.label == label), None)
        return Tile(MISSING) if reason is None else Tile("n/a", title=reason)
    if row.failed:
        return Tile(failed_of(row), link=row.failures[0].anchor)
    if entry.floor is None:
        return Tile("no floor")
    if row.skill is None:
        return Tile(MISSING, title="skill is undefined here")
    value = row.skill.value
    side = "above" if value > 0 else "below" if value < 0 else ""
    title = "the zero of skill" if row.zero else ""
    return Tile(fixed(value, 2), min(1.0, abs(value)), side, title=title, number=value)
