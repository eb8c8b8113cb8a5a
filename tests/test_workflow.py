"""What the CI workflow asks of the Makefile and the command line exists."""

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORKFLOW = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def test_its_targets_are_in_the_makefile() -> None:
    folders = dict(re.findall(r"^(\w+) := (results/\w+)$", MAKEFILE, flags=re.MULTILINE))
    expanded = MAKEFILE
    for name, folder in folders.items():
        expanded = expanded.replace(f"$({name})", folder)
    targets = {target for line in re.findall(r"run: make (.+)", WORKFLOW) for target in line.split()}
    assert {"setup", "check", "test", "results/gate"} <= targets
    for target in targets:
        assert re.search(rf"^{re.escape(target)}:", expanded, flags=re.MULTILINE), target


def test_its_gate_has_options_that_exist_and_a_word_for_every_status() -> None:
    from typer.main import get_command

    from zorbench.cli.app import app

    (line,) = re.findall(r"\.venv/bin/zorbench (compare .*)", WORKFLOW)
    name, *arguments = shlex.split(line)
    command = get_command(app).commands[name]  # type: ignore[attr-defined]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {argument for argument in arguments if argument.startswith("--")} <= known
    for status in range(4):
        assert re.search(rf"^ +{status}\) ", WORKFLOW, flags=re.MULTILINE)
    assert "$GITHUB_STEP_SUMMARY" in WORKFLOW
    assert "upload-artifact" in WORKFLOW


def test_both_supported_versions_are_tried() -> None:
    (versions,) = re.findall(r"python: \[(.*)\]", WORKFLOW)
    assert versions == '"3.11", "3.12"'
