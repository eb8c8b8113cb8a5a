import random

import numpy as np
import pytest
import torch

from zorbench.randomness import GlobalRandomness, derive_seed


def draw():
    return random.random(), float(np.random.rand()), float(torch.rand(()))


def test_seeds_fit_in_63_bits_and_depend_on_every_part_and_its_place():
    seeds = [derive_seed(*parts) for parts in [("a", 1), ("a", 2), ("b", 1), (1, "a"), ("a1",), ("a", 1, "")]]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert derive_seed("a", 1) == derive_seed("a", 1)


def test_the_same_seed_gives_the_same_numbers_of_every_global_generator():
    with GlobalRandomness(5).installed():
        first = draw()
    with GlobalRandomness(5).installed():
        second = draw()
    with GlobalRandomness(6).installed():
        third = draw()
    assert first == second
    assert all(a != b for a, b in zip(first, third, strict=True))


def test_the_state_goes_on_from_one_call_to_the_next():
    whole = GlobalRandomness(5)
    with whole.installed():
        expected = [draw(), draw()]
    parts = GlobalRandomness(5)
    with parts.installed():
        first = draw()
    draw()  # the caller's own
    with parts.installed():
        second = draw()
    assert [first, second] == expected


def test_the_caller_notices_nothing():
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    expected = [draw(), draw()]
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    first = draw()
    randomness = GlobalRandomness(7)
    with randomness.installed():
        draw()
    with pytest.raises(ZeroDivisionError), randomness.installed():
        draw()[0] / 0
    assert [first, draw()] == expected


def test_one_inside_another_leaves_the_outer_as_it_was():
    alone = GlobalRandomness(3)
    with alone.installed():
        expected = [draw(), draw()]
    outer = GlobalRandomness(3)
    with outer.installed():
        first = draw()
        with GlobalRandomness(4).installed():
            draw()
        second = draw()
    assert [first, second] == expected
