import builtins
import random

import numpy as np
import pytest
import torch

from zorbench import protocol
from zorbench.data import load

from .rules import NEAREST, failing

# Draws from every global generator at every occasion, and predicts from what it drew. What it draws while it
# predicts moves its answers by little: one that moves them by much is refused.
GAMBLER = """
LUCK = torch.rand(())

def noise():
    return random.random() + np.random.rand() + torch.rand(())

class Rule(StepBaseline):
    name = "rule"
    tasks = {Classification}

    def __init__(self):
        self.luck = noise()

    def build(self, entry, config, rng):
        self.w = LUCK + self.luck + noise() + torch.randn(64, entry.n_classes)

    def step(self, inputs, targets):
        self.w += 0.1 * noise() * torch.randn(self.w.shape)

    def predict(self, inputs):
        return inputs.flatten(1) @ self.w + 1e-3 * torch.rand(len(inputs), 10) * noise()

    def state(self):
        return {"w": self.w * torch.rand(())}
"""


def result(outcome):
    """What must be the same for the same seed: all but times and memory."""
    assert outcome.status == "ok", outcome.reason
    curve = [{key: value for key, value in point.items() if key != "seconds"} for point in outcome.curve]
    return outcome.metrics, curve, outcome.cost, outcome.images


# Randomness


def test_the_same_seed_gives_the_same_bits(run_rule):
    assert result(run_rule(NEAREST)) == result(run_rule(NEAREST))
    assert result(run_rule(NEAREST)) != result(run_rule(NEAREST, seed=1))


def test_the_generator_of_a_rule_is_its_own_for_every_seed(run_rule, monkeypatch):
    draws = []
    monkeypatch.setattr(builtins, "draws", draws, raising=False)
    source = failing("build", "builtins.draws.append(float(torch.rand((), generator=rng)))")[0]
    for seed in (0, 1, 2, 0):
        run_rule(source, seed=seed)
    assert len(set(draws)) == 3
    assert draws[0] == draws[3]


def test_the_same_seed_gives_the_same_bits_to_users_of_global_generators(run_rule):
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    first = result(run_rule(GAMBLER))
    random.seed(2), np.random.seed(2), torch.manual_seed(2)
    assert result(run_rule(GAMBLER)) == first
    assert result(run_rule(GAMBLER, seed=1)) != first


@pytest.mark.parametrize("ending", ["", "        raise ValueError('in the middle')\n"])
def test_the_global_generators_of_the_caller_are_untouched(run_rule, ending):
    source = GAMBLER.replace("LUCK =", "torch.manual_seed(0), random.seed(0), np.random.seed(0)\nLUCK =")
    source = source.replace("torch.randn(self.w.shape)\n", "torch.randn(self.w.shape)\n" + ending)
    load("digits")
    random.seed(3), np.random.seed(3), torch.manual_seed(3)
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    outcome = run_rule(source)
    assert outcome.status == ("error" if ending else "ok")
    assert (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()) == before


@pytest.mark.parametrize("source", [NEAREST, GAMBLER])
def test_looking_at_a_rule_changes_nothing_of_how_it_learns(run_rule, monkeypatch, source):
    monkeypatch.setattr(protocol, "checkpoint_samples", lambda samples, batch: [])
    unseen = run_rule(source)
    monkeypatch.setattr(protocol, "checkpoint_samples", lambda samples, batch: list(range(10, 201, 10)))
    watched = run_rule(source)
    assert (len(unseen.curve), len(watched.curve)) == (1, 20)
    assert watched.metrics == unseen.metrics
    assert result(watched)[1][-1] == result(unseen)[1][-1]


def test_settings_of_torch_end_with_the_cell_that_changed_them(run_rule, monkeypatch):
    found = []
    monkeypatch.setattr(builtins, "found", found, raising=False)
    threads = torch.get_num_threads()
    settings = "torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_num_threads()"
    note = NEAREST.replace(
        "    def build(self, entry, config, rng):",
        f"    def build(self, entry, config, rng):\n        builtins.found.append(({settings}))",
    )
    vandalism = (
        "torch.set_default_dtype(torch.float64), torch.set_grad_enabled(False), torch.set_num_threads(2)"
    )
    run_rule(f"{note}\n{vandalism}\n")
    left = torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_num_threads()
    assert left == (torch.float32, True, threads)
    torch.set_default_dtype(torch.float64)
    try:
        with torch.no_grad():
            assert run_rule(note).status == "ok"
            assert not torch.is_grad_enabled()
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    assert found == [(torch.float64, False, 2), (torch.float32, True, 1)]
