"""Numbers of a record."""

import pytest

from zorbench.claims import MEASURES, SECONDS, training_seconds

from .records import record


def value(measure: str, conditions: tuple[str, ...] = (), **changes: object) -> float | None:
    return MEASURES[measure].of(record("rule", 0, **changes), conditions)


def test_accuracies_are_in_per_cent():
    assert value("zor accuracy", clean={"zor_accuracy": 0.83}) == pytest.approx(83.0)
    assert value("accuracy", clean={"error": 0.25}) == pytest.approx(75.0)
    assert value("psnr", clean={"psnr": 16.17}) == 16.17
    assert value("error", clean={"error": 0.02}) == 0.02


def test_accuracy_under_noise_is_the_mean_of_the_conditions():
    noise = {"gaussian-0.4": 0.2, "poisson-1": 0.4}
    assert value("accuracy", ("gaussian-0.4", "poisson-1"), noise=noise) == pytest.approx(70.0)
    assert value("accuracy", ("gaussian-0.4", "poisson-3"), noise=noise) is None


def test_the_last_error_is_held_against_the_least_on_the_way():
    curve = [{"error": 0.8}, {"error": 0.4}, {"error": 0.5}]
    assert value("last to least error", curve=curve) == pytest.approx(1.25)
    assert value("last to least error", curve=[{"error": 0.0}]) is None
    assert value("last to least error") is None


def test_early_activity_is_that_of_the_first_checkpoint():
    curve = [
        {"diagnostics": {"activation_rate": [1.0, 0.5]}},
        {"diagnostics": {"activation_rate": [0.0, 0.0]}},
    ]
    assert value("early activity", curve=curve) == pytest.approx(75.0)
    assert value("early activity", curve=[{"error": 1.0}]) is None


@pytest.mark.parametrize("broken", [None, float("nan"), "much", True])
def test_what_is_no_number_is_not_told(broken):
    assert value("psnr", clean={"psnr": broken}) is None


def test_seconds_are_those_of_cells_that_ran_alone():
    assert value(SECONDS, train=2.0) == 2.0
    assert value(SECONDS, train=2.0, attested=False) is None


def test_the_timing_lane_comes_before_others_and_repetitions_are_averaged():
    records = [
        record("rule", 0, train=9.0),
        record("rule", 0, train=1.0, lane="timing"),
        record("rule", 0, train=3.0, lane="timing"),
        record("rule", 0, train=99.0, lane="timing", attested=False),
        record("rule", 1, train=5.0),
        record("rule", 2, train=5.0, attested=False),
        record("rule", 3, train=5.0, status="error"),
        record("other", 4, train=5.0),
    ]
    assert training_seconds(records, "rule") == {0: 2.0, 1: 5.0}
