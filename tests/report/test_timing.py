"""The timing lane: only its attested seconds count, and a ratio within noise is none."""

import math

import pytest

from zorbench import stats
from zorbench.cell import BUSY, make_record
from zorbench.executors import run_local
from zorbench.report.build import build_view
from zorbench.report.columns import columns
from zorbench.report.wording import clock_line

from .synthetic import record, rows

JITTER = (1.00, 1.02, 0.99, 1.01, 1.03, 0.98, 1.00, 1.01)


def timed(variant, seconds, twin=None, **changes):
    """Eight rounds of a row; with `twin`, a second run in each, `twin` times as long."""
    found = []
    for number, jitter in enumerate(JITTER):
        for repetition, factor in ((2 * number, 1.0), (2 * number + 1, twin)):
            if factor is not None:
                given = {"lane": "timing", "repetition": repetition, "attested": True, "load": 0.0}
                found.append(
                    record("s", "e", variant, number, train=seconds * jitter * factor, **(given | changes))
                )
    return found


def accurate(variant, error=0.1, **changes):
    return rows("s", "e", variant, (error,) * 3, attested=False, **changes)


def floor_rows():
    return rows("s", "e", "mean", (0.5,) * 3, role="floor", attested=False)


def entry_of(records):
    return build_view(records, []).suites[0].entries[0]


def shown(entry, title, label):
    column = next(one for one in columns(entry) if one.title == title)
    return column.show(entry.row(label)).text


YARD = [*accurate("yard", yardstick=True), *timed("yard", 0.5, twin=1.01, yardstick=True)]


def test_seconds_of_the_accuracy_lane_enter_no_column():
    entry = entry_of([*rows("s", "e", "rule", (0.1,) * 3, attested=True), *floor_rows()])
    assert "train_seconds" not in entry.row("rule").stats
    assert "Training" not in [column.title for column in columns(entry)]


def test_a_ratio_beyond_the_noise_is_printed_and_one_within_it_is_alike():
    records = [*YARD, *accurate("slow"), *timed("slow", 1.0), *accurate("same"), *timed("same", 0.502)]
    entry = entry_of([*records, *floor_rows()])
    assert shown(entry, "÷ yard", "slow") == "2 ×"
    assert shown(entry, "÷ yard", "same") == "≈"
    assert shown(entry, "÷ yard", "yard") == "1"
    pairs = [(0.5 * jitter, 0.5 * jitter * 1.01) for jitter in JITTER]
    assert entry.clocked.noise["train"] == pytest.approx(stats.aa_noise(pairs))
    assert entry.row("slow").stats["train_seconds"].mean == pytest.approx(sum(JITTER) / 8)


def test_without_enough_pairs_there_is_no_ratio():
    few = [one for one in timed("yard", 0.5, twin=1.0, yardstick=True) if one["repetition"] not in (1, 3)]
    entry = entry_of(
        [*accurate("yard", yardstick=True), *few, *accurate("slow"), *timed("slow", 1.0), *floor_rows()]
    )
    assert entry.clocked.noise["train"] is None
    assert shown(entry, "÷ yard", "slow") == "–"


def test_runs_on_a_busy_machine_do_not_count():
    busy = timed("slow", 1.0, attested=False, load=0.4)
    entry = entry_of([*YARD, *accurate("slow"), *busy, *floor_rows()])
    assert shown(entry, "Training", "slow") == "–"
    assert entry.clocked.busy == 8
    assert "24 runs; 8 do not count" in clock_line(entry)


def test_time_to_target_is_the_median_first_time_at_the_yardsticks_error_and_a_miss_is_infinite():
    def with_curve(records, points):
        curve = [{"samples": n, "seconds": s, "error": e} for n, (s, e) in enumerate(points, start=1)]
        return [{**one, "curve": curve} for one in records]

    quick = with_curve(timed("quick", 1.0), [(0.1, 0.3), (0.2, 0.09), (0.4, 0.08)])
    never = with_curve(timed("never", 1.0), [(0.1, 0.3), (0.4, 0.2)])
    entry = entry_of([*YARD, *accurate("quick"), *quick, *accurate("never"), *never, *floor_rows()])
    assert entry.clocked.target == pytest.approx(0.1)  # the yardstick's final validation errors
    assert entry.clocked.to_target["quick"] == pytest.approx(0.2)
    assert math.isinf(entry.clocked.to_target["never"])
    assert shown(entry, "To target", "quick") == "0.200 s"
    assert shown(entry, "To target", "never") == "∞"


RULE = """
class Rule(StepBaseline):
    name = "{name}"
    yardstick = {yardstick}
    tasks = {{Classification}}

    def build(self, entry, config, rng):
        self.w = torch.zeros(64, entry.n_classes)

    def step(self, inputs, targets):
        x = inputs.flatten(1)
        self.w += 0.1 * x.T @ (targets - torch.softmax(x @ self.w, dim=1)) / len(x)

    def predict(self, inputs):
        {sleep}
        return inputs.flatten(1) @ self.w
"""


def test_a_rule_against_itself_is_alike_and_a_sleep_in_predict_moves_that_phase_alone(
    write_plugin, make_cell, tmp_path
):
    def plugin(name, yardstick=False, sleep="pass"):
        source = RULE.format(name=name, yardstick=yardstick, sleep=sleep)
        return name, write_plugin(source, f"rules/{name}.py"), yardstick

    sleeps = "import time; time.sleep(0.05 if len(inputs) == 30 else 0)"  # for all test items at once
    plugins = [plugin("one", yardstick=True), plugin("same"), plugin("sleepy", sleep=sleeps)]
    cells = []
    for name, path, yardstick in plugins:
        about = {"baseline": name, "role": "contender", "tags": {}, "config": {}, "config_source": "default"}
        more = {"label": name, "about": about | {"yardstick": yardstick}, "samples": 3000}
        cells += [make_cell(path, seed=s, key=f"{name}-{s}", **more) for s in range(3)]
        for number in range(8):
            for twin in range(2 if name == "one" else 1):
                repetition = 2 * number + twin
                lane = {"lane": "timing", "repetition": repetition, "key": f"{name}-t{repetition}"}
                cells.append(make_cell(path, seed=number, **more, **lane))
    cells.sort(key=lambda cell: (cell.phase, cell.repetition // 2))
    records = []
    for progress in run_local(cells, 1, tmp_path / "log"):
        if progress.outcome is not None:
            made = make_record(progress.cell, progress.outcome, run="r", threads=1)
            assert made["status"] == "ok", made["reason"]
            # Whatever else this machine does just now: the phases are what is looked at here.
            made["attested"] = made["lane"] == "timing"
            records.append(made)
    floor = [one for one in records if one["variant"] == "one" and one["lane"] == "accuracy"]
    records += [
        {**one, "variant": "mean", "baseline": "mean", "role": "floor", "yardstick": False} for one in floor
    ]
    entry = entry_of(records)
    ratios = entry.clocked.ratios
    assert ratios["same"]["train"].equal
    assert shown(entry, "÷ one", "same") == "≈"
    assert not ratios["sleepy"]["predict"].equal
    for phase in ("build", "first_step", "train"):
        assert ratios["sleepy"][phase].equal, phase
    slept = entry.row("sleepy").stats["predict_seconds"].mean - entry.row("one").stats["predict_seconds"].mean
    assert 0.045 < slept < 0.2


def test_the_machine_is_busy_from_a_tenth_on(write_plugin, make_cell, tmp_path):
    cell = make_cell(write_plugin(RULE.format(name="one", yardstick=False, sleep="pass")), lane="timing")
    from dataclasses import replace

    from zorbench.run import run_cell

    outcome = run_cell(cell)
    for load, attested in ((BUSY, True), (BUSY + 0.01, False), (None, False)):
        made = make_record(cell, replace(outcome, load=load), run="r", threads=1)
        assert made["attested"] is attested
    for lane in ("accuracy", "probe", "tuning"):
        other = make_record(replace(cell, lane=lane), replace(outcome, load=0.0), run="r", threads=1)
        assert other["attested"] is False
