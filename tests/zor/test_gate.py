"""The analog spike at and around its two constants."""

import torch

from zorbench.zor.gate import fire, starting_charge


def test_charge_passes_on_whole_above_minus_two_and_waits_otherwise():
    analog, spikes, left = fire(torch.tensor([[-7.0, -2.0, -1.5, 0.0, 3.0]]))
    assert analog.tolist() == [[0.0, 0.0, -1.5, 0.0, 3.0]]
    assert spikes.tolist() == [[False, False, True, True, True]]
    assert left.tolist() == [[-7.0, -2.0, 0.0, 0.0, 0.0]]


def test_kept_charge_is_dropped_below_minus_five_only():
    kept = torch.tensor([[-5.5, -5.0, -3.0]])
    assert starting_charge(kept, torch.ones(1, 3)).tolist() == [[0.0, -5.0, -3.0]]


def test_another_number_of_rows_starts_from_zero():
    kept = torch.full((2, 3), -3.0)
    assert starting_charge(kept, torch.ones(1, 3)).tolist() == [[0.0, 0.0, 0.0]]
    assert starting_charge(torch.zeros(0, 3), torch.ones(2, 3)).tolist() == [[0.0] * 3] * 2


def test_the_arguments_are_left_as_they_were():
    charge, kept = torch.tensor([[-1.0, -3.0]]), torch.tensor([[-6.0, -3.0]])
    fire(charge)
    starting_charge(kept, charge)
    assert charge.tolist() == [[-1.0, -3.0]]
    assert kept.tolist() == [[-6.0, -3.0]]
