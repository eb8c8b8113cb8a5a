"""The analog spike at and around its two constants."""

import pytest
import torch

from zorbench.zor.gate import THRESHOLD, fire, pass_open, spend

KINDS = [torch.float32, torch.float64, torch.bfloat16]


@pytest.mark.parametrize("dtype", KINDS)
def test_charge_passes_on_whole_above_minus_two_and_waits_otherwise(dtype):
    charge = torch.tensor([[-7.0, -2.0, -1.5, 0.0, 3.0]], dtype=dtype)
    analog, spikes = fire(charge, THRESHOLD)
    assert analog.tolist() == [[0.0, 0.0, -1.5, 0.0, 3.0]]
    assert spikes.tolist() == [[0.0, 0.0, 1.0, 1.0, 1.0]]
    assert pass_open(charge, THRESHOLD).tolist() == analog.tolist()


@pytest.mark.parametrize("dtype", KINDS)
def test_what_passed_on_is_spent_and_the_rest_is_dropped_below_minus_five_only(dtype):
    just_below = torch.nextafter(torch.tensor(-5.0, dtype=dtype), torch.tensor(-6.0, dtype=dtype)).item()
    charge = torch.tensor([[-7.0, just_below, -5.0, -2.0, -1.5, 3.0]], dtype=dtype)
    analog, _ = fire(charge, THRESHOLD)
    spend(charge, analog)
    assert charge.tolist() == [[0.0, 0.0, -5.0, -2.0, 0.0, 0.0]]


def test_another_threshold_and_none():
    charge = torch.tensor([[-1e30, -0.5, 0.0, 0.25]])
    assert fire(charge, 0.0)[1].tolist() == [[0.0, 0.0, 0.0, 1.0]]
    assert torch.equal(fire(charge, -torch.inf)[0], charge)
    assert torch.equal(pass_open(charge, -torch.inf), charge)


def test_the_arguments_are_left_as_they_were():
    charge = torch.tensor([[-1.0, -3.0]])
    fire(charge, THRESHOLD)
    pass_open(charge, THRESHOLD)
    assert charge.tolist() == [[-1.0, -3.0]]
