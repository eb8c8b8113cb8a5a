"""Layers refuse what lies outside their ranges, in a sentence."""

import re
from dataclasses import FrozenInstanceError

import pytest
import torch

from zorbench.zor import Layer, NoveltyLayer, Zor
from zorbench.zor.layer import resolve_activation

BOTH = [Layer, NoveltyLayer]


def refuses(kind, message: str, *args, **options) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        kind(*args, **options)


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("size", [0, -3, 2.5, True, "12"])
def test_a_size_is_a_whole_number_above_zero(kind, size):
    refuses(kind, f"size must be a whole number, 1 or more, got {size!r}", size)


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("activation", ["swish", 3, ["relu"]])
def test_an_unknown_activation_names_the_valid_ones(kind, activation):
    refuses(
        kind,
        f"unknown activation {activation!r}; valid: sigmoid, tanh, relu, softmax, None (identity) "
        f"or a callable",
        4,
        activation,
    )


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("bound", [0.0, -1.0, float("nan")])
def test_the_largest_weight_is_above_zero(kind, bound):
    refuses(kind, f"max_weight must be above 0, got {bound!r}", 4, max_weight=bound)


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("target_rate", -0.1, "from 0 to 1"),
        ("target_rate", 1.1, "from 0 to 1"),
        ("threshold_step", -0.5, "0 or more"),
        ("memory", -0.1, "from 0 to 1"),
        ("memory", 1.1, "from 0 to 1"),
        ("learning_range", 0.0, "above 0"),
    ],
)
def test_a_setting_of_the_novelty_rule_outside_its_range_is_refused(name, value, wanted):
    refuses(NoveltyLayer, f"{name} must be {wanted}, got {value!r}", 4, **{name: value})


def test_the_ends_of_the_ranges_are_allowed():
    NoveltyLayer(1, target_rate=0, threshold_step=0, memory=0)
    NoveltyLayer(1, target_rate=1, memory=1)


def test_defaults_are_those_of_the_published_rules():
    layer, novelty = Layer(4), NoveltyLayer(4)
    assert (layer.activation, layer.stateless, layer.max_weight) == (None, False, 1.0)
    assert (novelty.target_rate, novelty.learning_range, novelty.threshold_step) == (0.5, 0.5, 0.2)
    assert (novelty.memory, novelty.novelty, novelty.max_weight) == (0.2, 0.01, 0.2)
    assert novelty.threshold_inhibition == 0.0


@pytest.mark.parametrize("kind", BOTH)
def test_layers_are_frozen(kind):
    layer = kind(4)
    with pytest.raises(FrozenInstanceError):
        layer.size = 5


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sigmoid", [1 / (1 + 2.718281828**2), 0.5]),
        ("tanh", [-0.9640275801, 0.0]),
        ("relu", [0.0, 0.0]),
    ],
)
def test_a_named_activation_is_the_function_of_that_name(name, expected):
    assert resolve_activation(name)(torch.tensor([-2.0, 0.0])).tolist() == pytest.approx(expected)


def test_a_callable_serves_as_an_activation():
    zor = Zor([Layer(2), Layer(2, lambda v: v + 7)], seed=0)
    assert zor.predict(torch.zeros(1, 2)).tolist() == [[7.0, 7.0]]
