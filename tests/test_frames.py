"""`zorbench.load_results`: columns, kinds and order."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import zorbench
from zorbench.errors import InputError

from .compare.sides import cell, write

CURVE = [
    {"samples": 10, "seconds": 0.5, "error": 0.4, "diagnostics": {"signal_norm": [1.0]}},
    {"samples": 100, "seconds": 1.0, "error": 0.25},
]


SCORES = {"clean": {"error": 1}, "validation": {"error": 0.5}}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return write(
        tmp_path / "r",
        [
            cell("zor", 10, 0.25, curve=CURVE, config={"lr": 1, "gate": True}, cost={"samples": 100}),
            cell("zor", 9, 0.5, config={"lr": 0.5, "gate": False}, classes=["tea", "soup"]),
            cell("mlp", 0, status="error", reason="out of tea", config={"lr": "auto"}, load=None),
            cell("fast", 0, baseline="zor", config={}, metrics=SCORES),
        ],
    )


def test_a_record_is_a_row_in_an_order_of_its_own(results: Path):
    frame = zorbench.load_results(results)
    assert list(frame["variant"]) == ["fast", "mlp", "zor", "zor"]
    assert list(frame["seed"]) == [0, 0, 9, 10]  # as numbers
    assert list(frame.columns[:4]) == ["key", "suite", "entry", "protocol"]
    assert frame["error"].tolist()[2:] == [0.5, 0.25]
    assert frame.loc[0, "error"] == 1
    assert frame["error"].isna().tolist() == [False, True, False, False]
    assert frame.loc[1, "reason"] == "out of tea"
    assert json.loads(frame.loc[2, "classes"]) == ["tea", "soup"]


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("seed", "int64"),
        ("repetition", "int64"),
        ("error", "float64"),
        ("metrics.validation.error", "float64"),
        ("cost.samples", "Int64"),
        ("config.gate", "boolean"),
        ("attested", "bool"),
        ("spec.samples", "int64"),
        ("load", "float64"),
    ],
)
def test_columns_have_the_kind_of_what_they_hold(results: Path, column: str, kind: str):
    assert str(zorbench.load_results(results)[column].dtype) == kind


def test_texts_are_texts_and_what_is_mixed_becomes_text(results: Path):
    frame = zorbench.load_results(str(results))  # a text will do for a path
    for column in ("suite", "variant", "status", "reason", "config.lr"):
        assert pd.api.types.is_string_dtype(frame[column]), column
    assert frame["config.lr"].tolist()[1:] == ["auto", "0.5", "1"]


def test_a_checkpoint_is_a_row_of_the_curves(results: Path):
    frame = zorbench.load_results(results, curves=True)
    assert list(frame.columns) == [
        *("key", "suite", "entry", "protocol", "lane", "seed", "variant", "samples", "seconds", "error")
    ]
    assert frame[["variant", "seed", "samples", "seconds", "error"]].to_numpy().tolist() == [
        ["zor", 10, 10, 0.5, 0.4],
        ["zor", 10, 100, 1.0, 0.25],
    ]
    assert frame.dtypes[["seed", "samples"]].tolist() == ["int64", "int64"]


def test_without_any_curve_the_columns_are_there_all_the_same(tmp_path: Path):
    frame = zorbench.load_results(write(tmp_path / "r", [cell("zor", 0)]), curves=True)
    assert len(frame) == 0
    assert frame["error"].dtype == "float64"


def test_a_folder_without_records_is_told(tmp_path: Path):
    with pytest.raises(InputError, match="no such results folder"):
        zorbench.load_results(tmp_path / "nowhere")
    with pytest.raises(InputError, match="holds no records"):
        zorbench.load_results(tmp_path)
    broken: list[dict[str, Any]] = [cell("zor", 0), {"format": 99}]
    with pytest.raises(InputError, match="line 2 has record format 99"):
        zorbench.load_results(write(tmp_path / "r", broken))
