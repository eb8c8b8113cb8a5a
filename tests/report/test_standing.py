"""Who differs from whom, over the seeds that all rows have."""

from itertools import combinations

import pytest

from zorbench.report.build import build_view
from zorbench.report.columns import columns
from zorbench.report.wins import wins

from .synthetic import floors, record, rows

EIGHT = tuple(range(8))
NOISE = (0.001, -0.002, 0.003, -0.001, 0.002, -0.003, 0.0005, -0.0005)


def eight(variant, mean, entry="e", noise=NOISE, **changes):
    """Eight seeds whose errors scatter about a mean."""
    return rows("s", entry, variant, [mean + one for one in noise], **changes)


def floor_rows(entry="e"):
    given = {"role": "floor", "validation": 0.5}
    return rows("s", entry, "mean", [0.5 + 2 * one for one in NOISE[::-1]], **given)


def entry_of(records):
    return build_view(records, []).suites[0].entries[0]


def shown(entry, title, label):
    column = next(one for one in columns(entry) if one.title == title)
    return column.show(entry.row(label)).text


def test_rows_that_differ_share_no_letter_and_rows_that_do_not_share_one():
    backwards = NOISE[::-1]
    records = [*eight("a", 0.1), *eight("b", 0.1001, noise=backwards), *eight("c", 0.3), *floor_rows()]
    entry = entry_of(records)
    letters = entry.standing.letters
    assert set(letters["a"]) & set(letters["b"])
    for one, other in (("a", "c"), ("b", "c"), ("a", "mean"), ("c", "mean")):
        assert not set(letters[one]) & set(letters[other])
    assert shown(entry, "Alike", "a") == "a"


def test_a_row_against_itself_is_not_significant():
    entry = entry_of([*eight("one", 0.1), *eight("same", 0.1), *floor_rows()])
    standing = entry.standing
    pair = next(
        c
        for c in standing.comparisons
        if {standing.labels[c.first], standing.labels[c.second]} == {"one", "same"}
    )
    assert pair.p == 1
    assert not pair.significant
    assert standing.letters["one"] == standing.letters["same"]


def test_all_pairs_of_the_headline_and_its_zero_are_one_family():
    others = [*eight("outside", 0.1, tags={"bottleneck": False}), *eight("unmatched", 0.1, unmatched="why")]
    standing = entry_of([*eight("a", 0.1), *eight("b", 0.2), *others, *floor_rows()]).standing
    assert set(standing.labels) == {"a", "b", "mean"}
    assert len(standing.comparisons) == len(list(combinations(standing.labels, 2)))


def test_fewer_than_eight_seeds_print_what_could_have_been_seen_and_no_letters():
    records = [
        *rows("s", "e", "rule", (0.10, 0.12, 0.11, 0.13, 0.12)),
        *rows("s", "e", "yard", (0.20, 0.21, 0.23, 0.22, 0.20), yardstick=True),
        *rows("s", "e", "mean", (0.5,) * 5, role="floor"),
    ]
    entry = entry_of(records)
    assert entry.standing.letters == {}
    assert all(one.p is None for one in entry.standing.comparisons)
    titles = [column.title for column in columns(entry)]
    assert "Alike" not in titles
    assert float(shown(entry, "Detectable", "rule")) == pytest.approx(
        entry.standing.against_yardstick("rule").detectable, rel=0.05
    )
    assert shown(entry, "Detectable", "yard") == "–"


def test_a_row_that_lacks_a_seed_or_failed_is_not_compared():
    records = [
        *eight("whole", 0.1),
        *eight("short", 0.1)[:7],
        *eight("broken", 0.1)[:7],
        record("s", "e", "broken", 7, status="error", reason="broke"),
        *floor_rows(),
    ]
    assert set(entry_of(records).standing.labels) == {"whole", "mean"}


def test_against_the_yardstick_is_the_rows_error_less_the_yardsticks():
    entry = entry_of(
        [*eight("rule", 0.1), *eight("yard", 0.3, noise=NOISE[::-1], yardstick=True), *floor_rows()]
    )
    found = entry.standing.against_yardstick("rule")
    assert found.difference.value == pytest.approx(-0.2)
    assert found.difference.low < found.difference.value < found.difference.high
    assert entry.standing.against_yardstick("yard") is None


def test_wins_and_losses_are_counted_over_entries():
    records = []
    for entry in ("e", "f"):
        failed = record("s", entry, "c", 7, status="error", reason="broke")
        best = 0.1 if entry == "e" else 0.2
        records += [*eight("a", best, entry), *eight("b", 0.2, entry), *eight("c", 0.1, entry)[:7], failed]
        records += floor_rows(entry)
    found = wins(build_view(records, []).suites[0])
    table = {
        (row, column): found.cells[i][j]
        for i, row in enumerate(found.labels)
        for j, column in enumerate(found.labels)
    }
    assert table["a", "b"] == "1–1–0"  # better on one, the same on the other
    assert table["b", "a"] == "0–1–1"
    assert table["a", "c"] == "2–0–0"  # a failed row loses
    assert table["c", "a"] == "0–0–2"
    assert table["a", "a"] == "–"
    assert found.labels[0] == "a"


def test_without_a_verdict_there_is_no_table_of_wins():
    assert wins(build_view([*rows("s", "e", "a", (0.1, 0.2, 0.1)), *floors("s", "e")], []).suites[0]) is None
