"""What is a regression, what is none, what does not compare and what is missing."""

import math
from typing import Any

import pytest

from zorbench.compare import Comparison, Side, compare
from zorbench.errors import InputError

from .sides import RUN, cell, floor, probe, row, timed

Records = list[dict[str, Any]]

# Floor error 0.5 on both seeds: a mean error of 0.01 more costs 0.02 of skill.
OLD = [*floor(), *row("zor", [0.2, 0.3]), *row("mlp", [0.1, 0.1])]


def held(new: Records, old: Records = OLD, runs: Any = (RUN,), **options: Any) -> Comparison:
    return compare(Side.of("old", old, [RUN]), Side.of("new", new, list(runs)), **options)


def with_zor(errors: list[float], **changes: Any) -> Records:
    return [*floor(), *row("zor", errors, **changes), *row("mlp", [0.1, 0.1])]


def loss_of(found: Comparison, label: str) -> float:
    (change,) = [change for change in found.changes if change.place.label == label]
    return change.loss


# Losses


def test_the_same_records_are_no_regression():
    found = held(OLD)
    assert found.status == 0
    assert [(change.place.label, change.n, change.loss) for change in found.changes] == [
        ("mean", 2, 0),
        ("mlp", 2, 0),
        ("zor", 2, 0),
    ]
    assert found.notes == ()


def test_a_loss_is_the_sum_of_paired_differences_over_that_of_the_floor():
    found = held(with_zor([0.3, 0.35]))  # (0.1 + 0.05) / (0.5 + 0.5)
    assert loss_of(found, "zor") == pytest.approx(0.15)
    assert found.status == 1
    (worse,) = found.regressions
    assert (worse.old_error, worse.new_error) == (pytest.approx(0.25), pytest.approx(0.325))
    assert (worse.old_skill, worse.new_skill) == (pytest.approx(0.5), pytest.approx(0.35))


@pytest.mark.parametrize(("more", "status"), [(0.0099, 0), (0.01, 0), (0.0101, 1)])
def test_the_margin_itself_is_no_regression(more: float, status: int):
    # 0.02 of skill is 0.01 of error on the mean, whichever seed it comes from; 0.3 + 0.02 is not exact.
    assert held(with_zor([0.2 + more, 0.3 + more])).status == status
    assert held(with_zor([0.2, 0.3 + 2 * more])).status == status


def test_another_margin_can_be_asked_for():
    new = with_zor([0.25, 0.35])  # a loss of 0.1
    assert held(new, margin=0.1).status == 0
    assert held(new, margin=0.09).status == 1
    assert held(OLD, margin=0.0).status == 0


def test_no_significance_is_asked_for():
    old, new = [*floor(seeds=1), cell("zor", 0, 0.2)], [*floor(seeds=1), cell("zor", 0, 0.3)]
    assert held(new, old).status == 1


def test_improvements_never_fail():
    found = held([*floor(), *row("zor", [0.0, 0.0]), *row("mlp", [0.05, 0.1])])
    assert found.status == 0
    assert loss_of(found, "zor") == pytest.approx(-0.5)
    assert [change.place.label for change in found.changes] == ["mean", "mlp", "zor"]  # greatest loss first


def test_other_code_is_no_obstacle_and_is_told():
    found = held(with_zor([0.2, 0.3], source="b"))
    assert found.status == 0
    assert {change.place.label: change.recoded for change in found.changes} == {
        "mean": False,
        "mlp": False,
        "zor": True,
    }


def test_records_of_code_that_was_replaced_do_not_count():
    # NEW was run with a bad version first: what was written last is what it is now.
    found = held([*with_zor([0.5, 0.5], source="bad"), *with_zor([0.2, 0.3], source="good")])
    assert found.status == 0


def test_a_seed_that_only_replaced_code_has_run_is_missing():
    stale, fresh = row("zor", [0.2] * 3, source="bad"), row("zor", [0.2] * 2, source="good")
    old = [*floor(seeds=3), *row("zor", [0.2] * 3)]
    found = held([*floor(seeds=3), *stale, *fresh], old)
    assert found.status == 3
    assert [(gap.place.label, gap.seed) for gap in found.gaps] == [("zor", 2)]


# The zero of skill


def test_a_floor_that_got_worse_hides_no_loss():
    new = [*floor(0.6), *row("zor", [0.3, 0.4]), *row("mlp", [0.1, 0.1])]
    found = held(new)
    # By its own floor NEW's skill would be 1 − 0.7 / 1.2 = 0.417; by OLD's it is 1 − 0.7 / 1.
    assert {change.place.label: pytest.approx(change.loss) for change in found.regressions} == {
        "mean": 0.2,
        "zor": 0.2,
    }
    (note,) = found.notes
    assert note == (
        "reconstruction/digits: its floor mean answers otherwise on 2 seeds; "
        "both sides are held against old's."
    )


def test_a_floor_that_got_better_makes_no_row_worse():
    found = held([*floor(0.4), *row("zor", [0.2, 0.3]), *row("mlp", [0.1, 0.1])])
    assert found.status == 0
    assert loss_of(found, "zor") == 0
    assert "its floor mean answers otherwise" in found.notes[0]


def test_a_new_floor_does_not_move_the_zero():
    found = held([*OLD, *floor(0.1, "median")])
    assert found.status == 0
    assert [str(place) for place in found.added] == ["reconstruction/digits median"]
    assert "its floor was mean and is median" in found.notes[0]


def test_the_zero_is_chosen_by_validation_not_by_the_test():
    floors = [
        *floor(0.5, "mean"),
        *floor(0.25, "median", metrics={"clean": {"error": 0.25}, "validation": {"error": 0.9}}),
    ]
    old, new = [*floors, *row("zor", [0.2, 0.2])], [*floors, *row("zor", [0.21, 0.21])]
    assert loss_of(held(new, old), "zor") == pytest.approx(0.02)  # 0.04 if median were the zero


@pytest.mark.parametrize(
    "floors",
    [[], floor(0.0), [cell("mean", 0, role="floor", status="error"), cell("mean", 1, 0.5, role="floor")]],
    ids=["none", "perfect", "failed"],
)
def test_where_skill_is_undefined_the_error_gates(floors: Records):
    old = [*floors, *row("zor", [0.2, 0.2])]
    for more, status in ((0.02, 0), (0.03, 1)):
        found = held([*floors, *row("zor", [0.2 + more, 0.2 + more])], old)
        assert found.status == status
        assert loss_of(found, "zor") == pytest.approx(more)
        (change,) = [change for change in found.changes if change.place.label == "zor"]
        assert change.in_error
        assert change.old_skill is None


def test_a_floor_of_another_episode_is_no_zero():
    old = [cell("mean", 0, 0.5, role="floor", episode_sha256="stale"), cell("zor", 0, 0.2)]
    (change,) = [change for change in held(old, old).changes if change.place.label == "zor"]
    assert change.in_error


# Not comparable


@pytest.mark.parametrize(
    ("new", "what", "detail"),
    [
        (
            [{**record, "spec": {**record["spec"], "samples": 500}} for record in OLD],
            "entry budget",
            "samples 1000 → 500",
        ),
        (
            [{**record, "seconds_limit": 2.0} for record in OLD],
            "entry budget",
            "seconds_limit null → 2.0",
        ),
        (
            [{**record, "episode_sha256": "other"} if record["seed"] else record for record in OLD],
            "episodes",
            "for seed 1:",
        ),
        ([{**record, "protocol": "tuned"} for record in OLD], "protocol", "samples → tuned"),
        (with_zor([0.2, 0.3], config={"lr": 0.2}), "config", "lr 0.1 → 0.2"),
        (with_zor([0.2, 0.3], config={"lr": 0.1, "decay": 0}), "config", "decay none → 0"),
        ([{**record, "suite": "other"} for record in OLD], "nothing in common", "right folder"),
    ],
    ids=["budget", "seconds", "episodes", "protocol", "config", "new setting", "folder"],
)
def test_what_does_not_compare_is_named(new: Records, what: str, detail: str):
    found = held(new)
    assert found.status == 2
    (obstacle,) = found.obstacles
    assert obstacle.what == what
    assert detail in obstacle.detail


def test_time_limits_and_labels_and_noise_do_not_matter():
    spec = {"samples": 1000, "batch": 10, "timeout": 600, "label": "x", "conditions": ["gaussian-0.1"]}
    assert held([{**record, "spec": spec} for record in OLD]).status == 0


def test_what_a_study_chose_is_no_obstacle_but_its_size_is():
    old = [{**record, "protocol": "tuned", "trials": 16} for record in OLD]
    chosen = [{**record, "config": {"lr": 0.9}} for record in old]
    assert held(chosen, old).status == 0
    found = held([{**record, "trials": 32} for record in old], old)
    assert {(one.what, one.detail) for one in found.obstacles} == {("entry budget", "trials 16 → 32")}


def test_another_machine_makes_only_times_incomparable():
    slower = {**RUN, "machine": {**RUN["machine"], "processor": "Imaginary 1"}}
    old, new = [*OLD, *timed("zor", [1.0, 1.0])], [*OLD, *timed("zor", [9.0, 9.0])]
    found = held(new, old, [slower])
    assert found.status == 0
    assert found.times.changes == ()
    assert found.times.obstacle == "processor Imaginary 9000 → Imaginary 1"
    assert found.notes == (
        "Times are not compared between machines: processor Imaginary 9000 → Imaginary 1. Figures are.",
    )


@pytest.mark.parametrize(
    ("changes", "versions", "told"),
    [
        ({"device": "cuda"}, {"torch": "2.13.0"}, "device cpu → cuda"),
        ({}, {"torch": "2.14.0"}, "torch 2.13.0 → 2.14.0"),
        ({"run": "lost"}, {"torch": "2.13.0"}, "no run file tells which machine new comes from"),
    ],
)
def test_device_and_torch_are_part_of_the_machine(changes, versions, told):
    new = [{**record, **changes} for record in [*OLD, *timed("zor", [9.0, 9.0])]]
    found = held(new, [*OLD, *timed("zor", [1.0, 1.0])], [{**RUN, "versions": versions}])
    assert found.status == 0
    assert found.times.changes == ()
    assert told in found.notes[0]


# Missing and failed cells


def test_a_cell_that_is_missing_makes_it_incomplete():
    found = held(OLD[:-1])
    assert found.status == 3
    (gap,) = found.gaps
    assert (str(gap.place), gap.seed, gap.reason) == ("reconstruction/digits mlp", 1, "missing")


def test_a_row_and_an_entry_that_are_missing_make_it_incomplete():
    assert len(held(OLD[:4]).gaps) == 2
    old = [*OLD, *floor(entry="photos")]
    found = held(OLD, old)
    assert found.status == 3
    assert {str(gap.place) for gap in found.gaps} == {"reconstruction/photos mean"}


@pytest.mark.parametrize("status", ["error", "timeout", "diverged", "unsupported"])
def test_a_cell_that_fails_in_new_alone_makes_it_incomplete(status: str):
    found = held([*OLD[:-1], cell("mlp", 1, status=status, reason="out of tea")])
    assert found.status == 3
    told = "not applicable any more" if status == "unsupported" else status
    assert [gap.reason for gap in found.gaps] == [f"{told}: out of tea"]


def test_a_result_without_a_finite_error_has_failed():
    assert held([*OLD[:-1], cell("mlp", 1, None)]).status == 3


def test_what_failed_before_is_no_loss():
    failed = [cell("mlp", seed, status="diverged") for seed in (0, 1)]
    old = [*OLD[:4], *failed]
    assert held(old, old).status == 0
    assert "failed on both sides (seed 0–1)" in held(old, old).notes[0]
    assert held(OLD, old).status == 0
    assert "no longer does" in held(OLD, old).notes[0]
    assert held(OLD[:4], old).status == 3  # still a cell of OLD's plan


def test_what_never_applied_need_not():
    old = [*OLD, cell("pca", 0, status="unsupported")]
    assert held(old, old).status == 0


def test_more_seeds_and_rows_are_welcome():
    new = [*floor(seeds=3), *row("zor", [0.2, 0.3, 0.9]), *row("mlp", [0.1] * 3), *row("mine", [0.4, 0.4])]
    found = held(new)
    assert found.status == 0
    assert [str(place) for place in found.added] == ["reconstruction/digits mine"]
    assert {change.n for change in found.changes} == {2}


# Probes


def test_a_probe_that_fails_where_it_passed_is_a_regression():
    leak = probe("zor", status="error", reason="learned from permuted labels")
    found = held([*OLD, leak], [*OLD, probe("zor")])
    assert found.status == 1
    (failure,) = found.probes
    assert (failure.place.label, failure.reason) == ("zor", "learned from permuted labels")
    assert held([*OLD, leak], [*OLD, leak]).status == 0  # it failed before
    assert held([*OLD, probe("zor")], [*OLD, leak]).status == 0
    assert held([*OLD, leak]).status == 0  # it was not asked before
    assert held(OLD, [*OLD, probe("zor")]).status == 3


# Which comes first


def test_not_comparable_comes_before_incomplete_and_that_before_a_regression():
    worse = with_zor([0.9, 0.9])
    assert held(worse).status == 1
    found = held(worse[:-1])
    assert (found.status, len(found.regressions)) == (3, 1)
    found = held(
        [{**record, "config": {}} if record["variant"] == "mlp" else record for record in worse[:-1]]
    )
    assert (found.status, len(found.regressions), len(found.gaps)) == (2, 1, 1)


# Rows asked for


def test_one_baseline_can_be_looked_at_alone():
    new = [*floor(), *row("zor", [0.9, 0.9]), *row("mlp", [0.1, 0.1])]
    assert held(new, baselines=["mlp"]).status == 0
    found = held(new, baselines=["zor"])
    assert (found.status, [change.place.label for change in found.changes]) == (1, ["zor"])
    assert not found.changes[0].in_error  # the zero is there all the same
    variants = [{**record, "baseline": "zor", "variant": "zor_fast"} for record in row("zor", [0.1, 0.1])]
    found = held([*OLD, *variants], [*OLD, *variants], baselines=["zor"])  # by its plugin
    assert {change.place.label for change in found.changes} == {"zor", "zor_fast"}
    with pytest.raises(InputError, match=r"unknown baseline 'zr' \(did you mean zor\?\)"):
        held(new, baselines=["zr"])


def test_a_row_that_only_new_has_is_nothing_compared():
    found = held([*OLD, *row("mine", [0.1, 0.1])], baselines=["mine"])
    assert found.status == 2
    assert found.obstacles[0].detail == "mine of old not in new: is it the right folder?"


# Times

TIMED = [*OLD, *timed("zor", [1.0, 2.0]), *timed("mlp", [1.0, 1.0])]


def test_times_are_geometric_means_of_paired_ratios_and_do_not_gate():
    new = [*OLD, *timed("zor", [2.0, 16.0]), *timed("mlp", [1.0, 1.0])]  # × 2 and × 8
    found = held(new, TIMED)
    assert found.status == 0
    assert [(one.place.label, one.ratio.n) for one in found.times.changes] == [("zor", 2), ("mlp", 2)]
    assert found.times.changes[0].ratio.value == pytest.approx(4.0)
    assert found.times.changes[1].ratio.value == pytest.approx(1.0)
    assert found.times.overall == pytest.approx(2.0)  # √(4 · 1)


@pytest.mark.parametrize(("times", "status"), [(1.2, 0), (1.21, 1), (0.5, 0)])
def test_times_gate_if_asked_to(times: float, status: int):
    new = [*OLD, *timed("zor", [times, 2 * times]), *timed("mlp", [1.0, 1.0])]
    found = held(new, TIMED, time_margin=0.2)
    assert found.status == status
    assert [one.place.label for one in found.slowdowns] == ["zor"] * status


@pytest.mark.parametrize("share", [0.05, 0.1, 0.15, 0.3, 0.35, 0.7])
def test_the_time_margin_itself_is_no_regression(share: float):
    old = [*OLD, *timed("zor", [3.0, 7.0, 11.0])]
    slower = [seconds * (1 + share) for seconds in (3.0, 7.0, 11.0)]
    assert held([*OLD, *timed("zor", slower)], old, time_margin=share).status == 0


@pytest.mark.parametrize(
    "changes", [{"attested": False}, {"lane": "accuracy"}, {"repetition": 1}, {"episode_sha256": "other"}]
)
def test_times_that_do_not_count(changes: dict[str, Any]):
    new = [*OLD, *({**record, **changes} for record in timed("zor", [9.0]))]
    if changes.get("lane") == "accuracy":
        new[-1]["variant"] = "other"
    assert held(new, [*OLD, *timed("zor", [1.0])]).times.overall is None


def test_a_time_gate_without_times_does_not_compare():
    assert held(OLD, time_margin=0.2).obstacles[0].detail == "old has no attested times"
    found = held(OLD, TIMED, time_margin=0.2)
    assert (found.status, found.obstacles[0].what) == (2, "times")


def test_what_was_learned_in_so_many_seconds_gates_as_times_do():
    old = [*TIMED, *floor(protocol="time"), *row("zor", [0.2, 0.2], protocol="time")]
    new = [*TIMED, *floor(protocol="time"), *row("zor", [0.4, 0.4], protocol="time")]
    found = held(new, old)
    assert found.status == 0
    assert [str(change.place) for change in found.ungated] == [
        "reconstruction/digits (time) zor",
        "reconstruction/digits (time) mean",
    ]
    assert held(new, old, time_margin=0.2).status == 1
    assert math.isclose(found.ungated[0].loss, 0.4)
    elsewhere = {**RUN, "machine": {"processor": "Imaginary 1"}}
    assert held(new, old, [elsewhere], time_margin=0.2).regressions == ()
    assert held(TIMED, old).status == 3
