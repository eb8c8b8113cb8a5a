import json
import pickle
from pathlib import Path

from zorbench.cell import FAILED, Outcome, cell_key, make_record

# fmt: off
FIELDS = [
    "format", "key", "run", "suite", "entry", "spec", "dataset", "task", "shots", "images_in_all",
    "n_shots", "seed", "protocol", "lane", "repetition", "variant", "baseline", "role", "tags", "config",
    "config_source", "classes", "status", "reason", "metrics", "curve", "seconds", "cost", "peak_memory",
    "episode_sha256", "source", "torch", "device", "threads", "together", "attested",
]
# fmt: on


def test_a_record_has_every_field_and_is_json(make_cell):
    cell = make_cell(Path(__file__), seed=4, label="rule[lr=1]")
    outcome = Outcome("ok", metrics={"clean": {"error": 0.5}}, peak_memory=7)
    record = make_record(cell, outcome, run="r1", threads=1, attested=True)
    assert sorted(record) == sorted(FIELDS)
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert (record["entry"], record["suite"], record["spec"]["samples"]) == ("digits-2shot", "tests", 200)
    assert (record["shots"], record["images_in_all"], record["n_shots"], record["seed"]) == (2, None, 20, 4)
    assert (record["variant"], record["baseline"], record["role"]) == ("rule[lr=1]", "rule", "contender")
    assert (record["run"], record["threads"], record["attested"]) == ("r1", 1, True)
    assert record["metrics"] == {"clean": {"error": 0.5}}
    assert record["episode_sha256"] == cell.episode_sha256


def test_a_failed_cell_has_a_reason_and_no_figures(make_cell):
    record = make_record(
        make_cell(Path(__file__)), Outcome("error", "broke"), run="r", threads=1, attested=False
    )
    assert (record["status"], record["reason"]) == ("error", "broke")
    assert record["metrics"] == record["seconds"] == record["cost"] == {}
    assert record["curve"] == []
    assert record["peak_memory"] is None


def test_what_was_learned_together_has_a_key_of_its_own_and_is_never_attested(make_cell):
    cell = make_cell(Path(__file__))
    alone, joint = (
        make_record(cell, Outcome("ok", together=n), run="r", threads=1, attested=True) for n in (1, 8)
    )
    assert (alone["key"], alone["together"], alone["attested"]) == (cell.key, 1, True)
    assert (joint["key"], joint["together"], joint["attested"]) == (cell.together_key, 8, False)
    other = make_cell(Path(__file__), key="1" * 24)
    assert len({cell.key, cell.together_key, other.key, other.together_key}) == 4


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
