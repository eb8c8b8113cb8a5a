"""Settings go through JSON and come back equal; anything else is refused in a sentence."""

import json
import math
import re
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from zorbench.zor import ConvLayer, ConvTransposeLayer, Layer
from zorbench.zor.settings import Settings, from_json, to_json

from .architectures import DTYPES, stacks

LAYERS = (
    Layer((1, 6, 6), threshold=-math.inf),
    ConvLayer(2, 3, padding=0, activation="relu"),
    ConvTransposeLayer(2, 3, 2, output_size=(7, 8), max_weight=math.inf),
    Layer(4, "softmax", stateless=True),
)


def settings(**changes) -> Settings:
    plain = Settings(LAYERS, 0.1, 0.2, compile=False, precision="full", dtype=torch.float32)
    return plain._replace(**changes)


def refuses(call, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        call()


@given(
    stacks(),
    st.floats(min_value=0),
    st.floats(min_value=0),
    st.booleans(),
    st.sampled_from(["full", "tf32", "bf16"]),
    DTYPES,
)
def test_settings_come_back_as_they_were(layers, lr, weight_decay, compile, precision, dtype):
    given = Settings(tuple(layers), lr, weight_decay, compile, precision, dtype)
    assert from_json(to_json(given)) == given


def test_all_kinds_of_layers_come_back_with_all_they_have():
    assert from_json(to_json(settings())) == settings()


def test_the_text_is_json_of_the_strict_kind():
    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    plain = json.loads(to_json(settings(lr=math.inf)), parse_constant=refuse)
    assert plain["lr"] == "inf"
    assert plain["layers"][0] == {
        "kind": "Layer",
        "size": [1, 6, 6],
        "activation": None,
        "stateless": False,
        "max_weight": 1.0,
        "threshold": "-inf",
    }
    assert plain["layers"][2]["output_size"] == [7, 8]


def test_numbers_of_numpy_are_numbers():
    odd = settings(lr=np.float32(0.1), layers=(Layer(2, threshold=np.float32(-0.3)), Layer(3)))
    again = from_json(to_json(odd))
    assert again.lr == float(np.float32(0.1))
    assert again.layers[0].threshold == float(np.float32(-0.3))


# What cannot be written


@pytest.mark.parametrize("function", [torch.sin, lambda x: x, torch.nn.ReLU()])
def test_a_function_as_activation_names_the_valid_names(function):
    refuses(
        lambda: to_json(settings(layers=(Layer(3), Layer(2, function)))),
        "layer 1 has a function as its activation, which cannot be saved; "
        "valid: sigmoid, tanh, relu, softmax or None (identity)",
    )


def test_a_layer_of_another_type_names_the_valid_ones():
    @dataclass(frozen=True)
    class Other(Layer):
        more: int = 1

    @dataclass(frozen=True)
    class Namesake(Layer):
        more: int = 1

    Namesake.__name__ = "Layer"
    valid = "valid: Layer, ConvLayer, ConvTransposeLayer"
    refuses(lambda: to_json(settings(layers=(Other(3),))), f"layer 0 of type Other cannot be saved; {valid}")
    refuses(
        lambda: to_json(settings(layers=(Namesake(3),))), f"layer 0 of type Layer cannot be saved; {valid}"
    )


def test_a_dtype_that_files_do_not_have_names_the_valid_ones():
    refuses(
        lambda: to_json(settings(dtype=torch.float8_e5m2)),
        "a network of torch.float8_e5m2 cannot be saved; valid: float64, float32, float16, bfloat16",
    )


# What cannot be read


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"layers": 3}', "[" * 100_000])
def test_what_is_no_description_is_told(text):
    refuses(lambda: from_json(text), "its description of the network is not readable")


def changed(change) -> str:
    plain = json.loads(to_json(settings()))
    change(plain)
    return json.dumps(plain)


TOP = "layers, lr, weight_decay, compile, precision, dtype"
CONV = "out_channels, kernel, stride, padding, activation, stateless, max_weight, threshold"
NUMBER = "must be a number, 'inf' or '-inf', got"
BAD = {
    "no layers": (lambda d: d.pop("layers"), "the network lacks the setting 'layers'"),
    "no rate": (lambda d: d.pop("lr"), "the network lacks the setting 'lr'"),
    "one more": (lambda d: d.update(rule=1), f"the network has an unknown setting 'rule'; valid: {TOP}"),
    "a rate in words": (lambda d: d.update(lr="fast"), f"lr {NUMBER} 'fast'"),
    "a rate that is true": (lambda d: d.update(lr=True), f"lr {NUMBER} True"),
    "a rate beyond numbers": (lambda d: d.update(lr=10**400), f"lr {NUMBER} 1{'0' * 400}"),
    "a decay that is a list": (lambda d: d.update(weight_decay=[]), f"weight_decay {NUMBER} []"),
    "half compiled": (lambda d: d.update(compile=0.5), "compile must be true or false, got 0.5"),
    "another dtype": (
        lambda d: d.update(dtype="int8"),
        "unknown dtype 'int8'; valid: float64, float32, float16, bfloat16",
    ),
    "a list as dtype": (
        lambda d: d.update(dtype=["int8"]),
        "unknown dtype ['int8']; valid: float64, float32, float16, bfloat16",
    ),
    "a layer that is a number": (
        lambda d: d["layers"].__setitem__(1, 5),
        "layer 1 must be described by its settings, got 5",
    ),
    "another kind of layer": (
        lambda d: d["layers"][1].update(kind="Recurrent"),
        "unknown kind of layer 1 'Recurrent'; valid: Layer, ConvLayer, ConvTransposeLayer",
    ),
    "no kind of layer": (
        lambda d: d["layers"][3].pop("kind"),
        "unknown kind of layer 3 None; valid: Layer, ConvLayer, ConvTransposeLayer",
    ),
    "a layer's unknown setting": (
        lambda d: d["layers"][1].update(groups=2),
        f"layer 1 has an unknown setting 'groups'; valid: {CONV}",
    ),
    "a layer's missing setting": (
        lambda d: d["layers"][1].pop("threshold"),
        "layer 1 lacks the setting 'threshold'",
    ),
    "an unknown activation": (
        lambda d: d["layers"][0].update(activation="swish"),
        "layer 0: unknown activation 'swish'; valid: sigmoid, tanh, relu, softmax, None (identity) "
        "or a callable",
    ),
    "a size out of range": (
        lambda d: d["layers"][3].update(size=0),
        "layer 3: size must be a whole number, 1 or more, got 0",
    ),
    "a threshold in words": (
        lambda d: d["layers"][2].update(threshold="low"),
        f"layer 2: threshold {NUMBER} 'low'",
    ),
    "a state in words": (
        lambda d: d["layers"][2].update(stateless="no"),
        "layer 2: stateless must be true or false, got 'no'",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_settings_that_are_not_ours_are_told(name):
    change, message = BAD[name]
    refuses(lambda: from_json(changed(change)), message)


def test_a_setting_of_a_wrong_type_is_told_with_its_layer():
    refuses(
        lambda: from_json(changed(lambda d: d["layers"][1].update(padding="same"))),
        "layer 1: padding must be whole, from 0 to less than the kernel, got 'same'",
    )
