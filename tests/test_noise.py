"""Noise: what is expected follows from its definition, with bounds of six standard errors."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from zorbench.conditions import KINDS, Noise, parse
from zorbench.noise import ADD, add_noise

N = 200_000


def noisy(condition, images, seed=0):
    return add_noise(images, parse(condition), torch.Generator().manual_seed(seed))


def grey(value, n=N):
    return torch.full((n // 100, 1, 10, 10), value)


def close(values, mean, variance):
    """Whether the mean of many values is what it should be, and their spread, too (that to 3 %)."""
    assert abs(float(values.double().mean()) - mean) < 6 * math.sqrt(variance / values.numel())
    assert float(values.double().var()) == pytest.approx(variance, rel=0.03)


# Gaussian


@pytest.mark.parametrize("sigma", [0.01, 0.05])
def test_gaussian_noise_has_mean_0_and_its_standard_deviation(sigma):
    found = noisy(f"gaussian-{sigma}", grey(0.5))  # ten deviations from both ends: nothing is clipped
    close(found - 0.5, 0.0, sigma**2)
    assert float(((found - 0.5).abs() < sigma).double().mean()) == pytest.approx(0.6827, abs=0.01)


def test_what_gaussian_noise_takes_beyond_black_or_white_is_clipped():
    for value in (0.0, 1.0):
        found = noisy("gaussian-0.2", grey(value))
        assert 0 <= found.min() <= found.max() <= 1
        # Half of the noise points outwards: p = 1/2, and the standard error of a share is √(p (1 − p) / N).
        assert abs(float((found == value).double().mean()) - 0.5) < 6 * 0.5 / math.sqrt(N)
        # E max(z, 0) = 1 / √(2π), E max(z, 0)² = 1/2.
        close((found - value).abs(), 0.2 / math.sqrt(2 * math.pi), 0.04 * (0.5 - 1 / (2 * math.pi)))


def test_gaussian_noise_is_drawn_for_each_channel_and_image():
    found = noisy("gaussian-0.1", torch.full((1000, 3, 8, 8), 0.5)) - 0.5
    red, green, blue = found.unbind(1)
    for one, other in ((red, green), (green, blue), (found[:500], found[500:])):
        product = (one * other / 0.01).double()
        assert abs(float(product.mean())) < 6 / math.sqrt(product.numel())


# Salt and pepper


@pytest.mark.parametrize("share", [0.05, 0.4, 1])
def test_the_share_of_the_pixels_becomes_black_or_white_as_often(share):
    found = noisy(f"salt_pepper-{share}", grey(0.5))
    error = 6 * math.sqrt(share / 2 * (1 - share / 2) / N)
    for value in (0.0, 1.0):
        assert abs(float((found == value).double().mean()) - share / 2) < error
    assert set(found.unique().tolist()) <= {0.0, 0.5, 1.0}


def test_pixels_that_are_spared_stay_what_they_were():
    images = torch.rand(100, 1, 28, 28)
    found = noisy("salt_pepper-0.3", images)
    spared = (found != 0) & (found != 1)
    assert torch.equal(found[spared], images[spared])
    assert 0.6 < float(spared.double().mean()) < 0.8


def test_of_colour_images_whole_pixels_are_replaced():
    images = 0.2 + 0.6 * torch.rand(200, 3, 16, 16)
    found = noisy("salt_pepper-0.2", images)
    changed = found != images
    assert torch.equal(changed.any(1), changed.all(1))
    assert torch.equal(found.eq(0).any(1), found.eq(0).all(1))
    places = 200 * 16 * 16
    assert abs(float(changed.any(1).double().mean()) - 0.2) < 6 * math.sqrt(0.2 * 0.8 / places)


def test_of_inputs_that_are_no_images_each_number_is_a_pixel():
    rows = torch.full((5000, 4), 0.5)
    found = noisy("salt_pepper-0.5", rows)
    per_row = (found != 0.5).sum(1)
    assert set(per_row.tolist()) == {0, 1, 2, 3, 4}
    assert abs(float(per_row.double().mean()) - 2) < 6 * math.sqrt(4 * 0.25 / 5000)
    for condition in ("gaussian-0.1", "poisson-10"):
        assert noisy(condition, rows).shape == (5000, 4)


# Poisson


@pytest.mark.parametrize(("value", "peak"), [(0.25, 400), (0.5, 1000), (0.1, 100)])
def test_shot_noise_has_the_variance_of_its_photons(value, peak):
    found = noisy(f"poisson-{peak}", grey(value))
    close(found, value, value / peak)
    counts = found.double() * peak
    assert float((counts - counts.round()).abs().max()) < 1e-3  # whole photons


def test_black_stays_black_and_white_is_clipped():
    assert not noisy("poisson-3", grey(0.0)).any()
    found = noisy("poisson-1", grey(1.0))
    # No photon with probability 1/e; one or more are white.
    assert set(found.unique().tolist()) == {0.0, 1.0}
    dark = math.exp(-1)
    assert abs(float((found == 0).double().mean()) - dark) < 6 * math.sqrt(dark * (1 - dark) / N)


def test_fewer_photons_are_noisier():
    spread = [float(noisy(f"poisson-{peak}", grey(0.2)).std()) for peak in (1000, 100, 10)]
    assert spread == sorted(spread)
    assert spread[1] / spread[0] == pytest.approx(math.sqrt(10), rel=0.03)


def test_the_most_photons_are_counted_one_by_one():
    found = noisy("poisson-1000000", grey(0.5))
    close(found, 0.5, 0.5e-6)


# All kinds


def test_every_kind_that_has_a_name_can_be_added():
    assert list(ADD) == list(KINDS)


@pytest.mark.parametrize("kind", KINDS)
@given(share=st.floats(0, 1), seed=st.integers(0, 2**63 - 1))
def test_at_any_level_images_stay_images_and_their_source_is_left_alone(kind, share, seed):
    about = KINDS[kind]
    level = about.low ** (1 - share) * about.high**share
    level = min(max(level, about.low), about.high)
    images = torch.rand(3, 3, 5, 4)
    before = images.clone()
    found = add_noise(images, Noise(kind, level), torch.Generator().manual_seed(seed))
    assert torch.equal(images, before)
    assert (found.shape, found.dtype) == (images.shape, torch.float32)
    assert bool(torch.isfinite(found).all())
    assert 0 <= found.min() <= found.max() <= 1
    assert found.data_ptr() != images.data_ptr()


@pytest.mark.parametrize("condition", ["gaussian-0.2", "salt_pepper-0.2", "poisson-2"])
def test_the_generator_alone_decides_the_noise(condition):
    images = torch.rand(10, 1, 8, 8)
    torch.manual_seed(1)
    first = noisy(condition, images, seed=5)
    state = torch.get_rng_state()
    torch.manual_seed(2)
    assert torch.equal(noisy(condition, images, seed=5), first)
    assert not torch.equal(noisy(condition, images, seed=6), first)
    torch.manual_seed(1)
    assert torch.equal(torch.get_rng_state(), state)
