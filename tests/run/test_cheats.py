"""Rules that cheat. Each is caught by a probe, or finds that what it wants to do cannot be done."""

import pytest

from zorbench.executors import run_local

from .rules import NEAREST

PROBE = {"lane": "probe", "shots": 20, "test": 200}


def refused(outcome, text):
    assert outcome.status == "error"
    assert text in outcome.reason
    assert outcome.metrics == {}


# Learning from what is to be predicted


def test_refitting_on_test_inputs_inside_predict_is_caught_by_the_state(run_rule):
    outcome = run_rule("""
        class Rule(Baseline):
            name = "rule"
            tasks = {Classification}
            def fit(self, budget):
                inputs, targets = budget.shots()
                self.mean = inputs.mean(dim=0)
                self.w = torch.linalg.lstsq((inputs - self.mean).flatten(1), targets).solution
            def predict(self, inputs):
                self.mean = inputs.mean(dim=0)
                return (inputs - self.mean).flatten(1) @ self.w
    """)
    refused(outcome, "predict changed the state of the rule (mean)")


def test_refitting_that_leaves_no_trace_is_caught_by_asking_one_by_one(run_rule):
    outcome = run_rule("""
        class Rule(Baseline):
            name = "rule"
            tasks = {Classification}
            def fit(self, budget):
                inputs, self.targets = budget.shots()
                self.inputs = inputs.flatten(1)
            def predict(self, inputs):
                x = inputs.flatten(1)
                everything = torch.cat([self.inputs, x])   # spread labels over what is to be predicted
                near = torch.exp(-torch.cdist(everything, everything) ** 2 / 4)
                labels = torch.cat([self.targets, torch.full((len(x), 10), 0.1)])
                for _ in range(10):
                    labels = near @ labels / near.sum(dim=1, keepdim=True)
                    labels[: len(self.inputs)] = self.targets
                return labels[len(self.inputs) :]
    """)
    refused(outcome, "asked for test items one by one, the rule answers")


def test_a_rule_that_answers_each_input_by_itself_passes(run_rule):
    assert run_rule(NEAREST).status == "ok"


# Reconstruction


def test_returning_the_input_does_not_fit_through_the_bottleneck(run_rule):
    source = """
        class Rule(Baseline):
            name = "rule"
            tasks = {Reconstruction}
            def build(self, entry, config, rng):
                self.shape = entry.output_shape
            def fit(self, budget):
                pass
            def encode(self, inputs):
                return inputs.flatten(1)
            def decode(self, codes):
                return codes.view(-1, *self.shape)
    """
    outcome = run_rule(source, task="reconstruction", code=8)
    refused(outcome, "encode returned [20, 64] for 20 images; expected [20, k] with 1 <= k <= 8")
    without = source.replace("encode", "kept").replace("decode", "given")
    refused(run_rule(without, task="reconstruction"), "reconstruction goes through a bottleneck")


def test_keeping_the_input_beside_the_code_is_caught(run_rule):
    """`encode` hides the images in an attribute; `decode` gives them back."""
    outcome = run_rule(
        """
        class Rule(Baseline):
            name = "rule"
            tasks = {Reconstruction}
            def build(self, entry, config, rng):
                self.aside = torch.zeros(1)
            def fit(self, budget):
                pass
            def encode(self, inputs):
                self.aside = inputs
                return inputs.flatten(1)[:, :1].contiguous()
            def decode(self, codes):
                return self.aside[: len(codes)]
        """,
        task="reconstruction",
    )
    refused(outcome, "encode changed the state of the rule (aside)")


# The test labels


@pytest.mark.parametrize("moment", ["build", "fit", "predict"])
@pytest.mark.parametrize(
    "opening",
    [
        "from zorbench.data import load; load('digits').test_labels(range(10))",
        "from sklearn.datasets import load_digits; load_digits()",
    ],
)
def test_opening_the_data_set_again_is_refused(run_rule, moment, opening):
    with_fit = NEAREST + "\n    def fit(self, budget):\n        super().fit(budget)\n"
    head = next(line for line in with_fit.splitlines() if f"def {moment}(" in line)
    refused(run_rule(with_fit.replace(head, f"{head}\n        {opening}", 1)), "a file of a data set")


def test_a_refusal_that_is_swallowed_counts_all_the_same(run_rule):
    source = NEAREST + (
        "\n    def fit(self, budget):\n"
        "        try:\n"
        "            from zorbench.data import load\n"
        "            load('digits').test_labels(range(10))\n"
        "        except Exception:\n"
        "            pass\n"
        "        super().fit(budget)\n"
    )
    refused(run_rule(source), "a file of a data set")


READS_ELSEWHERE = """
    class Rule(Baseline):
        name = "rule"
        tasks = {Classification}
        def build(self, entry, config, rng):
            import subprocess, sys
            code = (
                "from sklearn.datasets import load_digits; import sys; data = load_digits();"
                "pixels, labels = data.images.astype('f4'), data.target.astype('i8');"
                "sys.stdout.buffer.write(pixels.tobytes() + labels.tobytes())"
            )
            raw = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
            n = 1797
            self.known = torch.frombuffer(bytearray(raw[: n * 256]), dtype=torch.float32).view(n, 64) / 16
            self.labels = torch.frombuffer(bytearray(raw[n * 256 :]), dtype=torch.int64)
        def fit(self, budget):
            budget.shots()
        def predict(self, inputs):
            nearest = torch.cdist(inputs.flatten(1), self.known).argmin(dim=1)
            return torch.eye(10)[self.labels[nearest]]
"""


def test_a_rule_that_has_the_labels_from_elsewhere_is_caught_by_permuted_labels(run_rule):
    """Another process reads the file for it, which nothing here can see."""
    assert run_rule(READS_ELSEWHERE).metrics["clean"]["accuracy"] > 0.9, "it cheats well"
    refused(run_rule(READS_ELSEWHERE, **PROBE), "learned from permuted labels, and is right on")


def test_an_honest_rule_is_at_chance_on_permuted_labels(run_rule):
    learned = run_rule(NEAREST, shots=20, samples=4000, test=200)
    assert learned.metrics["clean"]["accuracy"] > 0.8
    probed = run_rule(NEAREST, samples=4000, **PROBE)
    assert probed.status == "ok"
    assert probed.metrics["clean"]["accuracy"] < 0.3


# From cell to cell

SMUGGLES = """
    import sys
    import types
    KEPT = []

    class Rule(Baseline):
        name = "rule"
        tasks = {Classification}
        def fit(self, budget):
            inputs, targets = budget.shots()
            for place in (builtins, torch, sys.modules.setdefault("smuggled", types.ModuleType("smuggled"))):
                if getattr(place, "kept", None):
                    raise RuntimeError(f"found what another cell left in {place}")
                place.kept = [targets]
            if KEPT:
                raise RuntimeError("found what another cell left in the module")
            KEPT.append(targets)
        def predict(self, inputs):
            return torch.zeros(len(inputs), 10)
"""


def test_what_a_cell_leaves_in_globals_is_gone_in_the_next(write_plugin, make_cell, tmp_path):
    path = write_plugin(SMUGGLES)
    cells = [make_cell(path, seed=seed, key=str(seed) * 24) for seed in range(3)]
    ended = [one.outcome for one in run_local(cells, 1, tmp_path / "log") if one.outcome is not None]
    assert [outcome.status for outcome in ended] == ["ok"] * 3


# The budget


@pytest.mark.parametrize("claim", ["budget.seen = budget.samples", "budget.updates = 10**6"])
def test_claiming_presentations_that_were_not_taken_is_impossible(run_rule, claim):
    source = NEAREST + (
        "\n    def fit(self, budget):\n"
        "        for inputs, targets in budget.batches(until=0.1):\n"
        "            self.step(inputs, targets)\n"
        f"        {claim}\n"
    )
    refused(run_rule(source), "AttributeError: property")


def test_a_rule_that_stops_early_by_the_clock_is_recorded_with_what_it_took(run_rule):
    source = NEAREST + (
        "\n    def fit(self, budget):\n"
        "        import time\n"
        "        end = time.perf_counter() + 0.02\n"
        "        for inputs, targets in budget.batches():\n"
        "            self.step(inputs, targets)\n"
        "            if time.perf_counter() > end:\n"
        "                return\n"
    )
    outcome = run_rule(source, samples=10**7)
    taken = outcome.cost["samples"]
    assert 0 < taken < 10**7
    assert outcome.cost["updates"] == taken // 10
    assert outcome.curve[-1]["samples"] == taken


# Scores


def test_predictions_are_hashed_before_the_test_labels_are_read(run_rule, monkeypatch):
    from zorbench import session
    from zorbench.data import Dataset

    order = []
    digest, labels = session._digest, Dataset.test_labels
    monkeypatch.setattr(session, "_digest", lambda *all_: order.append("hash") or digest(*all_))
    monkeypatch.setattr(Dataset, "test_labels", lambda *all_: order.append("labels") or labels(*all_))
    outcome = run_rule(NEAREST)
    assert order == ["hash", "labels"]
    assert len(outcome.prediction_sha256) == 64


def test_the_hash_is_that_of_the_predictions(run_rule):
    import hashlib

    import torch

    source = """
        class Rule(Baseline):
            name = "rule"
            tasks = {Classification}
            def fit(self, budget):
                pass
            def predict(self, inputs):
                return inputs.flatten(1)[:, :10].contiguous()
    """
    from zorbench.data import draw_episode, load

    data = load("digits")
    episode = draw_episode(data, shots=2, validation=20, test=30, seed=0)
    answers = data.test_inputs(episode.test).flatten(1)[:, :10].contiguous()
    assert answers.dtype == torch.float32
    assert run_rule(source).prediction_sha256 == hashlib.sha256(answers.numpy().tobytes()).hexdigest()
