"""A user's mistake is one line that names the valid choices or the file; status 2, nothing written."""

import gzip
import json
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

Zorbench = Callable[..., object]


def check(answer, *expected: str, folder: Path, kept: set[str]) -> None:
    """One line on stderr holding `expected`, status 2, and no file in `folder` beside `kept`."""
    assert answer.status == 2
    assert answer.err.startswith("zorbench: ")
    assert answer.err.count("\n") == 1, answer.err
    for text in expected:
        assert text in answer.err
    assert {path.name for path in folder.iterdir()} == kept


def write_suite(folder: Path, **changes: str) -> str:
    """A suite file with one entry, some of its lines changed; a value None drops the key."""
    lines = {
        "dataset": '"digits"',
        "shots": "2",
        "samples": "200",
        "batch": "10",
        "validation": "50",
        **changes,
    }
    body = "\n".join(f"{key} = {value}" for key, value in lines.items() if value)
    (folder / "s.toml").write_text(f'title = "T"\ntask = "classification"\n[[entry]]\n{body}\n')
    return "s.toml"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["run", "recons"], ["unknown suite 'recons'", "did you mean reconstruction?", "classification"]),
        (["run", "missing.toml"], ["missing.toml", "no such file"]),
        (["run"], ["nothing to run", "reconstruction", "smoke"]),
        (["run", "--preset", "smok"], ["unknown preset 'smok'", "did you mean smoke?", "quick", "full"]),
        (["run", "tiny.toml", "--baseline", "mpl"], ["unknown baseline 'mpl'", "did you mean mlp?", "zor"]),
        (["run", "tiny.toml", "--baseline", "mlp[lt=1]"], ["unknown setting 'lt'", "lr", "weight_decay"]),
        (["run", "tiny.toml", "--baseline", "mlp[lr=fast]"], ["lr must be a number", "'fast'"]),
        (["run", "tiny.toml", "--baseline", "mlp[output=tanh]"], ["'tanh'", "linear", "sigmoid"]),
        (["run", "tiny.toml", "--baseline", "mlp[lr"], ["mlp[lr", "NAME[key=value"]),
        (["run", "tiny.toml", "--seeds", "0"], ["--seeds", "at least 1"]),
        (["run", "tiny.toml", "--jobs", "0"], ["--jobs 0", "at least 1"]),
        (["run", "tiny.toml", "--timeout", "0"], ["--timeout 0", "more than 0"]),
        (["run", "tiny.toml", "--device", "tpu"], ["--device tpu", "cpu", "cuda"]),
        (["run", "tiny.toml", "--plugin", "nowhere.py"], ["nowhere.py", "no such file"]),
        (["run", "tiny.toml", "--data-root", "nowhere"], ["nowhere"]),
        (["run", "tiny.toml", "--out", "tiny.toml"], ["tiny.toml", "not a folder"]),
        (["report", "nowhere"], ["nowhere", "no such results folder"]),
        (["report", "."], ["holds no records", "zorbench run"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) and value[0] in ("run", "report") else "",
)
def test_a_wrong_argument_names_the_valid_ones(
    zorbench: Zorbench, tiny: str, tmp_path: Path, arguments: list[str], expected: list[str]
) -> None:
    check(zorbench(*arguments), *expected, folder=tmp_path, kept={"tiny.toml"})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"dataset": '"digit"'}, ["unknown dataset 'digit'", "digits", "mnist5k"]),
        ({"dataset": '"mnist"'}, ["MNIST/raw", "--data-root", "ZORBENCH_DATA", "mnist5k"]),
        ({"sampels": "3"}, ["s.toml", "entry 1", "unknown key 'sampels'", "did you mean samples?"]),
        ({"samples": '"many"'}, ["s.toml", "entry 1", "samples", "'many'"]),
        ({"samples": "-5"}, ["s.toml", "entry 1", "samples", "-5"]),
        ({"batch": ""}, ["s.toml", "entry 1", "'batch' is missing"]),
        ({"images": "5"}, ["s.toml", "entry 1", "shots", "images"]),
        ({"samples": "3"}, ["samples = 3", "20 shots"]),
        ({"shots": "5000"}, ["digits", "shots=5000", "class"]),
        ({"presets": '["smoky"]'}, ["s.toml", "unknown preset 'smoky'", "smoke"]),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_a_wrong_suite_names_the_file_and_the_place(
    zorbench: Zorbench, tmp_path: Path, changes: dict[str, str], expected: list[str]
) -> None:
    suite = write_suite(tmp_path, **changes)
    check(zorbench("run", suite), *expected, folder=tmp_path, kept={"s.toml"})


def test_malformed_toml_names_the_file_and_the_line(zorbench: Zorbench, tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text('title = "T"\ntask = = 3\n')
    check(zorbench("run", "s.toml"), "s.toml", "not valid TOML", "line 2", folder=tmp_path, kept={"s.toml"})


def test_a_colour_task_on_grey_images_says_what_the_data_set_can_do(
    zorbench: Zorbench, tmp_path: Path
) -> None:
    path = tmp_path / write_suite(tmp_path)
    path.write_text(path.read_text().replace("classification", "colorization"))
    answer = zorbench("run", "s.toml")
    check(answer, "digits has no colorization", "reconstruction", folder=tmp_path, kept={"s.toml"})


def test_a_truncated_idx_file_is_named(zorbench: Zorbench, tmp_path: Path) -> None:
    raw = tmp_path / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part, count in (("train", 30), ("t10k", 10)):
        images = struct.pack(">IIII", 2051, count, 28, 28) + bytes(count * 784)
        labels = struct.pack(">II", 2049, count) + bytes(count)
        (raw / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(images))
        (raw / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels))
    broken = raw / "train-images-idx3-ubyte.gz"
    broken.write_bytes(broken.read_bytes()[:-20])
    suite = write_suite(tmp_path, dataset='"mnist"')
    answer = zorbench("run", suite, "--data-root", "data")
    check(answer, "train-images-idx3-ubyte", folder=tmp_path, kept={"s.toml", "data"})


def test_an_empty_class_folder_is_named(zorbench: Zorbench, tmp_path: Path) -> None:
    (tmp_path / "pictures" / "cats").mkdir(parents=True)
    suite = write_suite(tmp_path, dataset='"folder:pictures"')
    check(zorbench("run", suite), "cats", folder=tmp_path, kept={"s.toml", "pictures"})


def test_records_of_another_format_are_refused_and_left_alone(
    zorbench: Zorbench, tiny: str, tmp_path: Path
) -> None:
    records = tmp_path / "old" / "records.jsonl"
    records.parent.mkdir()
    records.write_text(json.dumps({"format": 99, "key": "k"}) + "\n")
    answer = zorbench("run", tiny, "--out", "old")
    check(answer, "records.jsonl", "format 99", folder=tmp_path, kept={"tiny.toml", "old"})
    assert [path.name for path in records.parent.iterdir()] == ["records.jsonl"]
    assert json.loads(records.read_text())["format"] == 99


def test_a_plugin_that_cannot_be_imported_is_named(zorbench: Zorbench, tiny: str, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import nothing_of_this_name\n")
    answer = zorbench("run", tiny, "--plugin", "broken.py")
    check(answer, "broken.py", "nothing_of_this_name", folder=tmp_path, kept={"tiny.toml", "broken.py"})
