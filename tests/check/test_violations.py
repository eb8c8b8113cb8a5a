"""For each check a plugin that violates it, and nothing else."""

import pytest
import torch

from zorbench.check import CHECKS, assert_conforms, check_plugin
from zorbench.data import load

from .rules import WHOLE
from .violations import OTHER_WAYS, VIOLATIONS

SLOW = {one.name for one in CHECKS if one.slow}


def failed(results):
    return {one.check for one in results if one.status == "failed"}


def test_there_is_a_violation_for_every_check():
    assert set(VIOLATIONS) == {one.name for one in CHECKS}


@pytest.mark.parametrize("name", VIOLATIONS)
def test_what_violates_one_check_fails_that_one_alone(write_plugin, name):
    path = write_plugin(VIOLATIONS[name])
    if name == "falls-to-chance":
        digits = load("digits")
        items, labels = digits.train_inputs(range(digits.n_train)).flatten(1), digits.train_labels()
        means = torch.stack([items[labels == label].mean(dim=0) for label in range(10)])
        torch.save(means, path.with_name("known.pt"))
    results = check_plugin(path, slow=name in SLOW)
    assert failed(results) == {name}, "\n".join(map(str, results))
    message = next(one.message for one in results if one.status == "failed")
    assert len(message) > 30, "it says what is wrong"
    assert "\n" not in message


@pytest.mark.parametrize(("name", "source", "text"), OTHER_WAYS, ids=[way[2] for way in OTHER_WAYS])
def test_another_way_to_violate_a_check_is_found_too(write_plugin, name, source, text):
    results = check_plugin(write_plugin(source))
    assert failed(results) == {name}, "\n".join(map(str, results))
    assert text in next(one.message for one in results if one.status == "failed")


def test_plugins_that_do_all_that_is_asked_pass_every_check_there_is(write_plugin):
    passed = set()
    for name, source in WHOLE.items():
        results = check_plugin(write_plugin(source, f"{name}/rule.py"), slow=True)
        assert failed(results) == set(), "\n".join(map(str, results))
        assert not any(one.message.startswith("needs ") for one in results)
        passed |= {one.check for one in results if one.status == "passed"}
    assert passed == {one.name for one in CHECKS}


def test_a_rule_that_conforms_is_asserted_in_silence_and_another_with_what_it_fails(write_plugin):
    assert_conforms(write_plugin(WHOLE["classes"], "whole/rule.py"))
    with pytest.raises(
        AssertionError, match=r"fails 1 of zorbench's checks:\n  samples-as-declared \(rule, "
    ):
        assert_conforms(write_plugin(VIOLATIONS["samples-as-declared"]))


def test_a_crash_is_told_with_its_place_and_stops_no_other_row(write_plugin):
    path = write_plugin(
        VIOLATIONS["runs"] + WHOLE["images"].replace("Rule", "Other").replace('"rule"', '"other"')
    )
    results = check_plugin(path)
    line = path.read_text().splitlines().index("        raise ValueError('not today')") + 1
    (crash,) = (one for one in results if one.status == "failed")
    assert crash.message == f"fit raised ValueError: not today (rule.py:{line} in fit)"
    assert {one.row for one in results if one.status == "passed"} == {"rule", "other"}


def test_a_plugin_that_ends_its_process_fails_the_check_it_was_in(write_plugin):
    source = VIOLATIONS["runs"].replace("raise ValueError('not today')", "import os; os._exit(7)")
    results = check_plugin(write_plugin(source))
    assert failed(results) == {"runs"}
    assert "exited with status 7" in next(one.message for one in results if one.status == "failed")


def test_a_fit_that_never_ends_is_stopped(write_plugin, monkeypatch):
    from zorbench.check import row as rows
    from zorbench.registry import Registry

    monkeypatch.setattr(rows, "SECONDS", 0.5)
    source = VIOLATIONS["runs"].replace("raise ValueError('not today')", "while True: pass")
    results = list(rows.check_row(Registry([write_plugin(source)]).row("rule")))
    assert failed(results) == {"runs"}
    message = next(one.message for one in results if one.status == "failed")
    assert message.startswith("fit has not ended after 0.5 s")
