"""The names of test conditions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zorbench.conditions import Noise, conditions, parse
from zorbench.errors import InputError


@pytest.mark.parametrize(
    ("kind", "level", "name"),
    [
        ("gaussian", 0.2, "gaussian-0.2"),
        ("gaussian", 1, "gaussian-1"),
        ("gaussian", 1.0, "gaussian-1"),
        ("gaussian", 0.001, "gaussian-0.001"),
        ("salt_pepper", 0.1, "salt_pepper-0.1"),
        ("poisson", 30.0, "poisson-30"),
        ("poisson", 0.3, "poisson-0.3"),
        ("poisson", 1e6, "poisson-1000000"),
    ],
)
def test_equal_noise_has_one_name_which_is_read_back(kind, level, name):
    assert Noise(kind, level).name == name
    assert parse(name) == Noise(kind, level)


@given(st.floats(0.001, 10))
def test_every_level_is_read_back_exactly(level):
    assert parse(Noise("gaussian", level).name).level == level


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        (
            "gausian-0.1",
            "test condition 'gausian-0.1': unknown kind of noise 'gausian' (did you mean gaussian?); "
            "valid: gaussian, salt_pepper, poisson",
        ),
        (
            "clean",
            "test condition 'clean': unknown kind of noise 'clean'; valid: gaussian, salt_pepper, poisson",
        ),
        ("gaussian", "test condition 'gaussian': no standard deviation is given, as in gaussian-10"),
        ("salt_pepper-", "test condition 'salt_pepper-': no share of pixels is given, as in salt_pepper-1"),
        ("poisson-few", "test condition 'poisson-few': no photons at white is given, as in poisson-1000000"),
        ("gaussian-0", "gaussian: standard deviation = 0; it can be 0.001 to 10"),
        ("gaussian--1", "gaussian: standard deviation = -1; it can be 0.001 to 10"),
        ("gaussian-11", "gaussian: standard deviation = 11; it can be 0.001 to 10"),
        ("gaussian-nan", "gaussian: standard deviation = nan; it can be 0.001 to 10"),
        ("gaussian-inf", "gaussian: standard deviation = inf; it can be 0.001 to 10"),
        ("salt_pepper-1.5", "salt_pepper: share of pixels = 1.5; it can be 0.001 to 1"),
        ("poisson-0.001", "poisson: photons at white = 0.001; it can be 0.01 to 1000000"),
        ("gaussian-0.10", "test condition 'gaussian-0.10': write gaussian-0.1"),
        ("poisson-1e2", "test condition 'poisson-1e2': write poisson-100"),
        ("gaussian- 0.1", "test condition 'gaussian- 0.1': write gaussian-0.1"),
    ],
)
def test_what_is_no_condition_is_told_with_what_can_be(condition, told):
    with pytest.raises(InputError) as caught:
        parse(condition)
    assert str(caught.value) == told


def test_conditions_come_by_kind_from_the_weakest_to_the_strongest():
    given = {"poisson": [1, 30.0, 3], "gaussian": [0.4, 0.1], "salt_pepper": [0.2]}
    expected = ("gaussian-0.1", "gaussian-0.4", "salt_pepper-0.2", "poisson-30", "poisson-3", "poisson-1")
    assert conditions(given) == expected
    assert conditions({}) == conditions({"gaussian": []}) == ()
    strengths = [parse(name).strength for name in expected[3:]]
    assert strengths == pytest.approx([30**-0.5, 3**-0.5, 1])


@pytest.mark.parametrize(
    ("levels", "told"),
    [
        ({"gaussian": [0.1, 0.2, 0.1]}, "gaussian: standard deviation = 0.1 is given twice"),
        ({"poisson": [1, 1.0]}, "poisson: photons at white = 1 is given twice"),
        ({"gaussian": [0.1, 20]}, "gaussian: standard deviation = 20; it can be 0.001 to 10"),
        (
            {"salt": [0.1]},
            "unknown kind of noise 'salt'; valid: gaussian, salt_pepper, poisson",
        ),
    ],
)
def test_levels_that_cannot_be_are_told(levels, told):
    with pytest.raises(InputError) as caught:
        conditions(levels)
    assert str(caught.value) == told
