"""Inputs that the spiking baselines refuse, in training and in prediction, without having changed."""

import math
import re

import pytest
import torch

from zorbench import Classification, Reconstruction

ROWS = ("stl", "stl_threshold", "snn", "snn[coding=bernoulli]", "shifting", "shifting[mode=source]")
WHITE = torch.ones(2, 1, 8, 8)


def with_one(value):
    inputs = torch.full((2, 1, 8, 8), 0.5)
    inputs[1, 0, 3, 4] = value
    return inputs


BAD = {
    "NaN": (with_one(math.nan), "inputs must lie in [0, 1], got NaN"),
    "below 0": (with_one(-0.25), "inputs must lie in [0, 1], got values from -0.25 to 0.5"),
    "above 1": (with_one(1.25), "inputs must lie in [0, 1], got values from 0.5 to 1.25"),
    "infinite": (with_one(math.inf), "inputs must lie in [0, 1], got values from 0.5 to inf"),
    "empty": (WHITE[:0], "inputs must be a batch of at least one sample, got the shape [0, 1, 8, 8]"),
    "whole numbers": (WHITE.long(), "inputs must be floating-point numbers, got torch.int64"),
    "too narrow": (WHITE[..., :7], "a sample; "),
    "too wide": (torch.ones(2, 1, 8, 9), "a sample; "),
    "one pixel": (torch.ones(2, 1), "a sample; "),
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("row", ROWS)
def test_bad_inputs_are_told_and_change_nothing(make_problem, build, row, kind):
    inputs, message = BAD[kind]
    problem = make_problem(Classification)
    plugin = build(row, problem)
    before = {name: part.clone() for name, part in plugin.state().items()}
    targets = torch.eye(3)[torch.zeros(len(inputs)).long()]
    for work in (plugin.predict, lambda x: plugin.step(x, targets)):
        with pytest.raises(ValueError, match=re.escape(message)):
            work(inputs)
    assert all(torch.equal(part, before[name]) for name, part in plugin.state().items())


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("row", ["stl", "snn", "shifting"])
def test_bad_images_are_told_before_they_are_encoded(make_problem, build, row, kind):
    inputs, message = BAD[kind]
    plugin = build(row, make_problem(Reconstruction))
    for work in (plugin.encode, lambda x: plugin.step(x, torch.ones(len(x), 1, 8, 8))):
        with pytest.raises(ValueError, match=re.escape(message)):
            work(inputs)


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_all_black_and_all_white_images_can_be_learned_and_answered(make_problem, build, row, value):
    items = torch.full((6, 1, 8, 8), value)
    items[0, 0, 0, 0] = 1 - value
    problem = make_problem(Classification, items=items)
    plugin = build(row, problem)
    plugin.fit(problem.budget())
    with torch.no_grad():
        assert plugin.predict(problem.inputs).isfinite().all()
    assert all(part.isfinite().all() for part in plugin.state().values())
