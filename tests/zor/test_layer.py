"""Layers refuse what lies outside their ranges, in a sentence."""

import re
from dataclasses import FrozenInstanceError

import pytest
import torch

from zorbench.zor import ConvLayer, ConvTransposeLayer, Layer, NoveltyLayer, Zor
from zorbench.zor.layer import resolve_activation

BOTH = [Layer, NoveltyLayer]
WINDOWS = [ConvLayer, ConvTransposeLayer]


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


@pytest.mark.parametrize("size", [(1, 2), (1, 2, 0), (1.0, 2, 2), (1, 2, 3, 4), ()])
def test_the_shape_of_an_image_is_three_whole_numbers_above_zero(size):
    refuses(
        Layer, f"size must be units or (channels, height, width), all whole and 1 or more, got {size!r}", size
    )


@pytest.mark.parametrize("kind", WINDOWS)
@pytest.mark.parametrize("value", [0, -1, 1.5, True, "3"])
@pytest.mark.parametrize("name", ["out_channels", "kernel", "stride"])
def test_a_window_is_counted_in_whole_numbers_above_zero(kind, name, value):
    settings = {"out_channels": 2, "kernel": 3, name: value}
    refuses(kind, f"{name} must be a whole number, 1 or more, got {value!r}", **settings)


@pytest.mark.parametrize("kind", WINDOWS)
@pytest.mark.parametrize("padding", [-1, 3, 0.5, True, "same"])
def test_padding_is_less_than_the_kernel(kind, padding):
    refuses(kind, f"padding must be whole, from 0 to less than the kernel, got {padding!r}", 2, 3, 1, padding)


@pytest.mark.parametrize("size", [7, (7,), (7, 0), [7, 7], (7, 7.0)])
def test_an_output_size_is_a_height_and_a_width(size):
    refuses(
        ConvTransposeLayer,
        f"output_size must be (height, width), both whole and 1 or more, got {size!r}",
        2,
        3,
        output_size=size,
    )


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_a_threshold_is_a_number_or_open(value):
    message = f"threshold must be a number or -inf, got {value!r}"
    refuses(Layer, message, 4, threshold=value)
    for kind in WINDOWS:
        refuses(kind, message, 2, 3, threshold=value)
    assert Layer(4, threshold=float("-inf")).threshold == float("-inf")


@pytest.mark.parametrize("kind", WINDOWS)
def test_a_convolution_checks_what_every_layer_does(kind):
    refuses(kind, "max_weight must be above 0, got 0", 2, 3, max_weight=0)
    with pytest.raises(ValueError, match=r"^unknown activation 'swish'; valid: sigmoid"):
        kind(2, 3, activation="swish")


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
    for other in (layer, ConvLayer(2, 3), ConvTransposeLayer(2, 3)):
        assert (other.activation, other.stateless, other.max_weight) == (None, False, 1.0)
        assert other.threshold == -2.0
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


def test_softmax_runs_over_the_last_axis():
    rows = torch.tensor([[1.0, 2.0, 4.0], [0.0, 0.0, 0.0]])
    shares = resolve_activation("softmax")(rows)
    exponentials = [[2.718281828**v for v in row] for row in rows.tolist()]
    expected = [[v / sum(row) for v in row] for row in exponentials]
    assert shares.tolist() == [pytest.approx(row) for row in expected]


def test_softmax_of_the_output_makes_shares_of_each_rows_currents():
    zor = Zor([Layer(4), Layer(3, "softmax")], seed=0)
    x = torch.rand(5, 4)
    expected = torch.nn.functional.softmax(x @ zor.weights[0], dim=1)
    torch.testing.assert_close(zor.predict(x), expected)
    t = torch.eye(3)[[0, 1, 2, 0, 1]]
    torch.testing.assert_close(zor.train_batch(x, t), t - expected)


def test_a_callable_serves_as_an_activation():
    zor = Zor([Layer(2), Layer(2, lambda v: v + 7)], seed=0)
    assert zor.predict(torch.zeros(1, 2)).tolist() == [[7.0, 7.0]]
