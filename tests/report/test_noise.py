"""The figures of error under noise."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from zorbench.report import noise
from zorbench.report.build import build_view
from zorbench.report.model import EntryView, ReportView
from zorbench.report.noise import MEANING, error_under_noise, noise_groups
from zorbench.report.page import page
from zorbench.report.svg import panel

from .synthetic import CONDITIONS, classification, everything, floors, noisy, rows


def viewed(*records: dict[str, Any], conditions: tuple[str, ...] = CONDITIONS) -> ReportView:
    return build_view(noisy(records or classification(), conditions), [])


def entry_of(view: ReportView) -> EntryView:
    return view.suites[0].entries[0]


def drawings(view: ReportView) -> list[str | None]:
    entry = entry_of(view)
    return [error_under_noise(entry, group, view.series) for group in noise_groups(entry)]


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The axes that are drawn."""
    found: list[Any] = []

    @contextmanager
    def keeping(name: str, labelled: bool = False) -> Iterator[Any]:
        with panel(name, labelled) as (axes, finish):
            found.append(axes)
            yield axes, finish

    monkeypatch.setattr(noise, "panel", keeping)
    return found


def test_conditions_are_grouped_by_kind_and_ordered_by_strength_however_they_are_spelt() -> None:
    names = ("poisson-3", "poisson-30", "salt_pepper-0.2", "gaussian-0.4", "gaussian-0.15", "poisson-0.5")
    groups = noise_groups(entry_of(viewed(conditions=(*names, "fog", "gaussian-0.10"))))
    assert [(group.kind.title, [one.heading for one in group.conditions]) for group in groups] == [
        ("Gaussian", ["0.15", "0.4"]),
        ("Salt and pepper", ["0.2"]),
        ("Poisson", ["30", "3", "0.5"]),
        ("Other", ["fog", "gaussian-0.10"]),
    ]
    assert noise_groups(entry_of(build_view(classification(), []))) == ()


def test_lines_lead_from_the_clean_error_to_the_strongest_noise(kept: list[Any]) -> None:
    gaussian, poisson, other = drawings(viewed())
    assert gaussian is not None
    assert poisson is not None
    assert other is None  # no kind, no axis
    # Errors of 0.2, 0.3 and 0.4 and 0.1 more under each condition; the strength of photons is 1 / √peak.
    lines = [[list(axes.lines[0].get_xdata()), list(axes.lines[0].get_ydata())] for axes in kept]
    assert lines[0][0] == [0.0, 0.1, 0.4]
    assert lines[0][1] == pytest.approx([0.3, 0.4, 0.5])
    assert lines[1][0] == pytest.approx([0.0, 10**-0.5, 1.0])
    assert lines[1][1] == pytest.approx([0.3, 0.6, 0.7])
    assert [text.get_text() for text in kept[1].get_xticklabels()] == ["clean", "10", "1"]
    assert ">Poisson noise: photons at white<" in poisson
    assert ">error (1 − accuracy)<" in gaussian


def test_the_chosen_floor_under_the_same_noise_is_a_dashed_line_with_a_name(kept: list[Any]) -> None:
    worst = rows("classification", "mnist5k-10shot", "worst", (0.6,) * 3, role="floor", task="classification")
    gaussian, _, _ = drawings(viewed(*classification(), *worst))
    assert gaussian is not None
    floor = kept[0].lines[1]
    assert floor.is_dashed()
    assert list(floor.get_ydata()) == pytest.approx([0.1, 0.2, 0.3])
    assert ">floor: mean<" in gaussian
    assert "median" not in gaussian
    assert "worst" not in gaussian


def test_all_kinds_have_one_vertical_axis_from_0(kept: list[Any]) -> None:
    drawings(viewed())
    assert kept[0].get_ylim() == kept[1].get_ylim()
    assert kept[0].get_ylim()[0] == 0
    assert kept[0].get_ylim()[1] > 0.8  # the largest, under fog


def test_levels_too_close_to_be_named_have_a_tick_alone(kept: list[Any]) -> None:
    levels = (0.001, 0.01, 0.02, 0.1, 0.5, 0.99, 1)
    drawings(viewed(conditions=tuple(f"salt_pepper-{level}" for level in levels)))
    names = [text.get_text() for text in kept[0].get_xticklabels()]
    assert names == ["clean", "", "", "", "0.1", "0.5", "", "1"]
    assert list(kept[0].get_xticks()) == [0, *levels]


def test_failed_rows_and_rows_without_conditions_have_no_line() -> None:
    records = noisy(classification(), CONDITIONS)
    records += rows("classification", "mnist5k-10shot", "older", (0.1,) * 3, task="classification")
    records[-3:] = [{**one, "spec": records[0]["spec"]} for one in records[-3:]]
    bad = rows("classification", "mnist5k-10shot", "bad", (0.1,), task="classification", status="diverged")
    view = build_view([*records, *({**one, "spec": records[0]["spec"]} for one in bad)], [])
    for svg in drawings(view)[:2]:
        assert svg is not None
        assert ">good<" in svg
        assert ">older<" not in svg
        assert ">bad<" not in svg


def test_floors_alone_single_seeds_and_errors_of_zero_can_be_drawn_or_left_out() -> None:
    assert drawings(viewed(*floors("s", "e"))) == [None] * 3
    zero = rows("s", "e", "a", (0.0,))
    for one in zero:
        one["metrics"]["gaussian-1"] = {"error": 0.0}
    view = build_view([*zero, *rows("s", "e", "m", (0.0,), role="floor")], [])
    (svg,) = drawings(view)
    assert svg is not None
    assert "nan" not in svg.lower()


def test_figures_are_well_formed_with_ids_of_their_own() -> None:
    found = [svg for svg in drawings(viewed()) if svg is not None]
    ids = [set(re.findall(r'\bid="([^"]+)"', svg)) for svg in found]
    assert not ids[0] & ids[1]
    for svg, own in zip(found, ids, strict=True):
        assert ElementTree.fromstring(svg).tag == "svg"
        assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg)) <= own
        assert not re.search("#0a0[bc]", svg)
        assert "http" not in svg


def test_the_page_has_a_panel_a_kind_and_says_how_to_read_them(tmp_path: Path) -> None:
    source = page(viewed(), tmp_path)
    section = source[source.index("<h4>Error under noise</h4>") :]
    section = section[: section.index("</section>")]
    assert MEANING in section
    captions = re.findall("<figcaption>(.*?)</figcaption>", section)
    assert captions == ["mnist5k-10shot, Gaussian", "mnist5k-10shot, Poisson"]
    assert "Error under noise" not in page(build_view(everything(), []), tmp_path)
