"""Numbers as a reader sees them."""

import math

import pytest

from zorbench.report import formatting as fmt
from zorbench.report.model import Skill, Stat


@pytest.mark.parametrize(
    ("mean", "sd", "shown"),
    [
        (0.0312, 0.0011, "0.0312 ± 0.0011"),
        (0.031249, 0.00114, "0.0312 ± 0.0011"),
        (0.09996, 0.01, "0.100 ± 0.010"),
        (0.5, None, "0.500"),
        (12.345, 1.0, "12.3 ± 1.0"),
        (1234.5, 10.0, "1,234 ± 10"),
        (0.0, 0.0, "0.00 ± 0"),
        (0.25, 0.0, "0.250 ± 0"),
        (-0.25, 0.1, "−0.250 ± 0.100"),
        (0.0000312, 0.0000011, "3.12e-5 ± 1.1e-6"),
    ],
)
def test_a_mean_has_three_significant_digits_and_its_spread_the_same_decimals(
    mean: float, sd: float | None, shown: str
) -> None:
    assert fmt.plain(Stat(mean, sd, 3), 3).text == shown


def test_a_mean_of_fewer_seeds_than_its_row_says_so() -> None:
    assert fmt.plain(Stat(0.5, 0.1, 2), 3).text == "0.500 ± 0.100 (n = 2)"


def test_what_is_missing_is_a_dash() -> None:
    for show in (fmt.plain, fmt.percent, fmt.seconds, fmt.mebibytes, fmt.count):
        assert show(None, 3).text == "–"


def test_fractions_are_percentages() -> None:
    assert fmt.percent(Stat(0.6875, 0.0123, 3), 3).text == "68.8 ± 1.2 %"


@pytest.mark.parametrize(
    ("mean", "sd", "shown"),
    [
        (0.42, 0.012, "0.420 ± 0.012 s"),
        (0.0042, 0.0003, "4.20 ± 0.30 ms"),
        (0.000002, 0.0, "<0.01 ms"),
        (12.0, None, "12.0 s"),
    ],
)
def test_seconds_have_their_unit(mean: float, sd: float | None, shown: str) -> None:
    assert fmt.seconds(Stat(mean, sd, 3), 3).text == shown


def test_memory_is_in_mebibytes_and_counts_have_thousands_apart() -> None:
    assert fmt.mebibytes(Stat(150 * 2**20, 5.0, 3), 3).text == "150 MiB"
    assert fmt.count(Stat(1234.0, 0.0, 3), 3).text == "1,234"
    assert fmt.count(Stat(1234.0, 12.0, 3), 3).text == "1,234 ± 12"


def test_skill_shows_its_interval_if_it_has_one() -> None:
    assert fmt.skill_text(Skill(0.6234, 0.5811, 0.6649, 3), 3).text == "0.623 [0.581, 0.665]"
    assert fmt.skill_text(Skill(-0.1, None, None, 1), 1).text == "−0.100"
    assert fmt.skill_text(Skill(0.5, 0.4, 0.6, 2), 3).text == "0.500 [0.400, 0.600] (n = 2)"


def test_rounding_to_nothing_leaves_no_minus_sign() -> None:
    assert fmt.fixed(-0.0001, 2) == "0.00"


@pytest.mark.parametrize("value", [0.001234, 0.9996, 1.0, 9.996, 123.4, 0.0999])
def test_the_decimals_keep_exactly_three_significant_digits(value: float) -> None:
    printed = fmt.fixed(value, fmt.decimals_for(value))
    assert math.isclose(float(printed), float(f"{value:.2e}"))
    assert len(printed.replace(".", "").lstrip("0")) == 3


def test_runs_of_seeds_are_shortened() -> None:
    assert fmt.seed_list([2, 0, 1, 7, 7, 9, 10]) == "0–2, 7, 9–10"


def test_settings_are_in_order_of_their_names() -> None:
    assert fmt.settings({"lr": 0.001, "depth": 2, "mode": "schön"}) == 'depth=2, lr=0.001, mode="schön"'


def test_an_anchor_has_only_letters_digits_and_hyphens() -> None:
    assert fmt.slug("Größe 10_shot <b>") == "größe-10-shot-b"
    assert fmt.slug("!!") == "x"
