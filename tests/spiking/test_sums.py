"""The sums in the order of the compiled loops: what they are, and that the loops take this order."""

import pytest
import torch
import torch.nn.functional as F

from tests.spiking import oracle
from tests.spiking.sums import by_fours, spike_by_spike
from zorbench.spiking.firing import fire, last_potentials
from zorbench.spiking.first_spikes import padded, to_wave
from zorbench.spiking.greedy import learn
from zorbench.spiking.stdp import STDP

T = 6
GEOMETRIES = [(3, 7, 3, 1), (40, 16, 5, 2), (4, 33, 1, 0), (70, 5, 3, 0)]  # inputs, maps, kernel, padding
EPSILON = 2.0**-24  # half a unit in the last place of 1: added to 1 it is lost, twice of it is not


def drawn(inputs: int, maps: int, kernel: int, padding: int):
    generator = torch.Generator().manual_seed(inputs)
    times = torch.randint(0, 2 * T, (1, inputs, 8, 7), generator=generator).clamp_max(T).to(torch.uint8)
    weight = torch.rand(maps, inputs, kernel, kernel, generator=generator)
    return times, weight, to_wave(padded(times, padding, T), T)[0].float()


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("convolve", [spike_by_spike, by_fours])
def test_they_are_convolutions(geometry, convolve):
    _, weight, wave = drawn(*geometry)
    coarse = (64 * weight).floor() / 64  # exact in any order
    assert torch.equal(convolve(wave, coarse), F.conv2d(wave, coarse))
    exact = F.conv2d(wave.double(), weight.double())
    spikes = weight[0].numel()  # at most: as many roundings, each by half a unit in the last place
    for ours in (convolve(wave, weight), F.conv2d(wave, weight)):
        assert ours.dtype == torch.float32
        assert ((ours - exact).abs() <= spikes * EPSILON * exact).all()


def total(convolve, values: dict[tuple[int, int, int, int], float]) -> float:
    """What a neuron adds up that sees these spikes, (time, row, column, channel), through these weights."""
    wave, weight = torch.zeros(2, 40, 2, 2), torch.zeros(1, 40, 2, 2)
    for (t, y, x, c), value in values.items():
        wave[t:, c, y, x], weight[0, c, y, x] = 1, value
    return convolve(wave, weight)[-1].item()


@pytest.mark.parametrize(
    ("last", "place"),
    [
        ((1, 0, 0, 0), (0, 1, 1)),
        ((0, 0, 1, 0), (0, 1, 0)),
        ((0, 1, 0, 0), (0, 0, 0)),
        ((0, 0, 0, 5), (0, 0, 0)),
    ],
    ids=["time", "column", "row", "channel"],
)
def test_spikes_are_added_by_time_column_row_and_channel(last, place):
    """Only if the 1 comes last is nothing lost: what orders is larger, all that counts for less is not."""
    assert total(spike_by_spike, {(*place, 1): EPSILON, (*place, 2): EPSILON, last: 1}) == 1 + 2 * EPSILON
    assert total(spike_by_spike, {(*place, 1): 1, (*place, 2): EPSILON, last: EPSILON}) == 1


@pytest.mark.parametrize(
    ("last", "place"),
    [((0, 1, 0, 0), (1, 0, 1)), ((0, 0, 1, 0), (1, 0, 0)), ((0, 0, 0, 5), (1, 0, 0))],
    ids=["row", "column", "channel"],
)
def test_of_a_decision_they_are_added_by_row_column_and_channel(last, place):
    assert total(by_fours, {(*place, 1): EPSILON, (*place, 2): EPSILON, last: 1}) == 1 + 2 * EPSILON
    assert total(by_fours, {(*place, 1): 1, (*place, 2): EPSILON, last: EPSILON}) == 1


def test_of_a_decision_four_spikes_of_a_block_of_channels_are_added_first():
    first = {(0, 0, 0, 0): 1.0, (0, 0, 0, 9): EPSILON, (0, 0, 0, 20): EPSILON}
    assert total(by_fours, first | {(0, 0, 0, 31): EPSILON}) == 1 + 2 * EPSILON  # (1 + ε) + (ε + ε)
    assert total(by_fours, first | {(0, 0, 0, 32): EPSILON}) == 1  # of the next block


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_the_loops_add_in_these_orders(geometry):
    times, weight, wave = drawn(*geometry)
    padding, theta = geometry[-1], 0.3 * weight[0].numel() ** 0.5
    fired = fire(times, weight, theta, steps=T, padding=padding)
    spikes, passed = oracle.fire(spike_by_spike(wave, weight), theta)
    assert torch.equal(to_wave(fired.times, T)[0].float(), spikes)
    assert torch.equal(fired.potentials[0], oracle.at_first_spike(passed)[1])
    potentials = last_potentials(times, weight, steps=T, padding=padding)
    assert torch.equal(potentials[0], by_fours(wave, weight)[-1])


def test_learning_adds_in_the_same_order():
    times = torch.zeros(1, 3, 1, 1, dtype=torch.uint8)
    weight = torch.tensor([[1.0, EPSILON, EPSILON], [EPSILON, EPSILON, 1.0]]).view(2, 3, 1, 1)
    won = learn(weight, times, STDP(), threshold=0.5, k=1, radius=0, steps=T)
    assert won[0, 0, 0] == 1
