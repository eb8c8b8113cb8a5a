"""Records as cells."""

import math

import pytest

from zorbench.report import cells

from .synthetic import record


def test_of_two_records_of_a_cell_the_last_counts() -> None:
    first = record("s", "e", "a", 0, status="error", reason="broke")
    other = record("s", "e", "b", 0)
    again = record("s", "e", "a", 0, error=0.5) | {"key": "other code, other key"}
    assert cells.latest([first, other, again]) == [again, other]


@pytest.mark.parametrize("alone_first", [True, False])
def test_a_cell_run_by_itself_comes_before_one_learned_with_other_seeds(alone_first: bool) -> None:
    alone = record("s", "e", "a", 0, error=0.5)
    joint = record("s", "e", "a", 0, attested=False) | {"together": 8, "key": "another"}
    marked = alone | {"together": 1}
    for by_itself in (alone, marked):  # records without the mark are older
        both = [by_itself, joint] if alone_first else [joint, by_itself]
        assert cells.latest(both) == [by_itself]
    again = joint | {"key": "later"}
    assert cells.latest([joint, again]) == [again]


def test_timing_repetitions_and_protocols_are_cells_of_their_own() -> None:
    made = [
        record("s", "e", "a", 0, lane=lane, repetition=i) for lane in ("accuracy", "timing") for i in (0, 1)
    ]
    assert len(cells.latest([*made, record("s", "e", "a", 0, protocol="time")])) == 5


@pytest.mark.parametrize("error", [None, math.nan, math.inf, True, "0.1"])
def test_an_ok_record_without_a_finite_error_counts_as_failed(error: object) -> None:
    made = record("s", "e", "a", 0)
    made["metrics"]["clean"]["error"] = error
    assert cells.outcome(made)[0] == "error"


def test_seconds_count_only_in_the_timing_lane_and_only_if_the_machine_was_idle() -> None:
    alone = record("s", "e", "a", 0, train=2.0, predict=1.0, lane="timing", attested=True)
    assert cells.timings(alone) == {
        "import_seconds": 0.03,
        "build_seconds": 0.01,
        "first_step_seconds": 0.02,
        "train_seconds": 2.0,
        "predict_seconds": 1.0,
    }
    assert cells.timings(alone | {"attested": False}) == {}
    for lane in ("accuracy", "tuning", "probe"):
        assert cells.timings(alone | {"lane": lane}) == {}
    assert cells.timings(alone | {"status": "error"}) == {}


def test_other_test_conditions_bring_their_error() -> None:
    made = record("s", "e", "a", 0, error=0.1)
    made["metrics"]["salt"] = {"error": 0.25, "psnr": 3.0}
    found = cells.numbers(made)
    assert (found["error"], found["error@salt"], found["validation"]) == (0.1, 0.25, 0.1)


def test_the_accuracy_lane_speaks_for_a_seed_and_else_its_first_timed_repetition() -> None:
    timed = [record("s", "e", "a", seed, lane="timing", repetition=r) for seed in (1, 0) for r in (1, 0)]
    plain = record("s", "e", "a", 1)
    chosen = cells.one_per_seed([*timed, plain])
    assert list(chosen) == [0, 1]
    assert chosen[0]["lane"] == "timing"
    assert chosen[0]["repetition"] == 0
    assert chosen[1] is plain


def test_the_setting_in_images_is_not_taken_for_picture_strips() -> None:
    made = record("s", "e", "a", 0, images_in_all=64, images={"input": "images/a.png"})
    assert cells.images_setting(made) == 64
    assert cells.strips(made) == {"input": "images/a.png"}
    assert cells.strips(record("s", "e", "a", 0, images=64)) == {}
