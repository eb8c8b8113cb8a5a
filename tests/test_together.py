"""Many seeds at once: what each gives is held against its cell run alone."""

import builtins
from dataclasses import replace

import pytest

from zorbench.cell import Group
from zorbench.data import Dataset
from zorbench.run import run_cell
from zorbench.together import group_seeds, run_group

# The copies learn one after another, by the code of a single one: what differs is the harness's doing.
RULE = """
class Rule(StepBaseline):
    name = "rule"
    tasks = {Classification, Reconstruction}

    def build(self, entry, config, rng):
        self.shape = entry.output_shape
        n_out = int(np.prod(self.shape))
        self.down = torch.randn(64, entry.code, generator=rng) * 0.1
        self.w = torch.randn(entry.code, n_out, generator=rng) * 0.1

    def step(self, inputs, targets):
        codes = self.encode(inputs)
        self.w += 0.05 * codes.T @ (targets.flatten(1) - codes @ self.w) / len(codes)

    def encode(self, inputs):
        return inputs.flatten(1) @ self.down

    def decode(self, codes):
        return (codes @ self.w).view(-1, *self.shape)

    def build_many(self, entry, config, rngs):
        self.copies = [type(self)() for _ in rngs]
        for copy, rng in zip(self.copies, rngs):
            copy.build(entry, config, rng)

    def step_many(self, inputs, targets):
        for copy, x, t in zip(self.copies, inputs, targets, strict=True):
            copy.step(x, t)

    def member(self, index):
        return self.copies[index]
"""


def with_line(method, statement):
    """The source of `RULE` with a statement at the head of a method."""
    head = next(line for line in RULE.splitlines() if line.startswith(f"    def {method}("))
    return RULE.replace(head, f"{head}\n        {statement}", 1)


@pytest.fixture
def cells(write_plugin, make_cell):
    """`cells(source, seeds, ...)` → the cells of the rule."""

    def make(source=RULE, seeds=(0, 1, 2), **changes):
        path = write_plugin(source)
        return [make_cell(path, seed=seed, offers_many=True, key=f"{seed}", **changes) for seed in seeds]

    return make


def together(found):
    return run_group(Group(tuple(found)))


def untimed(outcome):
    """What a cell gave alone, without what belongs to its process."""
    curve = [{"samples": point["samples"], "error": point["error"]} for point in outcome.curve]
    return replace(outcome, seconds={}, peak_memory=None, curve=curve)


# Which cells


def test_cells_that_differ_in_the_seed_only_make_a_group_where_the_first_stood(cells):
    a, b, c = cells()
    x, y = (replace(cell, label="other", key=f"other {cell.seed}") for cell in (a, b))
    assert group_seeds([a, x, b, c, y]) == [Group((a, b, c)), Group((x, y))]


@pytest.mark.parametrize(
    "apart",
    [{"n_shots": 7}, {"protocol": "time"}, {"label": "other"}, {"offers_many": False}],
    ids=lambda apart: next(iter(apart)),
)
def test_a_cell_that_differs_in_more_stays_alone(cells, apart):
    a, b, c = cells()
    other = replace(b, **apart)
    assert group_seeds([a, other, c]) == [Group((a, c)), other]


def test_cells_of_different_entries_stay_apart(cells, make_cell):
    a, b = cells(seeds=[0, 1])
    other = replace(b, entry=replace(b.entry, batch=11))
    assert group_seeds([a, other]) == [a, other]


def test_rules_that_do_not_offer_it_and_single_seeds_stay_alone(cells):
    found = [replace(cell, offers_many=False) for cell in cells()]
    assert group_seeds(found) == found
    assert group_seeds(cells(seeds=[5])) == cells(seeds=[5])
    assert group_seeds([]) == []


def test_a_group_has_the_time_of_its_cells(cells):
    assert Group(tuple(cells(timeout=7.0))).timeout == 21.0


# What each seed gives


@pytest.mark.parametrize("task", ["classification", "reconstruction"])
def test_every_seed_gives_exactly_what_its_cell_gives_alone(cells, task):
    found = cells(task=task)
    alone = [run_cell(cell) for cell in found]
    assert [outcome.status for outcome in alone] == ["ok"] * 3
    assert len({outcome.metrics["clean"]["error"] for outcome in alone}) == 3
    assert together(found) == tuple(replace(untimed(outcome), together=3) for outcome in alone)


def test_under_noise_too(cells):
    found = cells(conditions=("gaussian-0.3", "salt_pepper-0.1"))
    alone = [run_cell(cell) for cell in found]
    assert all(set(outcome.metrics) >= {"gaussian-0.3", "salt_pepper-0.1"} for outcome in alone)
    assert together(found) == tuple(replace(untimed(outcome), together=3) for outcome in alone)


def test_a_seed_that_diverges_under_noise_takes_no_other_with_it(cells):
    condition = "self.nan and (inputs * 16 % 1).any()"
    source = with_line("encode", f"if {condition}: return inputs.flatten(1)[:, :8] * np.nan")
    source = source.replace('    name = "rule"', '    name = "rule"\n    nan = False')
    source = source.replace(
        "            copy.build(entry, config, rng)",
        "            copy.build(entry, config, rng)\n        self.copies[1].nan = True",
    )
    outcomes = together(cells(source, conditions=("gaussian-0.3",)))
    assert [outcome.status for outcome in outcomes] == ["ok", "diverged", "ok"]
    assert outcomes[1].reason == "predict returned NaN or infinity under gaussian-0.3"


def test_what_belongs_to_all_seeds_is_not_told_of_one(cells):
    for outcome in together(cells()):
        assert outcome.together == 3
        assert outcome.seconds == {}
        assert outcome.peak_memory is None
        assert all(set(point) == {"samples", "error"} for point in outcome.curve)


def test_the_last_minibatch_of_an_epoch_and_of_the_budget_may_be_smaller(cells):
    found = cells(samples=71, batch=8)  # 20 shots: 8, 8, 4, …, and 3 at the end
    outcomes = together(found)
    assert [outcome.cost["samples"] for outcome in outcomes] == [71] * 3
    assert outcomes == tuple(replace(untimed(run_cell(cell)), together=3) for cell in found)


def test_test_items_are_read_after_learning_and_test_labels_after_the_last_call(cells, monkeypatch):
    calls = []
    monkeypatch.setattr(builtins, "calls", calls, raising=False)

    def spied(name, original):
        return lambda self, *arguments: calls.append(name) or original(self, *arguments)

    for name in ("test_inputs", "test_labels"):
        monkeypatch.setattr(Dataset, name, spied(name, getattr(Dataset, name)))
    source = RULE
    for method in ("step_many", "encode", "decode", "member"):
        head = next(line for line in RULE.splitlines() if line.startswith(f"    def {method}("))
        source = source.replace(head, f"{head}\n        builtins.calls.append('{method}')")
    assert [outcome.status for outcome in together(cells(source))] == ["ok"] * 3
    assert calls.index("test_inputs") > max(i for i, call in enumerate(calls) if call == "step_many")
    own = max(i for i, call in enumerate(calls) if not call.startswith("test_"))
    assert calls.index("test_labels") > own
    assert calls.count("test_labels") == 3


# One seed that fails


@pytest.mark.parametrize("when", ["from the first step on", "on the test items only"])
def test_a_seed_that_diverges_takes_no_other_with_it(cells, when):
    early = when == "from the first step on"
    condition = "self.nan" if early else "self.nan and len(inputs) == 30"
    source = with_line("encode", f"if {condition}: return inputs.flatten(1)[:, :8] * np.nan")
    source = source.replace('    name = "rule"', '    name = "rule"\n    nan = False')
    source = source.replace(
        "            copy.build(entry, config, rng)",
        "            copy.build(entry, config, rng)\n        self.copies[1].nan = True",
    )
    found = cells(source)
    first, second, third = together(found)
    assert (second.status, second.reason) == ("diverged", "predict returned NaN or infinity")
    assert (second.together, second.metrics, second.curve) == (3, {}, [])
    alone = [replace(untimed(run_cell(cell)), together=3) for cell in found]
    assert [first, third] == [alone[0], alone[2]]


# A group that fails


@pytest.mark.parametrize("method", ["build_many", "step_many", "member"])
def test_what_a_rule_raises_is_the_group_s_reason_with_its_place(cells, method):
    statement = "raise ValueError('no tea')"
    source = with_line(method, statement)
    outcome = together(cells(source))
    assert (outcome.status, outcome.together) == ("error", 1)
    place = f"(rule.py:{{}} in {method})"
    number = cells(source)[0].ref.path.read_text().splitlines().index(f"        {statement}") + 1
    assert outcome.reason == f"ValueError: no tea {place.format(number)}"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("'windows of weights are not stacked'", "windows of weights are not stacked"),
        ("", "the rule gives no reason"),
    ],
)
def test_a_configuration_that_cannot_be_learned_so_says_why(cells, given, told):
    outcome = together(cells(with_line("build_many", f"raise NotImplementedError({given})")))
    assert (outcome.status, outcome.reason) == ("unsupported", told)


def test_a_rule_with_another_number_of_copies_than_seeds_is_an_error(cells):
    source = RULE.replace("for _ in rngs]", "for _ in rngs[1:]]")
    outcome = together(cells(source))
    assert outcome.status == "error"
    assert outcome.reason.startswith("ValueError: zip() argument 2 is longer than argument 1 (rule.py:")
    assert outcome.reason.endswith(" in step_many)")


def test_a_copy_that_changes_the_others_when_it_is_taken_out_is_an_error(cells):
    outcome = together(cells(with_line("member", "self.copies[0].w += 0")))
    assert outcome.status == "error"
    assert outcome.reason == (
        "member changed the state of the rule (copies.0.w); it must leave it as it is "
        "(a module in training mode? inputs kept aside?)"
    )


def test_a_copy_that_changes_state_when_it_predicts_is_an_error(cells):
    outcome = together(cells(with_line("encode", "hasattr(self, 'w') and self.w.mul_(1)")))
    assert outcome.status == "error"
    assert outcome.reason.startswith("predict changed the state of the rule (w); it must leave it as it is")


@pytest.mark.parametrize(
    ("answer", "found"), [("None", "NoneType"), ("Other()", "Other"), ("self.copies", "list")]
)
def test_a_copy_is_a_rule_of_the_same_kind(cells, answer, found):
    source = with_line("member", f"return {answer}") + "\n\nclass Other(Rule):\n    pass\n"
    outcome = together(cells(source))
    assert (outcome.status, outcome.reason) == ("error", f"member returned a {found}; expected a Rule")


def test_data_that_changed_since_planning_are_noticed_for_every_seed(cells):
    a, b, c = cells()
    outcome = together([a, replace(b, episode_sha256="0" * 64), c])
    assert (outcome.status, outcome.reason) == (
        "error",
        "the data set changed between planning and running: run again",
    )


def test_an_interruption_is_passed_on(cells):
    with pytest.raises(KeyboardInterrupt):
        together(cells(with_line("step_many", "raise KeyboardInterrupt")))
