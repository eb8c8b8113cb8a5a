"""Pixels as firing times."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from zorbench.spiking import SILENT, to_pixels, to_times


def test_white_fires_at_1_black_at_e_and_grey_between():
    times = to_times(torch.tensor([1.0, 0.0, 0.5]))
    torch.testing.assert_close(times, torch.tensor([1.0, math.e, math.sqrt(math.e)]))


@given(st.floats(0, 1, width=32))
def test_decoding_is_the_inverse_of_encoding(x):
    assert to_pixels(to_times(torch.tensor([x]))).item() == pytest.approx(x, abs=3e-7)


def test_the_brighter_the_earlier():
    times = to_times(torch.linspace(0, 1, 101))
    assert (times.diff() < 0).all()


@pytest.mark.parametrize(("time", "pixel"), [(0.5, 1), (0.0, 1), (-3.0, 1), (2.8, 0), (SILENT, 0)])
def test_times_out_of_range_are_white_or_black(time, pixel):
    assert to_pixels(torch.tensor([time])).item() == pytest.approx(pixel, abs=3e-7)
