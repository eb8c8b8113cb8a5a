"""`zorbench compare` on folders: its four exit statuses, and files that are torn."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ..compare.sides import cell, floor, row, write

OLD = [*floor(), *row("zor", [0.2, 0.3]), *row("mlp", [0.1, 0.1])]
WORSE = [*floor(), *row("zor", [0.3, 0.4]), *row("mlp", [0.1, 0.1])]

Zorbench = Callable[..., Any]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return write(tmp_path / "old", OLD)


@pytest.mark.parametrize(
    ("new", "status", "told"),
    [
        (OLD, 0, "No regression: of 3 rows"),
        (WORSE, 1, "Regression: 1 of 3 rows lost more than 0.02"),
        ([{**record, "spec": {"samples": 9}} for record in OLD], 2, "not comparable: entry budget"),
        (OLD[:-1], 3, "no result: reconstruction/digits mlp: missing (seed 1)"),
    ],
    ids=["0", "1", "2", "3"],
)
def test_the_exit_status_is_the_verdict(
    zorbench: Zorbench, old: Path, tmp_path: Path, new: list[dict[str, Any]], status: int, told: str
) -> None:
    write(tmp_path / "new", new)
    answer = zorbench("compare", "old", "new", "--markdown", "out.md")
    assert answer.status == status
    assert answer.err == ""
    assert told in answer.out
    again = (tmp_path / "out.md").read_bytes()
    assert zorbench("compare", "old", "new", "--markdown", "out.md").out == answer.out
    assert (tmp_path / "out.md").read_bytes() == again
    assert "zorbench compare old new --margin 0.02" in again.decode()
    assert str(tmp_path) not in again.decode()


def test_the_table_shows_what_moved_greatest_loss_first(
    zorbench: Zorbench, old: Path, tmp_path: Path
) -> None:
    write(tmp_path / "new", [*floor(), *row("zor", [0.21, 0.31]), *row("mlp", [0.3, 0.3])])
    answer = zorbench("compare", "old", "new", "--margin", "0.5")
    assert answer.status == 0
    mlp, zor = (line.split() for line in answer.out.splitlines() if line.startswith(" reconstruction"))
    assert mlp == [
        "reconstruction/digits",
        "mlp",
        "2",
        "0.1000",
        "0.3000",
        "0.800",
        "0.400",
        "+0.4000",
        "same",
    ]
    assert zor[-2] == "+0.0200"


def test_many_rows_that_moved_are_cut_and_counted(zorbench: Zorbench, tmp_path: Path) -> None:
    names = [f"rule{number:02}" for number in range(32)]
    for folder, error in (("old", 0.2), ("new", 0.3)):
        cells = [one for name in names for one in row(name, [error, error])]
        write(tmp_path / folder, [*floor(), *cells])
    answer = zorbench("compare", "old", "new", "--markdown", "out.md")
    assert answer.out.count("reconstruction/digits") == 30
    assert "and 2 more" in answer.out
    assert (tmp_path / "out.md").read_text().count("| reconstruction/digits |") == 32


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["old", "nowhere"], "nowhere: no such results folder"),
        (["empty", "old"], "empty: holds no records"),
        (["old", "old", "--margin", "-1"], "--margin -1: must be a number from 0 up"),
        (["old", "old", "--margin", "nan"], "--margin nan: must be a number from 0 up"),
        (["old", "old", "--time-margin", "inf"], "--time-margin inf"),
        (
            ["old", "old", "--baseline", "zr"],
            "unknown baseline 'zr' (did you mean zor?); valid: mean, mlp, zor",
        ),
        (["old", "old", "--markdown", "no/where.md"], "--markdown no/where.md: there is no folder no"),
    ],
)
def test_bad_input_is_a_line_and_status_2(
    zorbench: Zorbench, old: Path, tmp_path: Path, arguments: list[str], told: str
) -> None:
    (tmp_path / "empty").mkdir()
    answer = zorbench("compare", *arguments)
    assert answer.status == 2
    assert told in answer.err
    assert answer.err.count("\n") == 1


# Torn files


def test_a_torn_last_line_is_a_cell_that_is_missing(zorbench: Zorbench, old: Path, tmp_path: Path) -> None:
    new = write(tmp_path / "new", OLD)
    path = new / "records.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    assert zorbench("compare", "old", "new").status == 3


def test_a_torn_line_inside_a_file_is_bad_input(zorbench: Zorbench, old: Path, tmp_path: Path) -> None:
    new = write(tmp_path / "new", OLD)
    path = new / "records.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], lines[1][:30] + b"\n", *lines[2:]]))
    answer = zorbench("compare", "old", "new")
    assert answer.status == 2
    assert "records.jsonl: line 2 is not a record" in answer.err


def test_shards_count_and_a_torn_one_is_bad_input(zorbench: Zorbench, old: Path, tmp_path: Path) -> None:
    new = write(tmp_path / "new", [])
    packed = gzip.compress("".join(json.dumps(record) + "\n" for record in OLD).encode())
    shard = new / "records.jsonl.gz"
    shard.write_bytes(packed)
    assert zorbench("compare", "old", "new").status == 0
    shard.write_bytes(packed[:-10])
    answer = zorbench("compare", "old", "new")
    assert answer.status == 2
    assert "records.jsonl.gz: not a whole gzip file" in answer.err


def test_a_torn_run_file_is_bad_input(zorbench: Zorbench, old: Path, tmp_path: Path) -> None:
    write(tmp_path / "new", OLD)
    (tmp_path / "new" / "runs" / "run.json").write_text('{"id": "r')
    answer = zorbench("compare", "old", "new")
    assert answer.status == 2
    assert "run.json: not a run description" in answer.err


def test_a_cell_that_failed_first_and_was_mended_counts_as_mended(
    zorbench: Zorbench, old: Path, tmp_path: Path
) -> None:
    write(tmp_path / "new", [cell("mlp", 1, status="error"), *OLD])
    assert zorbench("compare", "old", "new").status == 0


RULE = '''
import torch
from zorbench import Classification, StepBaseline


class Mine(StepBaseline):
    """Says the same of everything."""
    name = "mine"
    tasks = {Classification}

    def step(self, inputs, targets):
        pass

    def predict(self, inputs):
        return ANSWER
'''


def test_a_change_that_is_taken_back_is_taken_back_in_the_records(
    zorbench: Zorbench, tiny: str, tmp_path: Path
) -> None:
    command = ["run", tiny, "--plugin", "mine.py", "--baseline", "mine", "--seeds", "1", "--out"]

    def status(answer: str, out: str) -> int:
        (tmp_path / "mine.py").write_text(RULE.replace("ANSWER", answer))
        assert zorbench(*command, out).status == 0
        return int(zorbench("compare", "old", out).status) if out != "old" else 0

    good, bad = "torch.eye(10)[torch.zeros(len(inputs), dtype=torch.long)]", "torch.zeros(len(inputs), 10)"
    status(good, "old")
    assert status(good, "new") == 0
    assert status(bad, "new") == 1
    assert status(good, "new") == 0  # what is planned counts, not what was run last
    size = (tmp_path / "new" / "records.jsonl").stat().st_size
    assert status(good, "new") == 0
    assert (tmp_path / "new" / "records.jsonl").stat().st_size == size
