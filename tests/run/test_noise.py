"""Test conditions: what a rule is shown under noise, when, and what the record says of it."""

import builtins
from types import SimpleNamespace

import pytest
import torch

from zorbench import session
from zorbench.conditions import parse
from zorbench.data import Dataset, draw_episode, load
from zorbench.metrics import classification_metrics
from zorbench.noise import add_noise
from zorbench.randomness import derive_seed

from .rules import NEAREST, failing

CONDITIONS = ("gaussian-0.3", "salt_pepper-0.2", "poisson-2")

# Answers with the brightest of ten pixels, and tells of all that it is shown.
TELLS = """
class Rule(StepBaseline):
    name = "rule"
    tasks = {Classification}

    def build(self, entry, config, rng):
        builtins.shown = {"step": [], "predict": []}

    def step(self, inputs, targets):
        builtins.shown["step"].append(inputs)

    def predict(self, inputs):
        builtins.shown["predict"].append(inputs)
        return inputs.flatten(1)[:, 20:30]
"""


@pytest.fixture
def shown(monkeypatch):
    """What the last rule of `TELLS` was shown by each method, call by call."""
    monkeypatch.setattr(builtins, "shown", {}, raising=False)
    return lambda method: builtins.shown[method]


def episode_of(seed=0):
    return draw_episode(load("digits"), shots=2, validation=20, test=30, seed=seed)


def expected(condition, seed=0):
    """The noisy test images as the harness's words have them: from episode, seed and condition alone."""
    data, episode = load("digits"), episode_of(seed)
    rng = torch.Generator().manual_seed(derive_seed("noise", episode.sha256, seed, condition))
    return add_noise(data.test_inputs(episode.test), parse(condition), rng)


def test_every_condition_is_predicted_once_after_the_clean_images(run_rule, shown):
    outcome = run_rule(TELLS, conditions=CONDITIONS)
    assert outcome.status == "ok", outcome.reason
    tests = [inputs for inputs in shown("predict") if len(inputs) == 30]
    data = load("digits")
    assert torch.equal(tests[0], data.test_inputs(episode_of().test))
    assert len(tests) == 1 + len(CONDITIONS)
    for inputs, condition in zip(tests[1:], CONDITIONS, strict=True):
        assert torch.equal(inputs, expected(condition)), condition
        assert not torch.equal(inputs, tests[0])
    again = [1] * session.ASKED_AGAIN  # of the clean ones, one by one
    asked = [len(inputs) for inputs in shown("predict")]
    assert asked[-1 - len(again) - len(CONDITIONS) :] == [30, *again, 30, 30, 30]


def test_what_is_learned_and_validated_on_is_clean(run_rule, shown):
    outcome = run_rule(TELLS, conditions=CONDITIONS)
    data, episode = load("digits"), episode_of()
    shots = data.train_inputs(episode.shots)
    learned = torch.cat(shown("step"))
    assert len(learned) == 200
    assert bool((learned[:, None] == shots[None]).flatten(2).all(2).any(1).all())
    clean = data.train_inputs(episode.validation)
    validated = [inputs for inputs in shown("predict") if len(inputs) == 20]
    assert len(validated) >= len(outcome.curve)
    assert all(torch.equal(inputs, clean) for inputs in validated)


def test_scores_under_noise_are_those_of_the_clean_labels(run_rule):
    metrics = run_rule(TELLS, conditions=CONDITIONS).metrics
    assert set(metrics) == {"clean", "validation", *CONDITIONS}
    labels = load("digits").test_labels(episode_of().test)
    for condition in CONDITIONS:
        by_hand = classification_metrics(expected(condition).flatten(1)[:, 20:30], labels, 10)
        assert metrics[condition] == {"error": pytest.approx(by_hand["error"])}, condition
    assert "confusion" in metrics["clean"]


def test_conditions_change_nothing_else(run_rule):
    plain, noisy = run_rule(NEAREST), run_rule(NEAREST, conditions=CONDITIONS)
    assert noisy.metrics["clean"] == plain.metrics["clean"]
    assert noisy.metrics["validation"] == plain.metrics["validation"]
    assert noisy.cost == plain.cost
    errors = [[(p["samples"], p["error"]) for p in outcome.curve] for outcome in (plain, noisy)]
    assert errors[0] == errors[1]
    assert set(plain.metrics) == {"clean", "validation"}


def test_every_baseline_is_shown_the_same_noise_and_every_seed_its_own(run_rule, shown):
    def seen(source, **changes):
        assert run_rule(source, conditions=CONDITIONS[1:2], **changes).status == "ok"
        return shown("predict")[-1]

    other = TELLS.replace(
        "    def step(self, inputs, targets):", "    def step(self, inputs, targets):\n        torch.rand(7)"
    )
    first = seen(TELLS)
    assert torch.equal(seen(other, hidden=99, label="other"), first)
    assert torch.equal(seen(TELLS, samples=50), first)
    later = seen(TELLS, seed=1)
    assert not torch.equal(later == 0, first == 0)
    assert torch.equal(later, expected(CONDITIONS[1], seed=1))


def test_a_condition_has_the_same_noise_whichever_others_there_are(run_rule):
    alone = run_rule(NEAREST, conditions=CONDITIONS[2:]).metrics[CONDITIONS[2]]
    assert run_rule(NEAREST, conditions=CONDITIONS).metrics[CONDITIONS[2]] == alone


def test_a_rule_that_does_not_look_is_not_misled(run_rule):
    blind = failing("predict", "return torch.arange(10.0).repeat(len(inputs), 1)")[0]
    metrics = run_rule(blind, conditions=CONDITIONS).metrics
    assert len({metrics[name]["error"] for name in ("clean", *CONDITIONS)}) == 1


def test_test_labels_are_read_after_the_last_call(run_rule, monkeypatch):
    calls = []
    monkeypatch.setattr(builtins, "calls", calls, raising=False)

    def spied(name, original):
        return lambda self, *arguments: calls.append(name) or original(self, *arguments)

    for name in ("test_inputs", "test_labels"):
        monkeypatch.setattr(Dataset, name, spied(name, getattr(Dataset, name)))
    outcome = run_rule(failing("predict", "builtins.calls.append('predict')")[0], conditions=CONDITIONS)
    assert outcome.status == "ok"
    last = max(place for place, call in enumerate(calls) if call == "predict")
    asked = ["predict"] * (1 + session.ASKED_AGAIN + len(CONDITIONS))
    assert calls[last - len(asked) : last + 1] == ["test_inputs", *asked]
    assert calls.index("test_labels") > last


def test_predicting_under_noise_is_not_in_the_seconds(run_rule, monkeypatch):
    time = SimpleNamespace(now=0.0)
    monkeypatch.setattr(session, "time", SimpleNamespace(perf_counter=lambda: time.now))
    monkeypatch.setattr(builtins, "time_", time, raising=False)
    source = failing("predict", "builtins.time_.now += 1e6")[0]
    assert run_rule(source, conditions=CONDITIONS).seconds["predict"] == 1e6


# Failures. The digits' values are k/16, and those under Gaussian noise are not.


def test_a_rule_that_answers_nan_under_noise_has_diverged(run_rule):
    statement = "if (inputs * 16 % 1).any(): return inputs.new_full((len(inputs), 10), float('nan'))"
    outcome = run_rule(failing("predict", statement)[0], conditions=CONDITIONS)
    reason = "predict returned NaN or infinity under gaussian-0.3"
    assert (outcome.status, outcome.reason, outcome.metrics) == ("diverged", reason, {})


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("self.w += 0", "predict changed the state of the rule (w); it must leave it as it is"),
        ("return inputs.flatten(1)[:, :9]", "predict returned shape [30, 9]; expected [30, 10]"),
        ("torch.set_num_threads(2)", "the rule set torch to 2 threads; it has 1"),
    ],
)
def test_under_noise_the_same_is_asked_of_a_rule(run_rule, statement, told):
    source = failing("predict", f"if (inputs * 16 % 1).any(): {statement}")[0]
    outcome = run_rule(source, conditions=CONDITIONS)
    assert outcome.status == "error"
    assert outcome.reason.startswith(told)
