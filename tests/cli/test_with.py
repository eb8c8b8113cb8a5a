"""`--with FOLDER`: stored records next to a run's own, on the command line."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Zorbench = Callable[..., Any]

MINE = '''
import torch
from zorbench import Classification, StepBaseline


class Mine(StepBaseline):
    """Says 0."""
    name = "mine"
    tasks = {Classification}

    def step(self, inputs, targets):
        pass

    def predict(self, inputs):
        return torch.eye(10)[torch.zeros(len(inputs), dtype=torch.long)]
'''


def variants(folder: Path) -> set[str]:
    lines = (folder / "records.jsonl").read_text().splitlines()
    return {json.loads(line)["variant"] for line in lines}


@pytest.fixture
def stored(zorbench: Zorbench, tiny: str, tmp_path: Path) -> Path:
    """A packed run of two rows and the floors."""
    command = ("run", tiny, "--baseline", "logistic", "--baseline", "one_nn", "--seeds", "1", "--out", "r")
    assert zorbench(*command).status == 0
    assert zorbench("pack", "r", "stored").status == 0
    shutil.rmtree(tmp_path / "r")
    return tmp_path / "stored"


def test_my_rule_is_shown_next_to_all_stored_rows(
    zorbench: Zorbench, tiny: str, tmp_path: Path, stored: Path
) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    before = sorted(path.read_bytes() for path in stored.rglob("*.*"))
    command = ("run", tiny, "--plugin", "mine.py", "--baseline", "mine", "--seeds", "1")
    answer = zorbench(*command, "--with", "stored")
    assert answer.status == 0, answer.err
    assert "3 cells, 2 already there, 1 to run" in answer.err
    assert "2 of them stored in stored" in answer.err
    results = tmp_path / "results" / "tiny"
    assert variants(results) == {"mine"}
    for name in ("mine", "logistic", "one_nn", "class_mean"):
        assert f" {name} " in answer.out
    assert "From stored (commit" in answer.out or "From stored (of no known commit)" in answer.out
    assert "4 records of 4 rows; times count only from the same machine." in answer.out
    report = (results / "report" / "report.md").read_text()
    assert "Stored records of stored (" in report
    assert "class_mean, logistic, majority_class, one_nn." in report
    assert sorted(path.read_bytes() for path in stored.rglob("*.*")) == before

    alone = zorbench("report", "results/tiny")
    assert "logistic" not in alone.out
    beside = zorbench("report", "results/tiny", "--with", "stored")
    assert " logistic " in beside.out
    assert (results / "report" / "report.md").read_text() == report


def test_a_run_that_is_stored_whole_runs_nothing_and_reports(
    zorbench: Zorbench, tiny: str, tmp_path: Path, stored: Path
) -> None:
    answer = zorbench("run", tiny, "--baseline", "logistic", "--seeds", "1", "--with", "stored")
    assert answer.status == 0
    assert "3 already there, 0 to run" in answer.err
    assert " logistic " in answer.out
    assert (tmp_path / "results" / "tiny" / "records.jsonl").read_bytes() == b""


@pytest.mark.parametrize("command", [["run", "tiny.toml"], ["report", "stored"]])
def test_a_wrong_folder_is_a_line_and_status_2(
    zorbench: Zorbench, tiny: str, stored: Path, command: list[str]
) -> None:
    answer = zorbench(*command, "--with", "nowhere")
    assert answer.status == 2
    assert answer.err == "zorbench: --with nowhere: no such results folder\n"
