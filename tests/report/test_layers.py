"""The figure of what goes on in the layers."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from zorbench.report import figures, layers
from zorbench.report.build import build_view
from zorbench.report.layers import MEANING, QUANTITIES, across_layers, undefined
from zorbench.report.model import EntryView, ReportView
from zorbench.report.page import page
from zorbench.report.svg import stack

from .synthetic import everything, floors, record, rows, telling

FIRST = {"activation_rate": [1.0, 1.0, 1.0], "signal_norm": [0.1, 0.1, 0.3], "alignment": [0.6, 0.7, 0.9]}
LAST = {"activation_rate": [0.5, 0.0, 1.0], "signal_norm": [2.0, 1.0, 0.0], "alignment": [-0.5, 0.0, 0.9]}
DEAD = {"activation_rate": [0.5, 0.0], "signal_norm": [1.0, 1.0], "alignment": [None, None]}


def told_by(name: str, first: dict[str, Any], last: dict[str, Any], n: int = 3) -> list[dict[str, Any]]:
    return [telling(one, first, last) for one in rows("s", "e", name, (0.05,) * n)]


def viewed(*records: dict[str, Any]) -> ReportView:
    return build_view([*records, *floors("s", "e")], [])


def drawn(view: ReportView) -> str | None:
    return across_layers(view.suites[0].entries[0], view.series)


def entry_of(view: ReportView) -> EntryView:
    return view.suites[0].entries[0]


def test_each_quantity_that_is_told_has_its_graph() -> None:
    svg = drawn(viewed(*told_by("deep", FIRST, LAST)))
    assert svg is not None
    assert ElementTree.fromstring(svg).tag == "svg"
    for title in QUANTITIES.values():
        assert re.search(f">{title}<", svg)
    assert svg.count(">deep<") == 3
    assert svg.count(">layer, from the bottom<") == 1
    assert 'aria-label="e: activation rate, signal norm, alignment by layer"' in svg
    one = drawn(viewed(*told_by("deep", {}, {"alignment": [0.5, 0.5]})))
    assert one is not None
    assert ">signal norm<" not in one


def test_solid_lines_are_the_means_after_training_in_their_band_and_dotted_ones_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = []

    @contextmanager
    def keeping(name: str, count: int) -> Iterator[Any]:
        with stack(name, count) as (axes, finish):
            kept.extend(axes)
            yield axes, finish

    monkeypatch.setattr(layers, "stack", keeping)
    other = {**LAST, "alignment": [0.5, 0.0, 0.7]}
    records = told_by("deep", FIRST, LAST, n=1)
    records.append(telling(record("s", "e", "deep", 1), FIRST, other))
    drawn(viewed(*records))
    graph = kept[list(QUANTITIES).index("alignment")]
    begin, end = graph.lines[:2]
    assert list(end.get_xdata()) == [1, 2, 3]
    assert list(end.get_ydata()) == pytest.approx([0.0, 0.0, 0.8])
    assert list(begin.get_ydata()) == pytest.approx(FIRST["alignment"])
    assert (begin.is_dashed(), end.is_dashed()) == (True, False)
    (band,) = graph.collections
    heights = band.get_paths()[0].vertices[:, 1]
    # (−0.5, 0.5) have the standard deviation √½ about 0.
    assert (heights.min(), heights.max()) == (pytest.approx(-(0.5**0.5)), pytest.approx(0.8 + 0.02**0.5))


def test_norms_far_apart_are_drawn_on_a_logarithmic_axis() -> None:
    far = {"signal_norm": [1e-6, 1e-3, 1.0]}
    svg = drawn(viewed(*told_by("deep", far, far)))
    assert svg is not None
    assert ">signal norm, log<" in svg


def test_a_row_that_tells_nothing_has_no_line_and_no_name() -> None:
    svg = drawn(viewed(*told_by("deep", FIRST, LAST), *rows("s", "e", "flat", (0.05,) * 3)))
    assert svg is not None
    assert ">flat<" not in svg


def test_layers_of_different_depth_single_seeds_and_gaps_can_be_drawn() -> None:
    gap = {**LAST, "alignment": [0.1, None, 0.3, None]}
    svg = drawn(viewed(*told_by("deep", FIRST, gap, n=1), *told_by("deeper", DEAD, DEAD)))
    assert svg is not None
    assert "nan" not in svg.lower()


def test_a_row_without_a_number_of_a_quantity_is_named_beside_the_figure() -> None:
    view = viewed(*told_by("deep", FIRST, LAST), *told_by("dead", FIRST, DEAD))
    svg = drawn(view)
    assert svg is not None
    assert (svg.count(">dead<"), svg.count(">deep<")) == (2, 3)
    assert undefined(entry_of(view)) == "Undefined after training: alignment of dead."
    assert undefined(entry_of(viewed(*told_by("deep", FIRST, LAST)))) == ""


@pytest.mark.parametrize("told", [{}, {"size": [1.0, 2.0]}, {"alignment": [None]}])
def test_without_a_quantity_to_draw_there_is_no_figure(told: dict[str, Any], tmp_path: Path) -> None:
    view = viewed(*told_by("deep", told, told))
    assert drawn(view) is None
    assert "From layer to layer" not in page(view, tmp_path)


def test_the_page_shows_the_figure_for_the_entries_that_have_it_alone(tmp_path: Path) -> None:
    plain = everything()
    deep = [
        telling(one, FIRST, LAST) if one["variant"] == "good" and one["shots"] == 10 else one for one in plain
    ]
    deep = [telling(one, FIRST, LAST) if one["role"] == "floor" else one for one in deep]  # floors count not
    deep = [one for one in deep if one["suite"] == "reconstruction"]
    source = page(build_view(deep, []), tmp_path)
    assert source.count("<h4>From layer to layer</h4>") == 1
    section = source[source.index("<h4>From layer to layer</h4>") :]
    section = section[: section.index("</section>")]
    assert MEANING in section
    assert section.count("<figure>") == 1
    assert "<figcaption>mnist5k-10shot</figcaption>" in section
    assert "Nothing to draw" not in section
    assert "From layer to layer" not in page(build_view(plain, []), tmp_path)


def test_its_ids_meet_those_of_no_other_figure_and_no_stand_in_colour_is_left() -> None:
    view = viewed(*told_by("deep", FIRST, LAST))
    svg, other = drawn(view), figures.learning_curves(entry_of(view), "samples", view.series)
    assert svg is not None
    assert other is not None
    ids, others = (set(re.findall(r'\bid="([^"]+)"', one)) for one in (svg, other))
    assert not ids & others
    assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg)) <= ids
    assert not re.search("#0a0[bc]", svg)
    assert "http" not in svg
