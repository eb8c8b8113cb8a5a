"""A plugin may say which checks it fails, and why; it is told when that is no longer so."""

import pytest

from zorbench.check import assert_conforms, check_plugin
from zorbench.errors import InputError

from .rules import CLASSES, changed
from .violations import VIOLATIONS

NAME = "samples-as-declared"


def knowing(source, failures):
    return changed(source, ("    time_steps = 1\n", f"    known_failures = {failures!r}\n"))


def results_of(results, status):
    return {one.check for one in results if one.status == status}


def test_a_known_failure_is_told_with_its_reason_and_does_not_fail(write_plugin):
    path = write_plugin(knowing(VIOLATIONS[NAME], {NAME: "the tag is to come"}))
    results = check_plugin(path)
    assert results_of(results, "failed") == set()
    assert results_of(results, "known") == {NAME}
    (known,) = (one for one in results if one.status == "known")
    assert known.message.startswith("the tag is to come (fit called budget.take ")
    assert_conforms(path)


def test_another_failure_fails_all_the_same(write_plugin):
    results = check_plugin(write_plugin(knowing(VIOLATIONS[NAME], {"learns": "never mind"})))
    assert NAME in results_of(results, "failed")


def test_a_known_failure_that_passes_fails(write_plugin):
    results = check_plugin(write_plugin(knowing(CLASSES, {NAME: "the tag is to come"})))
    (outdated,) = (one for one in results if one.status == "failed")
    assert (outdated.check, outdated.task) == (NAME, "")
    assert outdated.message == "no longer fails: remove it from known_failures"


TWO = changed(
    CLASSES,
    (
        "    time_steps = 1\n",
        '    variants = {"late": {"lr": 0.02}}\n    known_failures = {"runs": "late is late"}\n',
    ),
    ("        self.lr = config.lr\n", "        self.lr = config.lr\n        assert config.lr != 0.02\n"),
)


def test_one_row_that_fails_is_enough(write_plugin):
    results = check_plugin(write_plugin(TWO))
    assert {one.row for one in results if one.status == "known"} == {"late"}
    assert results_of(results, "failed") == set()


def test_rows_that_were_not_checked_may_be_those_that_fail(write_plugin):
    assert results_of(check_plugin(write_plugin(TWO), row="rule"), "failed") == set()


@pytest.mark.parametrize(
    ("failures", "text"),
    [
        (
            {"learnz": "why"},
            r"rule\.py: Rule\.known_failures: unknown check 'learnz' \(did you mean learns\?\)",
        ),
        ({"learns": " "}, r"learns has no reason; say why it fails"),
    ],
)
def test_a_wrong_declaration_is_bad_input(write_plugin, failures, text):
    with pytest.raises(InputError, match=text):
        check_plugin(write_plugin(knowing(CLASSES, failures)))
