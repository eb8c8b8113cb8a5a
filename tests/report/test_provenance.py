"""What the run files tell."""

from zorbench.report.provenance import provenance

from .synthetic import RUN


def test_the_head_names_machine_versions_and_commit() -> None:
    facts = dict(provenance([RUN]).facts)
    assert facts["Machine"] == "Linux, Imaginary 9000, 2 cores, 8 GiB"
    assert facts["Versions"] == "zorbench 0.1.0, python 3.11.9, torch 2.13.0"
    assert facts["Commit"] == "3f2a91c"


def test_commands_can_be_pasted_into_a_shell() -> None:
    assert provenance([RUN]).commands == ("zorbench run --suite 'two words' --seeds 3",)


def test_several_runs_are_told_once_each_in_order_of_their_start() -> None:
    other = {**RUN, "id": "b", "started": "2025-12-31T00:00:00Z", "command": ["zorbench", "bench"]}
    found = provenance([RUN, other, {**RUN, "id": "c"}])
    assert found.commands == ("zorbench bench", "zorbench run --suite 'two words' --seeds 3")
    assert dict(found.facts)["Started"] == "2025-12-31T00:00:00Z to 2026-01-01T12:00:00Z"
    assert found.machines == 1


def test_machines_are_counted() -> None:
    assert provenance([RUN, {**RUN, "machine": {"system": "Plan 9"}}]).machines == 2


def test_an_empty_run_file_tells_nothing() -> None:
    assert provenance([{}]).facts == ()
    assert provenance([]).commands == ()
