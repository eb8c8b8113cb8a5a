"""Run the command line in this process, in an empty folder."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

TINY = """
title = "Tiny"
task = "classification"

[[entry]]
dataset = "digits"
shots = 2
samples = 200
batch = 10
validation = 50
test = 60
"""


@dataclass
class Answer:
    """What a command left: its exit status and its two streams."""

    status: int
    out: str
    err: str


@pytest.fixture
def zorbench(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., Answer]:
    """`zorbench("run", "--preset", "smoke")` → its answer."""
    from zorbench.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ZORBENCH_DATA", raising=False)

    def call(*arguments: str) -> Answer:
        monkeypatch.setattr(sys, "argv", ["zorbench", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as exit_:
            main()
        captured = capsys.readouterr()
        return Answer(int(exit_.value.code or 0), captured.out, captured.err)

    return call


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    """A suite of one small entry, as an argument for `zorbench run`."""
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return str(path)
