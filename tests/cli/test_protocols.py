"""`zorbench run` with every protocol and every lane, end to end on a tiny suite."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from zorbench import lanes
from zorbench.cell import BUSY, FAILED, Work
from zorbench.cli import run
from zorbench.executors.local import Progress, run_local
from zorbench.tuning import TUNING_SEEDS

Zorbench = Callable[..., Any]
Records = list[dict[str, Any]]

LIMIT = 0.25
NAP = 0.1  # of a minibatch, where time is the limit

SUITE = f"""
title = "Every"
task = "classification"

[[entry]]
dataset = "digits"
shots = 2
samples = 200
batch = 10
validation = 50
test = 60
protocols = ["samples", "time", "tuned"]
seconds = {LIMIT}
trials = 4
"""

RULES = f'''
import json
import time
from dataclasses import dataclass

import torch
from zorbench import Classification, StepBaseline, search


class Learner(StepBaseline):
    """Softmax regression; it diverges with large steps and raises with small ones."""

    name = "learner"
    tasks = {{Classification}}

    @dataclass(frozen=True)
    class Config:
        lr: float = search(0.05, low=1e-3, high=1.0, log=True)

    def build(self, entry, config, rng):
        self.lr = config.lr
        self.w = torch.randn(64, entry.n_classes, generator=rng) * 0.01
        if self.lr < LOW:
            raise ValueError("too slow")

    def step(self, inputs, targets):
        x = inputs.flatten(1)
        self.w += self.lr * x.T @ (targets - torch.softmax(x @ self.w, dim=1)) / len(x)

    def predict(self, inputs):
        scores = inputs.flatten(1) @ self.w
        return scores * torch.nan if self.lr > HIGH else scores


class Sleepy(StepBaseline):
    """Naps in every minibatch where time is the limit, and writes down how long each took."""

    name = "sleepy"
    tasks = {{Classification}}

    def fit(self, budget):
        self.limited, self.took = budget.seconds, []
        for inputs, targets in budget.batches():
            begin = time.perf_counter()
            time.sleep({NAP} if self.limited else 0)
            self.took.append(time.perf_counter() - begin)

    def predict(self, inputs):
        return inputs.flatten(1)[:, 20:30]

    def state(self):
        if self.limited:
            with open("took.json", "w") as stream:
                json.dump(self.took, stream)
        return {{}}
'''


def write_rules(folder: Path, low: float, high: float) -> None:
    (folder / "rules.py").write_text(RULES.replace("LOW", str(low)).replace("HIGH", str(high)))


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sequence[str]:
    """The command of a run: trials 0 and 1 of `learner` do well, 2 raises, 3 diverges."""
    monkeypatch.setattr(lanes, "ROUNDS", 2)
    (tmp_path / "every.toml").write_text(SUITE)
    write_rules(tmp_path, low=0.01, high=0.1)
    names = ("--baseline", "learner", "--baseline", "sleepy")
    return ("run", "every.toml", "--plugin", "rules.py", *names, "--seeds", "1", "--out", "r")


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Work, ...]]:
    """What ran at the same time, whenever something began or ended."""
    found: list[tuple[Work, ...]] = []

    def watched(todo: Sequence[Work], jobs: int, log: Path) -> Iterator[Progress]:
        for progress in run_local(todo, jobs, log):
            found.append(progress.running)
            yield progress

    monkeypatch.setattr(run, "run_local", watched)
    return found


def records_of(folder: Path) -> Records:
    return [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]


def of(records: Records, **wanted: Any) -> Records:
    return [record for record in records if all(record[name] == value for name, value in wanted.items())]


def chosen_by_hand(records: Records, study: str) -> int:
    """The trial with the least mean validation error over the tuning seeds, of those that went well."""
    scores = {}
    for number in range(4):
        tried = of(records, lane="tuning", study=study, trial=number, status="ok")
        if len(tried) == len(TUNING_SEEDS):
            scores[number] = sum(one["metrics"]["validation"]["error"] for one in tried) / len(tried)
    return min(scores, key=lambda number: (scores[number], number))


def test_every_protocol_and_lane_in_one_run(
    zorbench: Zorbench, tmp_path: Path, command: Sequence[str], beside: list[tuple[Work, ...]]
) -> None:
    answer = zorbench(*command, "--timing", "--probes", "--jobs", "2")
    records = records_of(tmp_path / "r")

    # A trial that does not work is what trials are to find out.
    assert answer.status == 0, answer.err
    failed = {(one["lane"], one["trial"], one["status"]) for one in records if one["status"] in FAILED}
    assert failed == {("tuning", 2, "error"), ("tuning", 3, "diverged")}
    assert "diverged" not in answer.err
    assert "failed" not in answer.err

    # 2 floors and 2 rules under 3 protocols, 4 trials on 2 seeds, 2 rounds of 3, 2 seeds of probes.
    assert len(records) == 4 * 3 + 4 * 2 + 2 * 3 + 4 * 2
    assert f"{len(records)} cells, {len(records)} to run" in answer.err

    # Time: past the limit by one minibatch at most, which a rule that does not stop by itself meets.
    timed = {one["variant"]: one for one in of(records, protocol="time")}
    took = json.loads((tmp_path / "took.json").read_text())
    sleepy = timed["sleepy"]
    assert LIMIT <= sleepy["seconds"]["train"] <= LIMIT + took[-1] + NAP / 2
    assert sleepy["cost"]["updates"] == len(took)
    assert sum(took[:-1]) < LIMIT
    assert LIMIT <= timed["learner"]["seconds"]["train"] < LIMIT + NAP
    assert timed["learner"]["cost"]["samples"] > 200  # more than under the other protocols
    assert {one["seconds_limit"] for one in timed.values()} == {LIMIT}
    assert {one["seconds_limit"] for one in records if one["protocol"] != "time"} == {None}

    # Tuned.
    (tuned,) = of(records, protocol="tuned", lane="accuracy", variant="learner")
    assert (tuned["config_source"], tuned["trials"], tuned["status"]) == ("tuned", 4, "ok")
    assert tuned["trial"] == chosen_by_hand(records, tuned["study"])
    assert tuned["config"] == of(records, lane="tuning", trial=tuned["trial"])[0]["config"]
    for one in of(records, protocol="tuned", lane="accuracy"):
        assert one["variant"] == "learner" or (one["study"], one["config_source"]) == (None, "default")
    assert of(records, lane="tuning", variant="sleepy") == []  # which has nothing to search

    # Trials tell of validation images alone.
    for one in of(records, lane="tuning", status="ok"):
        assert (set(one["metrics"]), one["prediction_sha256"]) == ({"validation"}, "")
        assert one["seed"] in TUNING_SEEDS
    assert not {one["episode_sha256"] for one in of(records, lane="tuning")} & {
        one["episode_sha256"] for one in of(records, lane="accuracy")
    }

    # The timing lane.
    lane = of(records, lane="timing")
    assert [one["repetition"] for one in lane] == [0, 0, 1, 2, 2, 3]
    assert {one["variant"] for one in lane} == {"learner", "sleepy"}
    assert all(set(one["seconds"]) >= {"import", "build", "first_step", "train", "predict"} for one in lane)
    assert [one["attested"] for one in lane] == [one["load"] <= BUSY for one in lane]
    assert not any(one["attested"] for one in records if one["lane"] != "timing")

    # Probes.
    assert {one["status"] for one in of(records, lane="probe")} == {"ok"}

    # What seconds are about ran alone, all else two at a time.
    assert max(len(running) for running in beside) == 2
    for running in beside:
        assert len(running) < 2 or not any(one.alone for one in running)

    again = zorbench(*command, "--timing", "--probes", "--jobs", "1")
    assert (again.status, "0 to run" in again.err) == (0, True)


TUNED = ("--protocol", "tuned", "--trials", "2")


def test_a_row_none_of_whose_trials_works_has_failed(
    zorbench: Zorbench, tmp_path: Path, command: Sequence[str]
) -> None:
    write_rules(tmp_path, low=10.0, high=20.0)
    answer = zorbench(*command, *TUNED)
    assert answer.status == 3
    assert "1 of 8 cells failed" in answer.err
    told = "error: every/digits-2shot seed 0 learner (tuned): none of its 2 trials succeeded"
    assert told in answer.err
    (tuned,) = of(records_of(tmp_path / "r"), variant="learner", lane="accuracy")
    assert (tuned["status"], tuned["trial"], tuned["metrics"]) == ("error", None, {})


def test_a_trial_that_works_when_retried_has_its_say(
    zorbench: Zorbench, tmp_path: Path, command: Sequence[str]
) -> None:
    """The better of two configurations first fails for a reason that has nothing to do with the rule."""
    write_rules(tmp_path, low=0.0, high=10.0)
    rules = tmp_path / "rules.py"
    # Without learning it guesses; the default of 0.001 learns next to nothing, trial 1 does.
    source = rules.read_text().replace("search(0.05,", "search(1e-3,")
    fails = f"__import__('os').path.exists({str(tmp_path / 'tea')!r}) or self.lr < 0.01"
    rules.write_text(source.replace("        if self.lr < 0.0:\n", f"        if not ({fails}):\n"))

    def tuned() -> dict[str, Any]:
        records = {record["key"]: record for record in records_of(tmp_path / "r")}  # the last counts
        (found,) = of(list(records.values()), variant="learner", lane="accuracy")
        assert found["trial"] == chosen_by_hand(list(records.values()), found["study"])
        return found

    assert zorbench(*command, *TUNED).status == 0
    assert tuned()["trial"] == 0
    (tmp_path / "tea").touch()
    answer = zorbench(*command, *TUNED, "--retry", "failed")
    assert answer.status == 0
    assert "8 cells, 5 already there, 3 to run" in answer.err  # two trials, and what waits for their study
    assert tuned()["trial"] == 1
    assert tuned()["config"]["lr"] == pytest.approx(10**-1.5, rel=1e-5)
    assert "0 to run" in zorbench(*command, *TUNED, "--retry", "failed").err
    # Cut off in between, the next run makes up for it, asked to retry or not.
    lines = (tmp_path / "r" / "records.jsonl").read_text().splitlines(keepends=True)
    assert json.loads(lines[-1])["trial"] == 1
    (tmp_path / "r" / "records.jsonl").write_text("".join(lines[:-1]))
    assert "7 already there, 1 to run" in zorbench(*command, *TUNED).err
    assert tuned()["trial"] == 1


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--train-seconds", "0"], "--train-seconds 0: must be a number of seconds, more than 0"),
        (["--train-seconds", "inf"], "--train-seconds inf: must be a number of seconds, more than 0"),
        (["--trials", "1"], "--trials 1: must be at least 2: the defaults and one more"),
    ],
)
def test_numbers_that_make_no_sense_are_told(
    zorbench: Zorbench, tmp_path: Path, command: Sequence[str], options: list[str], told: str
) -> None:
    answer = zorbench(*command, *options)
    assert (answer.status, answer.err) == (2, f"zorbench: {told}\n")
    assert not (tmp_path / "r").exists()


def test_protocol_time_needs_a_training_time(zorbench: Zorbench, tiny: str) -> None:
    answer = zorbench("run", tiny, "--protocol", "time")
    assert answer.status == 2
    assert "suite tiny, entry digits-2shot: protocol time needs a training time; give the entry" in answer.err
