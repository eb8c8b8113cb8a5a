"""Where each baseline stands among the others: wins and losses, the Pareto front, letters of a table."""

import string
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from numpy.typing import ArrayLike

from zorbench.stats.estimate import finite
from zorbench.stats.paired import Comparison


@dataclass(frozen=True)
class Round:
    """One entry of a suite, as it counts for wins and losses.

    `rows` are the rows of the table that were compared: column c of `compare_all`'s errors was row `rows[c]`,
    and the `comparisons` count columns. `failed` are the rows with a failed cell, which cannot be compared.
    A row in neither took no part (the task is not one of its).
    """

    rows: Sequence[int]
    comparisons: Sequence[Comparison]
    failed: frozenset[int] = field(default_factory=frozenset)


def win_tie_loss(rounds: Iterable[Round], rows: int) -> Int[ndarray, "rows rows 3"]:
    """How often row i won, tied and lost against row j: element [i, j] is (wins, ties, losses).

    A win is a significantly lower error. A row that failed loses against every row that took part and did
    not; two that failed tie. Without verdicts (p is None) only failures decide. The diagonal is 0; the sum of
    an element is the number of rounds in which both took part and were compared.

    Raises `ValueError` if a round names a row that is not there, one twice or as both compared and failed, or
    a column that is not there.
    """
    counts = np.zeros((rows, rows, 3), dtype=np.int64)
    for number, one in enumerate(rounds):
        _check_round(one, rows, f"round {number}")
        for i, j, outcome in _outcomes(one):
            counts[i, j, outcome] += 1
            counts[j, i, 2 - outcome] += 1
    return counts


def pareto_front(
    errors: Float[ndarray, "rows"] | Sequence[float | None],
    seconds: Float[ndarray, "rows"] | Sequence[float | None],
) -> Bool[ndarray, "rows"]:
    """Which rows no other is better than: none with both at most as large, and one of the two smaller.

    Equal rows stay together. A row without a finite error and time (None, NaN, inf) is not on the front and
    keeps no other from it. Raises `ValueError` unless both are equally long vectors.
    """
    e, s = np.asarray(errors, dtype=np.float64), np.asarray(seconds, dtype=np.float64)
    if e.ndim != 1 or e.shape != s.shape:
        raise ValueError(f"a front has one error and one time a row, got {e.shape} and {s.shape}")
    there = np.isfinite(e) & np.isfinite(s)
    e, s = np.where(there, e, np.inf), np.where(there, s, np.inf)
    as_good = (e[:, None] <= e) & (s[:, None] <= s)
    better = as_good & ((e[:, None] < e) | (s[:, None] < s))
    front: Bool[ndarray, rows] = there & ~better.any(axis=0)
    return front


def letters(comparisons: Sequence[Comparison], means: Float[ndarray, "rows"] | ArrayLike) -> list[str]:
    """A few letters for each row, such that two rows share one exactly if they do not differ significantly.

    `means` are the rows' mean errors: the best row has an "a". The display is found by insertion and
    absorption: beginning with one letter for all, each significant pair splits every letter that it shares
    into one without the first and one without the second; a letter whose rows all share another is dropped.

    Source: Piepho, "An algorithm for a letter-based representation of all-pairwise comparisons", Journal of
    Computational and Graphical Statistics 13, 2004; without its final sweep, so that a letter may be one more
    than is needed. Raises `ValueError` if `means` is not a vector of finite numbers, or a comparison is
    not of two of its rows.
    """
    m = finite(means, 1, "the means of rows")
    _check_columns(comparisons, m.size, "letters")
    groups = {frozenset(range(m.size))} if m.size else set()
    for pair in (frozenset((one.first, one.second)) for one in comparisons if one.significant):
        split = {half for g in groups for half in ([g - {i} for i in pair] if pair <= g else [g])}
        groups = {g for g in split if not any(g < other for other in split)}
    place = {int(row): rank for rank, row in enumerate(np.argsort(m, kind="stable"))}
    ordered = sorted(groups, key=lambda group: sorted(place[row] for row in group))
    named = list(zip(_alphabet(), ordered, strict=False))
    return ["".join(letter for letter, group in named if row in group) for row in range(m.size)]


def _alphabet() -> Iterator[str]:
    yield from string.ascii_letters
    # From alpha on: no table that can be read gets here, but none is to fail for want of letters.
    yield from (chr(code) for code in range(0x3B1, 0xD800) if chr(code).isalpha())


def _outcomes(one: Round) -> Iterator[tuple[int, int, int]]:
    """(i, j, k) for each pair that took part: k is 0 if row i won against j, 1 if they tied, 2 if i lost."""
    for comparison in one.comparisons:
        outcome = 1
        if comparison.significant and comparison.difference.value:
            outcome = 0 if comparison.difference.value < 0 else 2
        yield one.rows[comparison.first], one.rows[comparison.second], outcome
    failed = sorted(one.failed)
    yield from ((i, j, 0) for i in one.rows for j in failed)
    yield from ((i, j, 1) for place, i in enumerate(failed) for j in failed[:place])


def _check_round(one: Round, rows: int, where: str) -> None:
    named = [*one.rows, *one.failed]
    if len(set(named)) < len(named):
        raise ValueError(f"{where} names a row twice: compared {list(one.rows)}, failed {sorted(one.failed)}")
    if not set(named) <= set(range(rows)):
        raise ValueError(f"{where} names rows {sorted(set(named))}; there are {rows}")
    _check_columns(one.comparisons, len(one.rows), where)


def _check_columns(comparisons: Sequence[Comparison], columns: int, where: str) -> None:
    for one in comparisons:
        if one.first == one.second or not {one.first, one.second} <= set(range(columns)):
            raise ValueError(f"{where}: no pair of columns ({one.first}, {one.second}); there are {columns}")
