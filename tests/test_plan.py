from dataclasses import replace

import pytest

from zorbench import lanes, plan, registry
from zorbench.data import load
from zorbench.entry import Entry
from zorbench.errors import InputError
from zorbench.plan import Request, make_plan
from zorbench.registry import Registry
from zorbench.session import entry_episode

BUNDLED = """
class Rule(StepBaseline):
    name = "rule"
    tasks = {Classification}
    unsupported = {Reconstruction: "answers with a class"}
    tags = Tags(local=True)
    variants = {"rule_fast": {"lr": 1.0}, "rule_large": {"lr": 2.0}}
    only_named = {"rule_large"}

    @dataclass(frozen=True)
    class Config:
        lr: float = 0.1

class Convolution(StepBaseline):
    name = "convolution"
    needs_images = True
    tasks = {Classification, Colorization}

class Frank(Baseline):
    name = "frank"
    role = "reference"
    tasks = {Reconstruction}
    tags = Tags(bottleneck=False)

class Likely(Baseline):
    name = "likely"
    role = "floor"
    tasks = {Classification}

class Grey(Baseline):
    name = "grey"
    role = "floor"
    tasks = {Reconstruction, Colorization}
"""

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
IRIS = replace(ENTRY, dataset="iris", shots=10)


@pytest.fixture
def rules(write_plugin, monkeypatch):
    """The file of the only baselines that there are."""
    path = write_plugin(BUNDLED, "bundled/rules.py")
    monkeypatch.setattr(registry, "bundled", lambda name: path.parent)
    return path


def planned(entry=ENTRY, seeds=(0,), **request):
    return make_plan(Request(entries=[entry], seeds=seeds, **request), Registry())


def key(entry=ENTRY, seed=0, baseline="rule", **request):
    (cell,) = (c for c in planned(entry, [seed], baselines=[baseline], **request) if c.label == baseline)
    return cell.key


def problem(entry=ENTRY, **request):
    with pytest.raises(InputError) as caught:
        planned(entry, **request)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Which cells


def test_cells_come_entry_by_entry_then_seed_by_seed_then_row_by_row(rules):
    cells = make_plan(Request(entries=[ENTRY, IRIS], seeds=[0, 1], baselines=["rule"]), Registry())
    found = [(cell.entry.name, cell.seed, cell.label) for cell in cells]
    assert found == [
        (name, seed, row)
        for name in ("digits-2shot", "iris-10shot")
        for seed in (0, 1)
        for row in ("likely", "rule")  # floors first
    ]
    assert len({cell.key for cell in cells}) == len(cells)


def test_without_names_every_row_is_planned(rules):
    labels = {cell.label for cell in planned()}
    assert labels == {"rule", "rule_fast", "convolution", "frank", "likely"}


def test_the_floors_of_the_task_are_planned_into_every_entry_and_no_others(rules):
    photos = replace(ENTRY, dataset="photos", task="colorization", shots=None, images=5)
    assert [cell.label for cell in planned(baselines=["rule"])] == ["likely", "rule"]
    assert [cell.label for cell in planned(photos, baselines=["convolution"])] == ["grey", "convolution"]
    assert [cell.label for cell in planned(baselines=["rule", "likely"])] == ["likely", "rule"]
    assert [cell.label for cell in planned(baselines=["grey"])] == ["likely"]


def test_a_suite_about_some_rows_plans_these_and_the_floors_alone(rules):
    about = replace(ENTRY, rows=("rule", "convolution"))
    assert [cell.label for cell in planned(about)] == ["likely", "rule", "convolution"]
    given = replace(ENTRY, rows=("rule[lr=0.5]", "rule[lr=0.5]"))
    assert [cell.label for cell in planned(given)] == ["likely", "rule[lr=0.5]"]
    cells = make_plan(Request(entries=[about, IRIS], seeds=[0]), Registry())
    assert {cell.label for cell in cells if cell.entry.name == IRIS.name} > {"rule_fast", "frank"}


def test_a_row_that_runs_only_where_it_is_named_does_so(rules):
    def labels(entry=ENTRY, **request):
        return {cell.label for cell in planned(entry, **request)}

    assert "rule_fast" in labels()
    assert "rule_large" not in labels()
    assert "rule_large" in labels(baselines=["rule_large"])
    assert "rule_large" in labels(replace(ENTRY, rows=("rule_large",)))


def test_rows_named_in_a_request_take_the_place_of_the_suite_s(rules):
    about = replace(ENTRY, rows=("rule", "convolution"))
    assert [cell.label for cell in planned(about, baselines=["rule_fast"])] == ["likely", "rule_fast"]
    wrong = replace(ENTRY, rows=("ruel",))
    assert [cell.label for cell in planned(wrong, baselines=["rule"])] == ["likely", "rule"]


def test_an_unknown_row_of_a_suite_is_told_with_the_suite_and_the_valid_ones(rules):
    valid = "convolution, frank, grey, likely, rule, rule_fast, rule_large"
    expected = f"suite s, baselines: unknown baseline 'ruel' (did you mean rule?); valid: {valid}"
    assert problem(replace(ENTRY, rows=("convolution", "ruel"))) == expected
    # One that was asked for is no mistake of the suite.
    told = problem(replace(ENTRY, rows=("rule",)), baselines=["ruel"])
    assert told == expected.removeprefix("suite s, baselines: ")


def test_a_row_named_twice_is_planned_once(rules):
    assert [cell.label for cell in planned(baselines=["rule", "rule"])] == ["likely", "rule"]


def test_a_row_with_settings_is_planned_beside_the_plain_one(rules):
    cells = planned(baselines=["rule", "rule[lr=0.5]"])
    assert [cell.label for cell in cells] == ["likely", "rule", "rule[lr=0.5]"]
    given = cells[2]
    assert given.settings == {"lr": "0.5"}
    assert (given.about["config"], given.about["config_source"]) == ({"lr": 0.5}, "given")
    assert given.about["baseline"] == "rule"


def test_a_suite_named_twice_is_planned_once(rules):
    once = make_plan(Request(entries=[ENTRY], seeds=[0], baselines=["rule"]), Registry())
    twice = make_plan(Request(entries=[ENTRY, ENTRY], seeds=[0], baselines=["rule"]), Registry())
    assert twice == once


def test_more_test_items_than_there_are_is_told(rules):
    with pytest.raises(InputError, match="test = 5000, but digits has 359"):
        planned(replace(ENTRY, test=5000))


def test_every_baseline_gets_the_same_episode(rules):
    cells = planned(seeds=[0, 1])
    by_seed = [{cell.episode_sha256 for cell in cells if cell.seed == seed} for seed in (0, 1)]
    assert [len(found) for found in by_seed] == [1, 1]
    assert by_seed[0] != by_seed[1]
    assert by_seed[0] == {entry_episode(ENTRY, load("digits"), 0).sha256}
    assert {cell.n_shots for cell in cells} == {20}


def test_a_cell_says_of_its_row_what_the_record_needs(rules):
    cells = {cell.label: cell for cell in planned()}
    about = cells["rule_fast"].about
    assert (about["baseline"], about["role"], about["config"]) == ("rule", "contender", {"lr": 1.0})
    assert about["tags"]["local"] is True
    assert cells["frank"].about["tags"]["bottleneck"] is False
    assert cells["likely"].about["role"] == "floor"


def test_the_time_limit_of_the_request_takes_the_place_of_the_entry(rules):
    assert {cell.entry.timeout for cell in planned()} == {300.0}
    assert {cell.entry.timeout for cell in planned(timeout=7.0)} == {7.0}


def test_a_cell_says_whether_its_rule_can_learn_several_seeds_at_once(rules):
    more = (
        "    def build_many(self, entry, config, rngs): ...\n    def step_many(self, inputs, targets): ...\n"
    )
    more += "    def member(self, index): ...\n"
    rules.write_text(rules.read_text() + "\nclass Many(StepBaseline):\n    name = 'many'\n" + more)
    rules.write_text(rules.read_text() + "    tasks = {Classification}\n")
    offers = {cell.label: cell.offers_many for cell in planned()}
    assert [label for label, offered in offers.items() if offered] == ["many"]


# What a rule cannot do


def test_a_task_that_a_rule_cannot_do_is_planned_with_the_reason(rules):
    entry = replace(ENTRY, task="reconstruction")
    why = {cell.label: cell.unsupported for cell in planned(entry)}
    assert why["rule"] == "answers with a class"
    assert why["convolution"] == "the plugin does not declare this task"
    assert why["frank"] == why["grey"] == ""


def test_a_rule_that_needs_images_says_so_where_there_are_none(rules):
    why = {cell.label: cell.unsupported for cell in planned(IRIS)}
    assert why["convolution"] == "needs images; items of iris have shape [4]"
    assert why["rule"] == ""
    assert {cell.label: cell.unsupported for cell in planned()}["convolution"] == ""


# Mistakes


def test_fewer_samples_than_shots_are_refused(rules):
    expected = "suite s, entry digits-2shot: samples = 19 is less than its 20 shots; "
    assert problem(replace(ENTRY, samples=19)) == expected + "every shot must be affordable once"
    assert planned(replace(ENTRY, samples=20))


def test_an_unknown_data_set_is_refused(rules):
    assert "unknown dataset 'digitz' (did you mean digits?)" in problem(replace(ENTRY, dataset="digitz"))


def test_a_task_that_the_data_do_not_have_is_refused(rules):
    expected = "suite s, entry iris-10shot: iris has no colorization (items of shape [4]); "
    assert problem(replace(IRIS, task="colorization")) == expected + "it can be asked for: classification"
    photos = replace(ENTRY, dataset="photos", shots=None, images=5)
    assert problem(photos).endswith("it can be asked for: colorization, reconstruction")


def test_noise_is_for_classification(rules):
    noisy = replace(ENTRY, conditions=("gaussian-0.1",))
    expected = "suite s, entry digits-2shot: noise is for classification, not for reconstruction"
    assert problem(replace(noisy, task="reconstruction")) == expected
    assert planned(noisy)
    assert planned(replace(IRIS, conditions=("salt_pepper-0.5",)))  # no images, but in [0, 1]


def test_a_test_condition_that_is_none_is_refused(rules):
    expected = "suite s, entry digits-2shot: test condition 'gaussian-0.10': write gaussian-0.1"
    assert problem(replace(ENTRY, conditions=("poisson-3", "gaussian-0.10"))) == expected


def test_more_shots_than_there_are_are_refused_with_the_entry(rules):
    told = problem(replace(ENTRY, shots=1000, samples=10**6))
    assert told.startswith("suite s, entry digits-1000shot: digits: shots=1000, but class ")


def test_no_seeds_are_refused(rules):
    assert problem(seeds=[]) == "no seeds: --seeds must be at least 1"


def test_an_unknown_baseline_is_refused(rules):
    expected = "unknown baseline 'ruel' (did you mean rule?); valid: "
    assert problem(baselines=["ruel"]).startswith(expected)


@pytest.mark.parametrize("device", ["gpu", "cuda:99", "cpu:x", ""])
def test_a_device_that_is_not_there_is_refused(rules, device):
    assert problem(device=device).startswith(f"--device {device}: not to be had here: ")


def test_an_unknown_kind_of_device_is_told_with_the_valid_ones(rules):
    assert problem(device="tpu").endswith("valid: cpu, cuda, mps, cuda:N")


# Keys


def test_the_same_question_has_the_same_key(rules):
    assert key() == key()


def test_what_cannot_change_a_result_does_not_change_the_key(rules, tmp_path):
    assert key(replace(ENTRY, timeout=1.0)) == key(timeout=2.0) == key()
    assert key(replace(ENTRY, label="x")) == key()
    assert key(replace(ENTRY, rows=("rule", "frank"))) == key()
    assert key(data_root=tmp_path) == key()
    (_, cell) = planned(baselines=["rule"], seeds=[0])
    (_, _, beside) = planned(baselines=["convolution", "rule"], seeds=[0])
    assert beside.key == cell.key  # nor what else is run


def test_whatever_can_change_a_result_changes_the_key(rules):
    keys = {
        "as it is": key(),
        "suite": key(replace(ENTRY, suite="t")),
        "dataset": key(replace(IRIS, shots=2)),
        "samples": key(replace(ENTRY, samples=101)),
        "batch": key(replace(ENTRY, batch=11)),
        "hidden": key(replace(ENTRY, hidden=5)),
        "code": key(replace(ENTRY, code=5)),
        "depth": key(replace(ENTRY, depth=1)),
        "more depth": key(replace(ENTRY, depth=2)),
        "validation": key(replace(ENTRY, validation=21)),
        "test": key(replace(ENTRY, test=31)),
        "shots": key(replace(ENTRY, shots=3)),
        "noise": key(replace(ENTRY, conditions=("gaussian-0.1",))),
        "more noise": key(replace(ENTRY, conditions=("gaussian-0.2",))),
        "images": key(replace(ENTRY, shots=None, images=20)),
        "task": key(replace(ENTRY, task="reconstruction")),
        "seed": key(seed=1),
        "row": key(baseline="rule_fast"),
        "other rule": key(baseline="convolution"),
        "settings": key(baseline="rule[lr=0.2]"),
        "name": key(baseline="rule[lr=0.1]"),  # the default, but a row of its own
    }
    assert len(set(keys.values())) == len(keys)


@pytest.mark.parametrize(
    ("name", "value"),
    [("THREADS", 2), ("RECORD_FORMAT", 99), ("torch_minor", lambda: "1.0"), ("_check_device", None)],
)
def test_the_surroundings_that_can_change_a_result_change_the_key(rules, monkeypatch, name, value):
    before = key()
    device, place = "cpu", lanes
    if name == "_check_device":
        value, device, place = lambda device: None, "cuda", plan
    monkeypatch.setattr(place, name, value)
    assert key(device=device) != before


def test_the_number_of_a_device_is_no_part_of_the_key(rules, monkeypatch):
    monkeypatch.setattr(plan, "_check_device", lambda device: None)
    assert key(device="cuda:1") == key(device="cuda")
    (cell, _) = planned(baselines=["rule"], device="cuda:1")
    assert cell.device == "cuda:1"


def test_a_changed_source_changes_the_key(rules):
    before = key()
    rules.write_text(rules.read_text() + "\n# changed\n")
    assert key() != before


def test_a_changed_default_changes_the_key(rules, monkeypatch):
    monkeypatch.setattr(plan, "source_hash", lambda path: "the same")
    before = key()
    rules.write_text(rules.read_text() + "\n# changed\n")
    assert key() == before
    rules.write_text(rules.read_text().replace("lr: float = 0.1", "lr: float = 0.3"))
    assert key() != before


def test_the_contents_of_the_data_are_part_of_the_key(rules, monkeypatch):
    before = key()
    original = plan.load
    monkeypatch.setattr(plan, "load", lambda *arguments: replace(original(*arguments), fingerprint="other"))
    assert key() != before
