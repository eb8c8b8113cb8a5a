"""What docs/adding-a-baseline.md shows works as printed, and names the checks that there are."""

import re
import shlex
import sys
from pathlib import Path

import pytest

from zorbench.check import CHECKS

PAGE = (Path(__file__).parent.parent / "docs" / "adding-a-baseline.md").read_text(encoding="utf-8")
COMMANDS = [shlex.split(line) for line in re.findall(r"^\$ zorbench (.*)$", PAGE, flags=re.MULTILINE)]
CODE = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)


def test_from_a_new_plugin_to_a_row(tmp_path, monkeypatch, capsys):
    """Every command of the page, in the order of the page, in an empty folder."""
    from zorbench.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ZORBENCH_DATA", raising=False)
    assert [command[0] for command in COMMANDS] == ["new", "check", "run", "report"]
    for command in COMMANDS:
        monkeypatch.setattr(sys, "argv", ["zorbench", *command])
        with pytest.raises(SystemExit) as exit_:
            main()
        told = capsys.readouterr()
        assert not exit_.value.code, f"{command}: {told.out}{told.err}"
        if command[0] == "new":
            assert told.out.startswith(re.search(r"^wrote .*$", PAGE, flags=re.MULTILINE)[0])
            printed = told.out
        if command[0] == "check":
            exec(compile(CODE[0], "docs/adding-a-baseline.md", "exec"), {})  # the same, for tests
    for command in COMMANDS[1:3]:
        assert f"zorbench {shlex.join(command)}\n" in printed, "the commands that `new` tells are the page's"
    page = tmp_path / "results" / "classification-smoke" / "report" / "index.html"
    assert "my_rule" in page.read_text(encoding="utf-8")


def test_the_table_holds_every_check_and_no_other():
    rows = re.findall(r"^\| `([a-z-]+)`( \(slow\))? \|", PAGE, flags=re.MULTILINE)
    assert rows == [(one.name, " (slow)" if one.slow else "") for one in CHECKS]


def test_the_known_failure_that_is_shown_names_a_check():
    scope: dict[str, dict[str, str]] = {}
    exec(CODE[1], scope)
    assert set(scope["known_failures"]) <= {one.name for one in CHECKS}


def test_what_a_reader_is_told_of_known_failures_is_in_the_contract():
    from zorbench import Baseline

    assert Baseline.known_failures == {}
