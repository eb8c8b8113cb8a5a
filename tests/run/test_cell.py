import builtins
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from zorbench import clock, protocol, session
from zorbench.data import Dataset, draw_episode, load

from .rules import NEAREST, failing


def used(outcome):
    """What a cell used; the operations have tests of their own."""
    return {name: outcome.cost[name] for name in ("parameters", "state_bytes", "samples", "updates")}


# A good cell


def test_a_cell_gives_scores_a_curve_times_and_costs(run_rule):
    outcome = run_rule(NEAREST)
    assert outcome.status == "ok"
    clean = outcome.metrics["clean"]
    assert clean["accuracy"] > 0.5
    assert clean["error"] == pytest.approx(1 - clean["accuracy"])
    assert np.sum(clean["confusion"]) == 30
    assert [point["samples"] for point in outcome.curve][-1] == 200
    assert outcome.metrics["validation"]["error"] == outcome.curve[-1]["error"]
    assert outcome.curve[-1]["error"] < outcome.curve[0]["error"]
    assert set(outcome.seconds) == {"import", "build", "first_step", "train", "predict"}
    assert 0 < outcome.seconds["first_step"] < outcome.seconds["train"]
    assert outcome.curve[-1]["seconds"] == outcome.seconds["train"]
    assert used(outcome) == {"parameters": 640, "state_bytes": 2560, "samples": 200, "updates": 20}
    assert outcome.images == {}


def test_scores_are_those_of_the_episode_computed_by_hand(run_rule):
    """A rule without learning, whose answer is known: the class is the brightest of ten pixels."""
    outcome = run_rule("""
        class Rule(Baseline):
            name = "rule"
            tasks = {Classification}
            def fit(self, budget):
                pass
            def predict(self, inputs):
                return inputs.flatten(1)[:, 20:30]
    """)
    data = load("digits")
    episode = draw_episode(data, shots=2, validation=20, test=30, seed=0)

    def error(inputs, labels):
        scores = inputs.flatten(1)[:, 20:30]
        top = scores.max(dim=1, keepdim=True).values
        right = (scores.argmax(dim=1) == labels) & ((scores == top).sum(dim=1) == 1)
        return 1 - float(right.double().mean())

    test_error = error(data.test_inputs(episode.test), data.test_labels(episode.test))
    validation = (
        data.train_inputs(episode.validation),
        data.train_labels()[torch.as_tensor(episode.validation)],
    )
    assert outcome.metrics["clean"]["error"] == pytest.approx(test_error)
    assert outcome.metrics["validation"]["error"] == pytest.approx(error(*validation))
    assert outcome.cost["samples"] == outcome.cost["updates"] == 0
    assert len(outcome.curve) == 1


def test_a_rule_is_told_the_entry_and_gets_its_settings(run_rule, monkeypatch):
    told = []
    monkeypatch.setattr(builtins, "told", told, raising=False)
    source = NEAREST.replace(
        "    def build(self, entry, config, rng):",
        "    @dataclass(frozen=True)\n    class Config:\n        lr: float = 0.5\n\n"
        "    def build(self, entry, config, rng):\n        builtins.told += [entry, config.lr]",
    )
    run_rule(source, hidden=7, depth=3, code=5, settings={"lr": "0.25"})
    spec, lr = told
    assert (spec.input_shape, spec.output_shape, spec.n_classes) == ((1, 8, 8), (10,), 10)
    assert (spec.n_shots, spec.samples, spec.batch) == (20, 200, 10)
    assert (spec.hidden, spec.depth, spec.code) == (7, 3, 5)
    assert spec.device == torch.device("cpu")
    assert lr == 0.25


# What is read when


@pytest.mark.parametrize(
    ("task", "dataset"),
    [("classification", "digits"), ("reconstruction", "digits"), ("colorization", "photos")],
)
def test_test_inputs_are_read_after_fit_and_test_labels_after_the_last_call(
    run_rule, monkeypatch, task, dataset
):
    calls = []
    monkeypatch.setattr(builtins, "calls", calls, raising=False)

    def spied(name, original):
        return lambda self, *arguments: calls.append(name) or original(self, *arguments)

    for name in ("train_inputs", "train_labels", "test_inputs", "test_labels"):
        monkeypatch.setattr(Dataset, name, spied(name, getattr(Dataset, name)))
    outcome = run_rule(
        """
        class Rule(Baseline):
            name = "rule"
            tasks = {Classification, Reconstruction, Colorization}
            def build(self, entry, config, rng):
                builtins.calls.append("build")
                self.shape = entry.output_shape
            def fit(self, budget):
                builtins.calls.append("fit")
                for _ in budget.batches():
                    builtins.calls.append("step")
                builtins.calls.append("fitted")
            def predict(self, inputs):
                builtins.calls.append("predict")
                return torch.zeros(len(inputs), *self.shape)
            def encode(self, inputs):
                builtins.calls.append("encode")
                return inputs.flatten(1)[:, :1].contiguous()
            def decode(self, codes):
                builtins.calls.append("decode")
                return torch.zeros(len(codes), *self.shape)
            def state(self):
                builtins.calls.append("state")
                return {}
        """,
        task=task,
        dataset=dataset,
        **({"shots": 1} if dataset == "digits" else {"shots": None, "images": 10}),
    )
    assert outcome.status == "ok", outcome.reason
    fitted = calls.index("fitted")
    own = {"build", "fit", "step", "fitted", "predict", "encode", "decode", "state"}
    last_own = max(place for place, call in enumerate(calls) if call in own)
    assert not {"test_inputs", "test_labels"} & set(calls[:fitted])
    assert calls.index("test_labels") > last_own
    assert calls.count("test_labels") == 1
    asked = calls[fitted:last_own]
    assert "test_inputs" in asked
    once = ["encode", "decode"] if task == "reconstruction" else ["predict"]
    final = once * (1 + session.ASKED_AGAIN)  # the test items, predicted once, and some of them one by one
    assert calls[last_own + 1 - len(final) : last_own + 1] == final
    assert calls[last_own - len(final)] == "test_inputs"


# The learning curve


def test_the_curve_has_one_point_a_checkpoint_and_ends_where_fit_ended(run_rule):
    due = protocol.checkpoint_samples(200, 10)
    steps = range(10, 201, 10)
    expected = sorted({min(seen for seen in steps if seen >= at) for at in due})
    outcome = run_rule(NEAREST)
    assert [point["samples"] for point in outcome.curve] == expected
    seconds = [point["seconds"] for point in outcome.curve]
    assert seconds == sorted(seconds)


def test_a_fit_that_ends_at_a_checkpoint_gives_one_point_there(run_rule):
    source = (
        NEAREST
        + """
    def fit(self, budget):
        for inputs, targets in budget.batches(until=0.05):
            self.step(inputs, targets)
"""
    )
    outcome = run_rule(source)
    assert outcome.cost["samples"] == 10
    assert [point["samples"] for point in outcome.curve] == [10]


# Time


def test_only_learning_is_training_time(run_rule, monkeypatch):
    time = SimpleNamespace(now=0.0)
    fake = SimpleNamespace(perf_counter=lambda: time.now)
    monkeypatch.setattr(clock, "time", fake)
    monkeypatch.setattr(session, "time", fake)
    monkeypatch.setattr(builtins, "time_", time, raising=False)
    source = """
        builtins.time_.now += 20

        class Rule(StepBaseline):
            name = "rule"
            tasks = {Classification}
            steps = 0
            def __init__(self):
                builtins.time_.now += 1e9
            def build(self, entry, config, rng):
                builtins.time_.now += 3
                self.n = entry.n_classes
            def step(self, inputs, targets):
                builtins.time_.now += 1 if self.steps else 8
                self.steps += 1
            def predict(self, inputs):
                builtins.time_.now += 1e6
                return torch.zeros(len(inputs), self.n)
            def state(self):
                builtins.time_.now += 1e9
                return {}
    """
    outcome = run_rule(source)
    assert outcome.seconds == {"import": 20, "build": 3, "first_step": 8, "train": 8 + 19, "predict": 1e6}
    assert [point["seconds"] for point in outcome.curve] == [
        point["samples"] / 10 + 7 for point in outcome.curve
    ]


def test_a_rule_with_one_hand_out_has_all_its_training_in_the_first_step(run_rule):
    source = NEAREST + "\n    def fit(self, budget):\n        budget.shots()\n        self.w + 1\n"
    outcome = run_rule(source)
    assert outcome.seconds["first_step"] == outcome.seconds["train"] > 0
    assert outcome.cost["samples"] == 20


def test_denormal_numbers_are_zero_inside_a_cell_only(run_rule):
    """They would slow whichever rule has them, not what the rule computes."""
    tiny = "float((torch.full((64,), 1e-30) * torch.full((64,), 1e-10)).max())"
    source, _ = failing("step", f"assert {tiny} == 0")
    assert run_rule(source).status == "ok"
    assert eval(tiny) > 0


# Costs


def test_costs_count_what_was_used(run_rule):
    source = (
        NEAREST
        + """
    def fit(self, budget):
        budget.shots()
        budget.take([1, 2, 3])
        self.half = torch.zeros(5, dtype=torch.float16)
        self.optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1000))])
"""
    )
    outcome = run_rule(source)
    assert used(outcome) == {"parameters": 640 + 5, "state_bytes": 2560 + 10, "samples": 23, "updates": 2}


def test_a_plugin_may_say_itself_what_its_state_is(run_rule):
    source = NEAREST + "\n    def state(self):\n        return {'w': self.w[:1]}\n"
    assert run_rule(source).cost["parameters"] == 10


def test_peak_memory_is_what_the_rule_needed(run_rule):
    source = failing("build", "self.big = torch.ones(16 * 2**20)")[0]  # 64 MiB
    outcome = run_rule(source)
    if outcome.peak_memory is None:
        pytest.skip("peak memory is unknown on this machine")
    assert 60 * 2**20 < outcome.peak_memory < 110 * 2**20
