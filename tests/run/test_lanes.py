"""What a cell does in each lane: what it reads, what it is asked, and what is kept of it."""

import builtins
import os

import pytest
import torch

from zorbench import machine
from zorbench.data import Dataset, draw_tuning_episode, load

from .rules import NEAREST, failing


@pytest.fixture
def read(monkeypatch):
    """The parts of data sets that are read, in order."""
    found = []

    def spied(name, original):
        return lambda self, *arguments: found.append(name) or original(self, *arguments)

    for name in ("train_inputs", "train_labels", "test_inputs", "test_labels"):
        monkeypatch.setattr(Dataset, name, spied(name, getattr(Dataset, name)))
    return found


def test_a_trial_reads_nothing_of_the_test_part_and_tells_of_validation_alone(run_rule, read):
    outcome = run_rule(NEAREST, lane="tuning", protocol="tuned", seed=10_000)
    assert outcome.status == "ok", outcome.reason
    assert set(read) == {"train_inputs", "train_labels"}
    assert outcome.metrics == {"validation": {"error": outcome.curve[-1]["error"]}}
    assert (outcome.images, outcome.prediction_sha256) == ({}, "")
    assert outcome.cost == {"samples": 200, "updates": 20}


def test_a_trial_learns_from_shots_of_the_tuning_fifth_and_is_validated_on_others_of_it(
    run_rule, monkeypatch
):
    shown = []
    monkeypatch.setattr(builtins, "shown", shown, raising=False)
    source = failing("step", "builtins.shown.append(('step', inputs))")[0]
    source = source.replace(
        "    def predict(self, inputs):",
        "    def predict(self, inputs):\n        builtins.shown.append(('predict', inputs))",
    )
    assert run_rule(source, lane="tuning", protocol="tuned", seed=10_001).status == "ok"
    data = load("digits")
    episode = draw_tuning_episode(data, shots=2, validation=20, seed=10_001)
    shots, validation = data.train_inputs(episode.shots), data.train_inputs(episode.validation)
    learned = torch.cat([inputs for kind, inputs in shown if kind == "step"])
    assert bool((learned[:, None] == shots[None]).flatten(2).all(2).any(1).all())
    assert all(torch.equal(inputs, validation) for kind, inputs in shown if kind == "predict")


def test_the_timing_lane_keeps_seconds_and_no_figures_and_reads_no_test_label(run_rule, read):
    outcome = run_rule(NEAREST, lane="timing")
    assert outcome.status == "ok", outcome.reason
    assert set(outcome.seconds) == {"import", "build", "first_step", "train", "predict"}
    assert outcome.seconds["train"] >= outcome.seconds["first_step"] > 0
    assert set(outcome.metrics) == {"validation"}
    assert "test_labels" not in read
    assert 0 <= outcome.load <= 1


def test_no_other_lane_has_a_load(run_rule):
    for lane in ("accuracy", "tuning", "probe"):
        assert run_rule(NEAREST, lane=lane, seed=10_000).load is None


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system pins no process")
@pytest.mark.parametrize("lane", ["timing", "accuracy"])
def test_what_is_timed_is_pinned_to_a_core_and_nothing_else(run_rule, monkeypatch, lane):
    found = []
    monkeypatch.setattr(builtins, "found", found, raising=False)
    before = os.sched_getaffinity(0)
    look = "builtins.found.append(__import__('os').sched_getaffinity(0))"
    assert run_rule(failing("step", look)[0], lane=lane).status == "ok"
    assert set(map(frozenset, found)) == {frozenset({max(before)} if lane == "timing" else before)}
    assert os.sched_getaffinity(0) == before


def test_a_machine_at_work_for_others_shows_in_the_load(run_rule, monkeypatch):
    monkeypatch.setattr(machine, "busy_seconds", iter([0.0, 1e6]).__next__)
    assert run_rule(NEAREST, lane="timing").load == 1.0


def test_a_probe_learns_from_other_labels_than_the_shots_have_and_sees_the_same_inputs(run_rule, monkeypatch):
    shown = []
    monkeypatch.setattr(builtins, "shown", shown, raising=False)
    source = failing("step", "builtins.shown.append((inputs, targets))")[0]
    found = {}
    for lane in ("accuracy", "probe"):
        assert run_rule(source, lane=lane).status == "ok"
        found[lane] = torch.cat([x for x, _ in shown[:20]]), torch.cat([t for _, t in shown[:20]])
        shown.clear()
    assert torch.equal(found["accuracy"][0], found["probe"][0])
    (_, true), (_, dealt) = found.values()
    assert dealt.shape == true.shape
    assert not (dealt.argmax(dim=1) == true.argmax(dim=1)).any()  # with two shots a class, never its own


# Protocol time


def test_under_protocol_time_a_rule_is_told_of_no_ceiling_on_samples(run_rule, monkeypatch):
    told = []
    monkeypatch.setattr(builtins, "told", told, raising=False)
    source = failing("build", "builtins.told.append(entry.samples)")[0]
    outcome = run_rule(source, protocol="time", seconds=0.05)
    assert outcome.status == "ok", outcome.reason
    assert told == [None]
    assert outcome.cost["samples"] > 200
    assert outcome.seconds["train"] >= 0.05
    assert outcome.curve[-1]["samples"] == outcome.cost["samples"]
    seconds = [point["seconds"] for point in outcome.curve]
    assert seconds == sorted(seconds)
    assert run_rule(source, seconds=0.05).cost["samples"] == 200
    assert told[-1] == 200
