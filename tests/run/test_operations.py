"""What a cell's record says of operations, and that counting them changes nothing else of it."""

import builtins
from dataclasses import replace

import pytest

from zorbench import clock, session, together
from zorbench.cell import Group, make_record
from zorbench.run import run_cell
from zorbench.store import Store, read_records

from .rules import NEAREST
from .test_randomness import GAMBLER

NAMES = {"macs", "acs", "dense", "time_steps", "forward_macs", "update_macs", "transport_macs"}


def silence(monkeypatch):
    monkeypatch.setattr(session, "prediction_operations", lambda *arguments: {})
    monkeypatch.setattr(session, "learning_operations", lambda *arguments: {})


def kept(outcome):
    """All but times, memory and counts."""
    assert outcome.status == "ok", outcome.reason
    curve = [{key: value for key, value in point.items() if key != "seconds"} for point in outcome.curve]
    cost = {name: value for name, value in outcome.cost.items() if name not in NAMES}
    return replace(outcome, curve=curve, seconds={}, peak_memory=None, cost=cost)


def test_a_cell_s_record_has_the_operations(write_plugin, make_cell, tmp_path):
    cell = make_cell(write_plugin(NEAREST))
    outcome = run_cell(cell)
    assert outcome.cost["dense"] == 640
    assert 0 < outcome.cost["macs"] < 640
    assert [outcome.cost[f"{name}_macs"] for name in ("forward", "update", "transport")] == [640, 640, 0]
    with Store(tmp_path / "results") as store:
        store.append(make_record(cell, outcome, run="r", threads=1))
    (record,) = read_records(tmp_path / "results")
    assert record["cost"] == outcome.cost


@pytest.mark.parametrize("source", [NEAREST, GAMBLER])
def test_counting_changes_nothing_else_of_a_record(run_rule, monkeypatch, source):
    counted = run_rule(source)
    assert set(counted.cost) & NAMES
    silence(monkeypatch)
    silent = run_rule(source)
    assert not set(silent.cost) & NAMES
    assert kept(counted) == kept(silent)


def test_counting_takes_no_seconds_and_no_memory(run_rule, monkeypatch):
    class Time:
        now = 0.0

        @classmethod
        def perf_counter(cls):
            return cls.now

    monkeypatch.setattr(session, "time", Time)
    monkeypatch.setattr(clock, "time", Time)

    def slow(*arguments):
        Time.now += 1e6
        _ = bytearray(64 * 2**20)
        return {"dense": 1.0}

    monkeypatch.setattr(session, "prediction_operations", slow)
    monkeypatch.setattr(session, "learning_operations", slow)
    outcome = run_rule(NEAREST)
    assert set(outcome.seconds.values()) == {0.0}
    assert outcome.peak_memory is None or outcome.peak_memory < 40 * 2**20


def test_no_test_item_is_seen_in_counting(run_rule, monkeypatch):
    """Validation images are what is predicted, and after the test items nothing is predicted any more."""
    calls = []
    monkeypatch.setattr(builtins, "calls", calls, raising=False)
    source = NEAREST.replace(
        "    def predict(self, inputs):",
        "    def operations(self, inputs):\n        builtins.calls.append(('operations', len(inputs)))\n\n"
        "    def predict(self, inputs):\n        builtins.calls.append(('predict', len(inputs)))",
    ).replace(
        "        x = inputs.flatten(1)",
        "        builtins.calls.append('step')\n        x = inputs.flatten(1)",
    )
    run_rule(source, validation=120)
    tested = [("predict", 30)] + [("predict", 1)] * session.ASKED_AGAIN
    assert calls[-3 - len(tested) :] == [("operations", 100), ("predict", 100), *tested, "step"]


def test_a_wrong_declaration_fails_the_cell_with_its_text(run_rule):
    outcome = run_rule(f"{NEAREST}\n    def operations(self, inputs):\n        return {{'flops': 1}}\n")
    assert outcome.status == "error"
    assert outcome.reason.startswith("operations returned the name 'flops'; valid: macs, ")


def test_seeds_learned_together_have_the_counts_of_each_alone(write_plugin, make_cell):
    source = f"""{NEAREST}
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
    cells = [make_cell(write_plugin(source), seed=seed, offers_many=True) for seed in (0, 1)]
    found = together.run_group(Group(tuple(cells)))
    assert [outcome.cost for outcome in found] == [run_cell(cell).cost for cell in cells]
    assert set(found[0].cost) > NAMES
