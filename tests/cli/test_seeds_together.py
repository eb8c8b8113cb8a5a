"""`zorbench run --seeds-together`: its records, beside those of single cells."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SUITE = """
title = "Few"
task = "{task}"

[[entry]]
dataset = "{dataset}"
shots = {shots}
samples = 300
batch = 10
hidden = 16
code = 16
validation = 50
test = 200
"""

Zorbench = Callable[..., Any]
Row = dict[int, dict[str, Any]]


def records_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]


def row(folder: Path, label: str, *, together: bool) -> Row:
    """The records of a row by seed: those learned together, or those of single cells."""
    found = [record for record in records_of(folder) if record["variant"] == label]
    return {record["seed"]: record for record in found if (record["together"] > 1) is together}


@pytest.mark.parametrize(
    ("task", "dataset", "shots"),
    [
        ("classification", "mnist5k", 10),
        ("reconstruction", "mnist5k", 10),
        ("classification", "digits", 5),
        ("reconstruction", "digits", 5),
    ],
)
def test_every_seed_learned_together_gives_what_its_cell_gives_alone(
    zorbench: Zorbench, tmp_path: Path, task: str, dataset: str, shots: int
) -> None:
    (tmp_path / "few.toml").write_text(SUITE.format(task=task, dataset=dataset, shots=shots))
    command = ("run", "few.toml", "--baseline", "zor", "--seeds", "3", "--out", "r")
    assert zorbench(*command, "--seeds-together").status == 0
    assert zorbench(*command).status == 0
    joint = row(tmp_path / "r", "zor", together=True)
    alone = row(tmp_path / "r", "zor", together=False)
    assert list(joint) == list(alone) == [0, 1, 2]
    for seed, one in alone.items():
        other = joint[seed]
        assert (other["together"], other["attested"], other["seconds"]) == (3, False, {})
        assert other["peak_memory"] is None
        assert other["key"] != one["key"]
        assert one["together"] == 1
        assert one["seconds"]["train"] > 0
        for name in ("episode_sha256", "cost", "status", "spec", "config", "source"):
            assert other[name] == one[name]
        curve = [(point["samples"], point["error"]) for point in one["curve"]]
        assert [
            (point["samples"], pytest.approx(point["error"], rel=1e-4)) for point in other["curve"]
        ] == curve
        assert all("seconds" not in point for point in other["curve"])
        for condition, scores in one["metrics"].items():
            found = other["metrics"][condition]
            assert found.pop("confusion", None) == scores.pop("confusion", None)
            assert found == pytest.approx(scores, rel=1e-4)
    assert len({one["metrics"]["clean"]["error"] for one in alone.values()}) == 3


def test_records_of_both_kinds_stand_in_one_file_and_none_is_made_twice(
    zorbench: Zorbench, tiny: str, tmp_path: Path
) -> None:
    command = ("run", tiny, "--baseline", "zor", "--out", "r")
    first = zorbench(*command, "--seeds", "2", "--seeds-together")
    assert first.status == 0
    assert "r: 6 cells, 6 to run\n2 of them in 1 group of seeds, each one computation\n" in first.err
    assert "6 cells run in" in first.err
    # More seeds: only the new ones are learned, together with each other.
    more = zorbench(*command, "--seeds", "4", "--seeds-together")
    assert "12 cells, 6 already there, 6 to run\n2 of them in 1 group of seeds" in more.err
    assert [one["together"] for one in row(tmp_path / "r", "zor", together=True).values()] == [2, 2, 2, 2]
    again = zorbench(*command, "--seeds", "4", "--seeds-together")
    assert "12 already there, 0 to run" in again.err
    # Times are asked for: the same cells, one by one. Then they count for both ways of running.
    timed = zorbench(*command, "--seeds", "4")
    assert "12 cells, 8 already there, 4 to run" in timed.err
    assert "0 to run" in zorbench(*command, "--seeds", "4").err
    assert "0 to run" in zorbench(*command, "--seeds", "4", "--seeds-together").err
    assert len(records_of(tmp_path / "r")) == 16
    # What was run by itself is not run together.
    other = zorbench("run", tiny, "--baseline", "zor", "--out", "s", "--seeds", "1")
    assert other.status == 0
    beside = zorbench("run", tiny, "--baseline", "zor", "--out", "s", "--seeds", "3", "--seeds-together")
    assert "9 cells, 3 already there, 6 to run\n2 of them in 1 group" in beside.err
    assert list(row(tmp_path / "s", "zor", together=False)) == [0]


def test_the_report_shows_errors_without_times_until_the_cells_have_run_alone(
    zorbench: Zorbench, tiny: str, tmp_path: Path
) -> None:
    command = ("run", tiny, "--baseline", "zor", "--seeds", "2", "--out", "r")
    note = "Several seeds learned as one computation, which has no times for each: zor (2 of 2 cells)."
    summary = tmp_path / "r" / "report" / "report.md"
    assert zorbench(*command, "--seeds-together").status == 0
    assert note in summary.read_text()
    assert zorbench(*command).status == 0
    assert "one computation" not in summary.read_text()


def test_without_the_option_nothing_is_learned_together(
    zorbench: Zorbench, tiny: str, tmp_path: Path
) -> None:
    answer = zorbench("run", tiny, "--baseline", "zor", "--seeds", "2", "--out", "r")
    assert "of seeds" not in answer.err
    assert {record["together"] for record in records_of(tmp_path / "r")} == {1}


MANY = '''
import torch
from zorbench import Classification, StepBaseline


class Moody(StepBaseline):
    """Cannot, as a group; or one of its copies answers NaN."""
    name = "moody"
    tasks = {Classification}
    nan = False

    def step(self, inputs, targets):
        pass

    def predict(self, inputs):
        answer = torch.eye(10)[torch.zeros(len(inputs), dtype=torch.long)]
        return answer * torch.nan if self.nan else answer

    def build_many(self, entry, config, rngs):
        BUILD

    def step_many(self, inputs, targets):
        pass

    def member(self, index):
        copy = Moody()
        copy.nan = index == 1
        return copy
'''


def test_a_group_that_cannot_be_is_told_and_its_cells_run_one_by_one(
    zorbench: Zorbench, tiny: str, tmp_path: Path
) -> None:
    (tmp_path / "moody.py").write_text(MANY.replace("BUILD", "raise NotImplementedError('moody today')"))
    command = ("run", tiny, "--plugin", "moody.py", "--baseline", "moody", "--seeds", "3", "--out", "r")
    answer = zorbench(*command, "--seeds-together")
    assert answer.status == 0
    told = "not together: tiny/digits-2shot 3 seeds moody: moody today; they run one by one"
    assert told in answer.err
    assert "9 cells run in" in answer.err
    assert {record["together"] for record in records_of(tmp_path / "r")} == {1}
    assert list(row(tmp_path / "r", "moody", together=False)) == [0, 1, 2]
    assert "9 already there, 0 to run" in zorbench(*command, "--seeds-together").err


def test_a_seed_that_diverges_fails_alone_and_stays_so(zorbench: Zorbench, tiny: str, tmp_path: Path) -> None:
    (tmp_path / "moody.py").write_text(MANY.replace("BUILD", "pass"))
    command = ("run", tiny, "--plugin", "moody.py", "--baseline", "moody", "--seeds", "3", "--out", "r")
    answer = zorbench(*command, "--seeds-together")
    assert answer.status == 3
    assert "diverged: tiny/digits-2shot seed 1 moody: predict returned NaN or infinity" in answer.err
    assert "1 of 9 cells failed" in answer.err
    joint = row(tmp_path / "r", "moody", together=True)
    assert [one["status"] for one in joint.values()] == ["ok", "diverged", "ok"]
    again = zorbench(*command, "--seeds-together", "--retry", "failed")
    assert again.status == 3
    assert "0 to run" in again.err


@pytest.fixture
def until_tea(tmp_path: Path) -> str:
    """Names a rule whose single cells fail until a file `tea` is there; together its seeds do well."""
    source = MANY.replace("BUILD", "pass").replace("index == 1", "False")
    fails = f"assert __import__('pathlib').Path({str(tmp_path / 'tea')!r}).exists()"
    head = "def step(self, inputs, targets):\n        "
    (tmp_path / "moody.py").write_text(source.replace(f"{head}pass", f"{head}{fails}"))
    return "--plugin=moody.py"


def test_a_single_cell_that_failed_is_retried_by_itself(
    zorbench: Zorbench, tiny: str, tmp_path: Path, until_tea: str
) -> None:
    command = ("run", tiny, until_tea, "--baseline", "moody", "--out", "r")
    assert zorbench(*command, "--seeds", "1").status == 3
    (tmp_path / "tea").touch()
    answer = zorbench(*command, "--seeds", "3", "--seeds-together", "--retry", "failed")
    assert answer.status == 0, answer.err
    assert list(row(tmp_path / "r", "moody", together=True)) == [1, 2]
    assert [one["status"] for one in row(tmp_path / "r", "moody", together=False).values()] == ["ok"]


def test_a_single_cell_that_failed_is_not_made_up_for_by_what_was_learned_together(
    zorbench: Zorbench, tiny: str, tmp_path: Path, until_tea: str
) -> None:
    command = ("run", tiny, until_tea, "--baseline", "moody", "--seeds", "2", "--out", "r")
    assert zorbench(*command, "--seeds-together").status == 0
    assert zorbench(*command).status == 3
    again = zorbench(*command, "--seeds-together")
    assert again.status == 3
    assert "0 to run" in again.err
    assert "2 of 6 cells failed" in again.err
    (tmp_path / "tea").touch()
    assert zorbench(*command, "--seeds-together", "--retry", "failed").status == 0
