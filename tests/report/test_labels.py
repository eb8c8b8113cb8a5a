"""Labels that do not lie on each other."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zorbench.report.labels import Box, place_labels, spread_out

places = st.lists(st.floats(0, 100, allow_nan=False), min_size=1, max_size=15)


@given(places)
def test_spread_places_keep_the_gap_the_order_and_the_bounds(wanted: list[float]) -> None:
    found = spread_out(wanted, 5.0, 0.0, 100.0)
    assert min(found) >= -1e-6
    assert max(found) <= 100 + 1e-6
    ranked = sorted(zip(wanted, found, strict=True))
    placed = sorted(found)
    assert all(b - a >= 5.0 - 1e-6 for a, b in itertools.pairwise(placed))
    assert all(low <= high + 1e-6 or a == b for (a, low), (b, high) in itertools.pairwise(ranked))


@given(places)
def test_places_that_are_free_already_stay(wanted: list[float]) -> None:
    apart = [float(10 * i) for i in range(len(wanted))]
    assert spread_out(apart, 10.0, -1.0, 200.0) == pytest.approx(apart)


def test_two_that_meet_are_moved_by_the_same_amount() -> None:
    assert spread_out([50.0, 50.0], 10.0, 0.0, 100.0) == pytest.approx([45.0, 55.0])


def test_too_many_share_the_room_evenly() -> None:
    assert spread_out([1.0, 1.0, 1.0], 50.0, 0.0, 10.0) == pytest.approx([0.0, 5.0, 10.0])
    assert spread_out([], 1.0, 0.0, 1.0) == []


def test_crowded_labels_find_places_without_overlap() -> None:
    points = [(100.0 + 3 * i, 100.0 + 2 * i) for i in range(8)]
    sizes = [(40.0, 9.0)] * len(points)
    marks = [Box(x - 3, y - 3, x + 3, y + 3) for x, y in points]
    found = place_labels(points, sizes, Box(0, 0, 300, 200), marks)
    boxes = [Box(p.x, p.y, p.x + 40, p.y + 9) for p in found]
    assert all(a.overlap(b) == 0 for a, b in itertools.combinations(boxes, 2))
    assert all(box.overlap(mark) == 0 for box in boxes for mark in marks)
    assert all(box.outside(Box(0, 0, 300, 200)) == 0 for box in boxes)


def test_a_lone_label_sits_beside_its_point_without_a_leader() -> None:
    (found,) = place_labels([(50.0, 50.0)], [(30.0, 9.0)], Box(0, 0, 200, 200))
    assert not found.leader
    assert found.x > 50
