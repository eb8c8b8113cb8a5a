"""What rules told of their layers, over seeds."""

import pytest

from zorbench.report.build import build_view
from zorbench.report.model import Stat
from zorbench.report.profiles import profiles

from .synthetic import floors, record, rows, telling


def curve(*told: dict[str, object] | None) -> dict[str, object]:
    points = [{"samples": i, "seconds": i, "error": 0.1} for i in range(len(told))]
    return {"curve": [p if d is None else {**p, "diagnostics": d} for p, d in zip(points, told, strict=True)]}


def test_every_layer_has_mean_and_spread_over_the_seeds_at_both_ends() -> None:
    found = profiles(
        [
            curve({"rate": [0.1, 0.5]}, {"rate": [9.0, 9.0]}, {"rate": [0.2, 0.4]}),
            curve({"rate": [0.3, 0.5]}, {"rate": [0.4, 0.4]}),
        ]
    )
    assert list(found) == ["rate"]
    assert [(s.mean, s.n) for s in found["rate"].first if s] == [(pytest.approx(0.2), 2), (0.5, 2)]
    after = [(s.mean, s.sd) for s in found["rate"].last if s]
    assert after == [(pytest.approx(0.3), pytest.approx(0.02**0.5)), (pytest.approx(0.4), 0.0)]


def test_a_layer_without_a_number_is_left_open_and_one_seed_has_no_spread() -> None:
    found = profiles([curve({"cos": [None, 1.0, None]}), curve({"cos": [None, None, 0.5]})])["cos"]
    assert found.last == (None, Stat(1.0, None, 1), Stat(0.5, None, 1))
    assert found.first == found.last


def test_records_may_tell_different_things_and_points_nothing() -> None:
    found = profiles([curve(None, {"a": [1.0]}, {"b": [2.0, 3.0]}), curve(None), {}])
    assert (found["a"].first, found["a"].last) == ((Stat(1.0, None, 1),), ())
    assert [stat.mean for stat in found["b"].last if stat] == [2.0, 3.0]


@pytest.mark.parametrize("told", ["rate", [1.0], {"rate": 0.5}, {"rate": ["x", True]}])
def test_what_is_no_list_of_numbers_is_passed_over(told: object) -> None:
    found = profiles([curve(told)])  # type: ignore[arg-type]
    assert not [stat for profile in found.values() for stat in profile.last if stat]


def test_rows_have_the_profiles_of_their_seeds_unless_a_cell_failed() -> None:
    told = [telling(r, {"rate": [1.0]}, {"rate": [0.5]}) for r in rows("s", "e", "a", (0.05,) * 2)]
    view = build_view([*told, *floors("s", "e")], [])
    row = view.suites[0].entries[0].row("a")
    assert row is not None
    assert row.profiles["rate"].last == (Stat(0.5, 0.0, 2),)
    failing = record("s", "e", "a", 2, status="error", reason="x")
    row = build_view([*told, failing, *floors("s", "e")], []).suites[0].entries[0].row("a")
    assert row is not None
    assert row.profiles == {}
