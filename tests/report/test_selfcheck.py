"""What the probes found, and what becomes of a rule that they caught."""

from zorbench.report.build import build_view
from zorbench.report.wording import self_check

from .synthetic import classification, record


def probe(variant, seed=0, accuracy=0.1, **changes):
    given = {"lane": "probe", "task": "classification", "attested": False}
    made = record("classification", "mnist5k-10shot", variant, seed, **(given | changes))
    if made["status"] == "ok":
        made["metrics"] = {"clean": {"accuracy": accuracy, "highest": 0.4}}
    return made


CAUGHT = {"status": "error", "reason": "learned from permuted labels, and is right on 97% of the test items"}


def test_a_clean_run_says_so_with_its_figures():
    view = build_view([*classification(), probe("good"), probe("good", 1, accuracy=0.16)], [])
    assert self_check(view) == (
        "Self-check: on permuted labels every classifier fell to chance (classification/mnist5k-10shot; "
        "2 cells, accuracy at most 16%, a leak would show above 40%)."
    )
    assert view.suites[0].entries[0].row("good").stats["error"].n == 3, "probes are no figures"


def test_a_rule_that_was_caught_has_no_figures_anywhere():
    view = build_view([*classification(), *classification("other"), probe("good", **CAUGHT)], [])
    assert "good named the true classes" in self_check(view)
    for entry in view.suites[0].entries:
        assert entry.row("good").failed
        assert entry.row("good").stats == {}


def test_a_probe_that_broke_is_a_failed_cell_and_no_verdict():
    broke = probe("good", status="timeout", reason="exceeded its limit")
    view = build_view([*classification(), broke], [])
    assert view.checks is None
    assert not view.suites[0].entries[0].row("good").failed
    assert [failure.status for failure in view.failures] == ["timeout"]


def test_without_probes_nothing_is_said():
    assert self_check(build_view(classification(), [])) == ""
