import json

import numpy as np
import pytest
import torch

from zorbench.baseline import Baseline
from zorbench.diagnostics import diagnostics
from zorbench.predict import ContractError


def telling(answer):
    """A rule whose `diagnostics` gives `answer(rule)`."""
    rule = type("Rule", (Baseline,), {"diagnostics": lambda self: answer(self)})()
    rule.w = torch.zeros(3)
    return rule


def test_a_rule_tells_nothing_unless_it_says_otherwise():
    assert Baseline().diagnostics() == {}
    assert diagnostics(Baseline()) == {}


def test_numbers_are_told_by_name_and_layer_as_json_has_them():
    rule = telling(lambda self: {"rate": (1, np.float32(0.5), 0.25), "norm": [3.0]})
    found = diagnostics(rule)
    assert found == {"rate": [1.0, 0.5, 0.25], "norm": [3.0]}
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_six_digits_are_enough_for_a_record():
    rule = telling(lambda self: {"rate": [1 / 3, -123456789.0, 2e-12 / 3]})
    assert diagnostics(rule) == {"rate": [0.333333, -123457000.0, 6.66667e-13]}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_is_told_as_nothing(value):
    assert diagnostics(telling(lambda self: {"rate": [1.0, value]})) == {"rate": [1.0, None]}


WANTED = "expected a sequence of numbers, one a layer"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ([1.0], "diagnostics returned list; expected a mapping from names"),
        (None, "diagnostics returned NoneType; expected a mapping from names"),
        ({1: [1.0]}, "diagnostics returned the name 1; a name is a text"),
        ({"rate": 1.0}, f"diagnostics returned float for 'rate'; {WANTED}"),
        ({"rate": "12"}, f"diagnostics returned str for 'rate'; {WANTED}"),
        ({"rate": torch.zeros(2)}, f"diagnostics returned Tensor for 'rate'; {WANTED}"),
        ({"rate": [torch.zeros(())]}, f"diagnostics returned Tensor within 'rate'; {WANTED}"),
        ({"rate": [True]}, f"diagnostics returned bool within 'rate'; {WANTED}"),
        ({"rate": [None]}, f"diagnostics returned NoneType within 'rate'; {WANTED}"),
    ],
)
def test_a_wrong_answer_is_told_with_what_was_expected(answer, message):
    with pytest.raises(ContractError) as caught:
        diagnostics(telling(lambda self: answer))
    assert str(caught.value) == message


def test_telling_must_change_nothing():
    def spoil(self):
        self.w += 1
        return {"rate": [1.0]}

    with pytest.raises(ContractError) as caught:
        diagnostics(telling(spoil))
    assert str(caught.value).startswith("diagnostics changed the state of the rule (w); it must leave it")
