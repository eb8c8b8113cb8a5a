"""From records to a verdict."""

import pytest

from zorbench.claims import Cells, Claim, Expectation, assess

from .records import record


def a_claim(
    compare: str = "mean", measure: str = "accuracy", direction: str = "at least", value: float = 0.0
) -> Claim:
    expected = Expectation(direction, value)  # type: ignore[arg-type]
    texts = dict.fromkeys(("id", "system", "statement", "source", "figure", "how", "margin_reason"), "")
    return Claim(
        **texts,
        measure=measure,
        conditions=(),
        compare=compare,  # type: ignore[arg-type]
        expected=expected,
        settings=(),
        unmeasurable="",
    )


def errors(variant: str, values: list[float], **changes: object) -> list[dict[str, object]]:
    return [record(variant, seed, clean={"error": value}, **changes) for seed, value in enumerate(values)]


def test_a_mean_is_held_against_the_figure_with_its_floor_beside_it():
    row = errors("rule", [0.1, 0.12] * 4)
    floors = errors("good", [0.4] * 8, validation=0.3) + errors("bad", [0.2] * 8, validation=0.9)
    found = assess(a_claim(value=88.0), Cells(row, floors=floors))
    assert found.verdict.status == "VERIFIED"
    assert found.row_mean == pytest.approx(89.0)
    assert found.floor == ("good", pytest.approx(60.0))  # by the validation images, not by the test images
    assert assess(a_claim(value=90.0), Cells(row)).verdict.status == "REFUTED"
    assert assess(a_claim(value=90.0), Cells(row)).floor is None


def test_a_difference_pairs_the_seeds():
    # Seeds differ widely, the difference hardly: 10 points less error, always.
    spread = [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    row, than = errors("rule", [one - 0.1 for one in spread]), errors("other", spread)[::-1]
    found = assess(a_claim("difference", direction="more than", value=9.9), Cells(row, than))
    assert found.verdict.status == "VERIFIED"
    assert found.estimate is not None
    assert found.estimate.value == pytest.approx(10.0)
    assert (found.row_mean, found.than_mean) == (pytest.approx(55.0), pytest.approx(45.0))


def test_only_seeds_of_both_rows_count():
    row, than = errors("rule", [0.1] * 8), errors("other", [0.2] * 7)
    found = assess(a_claim("difference"), Cells(row, than))
    assert found.verdict.reason == "n = 7, a verdict needs 8"


def test_a_ratio_is_how_many_times_as_long_the_other_takes():
    row = [record("rule", seed, train=0.5) for seed in range(8)]
    than = [record("other", seed, train=15.0 + seed / 10) for seed in range(8)]
    found = assess(a_claim("ratio", "training seconds", value=30.0), Cells(row, than))
    assert found.estimate is not None
    assert found.estimate.value == pytest.approx(30.7, abs=0.1)
    assert found.verdict.status == "VERIFIED"


def test_times_on_a_busy_machine_decide_nothing():
    row = [record("rule", seed, attested=False) for seed in range(8)]
    found = assess(a_claim(measure="training seconds"), Cells(row))
    assert found.verdict.status == "INCONCLUSIVE"
    assert "no time is attested" in found.verdict.reason


def test_a_row_with_a_failed_cell_has_no_mean():
    row = [
        *errors("rule", [0.1] * 7),
        record("rule", 7, status="timeout", reason="exceeded its limit", metrics={}),
    ]
    found = assess(a_claim(), Cells(row))
    assert found.verdict.status == "INCONCLUSIVE"
    assert found.verdict.reason == "rule: timeout in 1 of 8 cells: exceeded its limit"
    assert found.estimate is None


def test_no_records_are_no_run_and_a_missing_number_is_told():
    assert assess(a_claim(), Cells([])).verdict.status == "NOT RUN"
    assert assess(a_claim("difference"), Cells(errors("rule", [0.1]))).verdict.status == "NOT RUN"
    found = assess(a_claim(measure="early activity"), Cells(errors("rule", [0.1])))
    assert found.verdict.reason == "the records tell no early activity"
