"""The cells that one entry makes in each lane."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from zorbench import registry
from zorbench.cell import BUSY, Outcome, make_record
from zorbench.data import load
from zorbench.entry import Entry
from zorbench.errors import InputError
from zorbench.lanes import ROUNDS, CellMaker, settled
from zorbench.plan import Request, make_plan
from zorbench.probes import PROBE_SEEDS
from zorbench.registry import Registry
from zorbench.session import entry_episode
from zorbench.tuning import TUNING_SEEDS, space, trials

ENTRY = Entry(
    suite="s",
    dataset="digits",
    task="classification",
    samples=100,
    batch=10,
    hidden=4,
    code=4,
    validation=20,
    test=30,
    shots=2,
)

RULES = """
class Rule(StepBaseline):
    name = "rule"
    tasks = {Classification}
    unsupported = {Reconstruction: "answers with a class"}
    variants = {"rule_fast": {"lr": 1.0}}

    @dataclass(frozen=True)
    class Config:
        lr: float = search(0.1, low=1e-3, high=1.0, log=True)
        steps: int = search(4, low=2, high=64, log=True)

class Plain(StepBaseline):
    name = "plain"
    tasks = {Classification, Reconstruction}

class Fixed(StepBaseline):
    name = "fixed"
    tasks = {Classification}

    @dataclass(frozen=True)
    class Config:
        lr: float = 0.1

class Clockless(StepBaseline):
    name = "clockless"
    tasks = {Classification}
    unsupported_protocols = {"time": "counts presentations", "tuned": "cannot be hurried"}

    @dataclass(frozen=True)
    class Config:
        lr: float = search(0.1, low=1e-3, high=1.0)

class Coder(Baseline):
    name = "coder"
    tasks = {Reconstruction}

class Likely(Baseline):
    name = "likely"
    role = "floor"
    tasks = {Classification}

    @dataclass(frozen=True)
    class Config:
        lr: float = search(0.1, low=1e-3, high=1.0)

class Grey(Baseline):
    name = "grey"
    role = "floor"
    tasks = {Reconstruction}
"""

ABLE = {"rule", "rule_fast", "plain", "fixed", "clockless"}  # contenders that classify


@pytest.fixture
def rules(write_plugin, monkeypatch):
    """The file of the only baselines that there are."""
    path = write_plugin(RULES, "bundled/rules.py")
    monkeypatch.setattr(registry, "bundled", lambda name: path.parent)
    return path


@pytest.fixture
def planned(rules):
    def plan(entry=ENTRY, seeds=(0, 1), **request):
        return make_plan(Request(entries=[entry], seeds=seeds, **request), Registry())

    return plan


def of(cells, **wanted):
    return [cell for cell in cells if all(getattr(cell, name) == value for name, value in wanted.items())]


# Trials


def test_every_row_with_something_to_search_has_its_trials_on_every_tuning_seed(planned):
    cells = planned(protocols=["tuned"], trials=6)
    tried = Counter(cell.label for cell in of(cells, lane="tuning"))
    assert tried == dict.fromkeys(["rule", "rule_fast"], 6 * len(TUNING_SEEDS))
    for label in tried:
        own = of(cells, lane="tuning", label=label)
        assert {(cell.trial, cell.seed) for cell in own} == {(i, s) for i in range(6) for s in TUNING_SEEDS}
        assert {cell.protocol for cell in own} == {"tuned"}


def test_a_trial_sets_what_its_number_says_and_leaves_alone_what_the_row_has_set(planned):
    cells = planned(protocols=["tuned"], trials=5)
    plugin = Registry().row("rule").plugin
    points = trials(space(plugin.Config), 5)
    for cell in of(cells, lane="tuning", label="rule"):
        assert cell.settings == points[cell.trial]
        assert cell.about["config"] == {"lr": 0.1, "steps": 4} | points[cell.trial]
        assert cell.about["config_source"] == "trial"
    fast = {cell.trial: cell.settings for cell in of(cells, lane="tuning", label="rule_fast")}
    steps = trials(space(plugin.Config, ["lr"]), 5)
    assert fast == {number: {"lr": 1.0} | point for number, point in enumerate(steps)}


def test_a_trial_s_episode_is_one_of_the_tuning_fifth(planned):
    for cell in of(planned(protocols=["tuned"], trials=2), lane="tuning"):
        episode = entry_episode(ENTRY, load("digits"), cell.seed, tuning=True)
        assert cell.episode_sha256 == episode.sha256
        assert cell.episode_sha256 != entry_episode(ENTRY, load("digits"), cell.seed).sha256


def test_cells_of_the_accuracy_lane_carry_the_study_of_their_row_and_wait_for_it(planned):
    cells = planned(protocols=["tuned"], trials=4)
    for label in ("rule", "rule_fast"):
        accurate = of(cells, lane="accuracy", label=label)
        assert [cell.seed for cell in accurate] == [0, 1]
        study = accurate[0].study
        assert all(cell.study == study for cell in accurate)
        tried = of(cells, lane="tuning", label=label)
        assert {key for keys in study.keys for key in keys} == {cell.key for cell in tried}
        for cell in tried:
            assert cell.study == study
            assert study.keys[cell.trial][TUNING_SEEDS.index(cell.seed)] == cell.key
        assert {cell.about["config_source"] for cell in accurate} == {"tuned"}
        last_trial = max(cells.index(cell) for cell in tried)
        assert all(cells.index(cell) > last_trial and cell.phase > tried[0].phase for cell in accurate)


def test_floors_and_rules_with_nothing_to_search_are_not_tuned_and_wait_for_nothing(planned):
    cells = planned(protocols=["tuned"], trials=4)
    for label, told in {"likely": "", "plain": "", "fixed": "declares no setting to search"}.items():
        own = of(cells, label=label)
        assert [(cell.lane, cell.seed, cell.phase) for cell in own] == [("accuracy", s, 0) for s in (0, 1)]
        assert {cell.study for cell in own} == {None}
        assert {cell.about["config_source"] for cell in own} == {"default"}
        assert {cell.unmatched for cell in own} == {told}


def test_what_a_rule_cannot_do_is_not_tried(planned):
    cells = planned(protocols=["tuned"], trials=4)
    (own, _) = of(cells, label="clockless")
    assert (own.lane, own.study, own.unsupported) == ("accuracy", None, "cannot be hurried")
    timed = of(planned(protocols=["time"], train_seconds=1), label="clockless")
    assert {cell.unsupported for cell in timed} == {"counts presentations"}
    assert {cell.unsupported for cell in of(planned(), label="clockless")} == {""}


def test_data_with_splits_of_their_own_are_not_tuned_on(planned):
    with pytest.raises(
        InputError, match=r"iris brings its own splits, .* valid protocols here: samples, time"
    ):
        planned(replace(ENTRY, dataset="iris"), protocols=["tuned"])


def test_more_trials_keep_the_records_of_fewer(planned):
    few, many = (
        {cell.key for cell in of(planned(protocols=["tuned"], trials=n), lane="tuning")} for n in (3, 8)
    )
    assert few < many


# The timing lane


def rounds(cells):
    """The timing lane, round by round in the order in which it runs."""
    timed = of(cells, lane="timing")
    found = [[cell for cell in timed if cell.repetition // 2 == number] for number in range(ROUNDS)]
    assert [cell for one in found for cell in one] == timed  # one round after the other
    return found


def test_there_are_eight_rounds_each_with_every_able_row_once_and_one_of_them_twice(planned):
    found = rounds(planned(timed=True))
    assert len(found) == 8
    for number, cells in enumerate(found):
        (twin,) = [cell for cell in cells if cell.repetition % 2]
        others = [cell for cell in cells if not cell.repetition % 2]
        assert Counter(cell.label for cell in others) == Counter(ABLE)
        assert twin.repetition == 2 * number + 1
        assert {cell.seed for cell in cells} == {number}
        assert {cell.protocol for cell in cells} == {"samples"}
        first = next(cell for cell in others if cell.label == twin.label)
        assert replace(first, key="", repetition=0) == replace(twin, key="", repetition=0)
        assert abs(cells.index(first) - cells.index(twin)) == len(ABLE)  # as far apart as the round allows


def test_everybody_has_a_turn_as_a_twin_and_nobody_always_follows_the_same(planned):
    found = rounds(planned(timed=True))
    twins = Counter(cell.label for cells in found for cell in cells if cell.repetition % 2)
    assert set(twins) == ABLE
    assert max(twins.values()) - min(twins.values()) <= 1
    before = {label: set() for label in ABLE}
    for cells in found:
        for one, following in pairwise(cells):
            before[following.label].add(one.label)
    assert all(len(found) >= 2 for found in before.values())


@pytest.mark.parametrize("names", [["rule"], ["rule", "plain"], ["rule", "plain", "fixed"]])
def test_few_rows_have_their_rounds_too(planned, names):
    for cells in rounds(planned(timed=True, baselines=names)):
        twin = cells[-1]
        assert [cell.label for cell in cells].count(twin.label) == 2
        assert len(cells) == len(names) + 1
        if len(names) >= 3:
            assert cells[-2].label != twin.label


def test_floors_and_rules_that_cannot_do_the_task_are_not_timed(planned):
    timed = of(planned(replace(ENTRY, task="reconstruction"), timed=True), lane="timing")
    assert {cell.label for cell in timed} == {"plain", "coder"}
    assert not any(cell.unsupported for cell in timed)
    assert of(planned(timed=True, baselines=["coder"]), lane="timing") == []  # which does not classify


def test_the_timing_lane_comes_last(planned):
    cells = planned(timed=True, protocols=["samples", "time", "tuned"], train_seconds=1, probed=True)
    phases = [cell.phase for cell in cells]
    assert phases == sorted(phases)
    assert [cell.lane for cell in cells][-len(of(cells, lane="timing")) :] == ["timing"] * (8 * 6)


def test_without_a_timing_lane_nothing_is_in_it(planned):
    assert of(planned(), lane="timing") == []
    assert of(planned(replace(ENTRY, timed=True), timed=False), lane="timing") == []
    assert of(planned(replace(ENTRY, timed=True)), lane="timing")


# Probes


def test_probes_are_planned_in_classification_alone(planned):
    probes = of(planned(probed=True), lane="probe")
    able = ABLE | {"likely"}
    assert {(cell.label, cell.seed) for cell in probes if not cell.unsupported} == {
        (label, seed) for label in able for seed in range(PROBE_SEEDS)
    }
    assert {cell.protocol for cell in probes} == {"samples"}
    assert of(planned(replace(ENTRY, task="reconstruction"), probed=True), lane="probe") == []
    assert of(planned(), lane="probe") == []


# Keys


def everything(planned, entry=ENTRY, **request):
    return planned(
        entry,
        **{"protocols": ["samples", "time", "tuned"], "train_seconds": 0.5, "trials": 4}
        | {"timed": True, "probed": True}
        | request,
    )


def test_every_cell_has_a_key_of_its_own(planned, rules):
    cells = everything(planned)
    assert len({cell.key for cell in cells}) == len(cells)
    # 8 rows on 2 seeds under 3 protocols (the floor of another task is none of them), the trials of two rows
    # on two seeds, eight rounds, and probes of two seeds.
    assert len(cells) == 7 * 2 * 3 + 2 * 4 * 2 + 8 * (len(ABLE) + 1) + 7 * PROBE_SEEDS


def keys(cells, lane="accuracy"):
    found = {}
    for cell in of(cells, lane=lane):
        found.setdefault(cell.protocol, []).append(cell.key)
    return found


def test_the_limit_of_seconds_is_part_of_the_key_under_protocol_time_alone(planned):
    short, long = (everything(planned, train_seconds=seconds) for seconds in (0.5, 1.0))
    for lane in ("tuning", "timing", "probe"):
        assert keys(short, lane) == keys(long, lane)
    assert keys(short)["samples"] == keys(long)["samples"]
    assert keys(short)["tuned"] == keys(long)["tuned"]
    assert not set(keys(short)["time"]) & set(keys(long)["time"])


def test_the_number_of_trials_is_part_of_the_key_of_what_a_study_chooses_alone(planned):
    few, many = (everything(planned, trials=trials) for trials in (3, 4))
    for lane in ("timing", "probe"):
        assert keys(few, lane) == keys(many, lane)
    for protocol in ("samples", "time"):
        assert keys(few)[protocol] == keys(many)[protocol]
    for one, other in zip(
        of(few, lane="accuracy", protocol="tuned"), of(many, lane="accuracy", protocol="tuned"), strict=True
    ):
        assert (one.key == other.key) is (one.study is None)


def test_which_lanes_an_entry_has_changes_no_key(planned):
    plain, more = planned(), everything(planned)
    assert {cell.key for cell in plain} < {cell.key for cell in more}


# What a study has chosen


@pytest.fixture
def maker(rules):
    return CellMaker(replace(ENTRY, trials=3), load("digits"), "cpu", None)


def records_of(cells, errors):
    """Records of trials, an error for each; None where it failed."""
    found = {}
    for cell in cells:
        error = errors[cell.trial]
        outcome = Outcome("error", "broke")
        if error is not None:
            outcome = Outcome("ok", metrics={"validation": {"error": error}})
        record = make_record(cell, outcome, run="r", threads=1)
        found[record["key"]] = record
    return found


@pytest.mark.parametrize("label", ["rule", "rule_fast"])
@pytest.mark.parametrize(
    ("errors", "number"), [((0.3, 0.2, 0.1), 2), ((0.1, 0.2, 0.3), 0), ((None, 0.2, None), 1)]
)
def test_a_cell_gets_the_settings_that_its_study_has_chosen(maker, label, errors, number):
    row = Registry().row(label)
    tried = maker.trials(row)
    cell, why = settled(maker.accuracy(row, "tuned", 5), records_of(tried, errors))
    chosen = next(one for one in tried if one.trial == number)
    assert why == ""
    assert (cell.trial, cell.settings) == (number, chosen.settings)
    assert cell.about["config"] == chosen.about["config"]
    assert cell.about["config_source"] == "tuned"
    assert (cell.seed, cell.lane, cell.protocol) == (5, "accuracy", "tuned")
    assert cell.key == maker.accuracy(row, "tuned", 5).key


def test_a_cell_whose_trials_all_failed_has_no_settings_and_says_so(maker):
    row = Registry().row("rule")
    planned = maker.accuracy(row, "tuned", 0)
    cell, why = settled(planned, records_of(maker.trials(row), (None, None, None)))
    assert (cell, why) == (planned, "none of its 3 trials succeeded")
    assert settled(planned, {})[1] == why


def test_what_has_no_study_is_as_it_was(maker):
    registry_ = Registry()
    trial = maker.trials(registry_.row("rule"))[0]
    for cell in (
        trial,
        maker.accuracy(registry_.row("likely"), "tuned", 0),
        maker.accuracy(registry_.row("rule"), "samples", 0),
        maker.probe(registry_.row("rule"), 0),
    ):
        assert settled(cell, {}) == (cell, "")


def test_a_twin_s_record_is_told_apart_and_attested_like_the_first(maker):
    row = Registry().row("rule")
    cells = [cell for cell in maker.timing([row]) if cell.repetition < 2]
    records = [make_record(cell, Outcome("ok", load=BUSY / 2), run="r", threads=1) for cell in cells]
    assert [record["repetition"] for record in records] == [0, 1]
    assert all(record["attested"] for record in records)
    assert len({record["key"] for record in records}) == 2
