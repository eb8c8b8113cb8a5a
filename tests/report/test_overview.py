"""The table of skills."""

from zorbench.report.build import build_view
from zorbench.report.overview import overview

from .synthetic import everything, reconstruction


def test_lines_are_ordered_by_mean_skill_and_incomplete_ones_follow() -> None:
    lines = overview(build_view(everything(), []).suites[0])
    assert [line.label for line in lines["headline"]] == ["good", "größer Ω", "poor", "brittle"]
    assert [line.label for line in lines["outside"]] == ["identity"]
    assert [line.label for line in lines["floor"]] == ["median", "mean"]


def test_a_tile_says_which_side_of_the_floor_it_is_on() -> None:
    lines = overview(build_view(reconstruction(), []).suites[0])
    tiles = {line.label: line.tiles[0] for group in lines.values() for line in group}
    assert (tiles["good"].text, tiles["good"].side) == ("0.70", "above")
    assert (tiles["poor"].text, tiles["poor"].side) == ("−0.20", "below")
    assert (tiles["mean"].text, tiles["mean"].side) == ("0.00", "")
    assert tiles["brittle"].text == "failed 1 of 3"
    assert tiles["brittle"].link
    assert "pca" not in tiles


def test_an_entry_without_a_floor_shows_no_skill() -> None:
    (line,) = overview(build_view(everything(), []).suites[1])["headline"]
    assert line.tiles[0].text == "no floor"
