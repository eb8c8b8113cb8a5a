"""Learning curves over seeds."""

import numpy as np
import pytest

from zorbench.report.curves import mean_curve


def curve(*points: tuple[float, float]) -> dict[str, object]:
    return {"curve": [{"samples": x, "seconds": x / 10, "error": y} for x, y in points]}


def test_seeds_are_interpolated_linearly_where_all_of_them_have_been() -> None:
    # On [20, 40] the first runs 0.8, 0.7, 0.6 and the second 0.4, 0.3, 0.2 at 20, 30, 40.
    found = mean_curve([curve((10, 0.9), (40, 0.6)), curve((20, 0.4), (30, 0.3), (50, 0.1))], "samples")
    assert found is not None
    assert found.x == (20, 30, 40)
    assert found.y == pytest.approx((0.6, 0.5, 0.4))


def test_one_seed_keeps_its_points() -> None:
    found = mean_curve([curve((10, 0.9), (40, 0.6), (20, 0.7))], "samples")
    assert found is not None
    assert found.x == (10, 20, 40)
    assert found.y == (0.9, 0.7, 0.6)


def test_seconds_are_read_at_points_in_equal_ratios() -> None:
    found = mean_curve([curve((10, 1.0), (1000, 0.0)), curve((10, 1.0), (1000, 0.0))], "seconds")
    assert found is not None
    assert found.x[0] == pytest.approx(1.0)
    assert found.x[-1] == pytest.approx(100.0)
    assert np.ptp(np.diff(np.log(found.x))) < 1e-9
    assert found.y == pytest.approx([1 - (x - 1) / 99 for x in found.x])


def test_rules_that_learn_in_one_step_are_a_point_at_the_mean() -> None:
    found = mean_curve([curve((10, 0.2)), curve((30, 0.4))], "samples")
    assert found is not None
    assert found.x == (20,)
    assert found.y == pytest.approx((0.3,))


def test_points_at_zero_or_without_a_number_are_left_out() -> None:
    assert mean_curve([curve((0, 0.5))], "samples") is None
    assert mean_curve([curve((10, float("nan")))], "samples") is None
    assert mean_curve([], "samples") is None
