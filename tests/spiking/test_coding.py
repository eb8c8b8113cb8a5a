"""Rate codes, held against the binomial distribution and against a neuron stepped through time."""

import re

import pytest
import torch
from scipy import stats

from zorbench.spiking import Bernoulli, constant
from zorbench.spiking.coding import membrane_weights

from .membrane import draw, normal


def coding(steps=4, shape=(6,), seed=0):
    return Bernoulli(steps, shape, torch.Generator().manual_seed(seed))


LEVELS = torch.tensor([0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99])


def within_bounds(counts, n, chances):
    for count, chance in zip(counts.tolist(), chances.tolist(), strict=True):
        low, high = stats.binom.interval(1 - 1e-6, n, chance)
        assert low <= count <= high, chance


def test_a_pixel_fires_at_each_step_with_the_probability_that_it_is():
    spikes = coding(10, (7,)).draw(LEVELS.expand(2000, 7))
    assert spikes.shape == (10, 2000, 7)
    assert set(spikes.unique().tolist()) == {0, 1}
    within_bounds(spikes.sum(dim=(0, 1)), 20000, LEVELS)
    for step in spikes:
        within_bounds(step.sum(dim=0), 2000, LEVELS)


def test_draws_are_independent_across_steps_samples_and_pixels():
    spikes = coding(2, (2,)).draw(torch.full((5000, 2), 0.5))
    quarter = torch.tensor([0.25])
    within_bounds((spikes[0, :, 0] * spikes[1, :, 0]).sum()[None], 5000, quarter)
    within_bounds((spikes[0, :, 0] * spikes[0, :, 1]).sum()[None], 5000, quarter)
    within_bounds((spikes[0, :-1, 0] * spikes[0, 1:, 0]).sum()[None], 4999, quarter)


@pytest.mark.parametrize("code", ["draw", "fixed"])
def test_black_never_fires_and_white_always(code):
    spikes = coding(50, (400,))
    assert not getattr(spikes, code)(torch.zeros(3, 400)).any()
    assert getattr(spikes, code)(torch.ones(3, 400)).all()


def test_black_does_not_even_fire_where_zero_is_drawn(monkeypatch):
    spikes = coding()
    spikes.thresholds.zero_()
    assert not spikes.fixed(torch.zeros(3, 6)).any()
    monkeypatch.setattr(torch, "rand", lambda *shape, **options: torch.zeros(*shape))
    assert not spikes.draw(torch.zeros(3, 6)).any()
    assert spikes.draw(torch.full((3, 6), 1e-6)).all()


def test_the_fixed_code_fires_at_the_same_rate_over_many_pixels():
    for level in LEVELS:
        spikes = coding(10, (2000,)).fixed(level.expand(1, 2000))
        within_bounds(spikes.sum()[None], 20000, level[None])


def test_the_fixed_code_of_an_image_is_the_same_whatever_is_beside_it():
    spikes, pixels = coding(5, (2, 3)), draw(7, 2, 3)
    whole = spikes.fixed(pixels)
    assert whole.shape == (5, 7, 2, 3)
    spikes.draw(pixels)
    for split in (1, 2, 3):
        assert torch.equal(torch.cat([spikes.fixed(part) for part in pixels.split(split)], dim=1), whole)
    assert torch.equal(spikes.fixed(pixels.flip(0)).flip(1), whole)


def test_a_brighter_pixel_fires_whenever_a_darker_one_does():
    spikes, pixels = coding(8, (30,)), draw(4, 30)
    assert (spikes.fixed(pixels.sqrt()) >= spikes.fixed(pixels)).all()


def test_training_draws_differ_from_step_to_step_and_come_from_the_generator_alone():
    pixels, outside = draw(5, 6), torch.get_rng_state()
    one, other, another = coding(seed=1), coding(seed=1), coding(seed=2)
    first, second = one.draw(pixels), one.draw(pixels)
    assert not torch.equal(first, second)
    assert torch.equal(other.draw(pixels), first)
    assert torch.equal(other.draw(pixels), second)
    assert not torch.equal(another.draw(pixels), first)
    assert torch.equal(outside, torch.get_rng_state())


def test_predicting_draws_nothing():
    spikes, pixels = coding(), draw(5, 6)
    state = spikes.generator.get_state()
    spikes.fixed(pixels)
    assert torch.equal(spikes.generator.get_state(), state)


def test_constant_shows_the_pixels_at_every_step():
    pixels = draw(5, 2, 3)
    shown = constant(pixels, 4)
    assert shown.shape == (4, 5, 2, 3)
    assert all(torch.equal(step, pixels) for step in shown)


@pytest.mark.parametrize("steps", [1, 2, 4, 9])
@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9, 1.0])
def test_membrane_weights_give_the_mean_potential_of_a_neuron_that_never_fires(steps, decay):
    currents, u, potentials = normal(steps).double(), 0.0, []
    for current in currents:
        u = decay * u + current
        potentials.append(u)
    expected = sum(potentials) / steps
    found = (membrane_weights(steps, decay).double() * currents).sum()
    assert found.item() == pytest.approx(float(expected), rel=1e-5, abs=1e-6)


BAD_STEPS = [0, -1, True, 2.0]


@pytest.mark.parametrize("steps", BAD_STEPS)
def test_a_wrong_number_of_steps_is_refused(steps):
    message = re.escape(f"whole number of at least 1, got {steps!r}")
    for work in (
        lambda: coding(steps),
        lambda: constant(draw(2, 3), steps),
        lambda: membrane_weights(steps, 0.5),
    ):
        with pytest.raises(ValueError, match=message):
            work()


BAD = [
    (torch.full((2, 6), float("nan")), "got NaN"),
    (torch.full((2, 6), -0.5), "must lie in [0, 1]"),
    (torch.full((2, 6), 1.01), "must lie in [0, 1]"),
    (torch.zeros(0, 6), "at least one sample"),
    (torch.zeros(6), "at least one sample"),
    (torch.ones(2, 6, dtype=torch.int32), "floating-point"),
]


@pytest.mark.parametrize(("inputs", "message"), BAD)
def test_bad_inputs_are_refused_by_every_code(inputs, message):
    for code in (coding().draw, coding().fixed, lambda x: constant(x, 4)):
        with pytest.raises(ValueError, match=re.escape(message)):
            code(inputs)


@pytest.mark.parametrize("shape", [(2, 5), (2, 1), (2, 6, 1), (2, 1, 6), (6, 6, 6)])
def test_inputs_of_another_shape_are_refused_and_not_stretched(shape):
    message = re.escape(f"inputs have the shape {list(shape[1:])} a sample; expected [6]")
    for code in (coding().draw, coding().fixed):
        with pytest.raises(ValueError, match=message):
            code(torch.zeros(shape))
