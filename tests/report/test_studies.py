"""What tuning buys, from records of trials."""

import math
from itertools import combinations

import pytest

from zorbench.report.build import build_view
from zorbench.report.studies import expected_curve, search_figure

from .synthetic import record, rows


def trial(variant, number, seed, error, study="now", **changes):
    given = {"lane": "tuning", "protocol": "tuned", "trial": number, "study": study, "trials": 3}
    return record("s", "e", variant, seed, error=error, **(given | changes))


def tuned(variant, error=0.1, study="now", **changes):
    return rows("s", "e", variant, (error,) * 3, protocol="tuned", study=study, trials=3, **changes)


def entry_of(records):
    floor = rows("s", "e", "mean", (0.5,) * 3, role="floor", protocol="tuned")
    return build_view([*records, *floor], []).suites[0].entries[0]


TRIALS = [trial("rule", n, s, e + 0.01 * s) for n, e in enumerate((0.4, 0.2, 0.3)) for s in (10_000, 10_001)]


def test_a_studys_scores_are_the_mean_validation_errors_of_its_trials_in_order():
    entry = entry_of([*TRIALS, *tuned("rule")])
    offset = 0.01 * 10_000.5
    assert entry.studies["rule"] == pytest.approx([one + offset for one in (0.4, 0.2, 0.3)])


def test_trials_are_no_rows_and_those_of_another_study_do_not_count():
    other = [trial("rule", 0, 10_000, 0.9, study="former")]
    entry = entry_of([*other, *TRIALS, *tuned("rule")])
    assert [row.label for row in entry.rows] == ["rule", "mean"]
    assert max(entry.studies["rule"]) < 101


def test_a_trial_of_which_a_cell_failed_counts_as_worst():
    failed = [trial("rule", 1, 10_000, 0.2), trial("rule", 1, 10_001, 0.2, status="diverged", reason="NaN")]
    entry = entry_of([trial("rule", 0, 10_000, 0.4), *failed, *tuned("rule")])
    assert entry.studies["rule"] == (pytest.approx(0.4), math.inf)
    assert not build_view([*failed, *tuned("rule")], []).failures


def test_the_curve_is_the_mean_best_of_all_subsets_with_the_defaults_in_each():
    scores = (0.30, 0.5, 0.1, 0.4, 0.2)
    expected = [0.30]
    for m in range(1, 5):
        best = [min(0.30, *subset) for subset in combinations(scores[1:], m)]
        expected.append(sum(best) / len(best))
    found = expected_curve(scores)
    assert [m for m, _ in found] == [0, 1, 2, 3, 4]
    assert [value for _, value in found] == pytest.approx(expected)


def test_the_figure_has_a_line_a_row():
    entry = entry_of([*TRIALS, *tuned("rule")])
    svg = search_figure(entry, {"rule": 0})
    assert svg is not None
    assert "rule" in svg
    assert search_figure(entry_of(tuned("rule")), {"rule": 0}) is None


def test_an_unmatched_row_leaves_the_headline():
    entry = entry_of([*tuned("rule"), *tuned("wide", unmatched="searches 9 settings")])
    assert [row.label for row in entry.group("headline")] == ["rule"]
    assert [row.label for row in entry.group("outside")] == ["wide"]


def test_who_tried_more_than_others_leaves_the_headline_too():
    greedy = rows("s", "e", "greedy", (0.1,) * 3, protocol="tuned", study="more", trials=64)
    entry = entry_of([*tuned("rule"), *greedy, *tuned("other")])
    assert {row.label for row in entry.group("headline")} == {"rule", "other"}
    (outside,) = entry.group("outside")
    assert outside.unmatched == "tried 64 configurations, where others tried 3"
    assert "greedy" not in entry.standing.labels
