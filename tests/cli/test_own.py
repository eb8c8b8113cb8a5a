"""`zorbench run --dataset folder:PATH` for all three tasks, from images to a report."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ..test_own import draw

Zorbench = Callable[..., Any]

FEW = ("--samples", "100", "--seeds", "1", "--hidden", "8")


@pytest.mark.parametrize(
    ("task", "amount", "floor"),
    [
        ("reconstruction", ("--images", "6"), "black"),
        ("colorization", ("--shots", "2"), "luma_copy"),
        ("classification", ("--shots", "2", "--shots", "4"), "majority_class"),
    ],
)
def test_a_folder_of_images_becomes_an_entry(
    zorbench: Zorbench, tmp_path: Path, task: str, amount: tuple[str, ...], floor: str
) -> None:
    draw(tmp_path / "pictures", 2, colour=True)
    answer = zorbench(
        *("run", "--dataset", "folder:pictures", "--task", task, *amount, *FEW, "--baseline", "mlp")
    )
    assert answer.status == 0, answer.err
    results = tmp_path / "results" / "own"
    records = [json.loads(line) for line in (results / "records.jsonl").read_text().splitlines()]
    assert {record["status"] for record in records} == {"ok"}
    assert {record["suite"] for record in records} == {"own"}
    assert {"mlp", floor} <= {record["variant"] for record in records}
    shown = {record["entry"] for record in records}
    wanted = {"images": "6img", "shots": "2shot"}[amount[0].removeprefix("--")]
    assert f"folder:pictures-{wanted}" in shown
    assert len(shown) == amount.count("--shots") or amount[0] == "--images"
    assert all(record["cost"]["samples"] <= 100 for record in records)
    assert "own on folder:pictures: mean error" in answer.out
    assert (results / "report" / "index.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--dataset", "folder:gone", "--task", "classification"], "gone: no such folder or zip file"),
        (["--dataset", "digits"], "--dataset digits: say what to learn, --task reconstruction or"),
        (["tiny.toml", "--dataset", "digits"], "--dataset digits: either this or a suite or --preset"),
        (["tiny.toml", "--shots", "5"], "--shots: goes with --dataset; a suite says its own"),
        (
            ["--dataset", "digits", "--task", "classification", "--shots", "0"],
            "--shots 0: must be at least 1",
        ),
        (["--dataset", "digits", "--task", "classification", "--test", "0"], "--test 0: must be at least 1"),
        (["--dataset", "digits", "--task", "colorization"], "digits are grey"),
        (
            ["--dataset", "digits", "--task", "classification", "--shots", "999"],
            "suite own, entry digits-999s",
        ),
    ],
)
def test_a_mistake_is_a_line_and_status_2(
    zorbench: Zorbench, tiny: str, tmp_path: Path, arguments: list[str], told: str
) -> None:
    answer = zorbench("run", *arguments)
    assert answer.status == 2
    assert told in answer.err
    assert answer.err.count("\n") == 1
    assert not (tmp_path / "results").exists()
