"""Wins, fronts and letters against loops over all pairs."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zorbench.stats import Comparison, Estimate, Round, compare_all, letters, pareto_front, win_tie_loss


def pair(first: int, second: int, difference: float, p: float | None) -> Comparison:
    return Comparison(first, second, Estimate(difference, None, None, 8), p, None)


# Wins and losses


def test_a_significantly_lower_error_wins():
    rounds = [
        Round([0, 1], [pair(0, 1, -0.2, 0.01)]),
        Round([0, 1], [pair(0, 1, -0.2, 0.05)]),
        Round([0, 1], [pair(0, 1, 0.3, 0.04)]),
        Round([0, 1], [pair(0, 1, -0.2, 0.051)]),
    ]
    got = win_tie_loss(rounds, 2)
    assert got[0, 1].tolist() == [2, 1, 1]
    assert got[1, 0].tolist() == [1, 1, 2]
    assert not got[[0, 1], [0, 1]].any()


def test_columns_are_counted_as_the_rows_that_they_are():
    rng = np.random.default_rng(0)
    better_first = rng.random((8, 2)) + np.array([0, 9])
    got = win_tie_loss([Round([3, 1], compare_all(better_first))], 4)
    assert got[3, 1].tolist() == [1, 0, 0]
    assert got[1, 3].tolist() == [0, 0, 1]
    assert got.sum() == 2  # rows 0 and 2 took no part


def test_a_failure_loses_against_all_but_failures():
    got = win_tie_loss([Round([0], [], frozenset({1, 2}))], 4)
    assert got[0, 1].tolist() == got[0, 2].tolist() == [1, 0, 0]
    assert got[1, 0].tolist() == got[2, 0].tolist() == [0, 0, 1]
    assert got[1, 2].tolist() == got[2, 1].tolist() == [0, 1, 0]
    assert not got[3].any()


def test_without_verdicts_only_failures_decide():
    smoke = compare_all(np.arange(15.0).reshape(5, 3) ** 3)
    got = win_tie_loss([Round([0, 1, 2], smoke, frozenset({3}))], 4)
    assert all(got[i, j].tolist() == [0, 1, 0] for i in range(3) for j in range(3) if i != j)
    assert all(got[i, 3].tolist() == [1, 0, 0] for i in range(3))


def test_every_round_that_two_took_part_in_counts_once():
    rng = np.random.default_rng(1)
    rows, rounds, together = 5, [], np.zeros((5, 5), dtype=int)
    for _ in range(12):
        kind = rng.integers(3, size=rows)  # compared, failed, absent
        there = [row for row in range(rows) if kind[row] == 0]
        failed = frozenset(row for row in range(rows) if kind[row] == 1)
        rounds.append(Round(there, compare_all(rng.random((8, len(there)))), failed))
        for i, j in combinations(range(rows), 2):
            together[i, j] += kind[i] < 2 and kind[j] < 2
    got = win_tie_loss(rounds, rows)
    assert np.array_equal(got.sum(-1), together + together.T)
    assert np.array_equal(got, got.transpose(1, 0, 2)[:, :, ::-1])


@pytest.mark.parametrize(
    ("one", "message"),
    [
        (Round([0, 0], []), "round 0 names a row twice"),
        (Round([0], [], frozenset({0})), "round 0 names a row twice"),
        (Round([0, 2], []), r"round 0 names rows \[0, 2\]; there are 2"),
        (Round([0], [], frozenset({-1})), "round 0 names rows"),
        (Round([0], [pair(0, 1, 1.0, 0.5)]), r"round 0: no pair of columns \(0, 1\); there are 1"),
    ],
)
def test_rounds_that_name_what_is_not_there_are_refused(one, message):
    with pytest.raises(ValueError, match=message):
        win_tie_loss([one], 2)


# The front

coordinates = st.one_of(st.integers(0, 4).map(float), st.sampled_from([None, math.nan, math.inf, -math.inf]))


@given(st.lists(st.tuples(coordinates, coordinates), max_size=10))
def test_the_front_is_what_no_other_row_dominates(points):
    def real(point):
        return all(x is not None and math.isfinite(x) for x in point)

    def dominated(point):
        return any(
            q[0] <= point[0] and q[1] <= point[1] and (q[0] < point[0] or q[1] < point[1])
            for q in points
            if real(q)
        )

    wanted = [real(point) and not dominated(point) for point in points]
    assert pareto_front([e for e, _ in points], [s for _, s in points]).tolist() == wanted


def test_equal_rows_stay_on_the_front_together():
    assert pareto_front([0.1, 0.1, 0.1, 0.2], [3.0, 3.0, 4.0, 1.0]).tolist() == [True, True, False, True]


def test_a_front_of_unpaired_numbers_is_refused():
    with pytest.raises(ValueError, match="one error and one time a row"):
        pareto_front([0.1], [1.0, 2.0])


# Letters


@settings(max_examples=300)
@given(st.data(), st.integers(0, 8))
def test_two_rows_share_a_letter_exactly_if_they_do_not_differ(data, rows):
    pairs = list(combinations(range(rows), 2))
    differ = data.draw(st.lists(st.booleans(), min_size=len(pairs), max_size=len(pairs)))
    means = data.draw(st.permutations([float(row) for row in range(rows)]))
    family = [
        pair(i, j, means[i] - means[j], 0.01 if one else 0.2)
        for (i, j), one in zip(pairs, differ, strict=True)
    ]
    got = letters(family, means)
    assert len(got) == rows
    for (i, j), one in zip(pairs, differ, strict=True):
        assert bool(set(got[i]) & set(got[j])) != one
    assert all(got), "a row without a letter"
    used = sorted(set("".join(got)))
    assert used == [chr(ord("a") + k) for k in range(len(used))]
    groups = [{row for row in range(rows) if letter in got[row]} for letter in used]
    assert not any(one <= other for one in groups for other in groups if one is not other)
    if rows:
        assert "a" in got[means.index(min(means))]


def test_letters_go_from_the_best_row_to_the_worst():
    # In order of the means: rows 2, 0, 1. The ends differ, the middle from neither.
    assert letters([pair(0, 1, -1, 0.3), pair(0, 2, 1, 0.2), pair(1, 2, 2, 0.01)], [2.0, 3.0, 1.0]) == [
        "ab",
        "b",
        "a",
    ]


def test_without_verdicts_all_share_one_letter():
    assert letters(compare_all(np.arange(15.0).reshape(5, 3) ** 3), [1.0, 2.0, 3.0]) == ["a"] * 3


def test_letters_do_not_run_out():
    rows = 60
    family = [pair(i, j, -1.0, 0.01) for i, j in combinations(range(rows), 2)]
    got = letters(family, np.arange(rows))
    assert len(set(got)) == rows
    assert all(len(one) == 1 for one in got)


def test_letters_of_rows_that_are_not_there_are_refused():
    with pytest.raises(ValueError, match=r"letters: no pair of columns \(0, 2\); there are 2"):
        letters([pair(0, 2, 1.0, 0.5)], [0.1, 0.2])
    with pytest.raises(ValueError, match="the means of rows need to be finite"):
        letters([], [0.1, math.nan])
