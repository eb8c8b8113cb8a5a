"""Filters against the figures of their specification."""

import pytest
import torch

from tests.spiking import oracle
from zorbench.spiking.filters import bank, digit_bank, dog, filtered, gabor, normalised

ROWS = [
    (dog(3, 3 / 9, 6 / 9), 1, [-0.155888, 1, -0.155888]),
    (dog(3, 3 / 9, 6 / 9), 0, [-0.094112, -0.155888, -0.094112]),
    (dog(3, 6 / 9, 3 / 9), 1, [1, -6.414855, 1]),
    (dog(3, 6 / 9, 3 / 9), 0, [0.603714, 1, 0.603714]),
    (dog(7, 7 / 9, 14 / 9), 3, [-0.055889, -0.101952, 0.309195, 1, 0.309195, -0.101952, -0.055889]),
    (dog(7, 14 / 9, 7 / 9), 3, [0.546780, 0.997426, -3.024956, -9.783319]),
    (dog(13, 13 / 9, 26 / 9), 6, [-0.043388, -0.076430, -0.104349, -0.045217, 0.245285, 0.733970, 1]),
    (dog(13, 26 / 9, 13 / 9), 6, [0.415798, 0.732446, 1, 0.433323, -2.350626, -7.033800, -9.583232]),
    (dog(7, 1, 2), 3, [-0.121689, -0.048160, 0.501984, 1]),
    (dog(7, 2, 1), 3, [0.961108, 0.380367, -3.964689, -7.898036]),
    (gabor(5, 67.5), 0, [0.425985, -0.258133, -0.259560, 0.873745, -0.664619]),
    (gabor(5, 67.5), 2, [-0.004898, -0.551499, 1, -0.551499, -0.004898]),
]


@pytest.mark.parametrize(("kernel", "row", "expected"), ROWS)
def test_rows_of_kernels(kernel, row, expected):
    assert kernel.dtype == torch.float32
    actual = kernel[row, : len(expected)]
    torch.testing.assert_close(actual, torch.tensor(expected), rtol=0, atol=1.5e-6)
    # A difference of Gaussians is the same seen from all sides, a Gabor filter from the opposite one.
    torch.testing.assert_close(kernel, kernel.flip(0, 1), rtol=0, atol=1e-6)


def test_an_off_centre_has_its_maximum_in_the_surround():
    kernel = dog(7, 14 / 9, 7 / 9)
    assert kernel.max() == 1
    assert kernel[1, 2] == kernel[2, 1] == kernel[5, 4] == 1


@pytest.mark.parametrize("window", [4, 0, -3, 3.0, True])
def test_a_window_is_odd(window):
    with pytest.raises(ValueError, match="an odd whole number of taps, got"):
        dog(window, 1, 2)


def test_a_bank_puts_small_kernels_in_the_middle():
    kernels = digit_bank()
    assert kernels.shape == (6, 1, 13, 13)
    torch.testing.assert_close(kernels[1, 0, 5:8, 5:8], dog(3, 6 / 9, 3 / 9))
    assert kernels[1].count_nonzero() == 9


def test_what_is_below_the_threshold_is_nothing_and_what_is_at_it_stays():
    identity = bank([torch.ones(1, 1), 2 * torch.ones(1, 1)])
    image = torch.tensor([[[[49.0, 50.0, -60.0]]]])
    assert filtered(image, identity, 50)[0, 0].tolist() == [[0, 50, 0]]
    assert filtered(image, identity, [50, 99])[0, 1].tolist() == [[0, 100, 0]]
    assert filtered(image, identity, -100, absolute=True)[0, 0].tolist() == [[49, 50, 60]]


def test_channels_are_added_up():
    image = torch.rand(2, 3, 6, 7)
    kernels = bank([dog(3, 1, 2), dog(5, 2, 1)])
    actual, expected = filtered(image, kernels), filtered(image.sum(1, keepdim=True), kernels)
    torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-5)


def test_normalisation_divides_by_the_box_beyond_the_border_too():
    torch.testing.assert_close(normalised(torch.ones(1, 1, 5, 5), 8), torch.full((1, 1, 5, 5), 11.56))
    maps = torch.rand(3, 2, 9, 12)
    expected = torch.stack([oracle.normalised(one, 2) for one in maps])
    torch.testing.assert_close(normalised(maps, 2), expected)
    assert normalised(torch.zeros(1, 1, 3, 3), 1).tolist() == torch.zeros(1, 1, 3, 3).tolist()
