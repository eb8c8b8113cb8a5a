"""The cheapest first, shared cells paid once."""

from zorbench.claims.schedule import choose


def test_the_cheapest_come_first_and_of_equals_the_first():
    questions = [("dear", {"a": 9.0}), ("cheap", {"b": 1.0}), ("also", {"c": 1.0})]
    assert choose(questions, 20.0) == ["cheap", "also", "dear"]


def test_what_does_not_fit_is_left_out():
    questions = [("dear", {"a": 9.0}), ("cheap", {"b": 1.0}), ("middle", {"c": 4.0})]
    assert choose(questions, 5.0) == ["cheap", "middle"]
    assert choose(questions, 4.9) == ["cheap"]


def test_a_cell_that_several_need_is_paid_once():
    # b costs 3 by itself, 1 once a has run x; without sharing c (2.5) would come before it and fill the time.
    questions = [("a", {"x": 2.0}), ("b", {"x": 2.0, "y": 1.0}), ("c", {"z": 2.5})]
    assert choose(questions, 3.0) == ["a", "b"]
    assert choose(questions, 5.5) == ["a", "b", "c"]


def test_what_is_there_already_costs_nothing():
    assert choose([("there", {}), ("missing", {"x": 1.0})], 0.0) == ["there"]
