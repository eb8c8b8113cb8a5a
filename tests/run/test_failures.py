import pytest

from zorbench.run import run_cell

from .rules import NEAREST, failing

FLOATING = "expected a floating-point tensor"


# Failures


def line_of(path, statement):
    return path.read_text().splitlines().index(f"        {statement}") + 1


@pytest.mark.parametrize("method", ["build", "step", "predict"])
@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("raise ValueError('bad\\n luck')", "ValueError: bad luck"),
        ("raise RuntimeError", "RuntimeError: no message"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise MemoryError", "out of memory"),
        ("np.empty(2**55)", "out of memory"),
        ("torch.empty(2**50)", "out of memory"),
        ("[][1]", "IndexError: list index out of range"),
    ],
)
def test_what_a_rule_raises_is_the_reason_with_its_place(write_plugin, make_cell, method, statement, reason):
    source, statement = failing(method, statement)
    path = write_plugin(source)
    outcome = run_cell(make_cell(path))
    assert outcome.status == "error"
    assert outcome.reason == f"{reason} (rule.py:{line_of(path, statement)} in {method})"
    assert outcome.metrics == outcome.seconds == outcome.cost == {}
    assert outcome.curve == []


def test_the_place_is_the_innermost_in_the_file_of_the_rule(write_plugin, make_cell):
    write_plugin("def fail():\n    raise KeyError('k')\n", "rules/_helper.py")
    source = failing("step", "outer()")[0] + "\nimport _helper\n\ndef outer():\n    _helper.fail()\n"
    path = write_plugin(source)
    outcome = run_cell(make_cell(path))
    place = path.read_text().splitlines().index("    _helper.fail()") + 1
    assert outcome.reason == f"KeyError: 'k' (rule.py:{place} in outer)"


def test_a_file_that_cannot_be_loaded_is_the_reason(run_rule):
    outcome = run_rule("import nowhere_to_be_found")
    assert outcome.status == "error"
    assert "cannot be loaded: ModuleNotFoundError: No module named 'nowhere_to_be_found'" in outcome.reason


def test_an_interruption_is_passed_on(run_rule):
    with pytest.raises(KeyboardInterrupt):
        run_rule(failing("step", "raise KeyboardInterrupt")[0])


def test_asking_for_too_much_is_an_error_with_its_place(run_rule):
    source = NEAREST + "\n    def fit(self, budget):\n        while True:\n            budget.shots()\n"
    outcome = run_rule(source)
    assert outcome.status == "error"
    assert "BudgetExceeded: asked for 20 presentations with 0 of 200 left (rule.py:" in outcome.reason


@pytest.mark.parametrize("when", ["early", "at the end"])
def test_predictions_that_are_no_numbers_are_divergence(run_rule, when):
    condition = "True" if when == "early" else "len(inputs) == 30"  # the test items
    source = failing("predict", f"if {condition}: return inputs.new_full((len(inputs), 10), float('nan'))")[0]
    outcome = run_rule(source)
    assert (outcome.status, outcome.reason) == ("diverged", "predict returned NaN or infinity")
    assert outcome.metrics == {}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("inputs.flatten(1)[:, :9]", "predict returned shape [20, 9]; expected [20, 10]"),
        ("inputs.flatten(1)[:, :10].long()", f"predict returned a tensor of torch.int64; {FLOATING}"),
        ("None", f"predict returned NoneType; {FLOATING}"),
    ],
)
def test_a_wrong_answer_is_an_error_that_says_what_was_expected(run_rule, answer, reason):
    outcome = run_rule(failing("predict", f"return {answer}")[0])
    assert (outcome.status, outcome.reason) == ("error", reason)


def test_data_that_changed_since_planning_are_noticed(write_plugin, make_cell):
    outcome = run_cell(make_cell(write_plugin(NEAREST), episode_sha256="0" * 64))
    assert outcome.status == "error"
    assert "changed between planning and running" in outcome.reason


def test_a_plugin_that_changed_since_planning_is_noticed(write_plugin, make_cell):
    path = write_plugin(NEAREST)
    cell = make_cell(path)
    path.write_text(path.read_text().replace("0.1 *", "0.2 *"))
    outcome = run_cell(cell)
    assert outcome.status == "error"
    assert "the plugin's code changed between planning and running" in outcome.reason
