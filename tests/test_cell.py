import json
import pickle
from pathlib import Path

import pytest

from zorbench.cell import BUSY, FAILED, Outcome, cell_key, make_record
from zorbench.tuning import Study

# fmt: off
FIELDS = [
    "format", "key", "run", "suite", "entry", "spec", "dataset", "task", "shots", "images_in_all",
    "n_shots", "seed", "protocol", "lane", "repetition", "variant", "baseline", "role", "tags", "config",
    "config_source", "classes", "status", "reason", "metrics", "curve", "seconds", "cost", "peak_memory",
    "episode_sha256", "source", "torch", "device", "threads", "together", "attested", "load",
    "study", "trial", "trials", "unmatched", "seconds_limit", "prediction_sha256",
]
# fmt: on


def test_a_record_has_every_field_and_is_json(make_cell):
    cell = make_cell(Path(__file__), seed=4, label="rule[lr=1]")
    outcome = Outcome("ok", metrics={"clean": {"error": 0.5}}, peak_memory=7)
    record = make_record(cell, outcome, run="r1", threads=1)
    assert sorted(record) == sorted(FIELDS)
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert (record["entry"], record["suite"], record["spec"]["samples"]) == ("digits-2shot", "tests", 200)
    assert (record["shots"], record["images_in_all"], record["n_shots"], record["seed"]) == (2, None, 20, 4)
    assert (record["variant"], record["baseline"], record["role"]) == ("rule[lr=1]", "rule", "contender")
    assert (record["run"], record["threads"], record["format"]) == ("r1", 1, 2)
    assert record["metrics"] == {"clean": {"error": 0.5}}
    assert record["episode_sha256"] == cell.episode_sha256


def test_a_failed_cell_has_a_reason_and_no_figures(make_cell):
    record = make_record(make_cell(Path(__file__)), Outcome("error", "broke"), run="r", threads=1)
    assert (record["status"], record["reason"]) == ("error", "broke")
    assert record["metrics"] == record["seconds"] == record["cost"] == {}
    assert record["curve"] == []
    assert record["peak_memory"] is None


def test_what_was_learned_together_has_a_key_of_its_own_and_is_never_attested(make_cell):
    cell = make_cell(Path(__file__))
    alone, joint = (make_record(cell, Outcome("ok", together=n), run="r", threads=1) for n in (1, 8))
    assert (alone["key"], alone["together"]) == (cell.key, 1)
    assert (joint["key"], joint["together"], joint["attested"]) == (cell.together_key, 8, False)
    other = make_cell(Path(__file__), key="1" * 24)
    assert len({cell.key, cell.together_key, other.key, other.together_key}) == 4


@pytest.mark.parametrize("lane", ["accuracy", "timing", "tuning", "probe"])
@pytest.mark.parametrize(("load", "idle"), [(0.0, True), (BUSY, True), (BUSY + 1e-6, False), (None, False)])
def test_times_are_attested_in_the_timing_lane_alone_and_on_an_idle_machine(make_cell, lane, load, idle):
    cell = make_cell(Path(__file__), lane=lane)
    record = make_record(cell, Outcome("ok", seconds={"train": 1.0}, load=load), run="r", threads=1)
    assert record["attested"] is (idle and lane == "timing")
    assert (record["lane"], record["load"]) == (lane, load)


def test_a_record_says_under_which_limit_of_time_it_was_made_and_only_then(make_cell):
    for protocol, limit in {"time": 0.5, "samples": None, "tuned": None}.items():
        cell = make_cell(Path(__file__), protocol=protocol, seconds=0.5)
        assert make_record(cell, Outcome("ok"), run="r", threads=1)["seconds_limit"] == limit


def test_a_record_of_a_study_names_it_the_number_of_its_trials_and_its_own(make_cell):
    study = Study("abc", ({}, {"lr": 1.0}), (("k",), ("l",)))
    cell = make_cell(Path(__file__), study=study, trial=1, unmatched="too many settings")
    record = make_record(cell, Outcome("ok"), run="r", threads=1)
    found = [record[name] for name in ("study", "trial", "trials", "unmatched")]
    assert found == ["abc", 1, 2, "too many settings"]
    plain = make_record(make_cell(Path(__file__)), Outcome("ok"), run="r", threads=1)
    assert [plain[name] for name in ("study", "trial", "trials", "unmatched")] == [None, None, None, ""]


STUDY = Study("abc", ({}, {}), (("k",), ("l",)))


@pytest.mark.parametrize(
    ("what", "phase", "alone"),
    [
        ({}, 0, False),
        ({"lane": "probe"}, 0, False),
        ({"lane": "tuning", "protocol": "tuned", "study": STUDY}, 0, False),
        ({"protocol": "tuned"}, 0, False),  # a floor: nothing to wait for
        ({"protocol": "tuned", "study": STUDY}, 1, False),
        ({"protocol": "time"}, 2, True),
        ({"lane": "timing"}, 3, True),
    ],
)
def test_a_cell_waits_for_what_it_needs_and_runs_alone_where_seconds_are_its_matter(
    make_cell, what, phase, alone
):
    cell = make_cell(Path(__file__), **what)
    assert (cell.phase, cell.alone) == (phase, alone)


def test_unsupported_is_no_failure():
    assert set(FAILED) == {"error", "timeout", "diverged"}


def test_a_cell_travels_between_processes(make_cell):
    cell = make_cell(Path(__file__))
    assert pickle.loads(pickle.dumps(cell)) == cell


def test_a_key_depends_on_every_ingredient_and_not_on_their_order():
    assert cell_key(a=1, b={"x": 1, "y": 2}) == cell_key(b={"y": 2, "x": 1}, a=1)
    keys = {cell_key(a=1, b=2), cell_key(a=2, b=1), cell_key(a=1, b="2"), cell_key(a=1), cell_key(a=1, c=2)}
    assert len(keys) == 5
    assert all(len(key) == 24 and int(key, 16) >= 0 for key in keys)
