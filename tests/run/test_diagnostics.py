import builtins

import pytest
import torch

from zorbench import clock, protocol
from zorbench.cell import make_record
from zorbench.run import run_cell
from zorbench.store import Store, read_records

from .rules import NEAREST


def telling(*lines):
    """The source of `NEAREST` that tells of its layers by these lines."""
    body = "".join(f"        {line}\n" for line in lines)
    return f"{NEAREST}\n    def diagnostics(self):\n{body}"


SIZE = telling("return {'size': [float(self.w.norm()), len(self.w)], 'odd': [float('nan')]}")


def without_seconds(curve):
    return [{key: value for key, value in point.items() if key != "seconds"} for point in curve]


def test_what_a_rule_tells_of_its_layers_is_in_every_point_of_its_curve(run_rule):
    outcome = run_rule(SIZE)
    told = [point["diagnostics"] for point in outcome.curve]
    assert len(told) == len(run_rule(NEAREST).curve) > 2
    assert all(one["size"][1] == 64.0 and one["odd"] == [None] for one in told)
    sizes = [one["size"][0] for one in told]
    assert sizes == sorted(sizes)  # from next to nothing, it grows
    assert sizes[0] < sizes[-1]


def test_a_rule_that_tells_nothing_leaves_no_trace_of_it(run_rule):
    for source in (NEAREST, telling("return {}")):
        assert all(set(point) == {"samples", "seconds", "error"} for point in run_rule(source).curve)


def test_telling_is_recorded_and_read_again(write_plugin, make_cell, tmp_path):
    cell = make_cell(write_plugin(SIZE))
    outcome = run_cell(cell)
    with Store(tmp_path / "results") as store:
        store.append(make_record(cell, outcome, run="r", threads=1))
    (record,) = read_records(tmp_path / "results")
    assert record["curve"] == outcome.curve


def test_a_rule_learns_the_same_whatever_it_draws_while_it_tells(run_rule):
    noisy = NEAREST.replace(
        "self.w += 0.1", "self.w += 0.01 * torch.randn(self.w.shape)\n        self.w += 0.1"
    )
    silent = run_rule(noisy)
    source = telling("return {'luck': [float(torch.rand(())), random.random(), np.random.rand()]}")
    loud = run_rule(source.replace(NEAREST, noisy))
    assert loud.metrics == silent.metrics
    told = [point.pop("diagnostics") for point in loud.curve]
    assert without_seconds(loud.curve) == without_seconds(silent.curve)
    assert len({one["luck"][0] for one in told}) == len(told)


def test_telling_takes_no_training_time(run_rule, monkeypatch):
    class Time:
        now = 0.0

        @classmethod
        def perf_counter(cls):
            return cls.now

    monkeypatch.setattr(clock, "time", Time)
    monkeypatch.setattr(builtins, "time_", Time, raising=False)
    outcome = run_rule(telling("builtins.time_.now += 1e6", "return {'size': [1.0]}"))
    assert outcome.seconds["train"] == outcome.curve[-1]["seconds"] == 0.0


def test_telling_takes_none_of_the_memory_of_learning(run_rule):
    outcome = run_rule(telling("torch.ones(16 * 2**20)", "return {'size': [1.0]}"))  # 64 MiB
    if outcome.peak_memory is None:
        pytest.skip("peak memory is unknown on this machine")
    assert outcome.peak_memory < 40 * 2**20


def test_a_rule_that_changes_itself_while_it_tells_is_an_error(run_rule):
    outcome = run_rule(telling("self.w *= 2", "return {'size': [1.0]}"))
    assert outcome.status == "error"
    assert outcome.reason.startswith("diagnostics changed the state of the rule (w)")


def test_what_is_raised_while_telling_is_the_reason_with_its_place(run_rule):
    outcome = run_rule(telling("raise ValueError('lost')"))
    assert outcome.status == "error"
    assert outcome.reason.startswith("ValueError: lost (rule.py:")
    assert outcome.reason.endswith(" in diagnostics)")


def test_nothing_of_learning_depends_on_how_often_it_tells(run_rule, monkeypatch):
    once = telling("return {'luck': [float(torch.rand(()))]}")
    monkeypatch.setattr(protocol, "checkpoint_samples", lambda samples, batch: [])
    rarely = run_rule(once)
    monkeypatch.setattr(protocol, "checkpoint_samples", lambda samples, batch: list(range(10, 201, 10)))
    often = run_rule(once)
    assert (len(rarely.curve), len(often.curve)) == (1, 20)
    assert rarely.metrics == often.metrics
    assert rarely.curve[-1]["diagnostics"] == often.curve[-1]["diagnostics"]


def test_gradients_can_be_taken_while_telling(run_rule):
    outcome = run_rule(
        telling(
            "w = self.w.detach().clone().requires_grad_()",
            "(slope,) = torch.autograd.grad(w.square().sum(), w)",
            "return {'slope': [float((slope - 2 * self.w).abs().max())]}",
        )
    )
    assert outcome.status == "ok", outcome.reason
    assert outcome.curve[-1]["diagnostics"] == {"slope": [0.0]}
    assert torch.is_grad_enabled()
