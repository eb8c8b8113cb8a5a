"""Fixtures shared by all tests."""

import os
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

# What the rules written by tests may use without importing it.
PLUGIN_HEADER = """
import builtins
import random
from dataclasses import dataclass

import numpy as np
import torch

from zorbench import *

"""


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of the real data sets, or a skip that says how to point to it."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    root = Path(os.environ.get("ZORBENCH_DATA", beside))
    if not root.is_dir():
        pytest.skip("no real data sets here: set ZORBENCH_DATA to a folder that holds them")
    return root


@pytest.fixture(scope="session")
def golden() -> Path:
    """Arrays recorded from the public implementations (see tests/golden/README.md)."""
    return Path(__file__).parent / "golden"


@pytest.fixture(scope="session", autouse=True)
def session_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The cache of converted data sets lies in a temporary folder."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZORBENCH_CACHE", str(folder))
        yield folder


@pytest.fixture
def write_plugin(tmp_path: Path) -> Callable[..., Path]:
    """`write_plugin(source)` → the file; `name` may hold folders."""

    def write(source: str, name: str = "rules/rule.py") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(PLUGIN_HEADER + textwrap.dedent(source))
        return path.resolve()

    return write


@pytest.fixture
def make_cell() -> Callable[..., Any]:
    """`make_cell(plugin_file, shots=1, seed=3, ...)` → a small cell of that file's class `Rule`.

    By default: classification of `digits`, 2 shots a class, 200 samples in batches of 10, 20 items for
    validation and 30 for the test.
    """
    from zorbench.cell import Cell
    from zorbench.data import load
    from zorbench.entry import Entry
    from zorbench.registry import PluginRef, source_hash
    from zorbench.session import entry_episode

    def make(path: Path, *, class_name: str = "Rule", **changes: Any) -> Cell:
        settings: dict[str, Any] = {"suite": "tests", "dataset": "digits", "task": "classification"}
        settings |= {"samples": 200, "batch": 10, "hidden": 8, "code": 8}
        settings |= {"validation": 20, "test": 30, "shots": 2}
        names = {field.name for field in fields(Entry)} - {"label"}  # a label is the cell's
        settings |= {key: value for key, value in changes.items() if key in names}
        entry = Entry(**settings)
        seed = changes.get("seed", 0)
        tuning = changes.get("lane") == "tuning"
        episode = entry_episode(entry, load(entry.dataset), seed, tuning=tuning)
        about = {
            "baseline": "rule",
            "role": "contender",
            "tags": {},
            "config": {},
            "config_source": "default",
        }
        cell: dict[str, Any] = {"seed": seed, "protocol": "samples", "label": "rule", "settings": {}}
        cell |= {"device": "cpu", "data_root": None, "key": "0" * 24, "about": about}
        cell |= {"episode_sha256": episode.sha256, "n_shots": len(episode.shots)}
        cell |= {"source": source_hash(path), "torch": "2.0"}
        cell |= {key: value for key, value in changes.items() if key not in names}
        return Cell(entry=entry, **{"ref": PluginRef(path, class_name), **cell})

    return make


@pytest.fixture
def run_rule(write_plugin: Callable[..., Path], make_cell: Callable[..., Any]) -> Callable[..., Any]:
    """`run_rule(source of a class Rule, shots=1, ...)` → the outcome of its cell, run in this process."""
    from zorbench.run import run_cell

    def run(source: str, **changes: Any) -> Any:
        return run_cell(make_cell(write_plugin(source), **changes))

    return run
