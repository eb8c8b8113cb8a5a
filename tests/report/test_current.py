"""Records of changed settings are neither averaged with the last ones nor compared with them."""

from typing import Any

import pytest

from zorbench.report.build import build_view

from .synthetic import floors, rows


def made(label: str, errors: tuple[float, ...], **changes: Any) -> list[dict[str, Any]]:
    return rows("s", "e", label, errors, **changes)


def test_an_entry_shows_its_last_budget_only() -> None:
    old = [*made("a", (0.5, 0.5, 0.5)), *floors("s", "e")]
    new = [{**r, "spec": {**r["spec"], "samples": 9}} for r in [*made("b", (0.1,)), *floors("s", "e")]]
    (entry,) = build_view([*old, *new], []).suites[0].entries
    assert entry.spec["samples"] == 9
    assert entry.row("a") is None
    assert entry.row("b") is not None
    assert any(f"{len(old)} records left out" in note for note in entry.notes)


@pytest.mark.parametrize("changed", [{"device": "cuda"}, {"torch": "9.9"}, {"threads": 4}])
def test_an_entry_shows_its_last_machine_setting_only(changed: dict[str, Any]) -> None:
    old = [*made("a", (0.5,)), *floors("s", "e")]
    new = [{**r, **changed} for r in [*made("b", (0.1,)), *floors("s", "e")]]
    (entry,) = build_view([*old, *new], []).suites[0].entries
    assert entry.row("a") is None


def test_a_time_limit_and_a_label_are_no_settings() -> None:
    old = [*made("a", (0.5,)), *floors("s", "e")]
    new = [{**r, "spec": {**r["spec"], "timeout": 1, "label": "x"}} for r in made("b", (0.1,))]
    (entry,) = build_view([*old, *new], []).suites[0].entries
    assert entry.row("a") is not None
    assert entry.notes == ("Not all of the 3 seeds are there yet for: a (1), b (1).",)


@pytest.mark.parametrize("changed", [{"source": "new"}, {"config": {"lr": 1.0}}])
def test_a_row_is_made_of_one_code_and_one_configuration(changed: dict[str, Any]) -> None:
    old = [*made("a", (0.5, 0.5, 0.5)), *floors("s", "e")]
    new = [{**r, **changed} for r in made("a", (0.1,))]
    (entry,) = build_view([*old, *new], []).suites[0].entries
    row = entry.row("a")
    assert row is not None
    assert (row.n, row.stats["error"].mean) == (1, pytest.approx(0.1))
    assert any("3 records left out" in note and "code of a" in note for note in entry.notes)
