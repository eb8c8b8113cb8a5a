import dataclasses

import pytest
import torch

from zorbench.baseline import Baseline, StepBaseline, Tags, choice, offers_many, search


def test_a_searched_field_has_its_default_and_its_range():
    @dataclasses.dataclass(frozen=True)
    class Config:
        lr: float = search(0.1, low=0.01, high=1.0, log=True)

    assert Config().lr == 0.1
    assert dataclasses.fields(Config)[0].metadata["search"] == {"low": 0.01, "high": 1.0, "log": True}


@pytest.mark.parametrize(
    ("default", "low", "high", "log"),
    [(2.0, 0.0, 1.0, False), (-1.0, 0.0, 1.0, False), (0.5, 1.0, 0.0, False), (0.0, 0.0, 1.0, True)],
)
def test_a_range_that_cannot_be_searched_is_refused(default, low, high, log):
    with pytest.raises(ValueError, match="low <= default <= high"):
        search(default, low=low, high=high, log=log)


def test_a_choice_has_its_default_and_its_values():
    @dataclasses.dataclass(frozen=True)
    class Config:
        output: str = choice("linear", "sigmoid")

    assert Config().output == "linear"
    assert dataclasses.fields(Config)[0].metadata["choices"] == ("linear", "sigmoid")


def test_predict_is_decode_after_encode_unless_written_anew():
    class Halves(Baseline):
        def encode(self, inputs):
            return inputs[:, :2]

        def decode(self, codes):
            return torch.cat([codes, 10 * codes], dim=1)

    assert Halves().predict(torch.tensor([[1.0, 2, 3, 4]])).tolist() == [[1, 2, 10, 20]]


def test_a_step_baseline_steps_through_the_batches():
    class Rule(StepBaseline):
        def __init__(self):
            self.got = []

        def step(self, inputs, targets):
            self.got.append((inputs, targets))

    class Budget:
        def batches(self):
            yield from [("x1", "t1"), ("x2", "t2")]

    rule = Rule()
    rule.fit(Budget())
    assert rule.got == [("x1", "t1"), ("x2", "t2")]


@pytest.mark.parametrize("method", ["fit", "encode", "decode", "step", "step_many", "member", "build_many"])
def test_what_a_rule_lacks_is_named_with_its_class(method):
    class Empty(Baseline if method in ("fit", "encode", "decode") else StepBaseline):
        pass

    arguments = {"step": (None, None), "step_many": (None, None), "build_many": (None, None, [])}
    with pytest.raises(NotImplementedError, match=f"Empty has no {method}"):
        getattr(Empty(), method)(*arguments.get(method, (None,)))


def test_many_seeds_are_offered_by_a_rule_that_builds_them_and_learns_in_plain_steps():
    class Many(StepBaseline):
        def build_many(self, entry, config, rngs):
            pass

    class Staged(Many):
        def fit(self, budget):
            pass

    assert [offers_many(rule) for rule in (Many, Staged, StepBaseline, Baseline)] == [
        True,
        False,
        False,
        False,
    ]


def test_a_rule_is_an_untagged_contender_with_a_bottleneck_unless_it_says_otherwise():
    assert Baseline.role == "contender"
    assert Baseline.tags == Tags(bottleneck=True, local=False, chooses_samples=False)
    assert dataclasses.asdict(Baseline.Config()) == {}
