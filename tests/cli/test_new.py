"""`zorbench new`: what it writes works as it is, and nothing is overwritten."""

import subprocess
import sys

import pytest

from zorbench.check import check_plugin
from zorbench.cli.choices import Asked
from zorbench.tasks import TASKS

EACH = pytest.mark.parametrize("task", sorted(TASKS))


def test_there_is_a_template_for_each_task():
    assert {one.value for one in Asked} == set(TASKS)


@EACH
def test_a_new_plugin_passes_every_check_of_its_task(zorbench, tmp_path, task):
    answer = zorbench("new", "my_rule", "--task", task)
    assert answer.status == 0
    results = check_plugin(tmp_path / "my_rule.py", slow=True)
    assert [one for one in results if one.status in ("failed", "known")] == []
    assert {one.task for one in results} == {"", task}
    assert {one.row for one in results} == {"my_rule"}


@EACH
def test_it_is_short_and_leaves_nothing_to_fill_in(zorbench, tmp_path, task):
    zorbench("new", "my_rule", "--task", task)
    text = (tmp_path / "my_rule.py").read_text()
    assert len(text.splitlines()) <= 40
    assert max(map(len, text.splitlines())) <= 110
    assert "class MyRule(StepBaseline):" in text
    assert "TODO" not in text
    assert "$" not in text
    assert "change the class" in text.splitlines()[0]


def test_its_test_passes_and_fails_with_the_plugin(zorbench, tmp_path):
    zorbench("new", "my_rule", "--out", "rules")
    folder = tmp_path / "rules"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_my_rule.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    plugin = folder / "my_rule.py"
    plugin.write_text(plugin.read_text().replace("self.w += ", "self.w -= "))
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 1
    assert "learns (my_rule, classification)" in done.stdout


def test_it_tells_the_next_three_commands(zorbench):
    answer = zorbench("new", "my_rule", "--out", "rules", "--task", "reconstruction")
    first, *commands = answer.out.splitlines()
    assert first == "wrote rules/my_rule.py and rules/test_my_rule.py; next:"
    check, run, page = (command.strip() for command in commands)
    assert check == "zorbench check rules/my_rule.py"
    assert run.startswith(
        "zorbench run reconstruction --preset smoke --plugin rules/my_rule.py --baseline my_rule "
    )
    assert page == "python -m webbrowser results/reconstruction-smoke/report/index.html"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("my-rule", "'my-rule' is no name for a baseline; use small letters, digits and _, e.g. my_rule"),
        ("2nd", "'2nd' is no name"),
        ("class", "'class' is no name"),
        ("majority_class", "there is a baseline named 'majority_class' already; choose another name"),
    ],
)
def test_a_wrong_name_is_one_line_and_nothing_is_written(zorbench, tmp_path, name, expected):
    answer = zorbench("new", name)
    assert answer.status == 2
    assert answer.err.count("\n") == 1
    assert expected in answer.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("there", ["my_rule.py", "test_my_rule.py"])
def test_a_file_that_exists_is_not_overwritten(zorbench, tmp_path, there):
    (tmp_path / there).write_text("mine")
    answer = zorbench("new", "my_rule")
    assert answer.status == 2
    assert f"{there} exists, and is left as it is; choose another name or --out" in answer.err
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(there, "mine")]
