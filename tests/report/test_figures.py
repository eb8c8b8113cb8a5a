"""Figures as inline SVG."""

import re
from xml.etree import ElementTree

import matplotlib as mpl
import pytest

from zorbench.report import figures, palette
from zorbench.report.build import build_view
from zorbench.report.model import EntryView, ReportView
from zorbench.report.scatter import error_against_seconds

from .synthetic import everything, floors, rows, timed


@pytest.fixture(scope="module")
def view() -> ReportView:
    return build_view(everything(), [])


@pytest.fixture(scope="module")
def entry(view: ReportView) -> EntryView:
    return view.suites[0].entries[0]


@pytest.fixture(scope="module")
def drawings(view: ReportView, entry: EntryView) -> dict[str, str]:
    family = figures.shot_families(view.suites[0])[0]
    found = {
        "scatter": error_against_seconds(entry, view.series),
        "shots": figures.skill_against_shots(family, view.series),
        "samples": figures.learning_curves(entry, "samples", view.series),
        "seconds": figures.learning_curves(entry, "seconds", view.series),
    }
    return {name: svg for name, svg in found.items() if svg is not None}


def test_all_kinds_are_drawn_as_well_formed_svg(drawings: dict[str, str]) -> None:
    assert sorted(drawings) == ["samples", "scatter", "seconds", "shots"]
    for svg in drawings.values():
        assert ElementTree.fromstring(svg).tag == "svg"


def test_figures_name_no_address_and_leave_no_stand_in_colour(drawings: dict[str, str]) -> None:
    for svg in drawings.values():
        assert "http" not in svg
        assert not re.search("#0a0[bc]", svg)
        assert "var(--ink)" in svg


def test_timed_figures_leave_out_rows_without_times_and_failed_rows(drawings: dict[str, str]) -> None:
    for name in ("scatter", "seconds"):
        assert ">good<" in drawings[name]
        assert ">poor<" not in drawings[name]
    assert ">poor<" in drawings["samples"]
    assert not any(">brittle<" in svg for svg in drawings.values())


def test_the_floor_is_a_named_line(drawings: dict[str, str]) -> None:
    assert "floor: mean" in drawings["scatter"]
    assert "floor: mean" in drawings["samples"]


def test_ids_of_different_figures_do_not_meet(drawings: dict[str, str]) -> None:
    ids = [set(re.findall(r'\bid="([^"]+)"', svg)) for svg in drawings.values()]
    assert sum(map(len, ids)) == len(set().union(*ids))
    for svg, own in zip(drawings.values(), ids, strict=True):
        assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg)) <= own


def test_names_are_text_whatever_is_in_them() -> None:
    awkward = r"<b>$\frac{1}$ & --> x"
    view = build_view([*rows("s", "e", awkward, (0.05, 0.05, 0.05)), *floors("s", "e")], [])
    svg = figures.learning_curves(view.suites[0].entries[0], "samples", view.series)
    assert svg is not None
    assert any(
        element.text and element.text.startswith(r"<b>$\frac{1}$ & -->")
        for element in ElementTree.fromstring(svg).iter()
    )


def test_a_users_matplotlib_settings_neither_count_nor_change(entry: EntryView, view: ReportView) -> None:
    wanted = figures.learning_curves(entry, "samples", view.series)
    with mpl.rc_context({"font.size": 30.0, "lines.linewidth": 9.0}):
        assert figures.learning_curves(entry, "samples", view.series) == wanted
        assert mpl.rcParams["font.size"] == 30.0


def test_nothing_timed_draws_nothing() -> None:
    busy = [made | {"attested": False, "load": 0.5} for made in timed(rows("s", "e", "a", (0.05,) * 3))]
    view = build_view([*busy, *floors("s", "e")], [])
    entry = view.suites[0].entries[0]
    assert error_against_seconds(entry, view.series) is None
    assert figures.learning_curves(entry, "seconds", view.series) is None


def test_errors_of_zero_and_single_seeds_can_be_drawn() -> None:
    records = [
        *timed(rows("s", "e", "a", (0.0,))),
        *timed(rows("s", "e", "b", (0.5,))),
        *rows("s", "e", "m", (0.9,), role="floor"),
    ]
    view = build_view(records, [])
    entry = view.suites[0].entries[0]
    assert error_against_seconds(entry, view.series)
    assert figures.learning_curves(entry, "samples", view.series)


def test_shot_families_hold_what_differs_in_shots_alone(view: ReportView) -> None:
    (family,) = figures.shot_families(view.suites[0])
    assert [entry.shots for entry in family] == [1, 10]
    assert figures.shot_families(view.suites[2]) == []


def test_the_first_56_series_look_different() -> None:
    looks = {(palette.style(i).colour, palette.style(i).marker) for i in range(56)}
    assert len(looks) == 56
