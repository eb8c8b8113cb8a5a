"""Records and curves as files."""

import importlib.util
from pathlib import Path

import pandas as pd
import pytest

from zorbench import export as module
from zorbench import load_results
from zorbench.errors import InputError
from zorbench.export import ENGINES, export

from .compare.sides import cell, write

CURVE = [{"samples": 10, "seconds": 0.5, "error": 0.4}]

needs_parquet = pytest.mark.skipif(
    not any(map(importlib.util.find_spec, ENGINES)), reason="pyarrow (the extra parquet) is not installed"
)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return write(
        tmp_path / "r",
        [cell("zor", 0, 0.25, curve=CURVE, classes=["ΔW", "a,b"]), cell("mlp", 0, status="error")],
    )


def test_csv_has_a_line_a_record_and_a_line_a_checkpoint(results: Path, tmp_path: Path):
    paths = export(results, tmp_path / "out", ["csv"])
    assert [path.name for path in paths] == ["records.csv", "curves.csv"]
    records = pd.read_csv(paths[0])
    assert records["variant"].tolist() == ["mlp", "zor"]
    assert records["error"].tolist()[1] == 0.25
    assert records.loc[1, "classes"] == '["ΔW", "a,b"]'
    (line,) = paths[1].read_text().splitlines()[1:]
    assert line.endswith(",reconstruction,digits,samples,accuracy,0,zor,10,0.5,0.4")


def test_the_same_records_give_the_same_bytes(results: Path, tmp_path: Path):
    first = [path.read_bytes() for path in export(results, tmp_path / "out")]
    lines = (results / "records.jsonl").read_text().splitlines(keepends=True)
    (results / "records.jsonl").write_text("".join(lines[::-1]))
    assert [path.read_bytes() for path in export(results, tmp_path / "out")] == first


@needs_parquet
def test_parquet_gives_the_same_frames_back(results: Path, tmp_path: Path):
    paths = export(results, tmp_path, ["csv", "parquet", "parquet"])
    assert [path.name for path in paths] == [
        *("records.csv", "records.parquet", "curves.csv", "curves.parquet")
    ]
    for path, curves in ((paths[1], False), (paths[3], True)):
        wanted = load_results(results, curves=curves)
        found = pd.read_parquet(path)
        assert found["error"].tolist()[-1] == wanted["error"].tolist()[-1]
        assert list(found.columns) == list(wanted.columns)
        assert len(found) == len(wanted)
        assert found["seed"].dtype == "int64"
    assert export(results, tmp_path, ["parquet"])[0].read_bytes() == paths[1].read_bytes()


def test_without_a_library_for_parquet_the_extra_is_named(results: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(module, "ENGINES", ("nothing_of_this_name",))
    with pytest.raises(InputError, match=r"pip install 'zorbench\[parquet\]', or choose csv"):
        export(results, tmp_path / "out", ["csv", "parquet"])
    assert not (tmp_path / "out").exists()


def test_an_unknown_format_names_the_valid_ones(results: Path, tmp_path: Path):
    with pytest.raises(InputError, match=r"unknown format 'cvs' \(did you mean csv\?\); valid: csv, parquet"):
        export(results, tmp_path / "out", ["cvs"])
    assert not (tmp_path / "out").exists()
