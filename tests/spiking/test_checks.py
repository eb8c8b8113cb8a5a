"""What is refused at the door, and in which words."""

import math
import re

import pytest
import torch

from zorbench.spiking.checks import check_shape, check_steps, check_unit, check_width


def refuses(message, check, *arguments):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        check(*arguments)


@pytest.mark.parametrize("inputs", [torch.zeros(1, 1), torch.ones(2, 3, 4), torch.rand(3, 2).double()])
def test_the_unit_interval_ends_included_passes(inputs):
    check_unit(inputs)


@pytest.mark.parametrize("bad", [math.nan, -math.nan])
@pytest.mark.parametrize("place", [0, 5, 11])
def test_a_single_pixel_that_is_no_number_is_found(place, bad):
    inputs = torch.rand(3, 4)
    inputs.view(-1)[place] = bad
    refuses("inputs must lie in [0, 1], got NaN", check_unit, inputs)


@pytest.mark.parametrize(
    ("bad", "found"),
    [(-1e-3, "-0.001 to 0.5"), (1.5, "0.5 to 1.5"), (math.inf, "0.5 to inf"), (-math.inf, "-inf to 0.5")],
)
def test_a_single_pixel_out_of_range_is_found(bad, found):
    inputs = torch.full((3, 4), 0.5)
    inputs[1, 2] = bad
    refuses(f"inputs must lie in [0, 1], got values from {found}", check_unit, inputs)
    refuses(f"pixels must lie in [0, 1], got values from {found}", check_unit, inputs, "pixels")


@pytest.mark.parametrize("shape", [(0, 3), (3,), (), (3, 0), (0,)])
def test_what_is_no_batch_is_refused(shape):
    message = f"inputs must be a batch of at least one sample, got the shape {list(shape)}"
    refuses(message, check_unit, torch.zeros(shape))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.bool])
def test_whole_numbers_are_refused(dtype):
    message = f"inputs must be floating-point numbers, got {dtype}"
    refuses(message, check_unit, torch.ones(2, 3, dtype=dtype))


@pytest.mark.parametrize("steps", [0, -1, True, False, 2.0, 0.5, math.nan, "4", None])
def test_time_steps_are_a_whole_number_from_1_up(steps):
    message = f"the number of time steps T must be a whole number of at least 1, got {steps!r}"
    refuses(message, check_steps, steps)


def test_one_step_is_enough():
    check_steps(1)


def test_a_wrong_width_is_told_with_the_right_one():
    check_width(3, 3)
    refuses("inputs have 4 numbers a sample; this layer takes 3", check_width, 4, 3)
    refuses("targets have 4 numbers a sample; this layer takes 3", check_width, 4, 3, "targets")


def test_a_wrong_shape_is_told_with_the_right_one():
    check_shape(torch.zeros(2, 3, 4), (3, 4))
    for found, expected in (([4, 3], [3, 4]), ([12], [3, 4]), ([1], [3]), ([3, 1], [3])):
        message = f"inputs have the shape {found} a sample; expected {expected}"
        refuses(message, check_shape, torch.zeros(2, *found), tuple(expected))
