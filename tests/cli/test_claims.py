"""`zorbench claims` from end to end on small claims."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Zorbench = Callable[..., Any]

CLAIMS = """
title = "Small"

[entry.small]
task = "classification"
dataset = "digits"
shots = 2
samples = 200
batch = 10
validation = 50
test = 60
differs = ["It is smaller."]
cost = { floors = 1, mlp = 2, zor = 2, black = 1 }

[entry.other]
task = "classification"
dataset = "digits"
shots = 3
samples = 300
batch = 10
validation = 50
test = 60
differs = ["It is another."]
cost = { floors = 1, mlp = 2, zor = 2 }

[entry.whole]
task = "classification"
dataset = "mnist"
images = 47000
samples = 470000
batch = 50
differs = ["All of it."]
cost = { floors = 8, mlp = 3600, zor = 3600 }

[[claim]]
id = "good"
system = "Zor"
statement = "It is better than chance."
source = "a README"
figure = "qualitative"
measure = "accuracy"
direction = "more than"
value = 10.0
margin = 0.0
margin_reason = "chance is ten per cent"
published = { entry = "small", row = "zor" }
matched = { entry = "other", row = "zor" }

[[claim]]
id = "fast"
system = "Zor"
statement = "It is a thousand times faster."
source = "a README"
figure = "1000×"
measure = "training seconds"
compare = "ratio"
value = 1000.0
margin = 0.0
margin_reason = "none"
published = { entry = "small", row = "zor", than = "mlp" }
matched = { entry = "other", row = "zor", than = "mlp" }

[[claim]]
id = "whole"
system = "Zor"
statement = "It names digits."
source = "a README"
figure = "99 %"
measure = "accuracy"
value = 99.0
margin = 0.0
margin_reason = "none"
published = { entry = "whole", row = "zor" }
matched = { entry = "whole", row = "zor" }

[[claim]]
id = "gone"
system = "Other"
statement = "It is good."
source = "a paper"
figure = "98 %"
unmeasurable = "its data are not here"
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "mine.toml"
    path.write_text(CLAIMS)
    return str(path)


def verdicts(folder: Path) -> dict[tuple[str, str], dict[str, Any]]:
    document = json.loads((folder / "claims.json").read_text())
    return {(claim["id"], one["kind"]): one for claim in document["claims"] for one in claim["settings"]}


def records_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]


def test_verdicts_are_printed_written_and_a_page_of_the_report(
    zorbench: Zorbench, file: str, tmp_path: Path
) -> None:
    Path(file).write_text(CLAIMS.replace('matched = { entry = "other"', 'matched = { entry = "small"'))
    answer = zorbench("claims", "--file", file, "--seeds", "8", "--jobs", "2")
    assert answer.status == 0, answer.err  # refuted claims are no failure
    results = tmp_path / "results" / "claims"
    found = verdicts(results)
    # A machine that others are busy on attests no times.
    assert {found["fast", kind]["verdict"] for kind in ("published", "matched")} <= {
        "REFUTED",
        "INCONCLUSIVE",
    }
    assert {key: one["verdict"] for key, one in found.items() if key[0] != "fast"} == {
        ("good", "published"): "VERIFIED",
        ("good", "matched"): "VERIFIED",
        ("whole", "published"): "NOT RUN",
        ("whole", "matched"): "NOT RUN",
    }
    assert found["good", "published"]["n"] == 8
    assert found["good", "published"]["floor"]["row"] in ("class_mean", "majority_class")
    assert (
        "needs --data-root, or ZORBENCH_DATA, with mnist; then about 4 h"
        in found["whole", "matched"]["reason"]
    )
    for text in ("VERIFIED", "NOT RUN", "its data are not here", "> 10.00 %", "claims.md", "index.html"):
        assert text in answer.out
    assert "VERIFIED" in (results / "claims.md").read_text()
    page = (results / "report" / "index.html").read_text()
    assert "<h2>Published claims</h2>" in page
    assert "It is smaller." in page
    lanes = {(record["lane"], record["variant"]) for record in records_of(results)}
    rows, floors = ("zor", "mlp"), ("class_mean", "majority_class")
    assert lanes == {("accuracy", row) for row in ("zor", *floors)} | {("timing", row) for row in rows}
    assert "<h2>Published claims</h2>" in _again(zorbench, results)


def _again(zorbench: Zorbench, results: Path) -> str:
    """The page as `zorbench report` writes it."""
    (results / "report" / "index.html").unlink()
    assert zorbench("report", str(results)).status == 0
    return (results / "report" / "index.html").read_text()


def test_a_second_call_runs_nothing_and_more_seeds_run_the_rest(
    zorbench: Zorbench, file: str, tmp_path: Path
) -> None:
    command = ("claims", "good", "--file", file, "--out", "r")
    first = zorbench(*command, "--seeds", "2")
    assert first.status == 0, first.err
    assert "12 to run" in first.err
    found = verdicts(tmp_path / "r")["good", "published"]
    assert (found["verdict"], found["reason"]) == ("INCONCLUSIVE", "n = 2, a verdict needs 8")
    written = (tmp_path / "r" / "claims.json").read_bytes()
    second = zorbench(*command, "--seeds", "2", "--minutes", "0")
    assert "0 to run" in second.err
    assert (tmp_path / "r" / "claims.json").read_bytes() == written
    assert "6 to run" in zorbench(*command, "--seeds", "3").err


def test_what_does_not_fit_into_the_minutes_is_not_run_and_the_cheapest_comes_first(
    zorbench: Zorbench, file: str, tmp_path: Path
) -> None:
    # Published of `good`: a row of 2 s and two floors of 1 s, one at a time. Of `fast`: two rows in a lane of
    # their own, which floors have no part in.
    command = ("claims", "good", "fast", "--file", file, "--seeds", "1", "--jobs", "1", "--out", "r")
    assert zorbench(*command, "--minutes", "0").status == 0
    assert {one["verdict"] for one in verdicts(tmp_path / "r").values()} == {"NOT RUN"}
    assert verdicts(tmp_path / "r")["good", "published"]["reason"] == "about 4 s, beyond --minutes"
    assert verdicts(tmp_path / "r")["fast", "published"]["reason"] == "about 4 s, beyond --minutes"
    assert not (tmp_path / "r" / "records.jsonl").read_text()
    answer = zorbench(*command, "--minutes", str(4.1 / 60))
    found = {key: one["verdict"] for key, one in verdicts(tmp_path / "r").items()}
    assert found.pop(("good", "published")) == "INCONCLUSIVE"
    assert set(found.values()) == {"NOT RUN"}
    assert "3 cells, 3 to run" in answer.err


def test_cells_that_failed_are_told_and_tried_again_when_asked(
    zorbench: Zorbench, file: str, tmp_path: Path
) -> None:
    (tmp_path / "bad.py").write_text(
        "from zorbench import Classification, StepBaseline\n"
        "class Raises(StepBaseline):\n"
        '    """Raises."""\n'
        '    name = "raises"\n'
        "    tasks = {Classification}\n"
        "    def step(self, inputs, targets):\n"
        '        raise ValueError("out of tea")\n'
    )
    path = Path(file)
    path.write_text(CLAIMS.replace('row = "zor" }', 'row = "raises" }').replace("mlp = 2", "raises = 2"))
    path.write_text(path.read_text().replace('than = "mlp"', 'than = "raises"').replace("mlp", "raises"))
    command = ("claims", "good", "--file", file, "--plugin", "bad.py", "--seeds", "1", "--out", "r")
    answer = zorbench(*command)
    assert answer.status == 3
    assert (
        "raises: error in 1 of 1 cells: ValueError: out of tea"
        in verdicts(tmp_path / "r")["good", "matched"]["reason"]
    )
    assert "0 to run" in zorbench(*command).err
    assert "2 to run" in zorbench(*command, "--retry", "failed").err


def test_what_a_busy_machine_did_not_attest_is_timed_again_when_asked(
    zorbench: Zorbench, file: str, tmp_path: Path
) -> None:
    command = ("claims", "fast", "--file", file, "--seeds", "1", "--out", "r")
    assert zorbench(*command).status == 0
    path = tmp_path / "r" / "records.jsonl"
    records = [{**record, "attested": record["variant"] == "mlp"} for record in records_of(tmp_path / "r")]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    assert "0 to run" in zorbench(*command).err
    found = verdicts(tmp_path / "r")["fast", "published"]
    assert (found["verdict"], found["n"]) == ("INCONCLUSIVE", 0)
    assert "no time is attested" in found["reason"]
    assert "2 to run" in zorbench(*command, "--retry", "failed").err


def test_the_list_runs_nothing(zorbench: Zorbench, file: str, tmp_path: Path) -> None:
    answer = zorbench("claims", "--list", "--file", file)
    assert answer.status == 0
    for text in ("good", "> 10.00 %", "its data are not here", "8 seeds", "4 h 00 min"):
        assert text in answer.out
    assert {path.name for path in tmp_path.iterdir()} == {"mine.toml"}


def test_the_bundled_claims_are_listed(zorbench: Zorbench) -> None:
    assert "zor-few-shot" in zorbench("claims", "--list").out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["goood"], ["unknown claim 'goood'", "did you mean good?", "fast"]),
        (["--seeds", "0"], ["--seeds 0", "at least 1"]),
        (["--jobs", "0"], ["--jobs 0", "at least 1"]),
        (["--minutes", "-1"], ["--minutes -1", "0 or more"]),
        (["--file", "nowhere.toml"], ["nowhere.toml", "cannot be read"]),
        (["--data-root", "nowhere"], ["nowhere"]),
        (["--out", "mine.toml"], ["mine.toml", "not a folder"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) and len(value) < 3 else "",
)
def test_a_wrong_argument_is_one_line_and_runs_nothing(
    zorbench: Zorbench, file: str, tmp_path: Path, arguments: list[str], expected: list[str]
) -> None:
    answer = zorbench("claims", "--file", file, *arguments)
    assert answer.status == 2
    assert answer.err.startswith("zorbench: ")
    assert answer.err.count("\n") == 1
    for text in expected:
        assert text in answer.err
    assert {path.name for path in tmp_path.iterdir()} == {"mine.toml"}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('"digits"', '"digit"', ["entry 'small'", "unknown dataset 'digit'", "did you mean digits?"]),
        (
            'row = "zor" }',
            'row = "black" }',
            ["claim 'good': published: black cannot do classification of digits"],
        ),
        ("zor", "zorr", ["entry 'small'", "unknown baseline 'zorr'", "did you mean zor?"]),
        ("shots = 2", "shots = 5000", ["entry 'small'", "shots=5000"]),
    ],
    ids=["dataset", "task", "row", "shots"],
)
def test_a_claim_that_cannot_be_planned_names_file_and_entry(
    zorbench: Zorbench, file: str, tmp_path: Path, old: str, new: str, expected: list[str]
) -> None:
    count = -1 if old == "zor" else 1
    Path(file).write_text(CLAIMS.replace(old, new, count))
    answer = zorbench("claims", "good", "fast", "--file", file)
    assert answer.status == 2
    assert answer.err.count("\n") == 1
    for text in ["mine.toml", *expected]:
        assert text in answer.err
    assert not (tmp_path / "results").exists()
