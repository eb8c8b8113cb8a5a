"""The README's plugin is whole, and its command works as printed."""

import re
import shlex
import sys
from pathlib import Path

import pytest

from .compare.sides import cell, write

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")


def the_block(word: str) -> str:
    """The only block of Python that has the word in it."""
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(blocks) == 2
    (block,) = [block for block in blocks if word in block]
    return block


def the_plugin() -> str:
    return the_block("class Perceptron")


def the_command() -> list[str]:
    (line,) = re.findall(
        r"^\$ \.venv/bin/zorbench (run .*--plugin perceptron\.py.*)$", README, flags=re.MULTILINE
    )
    return shlex.split(line)


def test_the_readme_s_plugin_becomes_a_row_by_the_readme_s_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from zorbench.cli import main

    monkeypatch.chdir(tmp_path)
    (tmp_path / "perceptron.py").write_text(the_plugin(), encoding="utf-8")
    # As printed, but on the smaller preset.
    arguments = ["smoke" if argument == "quick" else argument for argument in the_command()]
    monkeypatch.setattr(sys, "argv", ["zorbench", *arguments])
    with pytest.raises(SystemExit) as exit_:
        main()
    assert exit_.value.code == 0
    assert "perceptron" in capsys.readouterr().out
    page = (tmp_path / "results" / "classification-smoke" / "report" / "index.html").read_text(
        encoding="utf-8"
    )
    assert "perceptron" in page


def test_the_readme_s_plugin_passes_the_checks(tmp_path: Path) -> None:
    from zorbench.check import assert_conforms

    (tmp_path / "perceptron.py").write_text(the_plugin(), encoding="utf-8")
    assert_conforms(tmp_path / "perceptron.py", slow=True)


def test_every_command_of_the_readme_has_options_that_exist() -> None:
    from typer.main import get_command

    from zorbench.cli.app import app

    commands = get_command(app).commands  # type: ignore[attr-defined]
    lines = re.findall(r"^\$ \.venv/bin/zorbench (.*?)(?:\s+#.*)?$", README, flags=re.MULTILINE)
    assert len(lines) >= 4
    for line in lines:
        name, *arguments = shlex.split(line)
        known = {option for parameter in commands[name].params for option in parameter.opts}
        assert {argument for argument in arguments if argument.startswith("--")} <= known


def test_every_make_target_of_the_readme_exists() -> None:
    makefile = (Path(__file__).resolve().parents[1] / "Makefile").read_text()
    targets = set(re.findall(r"(?:`|^\$ )make ([a-z-]+)", README, flags=re.MULTILINE))
    assert {"bench", "test", "check", "perf"} <= targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_the_readme_s_suite_is_one(tmp_path: Path) -> None:
    from zorbench.suite import load_suite

    (text,) = re.findall(r"```toml\n(.*?)```", README, flags=re.DOTALL)
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    suite = load_suite(tmp_path / "mine.toml")
    assert [entry.name for entry in suite.entries()] == ["mnist5k-1shot", "mnist5k-5shot"]


def test_the_readme_s_notebook_runs_as_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    curve = [{"samples": 10, "seconds": 0.1, "error": 0.5}, {"samples": 20, "seconds": 0.2, "error": 0.125}]
    records = [
        cell("zor", 0, 0.25, curve=curve),
        cell("zor", 1, 0.75),
        cell("mlp", 0, status="error"),
        cell("mlp", 1, 0.9, lane="probe"),
    ]
    write(tmp_path / "results" / "quick", records)
    monkeypatch.chdir(tmp_path)
    code = the_block("load_results")
    assert len(code.strip().splitlines()) == 7  # six lines and a blank one
    exec(compile(code, "README.md", "exec"), {})
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["zor", "0.5"] in lines  # the mean error, of what is ok and in the accuracy lane
    assert ["zor", "0.125"] in lines  # the least validation error
    assert not any("mlp" in line for line in lines)
