"""`zorbench check`: exit status, and what a reader is told."""

import pytest

from zorbench.check import CHECKS, NOT_CAUGHT
from zorbench.cli.new import write_plugin as write_new

FAILING = "        self.lr = config.lr\n"


@pytest.fixture
def rule(tmp_path):
    """A plugin that does all it should."""
    return write_new("mine", "classification", tmp_path).plugin


def flat(text):
    return " ".join(text.split())


def test_a_plugin_that_conforms_gives_status_0_and_a_line_for_each_check(zorbench, rule):
    answer = zorbench("check", rule.name)
    assert answer.status == 0, answer.out
    lines = {line.split()[0]: line.split()[-1] for line in answer.out.splitlines() if line.strip()}
    for one in CHECKS:
        assert (one.name in lines) == (not one.slow)
    assert lines["predict-is-pure"] == "ok"
    assert lines["decode-knows-only-codes"] == "–"
    assert "decode-knows-only-codes: has no bottleneck to go through" in answer.out
    assert NOT_CAUGHT in flat(answer.out)


def test_a_check_that_fails_gives_status_1_and_says_where_and_what_to_do(zorbench, rule):
    rule.write_text(rule.read_text().replace(FAILING, FAILING + "        torch.rand(3)\n"))
    answer = zorbench("check", "mine.py")
    assert answer.status == 1
    told = (
        "FAILED leaves-global-generators (mine, classification): build: torch's global generator: is another"
    )
    assert told in flat(answer.out)
    assert "1 failed" in answer.out


def test_a_crash_is_told_with_file_and_line_and_without_a_traceback(zorbench, rule):
    rule.write_text(rule.read_text().replace(FAILING, FAILING + "        1 / 0\n"))
    line = rule.read_text().splitlines().index("        1 / 0") + 1
    answer = zorbench("check", "mine.py")
    assert answer.status == 1
    assert f"build raised ZeroDivisionError: division by zero (mine.py:{line} in build)" in flat(answer.out)
    assert "Traceback" not in answer.out + answer.err
    assert "not reached" in answer.out


def test_a_known_failure_gives_status_0(zorbench, rule):
    text = rule.read_text().replace(FAILING, FAILING + "        torch.rand(3)\n")
    known = '    known_failures = {"leaves-global-generators": "a library draws"}\n    tags = '
    rule.write_text(text.replace("    tags = ", known))
    answer = zorbench("check", "mine.py")
    assert answer.status == 0, answer.out
    assert "known leaves-global-generators (mine, classification): a library draws" in flat(answer.out)


def test_rows_of_a_folder_get_a_line_each_and_a_row_can_be_chosen(zorbench, rule, tmp_path):
    variants = (
        '    variants = {"slowly": {"lr": 0.01}, "rarely": {"lr": 0.02}}\n    only_named = {"rarely"}\n'
    )
    rule.write_text(rule.read_text().replace("    tags = ", variants + "    tags = "))
    answer = zorbench("check", ".")
    assert answer.status == 0, answer.out
    assert [line.split()[0] for line in answer.out.splitlines()[:2]] == ["mine", "slowly"]
    assert "only where they are named (--row, --slow): rarely" in flat(answer.out)
    alone = zorbench("check", "mine.py", "--row", "rarely")
    assert alone.status == 0
    assert alone.out.startswith("rarely (mine.py)")


def test_a_bundled_baseline_is_checked_by_its_name(zorbench):
    answer = zorbench("check", "majority_class")
    assert answer.status == 0, answer.out
    assert answer.out.startswith("majority_class (floors.py)")
    assert "learns: a floor: trivial by intention" in answer.out


def test_the_checks_are_listed_with_their_purposes(zorbench):
    answer = zorbench("check", "--list")
    assert answer.status == 0
    for one in CHECKS:
        assert one.name in answer.out
        assert flat(one.purpose)[:40] in flat(answer.out)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "name a plugin (a file, a folder or a registered baseline), or give --all"),
        (("mine.py", "--all"), "name a plugin"),
        (("--all", "--row", "x"), "--row x: goes with a plugin"),
        (("nowhere.py",), "nowhere.py: no such file or folder"),
        (("majority_clas",), "unknown baseline 'majority_clas' (did you mean majority_class?)"),
        (("mine.py", "--row", "mien"), "mine.py: unknown row 'mien' (did you mean mine?); valid: mine"),
        (("empty.py",), "holds no plugin (a class derived from zorbench.Baseline)"),
    ],
)
def test_bad_input_is_one_line_and_status_2(zorbench, rule, tmp_path, arguments, expected):
    (tmp_path / "empty.py").write_text("")
    answer = zorbench("check", *arguments)
    assert answer.status == 2
    assert answer.out == ""
    assert answer.err.startswith("zorbench: ")
    assert answer.err.count("\n") == 1
    assert expected in answer.err
