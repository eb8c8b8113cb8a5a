"""The report as one HTML page that needs nothing from elsewhere."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from zorbench.report import costs, figures, palette, studies, summary, wording
from zorbench.report.claims import claims_section
from zorbench.report.columns import Column, columns
from zorbench.report.formatting import plain, seed_list
from zorbench.report.gallery import Picture, gallery
from zorbench.report.layers import MEANING, across_layers, undefined
from zorbench.report.model import EntryView, Group, ReportView, Row, Stat, SuiteView
from zorbench.report.noise import MEANING as NOISE_MEANING
from zorbench.report.noise import NoiseGroup, error_under_noise, mean_error, noise_groups
from zorbench.report.overview import Line, overview
from zorbench.report.scatter import error_against_seconds
from zorbench.report.styles import share_styles
from zorbench.report.wins import Wins, wins

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Panel:
    """A figure with the line under it; without a drawing, the line says why."""

    caption: str
    drawing: Markup | None
    note: str = ""


FigureGroup = tuple[str, str, tuple[Panel, ...]]
"""Heading, what the figures show, and a panel an entry or data set."""


@dataclass(frozen=True)
class EntrySection:
    """What the page shows of an entry."""

    view: EntryView
    columns: tuple[Column, ...]
    noise: tuple[NoiseGroup, ...]
    pictures: tuple[Picture, ...]

    @property
    def confused(self) -> list[Row]:
        return [row for row in self.view.rows if row.confusion is not None]

    def class_name(self, number: int) -> str:
        """The name of a class, or its number where the records tell no names."""
        return self.view.classes[number] if number < len(self.view.classes) else str(number)


@dataclass(frozen=True)
class SuiteSection:
    """What the page shows of a suite."""

    view: SuiteView
    overview: dict[Group, tuple[Line, ...]]
    wins: Wins | None
    entries: tuple[EntrySection, ...]
    figures: tuple[FigureGroup, ...]


def page(view: ReportView, results: Path) -> str:
    """The page; pictures are read from the results folder and embedded."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,  # reasons, names and configurations are somebody's text
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(error=_error, peak=_peak, mean_error=mean_error)
    rendered = environment.get_template("page.html.j2").render(
        view=view,
        words=wording,
        summary=summary,
        in_short=summary.in_short(view),
        costs=costs,
        groups=wording.GROUP_NOTES,
        style=Markup((_TEMPLATES / "style.css").read_text(encoding="utf-8")),
        script=Markup((_TEMPLATES / "report.js").read_text(encoding="utf-8")),
        suites=[_suite(suite, view, results) for suite in view.suites],
        seeds=seed_list(view.seeds),
        claims=claims_section(results),
        swatches={label: _swatch(index) for label, index in view.series.items()},
    )
    return share_styles(rendered)


def _suite(suite: SuiteView, view: ReportView, results: Path) -> SuiteSection:
    shown = [entry for entry in suite.entries if entry.floor is not None]
    sections = tuple(
        EntrySection(
            entry, columns(entry), noise_groups(entry), gallery(entry, results) if entry.floor else ()
        )
        for entry in suite.entries
    )
    return SuiteSection(suite, overview(suite), wins(suite), sections, tuple(_figures(suite, shown, view)))


def _figures(suite: SuiteView, shown: Sequence[EntryView], view: ReportView) -> Iterator[FigureGroup]:
    """The kinds of figure that have a panel to show."""
    scatter = [
        Panel(entry.title, _drawn(error_against_seconds(entry, view.series)), _untimed(entry))
        for entry in shown
        if entry.clocked is not None
    ]
    families = [
        Panel(_family(family), _drawn(figures.skill_against_shots(family, view.series)))
        for family in figures.shot_families(suite)
    ]
    layers = [
        Panel(entry.title, _drawn(drawing), undefined(entry))
        for entry in shown
        if (drawing := across_layers(entry, view.series)) is not None
    ]
    noise = [
        Panel(f"{entry.title}, {group.kind.title}", _drawn(drawing))
        for entry in shown
        for group in noise_groups(entry)
        if (drawing := error_under_noise(entry, group, view.series)) is not None
    ]
    searches = [
        Panel(entry.title, _drawn(drawing))
        for entry in shown
        if (drawing := studies.search_figure(entry, view.series)) is not None
    ]
    kinds = [
        (
            "Error against training time",
            "Mean over the seeds, bars of one standard deviation. Lower left is better; the thin line "
            "joins the rules that no other beats in both (the Pareto front). The dashed "
            "line is the error of the floor that is the zero of skill; other floors are hollow and grey, "
            "and left out where they lie outside of the range of the rules.",
            scatter,
        ),
        ("Error under noise", NOISE_MEANING, noise),
        ("Skill against shots", "Mean skill; the dashed line at 0 is the floor.", families),
        (
            "Learning curves over samples",
            "Validation error, mean over the seeds. A single mark is a rule that learns in one step. "
            "The dashed line is the floor.",
            [
                Panel(entry.title, _drawn(figures.learning_curves(entry, "samples", view.series)))
                for entry in shown
            ],
        ),
        (
            "Learning curves over seconds",
            "The same against training seconds, from the timing lane.",
            [
                Panel(entry.title, _drawn(figures.learning_curves(entry, "seconds", view.series)))
                for entry in shown
                if entry.clocked is not None
            ],
        ),
        ("What tuning buys", studies.MEANING, searches),
        ("From layer to layer", MEANING, layers),
    ]
    for heading, meaning, panels in kinds:
        if any(panel.drawing is not None for panel in panels):
            yield heading, meaning, tuple(panels)


def _untimed(entry: EntryView) -> str:
    missing = [row.label for row in entry.rows if not row.failed and "train_seconds" not in row.stats]
    return f"Without a time: {', '.join(missing)}." if missing else ""


def _family(family: Sequence[EntryView]) -> str:
    first = family[0]
    return first.dataset if first.protocol == "samples" else f"{first.dataset} ({first.protocol} protocol)"


def _drawn(svg: str | None) -> Markup | None:
    return None if svg is None else Markup(svg)  # drawn here; matplotlib escapes the names in it


def _swatch(index: int) -> Markup:
    look = palette.style(index)
    return Markup('<svg class="swatch {}" viewBox="0 0 12 12" aria-hidden="true">{}</svg>').format(
        look.css, Markup(look.shape)
    )


def _error(value: float) -> str:
    return plain(Stat(value, None, 1), 1).text


def _peak(matrix: Sequence[Sequence[int]]) -> int:
    return max(1, max((max(line) for line in matrix), default=1))
