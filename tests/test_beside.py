"""Stored records next to a run's own: which may stand there, and what is said of the others."""

from pathlib import Path
from typing import Any

import pytest

from zorbench.beside import MARK, Asked, Shelf, asked_by_cells, asked_by_records, gather, ready_made
from zorbench.compare.times import machine_facts
from zorbench.errors import InputError
from zorbench.report.build import build_view

from .compare.sides import RUN, cell, floor, probe, row, timed, write

Records = list[dict[str, Any]]

COMMIT = {**RUN, "commit": "0123456789abcdef0123+changes"}
HERE = [machine_facts(cell("zor", 0), {"run": RUN})]
ELSEWHERE = [{**HERE[0], "processor": "Imaginary 1"}]

OWN = row("mine", [0.3, 0.3])


@pytest.fixture
def shelf(tmp_path: Path):
    """`shelf(records)` → a folder of them, opened beside a run in `own`."""

    def make(records: Records, name: str = "stored", run: Any = COMMIT) -> Shelf:
        return Shelf.open(write(tmp_path / name, records, run), tmp_path / "own")

    return make


def gathered(shelves: list[Shelf], own: Records = OWN, machines: Any = HERE, **options: Any):
    return gather(shelves, asked_by_records(own), own, machines, **options)


def rows_of(found) -> list[tuple[str, int]]:
    return sorted((record["variant"], record["seed"]) for record in found.records)


def test_rows_of_the_same_entry_and_episodes_stand_beside(shelf):
    found = gathered([shelf([*floor(), *row("zor", [0.2, 0.2]), *row("zor", [0.1], suite="other")])])
    assert rows_of(found) == [("mean", 0), ("mean", 1), ("zor", 0), ("zor", 1)]
    ((term, remark),) = found.remarks
    assert term.endswith("/stored (commit 0123456789ab+changes)")
    assert remark == "4 records of 2 rows; times count only from the same machine."
    assert found.records[0][MARK] in term


def test_the_run_s_own_rows_come_before_stored_ones(shelf):
    stored = shelf([*row("mine", [0.9, 0.9], source="old"), *row("zor", [0.2, 0.2])])
    assert rows_of(gathered([stored])) == [("zor", 0), ("zor", 1)]


def test_what_the_run_wanted_stands_in_for_its_own(shelf):
    stored = row("mine", [0.3, 0.3, 0.3])
    planned = {record["key"] for record in stored}
    own = OWN[:2]
    asked = asked_by_records([*own, stored[2]])
    found = gather([shelf(stored)], asked, own, HERE, planned=planned)
    assert rows_of(found) == [("mine", 2)]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"episode_sha256": "another"}, "of other episodes: the data is another"),
        ({"spec": {"samples": 1}}, "of another budget"),
        ({"seed": 7, "key": "k"}, "of seeds that are not in this run"),
    ],
)
def test_what_is_left_out_is_counted_with_its_reason(shelf, changes: dict[str, Any], why: str):
    other = cell("mlp", 0)
    found = gathered([shelf([cell("zor", 0), other | changes])])
    assert rows_of(found) == [("zor", 0)]
    assert f"Left out: 1 record {why}." in found.remarks[0][1]


def test_a_folder_with_nothing_to_show_is_told(shelf):
    found = gathered([shelf([cell("zor", 0, episode_sha256="another")])])
    assert found.records == ()
    assert found.remarks[0][1].startswith("nothing on the same episodes;")


def test_an_entry_under_another_protocol_is_another(shelf):
    assert gathered([shelf(row("zor", [0.2, 0.2], protocol="time"))]).records == ()


def test_what_measures_time_must_come_from_the_same_machine(shelf):
    own = [*OWN, *row("mine", [0.3, 0.3], protocol="time")]
    stored = shelf([*row("zor", [0.2]), *timed("zor", [1.0]), *row("zor", [0.2], protocol="time")])
    assert len(gathered([stored], own).records) == 3
    found = gathered([stored], own, ELSEWHERE)
    assert [(r["lane"], r["protocol"]) for r in found.records] == [("accuracy", "samples")]
    assert "Left out: 2 records that measure time, on another machine." in found.remarks[0][1]


def test_trials_stand_beside_with_the_row_that_they_chose(shelf):
    tuned = {"protocol": "tuned", "trials": 16, "study": "s"}
    trials = [cell("zor", 10_000, lane="tuning", trial=n, **tuned) for n in range(2)]
    for number, trial in enumerate(trials):
        trial["key"] += f"/{number}"
    stored = shelf([cell("zor", 0, **tuned), *trials, cell("mlp", 0, **{**tuned, "trials": 4, "study": "t"})])
    own = [cell("mine", 0, **{**tuned, "study": "u"})]
    found = gathered([stored], own)
    assert [(record["variant"], record["lane"]) for record in found.records] == [
        ("zor", "accuracy"),
        ("zor", "tuning"),
        ("zor", "tuning"),
    ]
    assert "1 record of another number of trials" in found.remarks[0][1]


def test_of_two_folders_the_first_one_s_row_counts(shelf):
    first = shelf([cell("zor", 0, 0.2), cell("mlp", 0, episode_sha256="another")], "a")
    second = shelf([*row("zor", [0.4, 0.4], source="b"), *row("mlp", [0.1, 0.1])], "b")
    found = gathered([first, second])
    assert rows_of(found) == [("mlp", 0), ("mlp", 1), ("zor", 0)]
    assert {r["source"] for r in found.records if r["variant"] == "zor"} == {"a"}


def test_of_code_that_was_changed_the_last_counts_unless_another_is_wanted(shelf):
    older, newer = row("zor", [0.2, 0.2], source="a"), row("zor", [0.4, 0.4], source="b")
    stored = shelf([*older, *newer])
    assert {record["source"] for record in gathered([stored]).records} == {"b"}
    wanted = gathered([stored], planned={record["key"] for record in older})
    assert {record["source"] for record in wanted.records} == {"a"}


def test_entries_come_in_the_order_of_the_run(shelf):
    stored = shelf([cell("zor", 0, entry=name) for name in ("a", "b", "c")])
    own = [cell("mine", 0, entry=name) for name in ("c", "a", "b")]
    assert [record["entry"] for record in gathered([stored], own).records] == ["c", "a", "b"]


def test_pictures_stay_where_they_are(shelf):
    found = gathered([shelf([cell("zor", 0, images={"prediction": "images/x.png"})])])
    assert "images" not in found.records[0]


# Cells that are spared


def test_what_is_stored_spares_its_cell(shelf):
    done, failed = cell("zor", 0), cell("zor", 1, status="error")
    idle = cell("pca", 0, status="unsupported")
    stored = shelf([done, failed, idle, probe("zor")])
    assert set(ready_made([stored], HERE)) == {done["key"], idle["key"], probe("zor")["key"]}


def test_times_of_another_machine_spare_nothing(shelf):
    records = [*timed("zor", [1.0]), *row("zor", [0.2], protocol="time"), cell("zor", 0)]
    stored = shelf(records)
    assert len(ready_made([stored], HERE)) == 3
    assert set(ready_made([stored], ELSEWHERE)) == {records[2]["key"]}


def test_planned_cells_ask_what_their_records_answer(write_plugin, make_cell):
    from zorbench.cell import Outcome, make_record

    path = write_plugin("class Rule(StepBaseline):\n    name = 'rule'\n    tasks = {Classification}\n")
    cells = [make_cell(path, seed=seed) for seed in (0, 1)]
    records = [make_record(one, Outcome("ok"), run="r", threads=1) for one in cells]
    by_cells = asked_by_cells(cells)
    (key,) = by_cells
    assert key == ("tests", "digits-2shot", "samples")
    assert by_cells[key].episodes == {one.seed: one.episode_sha256 for one in cells}
    by_records = asked_by_records(records)[key]
    assert by_records == Asked(by_cells[key].spec, None, None, by_cells[key].episodes)


# The report


def test_the_report_says_where_rows_come_from(shelf):
    found = gathered([shelf([*floor(), *row("zor", [0.2, 0.2])])])
    view = build_view([*found.records, *OWN], [RUN], found.remarks)
    (entry,) = [entry for suite in view.suites for entry in suite.entries]
    assert {row.label for row in entry.rows} == {"mean", "zor", "mine"}
    assert entry.row("mine").skill.value == pytest.approx(0.4)
    (note,) = entry.notes
    assert note.endswith("(commit 0123456789ab+changes), on cpu with torch 2.13: mean, zor.")
    assert view.provenance.facts[-1] == found.remarks[0]


def test_figures_made_with_another_torch_stand_beside_too(shelf):
    stored = [{**record, "torch": "2.6"} for record in floor()]
    found = gathered([shelf(stored)], machines=ELSEWHERE)
    view = build_view([*found.records, *OWN], [RUN])
    (entry,) = [entry for suite in view.suites for entry in suite.entries]
    assert entry.floor == "mean"
    assert "on cpu with torch 2.6: mean" in entry.notes[0]


# Mistakes


def test_a_folder_that_cannot_stand_beside_is_named(tmp_path: Path):
    own = write(tmp_path / "own", OWN)
    (tmp_path / "empty").mkdir()
    wrong = write(tmp_path / "wrong", [{"format": 99}])
    for folder, told in (
        (tmp_path / "nowhere", "no such results folder"),
        (tmp_path / "empty", "holds no records; a results folder has records.jsonl"),
        (own, "is the run's own folder"),
        (wrong, "line 1 has record format 99"),
    ):
        with pytest.raises(InputError, match=told):
            Shelf.open(folder, own)
