"""The view: every number against one worked out by hand."""

import pytest

from zorbench import stats
from zorbench.report.build import build_view
from zorbench.report.model import EntryView, ReportView, Row

from .synthetic import RUN, accurate, everything, floors, reconstruction, record, rows, timed


@pytest.fixture(scope="module")
def view() -> ReportView:
    return build_view(everything(), [RUN])


@pytest.fixture(scope="module")
def entry(view: ReportView) -> EntryView:
    return view.suites[0].entries[0]


def only_entry(records: list[dict[str, object]]) -> EntryView:
    return build_view(records, []).suites[0].entries[0]


def row_of(entry: EntryView, label: str) -> Row:
    row = entry.row(label)
    assert row is not None
    return row


def test_suites_and_entries_come_in_order_of_first_appearance(view: ReportView) -> None:
    assert [suite.name for suite in view.suites] == ["reconstruction", "colorization", "classification"]
    assert [entry.name for entry in view.suites[0].entries] == ["mnist5k-10shot", "mnist5k-1shot"]


def test_mean_and_spread_are_over_the_seeds(entry: EntryView) -> None:
    error = row_of(entry, "good").stats["error"]
    assert (error.mean, error.sd, error.n) == (pytest.approx(0.03), pytest.approx(0.01), 3)


def test_skill_is_one_minus_the_ratio_of_summed_errors(entry: EntryView) -> None:
    skill = row_of(entry, "good").skill
    assert skill is not None
    assert skill.value == pytest.approx(1 - (0.02 + 0.03 + 0.04) / 0.3)
    # Leaving one seed out gives 0.65, 0.70, 0.75; t(2) at 97.5 % is 4.303.
    half = 4.302653 * (2 / 3 * (0.05**2 + 0.05**2)) ** 0.5
    assert skill.high is not None
    assert skill.high - skill.value == pytest.approx(half, rel=1e-5)


def test_the_floor_is_chosen_on_the_validation_images_not_on_the_test_images(entry: EntryView) -> None:
    assert entry.floor == "mean"
    assert row_of(entry, "mean").zero
    assert row_of(entry, "mean").skill is not None
    assert row_of(entry, "mean").skill.value == 0  # type: ignore[union-attr]
    median = row_of(entry, "median")
    assert not median.zero
    assert median.skill is not None
    assert median.skill.value == pytest.approx(0.1)


def test_rows_are_grouped_and_within_a_group_sorted_by_error_with_failed_ones_last(entry: EntryView) -> None:
    assert [row.label for row in entry.group("headline")] == ["good", "größer Ω", "poor", "brittle"]
    assert [row.label for row in entry.group("outside")] == ["identity"]
    assert [row.label for row in entry.group("floor")] == ["median", "mean"]


def test_a_row_with_a_failed_cell_has_no_number_at_all(entry: EntryView) -> None:
    brittle = row_of(entry, "brittle")
    assert brittle.failed
    assert (len(brittle.failures), brittle.cells, brittle.n) == (1, 3, 2)
    assert brittle.stats == {}
    assert brittle.skill is None
    assert brittle.over_samples is None
    assert brittle.over_seconds is None


def test_an_unsupported_row_is_no_row_and_keeps_its_reason(entry: EntryView) -> None:
    assert entry.row("pca") is None
    assert [(it.label, it.reason) for it in entry.unsupported] == [("pca", "needs <b>more</b> shots")]


def test_rows_without_a_timing_lane_have_no_seconds(entry: EntryView) -> None:
    poor = row_of(entry, "poor")
    assert not [name for name in poor.stats if name.endswith("_seconds")]
    assert poor.over_seconds is None
    assert poor.over_samples is not None


def test_a_row_of_seeds_learned_together_has_errors_but_no_times_and_a_note_says_why() -> None:
    joint: dict[str, object] = {"together": 3, "attested": False, "seconds": {}, "peak_memory": None}
    entry = only_entry([*floors("s", "e"), *rows("s", "e", "a", (0.04, 0.05, 0.06), **joint)])
    row = row_of(entry, "a")
    assert row.stats["error"].mean == pytest.approx(0.05)
    assert row.skill is not None
    assert not {name for name in row.stats if name.endswith("_seconds")} | {"peak_memory"} & set(row.stats)
    assert row.over_seconds is None
    assert entry.notes == (
        "Several seeds learned as one computation, which has no times for each: a (3 of 3 cells).",
    )


def test_a_seed_that_was_also_run_by_itself_has_its_times_from_there() -> None:
    joint: dict[str, object] = {"together": 3, "attested": False, "seconds": {}}
    alone = timed([record("s", "e", "a", 1, error=0.05, train=2.0)])
    entry = only_entry([*floors("s", "e"), *alone, *rows("s", "e", "a", (0.04, 0.9, 0.06), **joint)])
    row = row_of(entry, "a")
    assert (row.cells, row.stats["error"].mean) == (3, pytest.approx(0.05))
    assert (row.stats["train_seconds"].mean, row.stats["train_seconds"].n) == (2.0, 1)
    assert any("a (2 of 3 cells)" in note for note in entry.notes)


def test_seconds_of_repeated_timings_count_once_a_seed() -> None:
    records = [
        *floors("s", "e"),
        *rows("s", "e", "a", (0.05, 0.05), train=100.0),
        *(
            record("s", "e", "a", seed, lane="timing", repetition=i, train=t, attested=True)
            for seed, i, t in ((0, 0, 1.0), (0, 1, 3.0), (1, 2, 4.0))
        ),
        record("s", "e", "a", 1, lane="timing", repetition=3, train=50.0),  # on a busy machine
    ]
    seconds = row_of(only_entry(records), "a").stats["train_seconds"]
    assert (seconds.mean, seconds.n) == (pytest.approx((2 + 4) / 2), 2)


def test_cost_and_memory_are_taken_over(entry: EntryView) -> None:
    good = row_of(entry, "good")
    wanted = {"parameters": 1234, "updates": 500, "samples": 5000, "peak_memory": 3 * 2**20}
    assert {name: good.stats[name].mean for name in wanted} == wanted


def test_confusions_are_summed_over_the_seeds(view: ReportView) -> None:
    good = row_of(view.suites[2].entries[0], "good")
    assert good.confusion == ((21, 6, 3), (0, 30, 0))


def test_an_entry_without_a_floor_has_no_skill(view: ReportView) -> None:
    (entry,) = view.suites[1].entries
    assert entry.floor is None
    assert all(row.skill is None for row in entry.rows)


def test_without_a_floor_that_failed_once_there_is_no_zero_since_it_may_have_been_the_best() -> None:
    failing = record("s", "e", "mean", 2, role="floor", status="timeout", reason="slow")
    entry = only_entry([*rows("s", "e", "a", (0.05, 0.05, 0.05)), *floors("s", "e"), failing])
    assert entry.floor is None
    assert row_of(entry, "a").skill is None
    assert any("A floor failed (mean)" in note for note in entry.notes)


def test_floors_compete_on_the_seeds_that_all_of_them_have() -> None:
    # On seeds 0 and 1 it is the best of them; on seed 2, which it lacks, nobody asks.
    best = rows("s", "e", "best", (0.01, 0.01), role="floor")
    assert only_entry([*rows("s", "e", "a", (0.05,) * 3), *best, *floors("s", "e")]).floor == "best"


def test_skill_pairs_only_seeds_of_the_same_episode_and_a_note_says_so() -> None:
    changed = record("s", "e", "a", 2, error=0.0, episode_sha256="another draw")
    entry = only_entry([*rows("s", "e", "a", (0.05, 0.05)), changed, *floors("s", "e")])
    skill = row_of(entry, "a").skill
    assert skill is not None
    assert (skill.value, skill.n) == (pytest.approx(0.5), 2)
    assert any("same episode" in note for note in entry.notes)


def test_a_row_with_seeds_still_to_come_is_named() -> None:
    entry = only_entry([*rows("s", "e", "a", (0.05, 0.05)), *floors("s", "e")])
    assert [note for note in entry.notes if "a (2)" in note]


def test_a_retried_cell_no_longer_fails() -> None:
    again = record("reconstruction", "mnist5k-10shot", "brittle", 2, error=0.01)
    view = build_view([*reconstruction(), again], [])
    assert view.counts.failed == 0
    assert row_of(view.suites[0].entries[0], "brittle").n == 3


def test_tuning_and_probe_records_are_not_in_the_tables() -> None:
    trial = record("reconstruction", "mnist5k-10shot", "good", 0, lane="tuning", error=0.9)
    good = row_of(only_entry([*reconstruction(), trial]), "good")
    assert good.stats["error"].mean == pytest.approx(0.03)


def test_protocols_of_an_entry_are_apart() -> None:
    timed = [{**made, "protocol": "time"} for made in reconstruction()]
    entries = build_view([*reconstruction(), *timed], []).suites[0].entries
    assert [entry.title for entry in entries] == ["mnist5k-10shot", "mnist5k-10shot (time protocol)"]
    assert len({entry.anchor for entry in entries}) == 2


def test_cells_are_counted_by_how_they_ended(view: ReportView) -> None:
    counts = view.counts
    assert (counts.failed, counts.unsupported) == (1, 3)
    assert counts.ok == len(accurate(everything())) - 4


@pytest.mark.parametrize("n", [1, 3, stats.VERDICT_SEEDS - 1, stats.VERDICT_SEEDS])
def test_fewer_than_eight_seeds_are_a_smoke_test(n: int) -> None:
    view = build_view(
        [*rows("s", "e", "a", (0.05,) * n), *rows("s", "e", "mean", (0.1,) * n, role="floor")], []
    )
    assert view.smoke is (n < 8)
    assert (view.seeds_low, view.seeds_high) == (n, n)


def test_the_entry_with_the_fewest_seeds_sets_the_grade() -> None:
    many = [*rows("s", "e", "a", (0.05,) * 8), *rows("s", "e", "mean", (0.1,) * 8, role="floor")]
    view = build_view([*many, *rows("s", "f", "a", (0.05,) * 2)], [])
    assert view.smoke
    assert (view.seeds_low, view.seeds_high) == (2, 8)


def test_every_drawn_row_has_one_number_and_floors_have_none(view: ReportView) -> None:
    assert list(view.series) == sorted(view.series)
    assert sorted(view.series.values()) == list(range(len(view.series)))
    assert "mean" not in view.series


def test_no_records_give_an_empty_view() -> None:
    view = build_view([], [])
    assert view.suites == ()
    assert view.smoke
