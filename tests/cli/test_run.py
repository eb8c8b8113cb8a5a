"""`zorbench run` from end to end on a small suite."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

BAD = '''
import os
import torch
from zorbench import Classification, StepBaseline


class Raises(StepBaseline):
    """Raises."""
    name = "raises"
    tasks = {Classification}

    def step(self, inputs, targets):
        raise ValueError("out of tea")


class Loops(StepBaseline):
    """Never ends."""
    name = "loops"
    tasks = {Classification}

    def step(self, inputs, targets):
        while True:
            pass


class Exits(StepBaseline):
    """Takes its process with it."""
    name = "exits"
    tasks = {Classification}

    def step(self, inputs, targets):
        os._exit(7)


class Diverges(StepBaseline):
    """Predicts NaN."""
    name = "diverges"
    tasks = {Classification}

    def step(self, inputs, targets):
        pass

    def predict(self, inputs):
        return torch.full((len(inputs), 10), torch.nan)
'''


def records_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]


def test_errors_under_noise_are_in_records_and_report(
    zorbench: Callable[..., Any], tiny: str, tmp_path: Path
) -> None:
    path = Path(tiny)
    noise = "noise = { poisson = [3, 1], gaussian = [0.2] }\n"
    path.write_text(path.read_text() + noise)
    answer = zorbench("run", tiny, "--baseline", "mlp", "--baseline", "zor", "--seeds", "2")
    assert answer.status == 0, answer.err
    results = tmp_path / "results" / "tiny"
    conditions = ["gaussian-0.2", "poisson-3", "poisson-1"]
    for record in records_of(results):
        assert record["spec"]["conditions"] == conditions
        assert set(record["metrics"]) == {"clean", "validation", *conditions}
    found = {record["variant"]: record["metrics"] for record in records_of(results)}
    assert len({found["majority_class"][name]["error"] for name in ["clean", *conditions]}) == 1
    page = (results / "report" / "index.html").read_text()
    assert "<h4>Error under noise</h4>" in page
    assert "error@poisson-1.mean" in (results / "report" / "summary.csv").read_text()
    again = zorbench(
        "run", tiny, "--baseline", "mlp", "--baseline", "zor", "--seeds", "2", "--seeds-together"
    )
    assert "0 to run" in again.err
    path.write_text(path.read_text().replace(noise, ""))
    assert "8 to run" in zorbench("run", tiny, "--baseline", "mlp", "--baseline", "zor", "--seeds", "2").err


def test_a_run_leaves_records_a_report_and_says_where_it_is(
    zorbench: Callable[..., Any], tiny: str, tmp_path: Path
) -> None:
    answer = zorbench("run", tiny, "--baseline", "zor", "--baseline", "mlp[lr=0.01]", "--seeds", "2")
    assert answer.status == 0, answer.err
    assert "results/tiny/report/index.html" in answer.out
    assert "mlp[lr=0.01]" in answer.out  # the table
    assert "8 cells" in answer.err
    records = records_of(tmp_path / "results" / "tiny")
    assert {(record["variant"], record["seed"]) for record in records} == {
        (label, seed) for label in ("zor", "mlp[lr=0.01]", "class_mean", "majority_class") for seed in (0, 1)
    }
    assert {record["status"] for record in records} == {"ok"}
    assert all(record["threads"] == 1 and record["seconds"]["train"] >= 0 for record in records)
    assert {(record["lane"], record["attested"]) for record in records} == {("accuracy", False)}
    given = next(record for record in records if record["baseline"] == "mlp")
    assert given["config"]["lr"] == 0.01
    assert given["config_source"] == "given"
    # 20 shots, 200 presentations in batches of 10
    assert given["cost"]["samples"] == 200
    assert given["cost"]["updates"] == 20
    page = (tmp_path / "results" / "tiny" / "report" / "index.html").read_text()
    assert "majority_class" in page
    run = json.loads(next((tmp_path / "results" / "tiny" / "runs").glob("*.json")).read_text())
    assert run["grade"] == "smoke"
    assert run["versions"]["torch"]


def test_a_second_run_runs_nothing_and_a_torn_line_costs_its_cell_only(
    zorbench: Callable[..., Any], tiny: str, tmp_path: Path
) -> None:
    command = ("run", tiny, "--baseline", "zor", "--seeds", "1", "--out", "r")
    assert zorbench(*command).status == 0
    path = tmp_path / "r" / "records.jsonl"
    before = path.read_bytes()

    again = zorbench(*command)
    assert again.status == 0
    assert "3 already there, 0 to run" in again.err
    assert path.read_bytes() == before

    lines = before.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]) + lines[-1][:50])
    mended = zorbench(*command)
    assert mended.status == 0
    assert "2 already there, 1 to run" in mended.err
    keys = [record["key"] for record in records_of(tmp_path / "r")]
    assert keys == [json.loads(line)["key"] for line in lines]


def test_two_runs_with_the_same_seeds_give_equal_results(
    zorbench: Callable[..., Any], tiny: str, tmp_path: Path
) -> None:
    results = []
    for folder in ("one", "two"):
        arguments = ["--baseline", "zor", "--baseline", "mlp", "--baseline", "cnn", "--seeds", "1"]
        assert zorbench("run", tiny, *arguments, "--out", folder).status == 0
        results.append(
            {
                record["key"]: (
                    record["metrics"],
                    [(point["samples"], point["error"]) for point in record["curve"]],
                    record["cost"],
                    record["episode_sha256"],
                )
                for record in records_of(tmp_path / folder)
            }
        )
    assert len(results[0]) == 5
    assert results[0] == results[1]


def test_bad_plugins_cost_their_own_cells_only(
    zorbench: Callable[..., Any], tiny: str, tmp_path: Path
) -> None:
    (tmp_path / "bad.py").write_text(BAD)
    names = ("raises", "loops", "exits", "diverges", "zor")
    chosen = [part for name in names for part in ("--baseline", name)]
    answer = zorbench(
        "run", tiny, "--plugin", "bad.py", *chosen, "--seeds", "1", "--timeout", "5", "--out", "r"
    )
    assert answer.status == 3
    assert "4 of 7 cells failed" in answer.err
    ended = {record["variant"]: (record["status"], record["reason"]) for record in records_of(tmp_path / "r")}
    assert ended == {
        "raises": ("error", "ValueError: out of tea (bad.py:13 in step)"),
        "loops": ("timeout", "exceeded its limit of 5 s"),
        "exits": ("error", "the cell's process exited with status 7"),
        "diverges": ("diverged", "predict returned NaN or infinity"),
        "zor": ("ok", ""),
        "class_mean": ("ok", ""),
        "majority_class": ("ok", ""),
    }
    page = (tmp_path / "r" / "report" / "index.html").read_text()
    assert "out of tea" in page

    # Without --retry nothing is run again, and the status still tells of the failures.
    answer = zorbench(
        "run", tiny, "--plugin", "bad.py", *chosen, "--seeds", "1", "--timeout", "5", "--out", "r"
    )
    assert answer.status == 3
    assert "0 to run" in answer.err


def test_retry_failed_runs_what_failed_again(zorbench: Callable[..., Any], tiny: str, tmp_path: Path) -> None:
    # Fails until a file is there: the plugin's own text, and so the cell's key, stays the same.
    (tmp_path / "moody.py").write_text(
        "from pathlib import Path\n"
        "import torch\n"
        "from zorbench import Classification, StepBaseline\n"
        "class Moody(StepBaseline):\n"
        '    """Fails without tea."""\n'
        '    name = "moody"\n'
        "    tasks = {Classification}\n"
        "    def step(self, inputs, targets):\n"
        f"        assert Path({str(tmp_path / 'tea')!r}).exists()\n"
        "    def predict(self, inputs):\n"
        "        return torch.eye(10)[torch.zeros(len(inputs), dtype=torch.long)]\n"
    )
    command = ("run", tiny, "--plugin", "moody.py", "--baseline", "moody", "--seeds", "1", "--out", "r")
    assert zorbench(*command).status == 3
    (tmp_path / "tea").touch()
    assert zorbench(*command).status == 3
    answer = zorbench(*command, "--retry", "failed")
    assert answer.status == 0
    assert "1 to run" in answer.err


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_times_of_the_accuracy_lane_never_enter_a_time_column(
    zorbench: Callable[..., Any], tiny: str, tmp_path: Path, jobs: str
) -> None:
    command = ("run", tiny, "--baseline", "zor", "--seeds", "2", "--jobs", jobs, "--out", "r")
    answer = zorbench(*command)
    assert answer.status == 0
    assert {record["attested"] for record in records_of(tmp_path / "r")} == {False}
    columns = (tmp_path / "r" / "report" / "summary.csv").read_text().splitlines()[0].split(",")
    assert "error.mean" in columns
    assert not [name for name in columns if "_seconds" in name]
    assert "training seconds" not in answer.out
    assert "Training" not in (tmp_path / "r" / "report" / "report.md").read_text()
    other = {"1": "2", "2": "1"}[jobs]  # how many run beside each other is no reason to run again
    assert "6 already there, 0 to run" in zorbench(*command[:-3], other, *command[-2:]).err


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("baselines", ["zor_novelty", "mlp_sigmoid", "floor", "luma_copy"]),
        ("suites", ["reconstruction", "colorization", "classification", "smoke 1"]),
        ("datasets", ["mnist5k", "cifar10", "folder:PATH", "always"]),
    ],
)
def test_list_shows_what_there_is(zorbench: Callable[..., Any], what: str, expected: list[str]) -> None:
    answer = zorbench("list", what)
    assert answer.status == 0
    for text in expected:
        assert text in answer.out
