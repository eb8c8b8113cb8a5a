"""Columns that only some tables have."""

from zorbench.report.build import build_view
from zorbench.report.columns import columns

from .synthetic import floors, record, rows

TASK = {"task": "classification"}


def table(*solved: float):
    """An entry in which `good` solved the task for some seeds."""
    scores = [{"accuracy": 0.5 + one / 2, "solved": one} for one in solved]
    good = [record("bits", "xor", "good", seed, error=0.1, scores=s, **TASK) for seed, s in enumerate(scores)]
    view = build_view(
        [*good, *rows("bits", "xor", "poor", (0.5,) * len(solved), **TASK), *floors("bits", "xor", **TASK)],
        [],
    )
    return view.suites[0].entries[0]


def test_a_success_rate_is_shown_where_some_seed_has_all_test_samples_right():
    entry = table(1.0, 0.0, 1.0)
    (solved,) = [column for column in columns(entry) if column.title == "Solved"]
    assert solved.show(entry.row("good")).text == "66.7 %"
    assert solved.show(entry.row("poor")).text == "–"  # its records are of a time that did not tell


def test_it_is_not_where_no_seed_has():
    assert "Solved" not in [column.title for column in columns(table(0.0, 0.0))]
