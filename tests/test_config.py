import dataclasses

import pytest

from zorbench.baseline import choice, search
from zorbench.config import config_values, make_config, parse_spec
from zorbench.errors import InputError


@dataclasses.dataclass(frozen=True)
class Config:
    lr: float = search(0.1, low=0.01, high=1.0)
    steps: int = 3
    bias: bool = True
    note: str = "none"
    output: str = choice("linear", "sigmoid")
    depth: int = choice(1, 2, 3)
    sizes: tuple = (1, 2)


@dataclasses.dataclass(frozen=True)
class Positive:
    lr: float = 0.1

    def __post_init__(self):
        if self.lr <= 0:
            raise ValueError("lr must be above 0")


def problem(settings, config=Config):
    with pytest.raises(InputError) as caught:
        make_config(config, settings, "here")
    assert "\n" not in str(caught.value)
    return str(caught.value)


# NAME[key=value,...]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mlp", ("mlp", {})),
        (" mlp ", ("mlp", {})),
        ("mlp[]", ("mlp", {})),
        ("mlp[lr=0.01]", ("mlp", {"lr": "0.01"})),
        ("mlp [ lr = 0.01 , output=sigmoid ]", ("mlp", {"lr": "0.01", "output": "sigmoid"})),
        ("mlp[lr=0.01,]", ("mlp", {"lr": "0.01"})),
        ("mlp[note=a=b]", ("mlp", {"note": "a=b"})),
        ("my rule-2", ("my rule-2", {})),
    ],
)
def test_a_name_with_settings_is_taken_apart(text, expected):
    assert parse_spec(text) == expected


@pytest.mark.parametrize("text", ["", "[lr=1]", "mlp[lr=1", "mlp]lr=1[", "mlp[lr=1]x", "mlp[a[b]=1]"])
def test_what_is_no_name_with_settings_is_refused_with_the_form_expected(text):
    with pytest.raises(InputError) as caught:
        parse_spec(text)
    assert str(caught.value) == f"--baseline {text}: expected NAME or NAME[key=value,key=value]"


@pytest.mark.parametrize("part", ["lr", "lr=", "=1"])
def test_a_setting_without_key_or_value_is_named(part):
    with pytest.raises(InputError) as caught:
        parse_spec(f"mlp[steps=2,{part}]")
    assert str(caught.value) == f"--baseline mlp[steps=2,{part}]: '{part}' is not key=value"


def test_a_setting_given_twice_is_refused():
    with pytest.raises(InputError, match=r"^--baseline mlp\[lr=1,lr=2\]: lr is given twice$"):
        parse_spec("mlp[lr=1,lr=2]")


# Values


def test_defaults_are_filled_in():
    assert make_config(Config, {}, "here") == Config()
    assert make_config(Config, {"steps": 5}, "here") == Config(steps=5)


@pytest.mark.parametrize(
    ("key", "given", "expected"),
    [
        ("lr", "1e-3", 0.001),
        ("lr", "2", 2.0),
        ("lr", 2, 2.0),
        ("steps", "7", 7),
        ("steps", 7, 7),
        ("steps", 7.0, 7),
        ("bias", "true", True),
        ("bias", "Off", False),
        ("bias", "1", True),
        ("bias", "no", False),
        ("bias", False, False),
        ("note", "7", "7"),
        ("depth", "2", 2),
        ("output", "sigmoid", "sigmoid"),
        ("sizes", (4, 5), (4, 5)),
    ],
)
def test_values_and_their_texts_are_converted_to_the_type_of_the_setting(key, given, expected):
    value = getattr(make_config(Config, {key: given}, "here"), key)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("key", "given", "expected"),
    [
        ("lr", "fast", "here: lr must be a number, got 'fast'"),
        ("lr", True, "here: lr must be a number, got 'True'"),
        ("lr", None, "here: lr must be a number, got 'None'"),
        ("lr", "nan", "here: lr must be finite, got 'nan'"),
        ("lr", "-inf", "here: lr must be finite, got '-inf'"),
        ("steps", "2.5", "here: steps must be a whole number, got '2.5'"),
        ("steps", 2.5, "here: steps must be a whole number, got '2.5'"),
        ("steps", True, "here: steps must be a whole number, got 'True'"),
        ("steps", float("inf"), "here: steps must be a whole number, got 'inf'"),
        ("bias", "maybe", "here: bias must be true or false, got 'maybe'"),
        ("bias", 2, "here: bias must be true or false, got '2'"),
        ("output", "tanh", "here: unknown value of output 'tanh'; valid: linear, sigmoid"),
        ("depth", "4", "here: unknown value of depth '4'; valid: 1, 2, 3"),
    ],
)
def test_a_value_of_another_kind_is_told_with_what_was_expected(key, given, expected):
    assert problem({key: given}) == expected


def test_an_unknown_setting_is_told_with_the_nearest_and_all_valid_ones():
    expected = "here: unknown setting 'step' (did you mean steps?); valid: "
    assert problem({"step": 1}) == expected + "lr, steps, bias, note, output, depth, sizes"


def test_what_the_configuration_itself_refuses_is_told():
    assert problem({"lr": "-1"}, Positive) == "here: lr must be above 0"


def test_a_configuration_is_recorded_as_plain_values():
    assert config_values(Positive(lr=0.5)) == {"lr": 0.5}
