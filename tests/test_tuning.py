"""Which configurations a rule may try, and which of them is chosen."""

import math
from dataclasses import dataclass

import pytest

from zorbench.baseline import choice, search
from zorbench.tuning import MOST_SEARCHED, Searched, Study, space, trials, why_unmatched


@dataclass(frozen=True)
class Many:
    lr: float = search(0.1, low=1e-3, high=1.0, log=True)
    mode: str = choice("plain", "fancy")
    steps: int = search(4, low=2, high=9)
    share: float = search(0.5, low=0.0, high=0.8)
    epochs: int = 3
    gain: float = search(2.0, low=0.5, high=8.0, log=True)


@dataclass(frozen=True)
class Settled:
    mode: str = choice("plain", "fancy")
    epochs: int = 3


@dataclass(frozen=True)
class Nothing:
    pass


# What is searched


def test_only_settings_declared_with_search_are_searched():
    assert space(Many) == [
        Searched("lr", 1e-3, 1.0, True),
        Searched("steps", 2, 9, False, whole=True),
        Searched("share", 0.0, 0.8, False),
        Searched("gain", 0.5, 8.0, True),
    ]
    assert space(Settled) == space(Nothing) == []


def test_what_a_row_has_set_itself_is_not_searched():
    assert [one.name for one in space(Many, {"lr": "0.5", "mode": "fancy"})] == ["steps", "share", "gain"]
    assert [one.name for one in space(Many, ["gain", "steps"])] == ["lr", "share"]
    assert space(Many, {"lr": 1, "steps": 2, "share": 0, "gain": 1}) == []


def test_a_number_with_a_whole_default_is_searched_as_what_it_is_declared_to_be():
    @dataclass(frozen=True)
    class Config:
        rate: float = search(1, low=0.1, high=10, log=True)

    (rate,) = space(Config)
    assert rate.at(0.25) == pytest.approx(10**-0.5, rel=1e-5)


# Where


def radical_inverse(index, base):
    """The digits of `index` in `base`, mirrored at the point: 6 = 110 in base 2 gives 0.011 = 3/8."""
    value, weight = 0.0, 1.0
    while index:
        index, digit = divmod(index, base)
        weight /= base
        value += digit * weight
    return value


def test_the_mirrored_digits_are_those_of_the_textbook():
    assert [radical_inverse(i, 2) for i in range(1, 7)] == [1 / 2, 1 / 4, 3 / 4, 1 / 8, 5 / 8, 3 / 8]
    assert [radical_inverse(i, 3) for i in range(1, 5)] == pytest.approx([1 / 3, 2 / 3, 1 / 9, 4 / 9])


@pytest.mark.parametrize("count", [2, 16, 40])
def test_the_first_trial_is_the_defaults_and_the_others_are_halton_points(count):
    first, *others = trials(space(Many), count)
    assert first == {}
    assert len(others) == count - 1
    for index, settings in enumerate(others, start=1):
        lr, steps, share, gain = (radical_inverse(index, base) for base in (2, 3, 5, 7))
        assert list(settings) == ["lr", "steps", "share", "gain"]
        assert settings["lr"] == pytest.approx(10 ** (-3 + 3 * lr), rel=1e-5)
        assert settings["steps"] == round(2 + 7 * steps)
        assert isinstance(settings["steps"], int)
        assert settings["share"] == pytest.approx(0.8 * share, rel=1e-5)
        assert settings["gain"] == pytest.approx(0.5 * 16**gain, rel=1e-5)


def test_more_trials_go_on_where_fewer_ended():
    assert trials(space(Many), 30)[:9] == trials(space(Many), 9)


def test_every_value_lies_in_its_range():
    for settings in trials(space(Many), 200)[1:]:
        for one in space(Many):
            assert one.low <= settings[one.name] <= one.high
    for one in space(Many):
        assert [one.at(0.0), one.at(1.0)] == [one.low, one.high]


def test_with_nothing_to_search_there_is_one_trial_the_defaults():
    assert trials([], 16) == trials(space(Many), 1) == [{}]


def test_no_trials_are_refused():
    with pytest.raises(ValueError, match="at least one trial, got 0"):
        trials(space(Many), 0)


# What is chosen


def study(scores):
    """A study and its records; a score is the validation error under each tuning seed, or a status."""
    keys = tuple(tuple(f"{i}/{j}" for j in range(len(pair))) for i, pair in enumerate(scores))
    records = {}
    for row, pair in zip(keys, scores, strict=True):
        for key, score in zip(row, pair, strict=True):
            if isinstance(score, str):
                records[key] = {"status": score, "metrics": {}}
            elif score is not None:
                records[key] = {"status": "ok", "metrics": {"validation": {"error": score}}}
    return Study("id", tuple({"lr": i} for i in range(len(scores))), keys), records


@pytest.mark.parametrize(
    ("scores", "chosen"),
    [
        ([(0.3, 0.3), (0.1, 0.3), (0.2, 0.3)], 1),
        ([(0.1, 0.9), (0.4, 0.4)], 1),  # the mean counts, not the best
        ([(0.5, 0.25), (0.25, 0.5), (0.375, 0.375)], 0),  # the first of equals
        ([(0.9, 0.9), (0.0, "error"), ("diverged", 0.0), ("timeout", "timeout"), (0.8, 0.8)], 4),
        ([(0.9, 0.9), (0.0, None)], 0),  # one that is missing
        ([(0.0, "unsupported"), (1.0, 1.0)], 1),
        ([("error", 0.1), (0.1, "diverged"), (None, None)], None),
    ],
)
def test_the_least_mean_validation_error_wins_and_a_failed_trial_never(scores, chosen):
    made, records = study(scores)
    assert made.chosen(records) == chosen


def test_scores_are_means_over_the_tuning_seeds_and_infinite_where_a_cell_failed():
    made, records = study([(0.25, 0.75), (0.5, "error"), (None, 0.5)])
    assert made.scores(records) == [0.5, math.inf, math.inf]


# Equal terms


def config_with(count):
    """A configuration with so many settings to search."""
    body = {f"s{i}": search(0.5, low=0.0, high=1.0) for i in range(count)}
    body["__annotations__"] = dict.fromkeys(body, float)
    return dataclass(frozen=True)(type("Config", (), body))


@pytest.mark.parametrize(
    ("config", "fixed", "role", "told"),
    [
        (config_with(MOST_SEARCHED), (), "contender", ""),
        (config_with(MOST_SEARCHED + 1), (), "contender", "searches 5 settings; 4 are the most that count"),
        (config_with(MOST_SEARCHED + 1), ("s0",), "contender", ""),
        (config_with(MOST_SEARCHED + 1), (), "reference", "searches 5 settings; 4 are the most that count"),
        (config_with(MOST_SEARCHED + 1), (), "floor", ""),
        (Settled, (), "contender", "declares no setting to search"),
        (Settled, (), "floor", ""),
        (config_with(1), ("s0",), "contender", "declares no setting to search"),
        (Nothing, (), "contender", ""),  # nothing to tune: the row is what it is
    ],
)
def test_a_row_that_is_not_on_equal_terms_says_why(config, fixed, role, told):
    found = why_unmatched(config, space(config, fixed), role)
    assert found.startswith(told)
    assert bool(found) is bool(told)
