"""Firing, inhibition, winners and decisions on first-spike times against the oracle on waves."""

import pytest
import torch
import torch.nn.functional as F

from tests.spiking import oracle
from zorbench.spiking.firing import (
    Fired,
    decide,
    fire,
    fire_times,
    inhibited,
    last_potentials,
    silenced,
    winners,
)
from zorbench.spiking.first_spikes import from_wave, padded, pooled, to_wave
from zorbench.spiking.rows import laid_out

T = 6
GEOMETRIES = [(3, 7, 3, 1), (2, 16, 5, 2), (4, 33, 1, 0), (1, 5, 3, 0)]  # inputs, maps, kernel, padding


def drawn(inputs: int, maps: int, kernel: int, *, seed: int = 0, batch: int = 6):
    """Times, the last sample blank, and weights that are exact in any order of adding them up."""
    generator = torch.Generator().manual_seed(seed)
    times = torch.randint(0, 2 * T, (batch, inputs, 8, 7), generator=generator).clamp_max(T)
    times[-1] = T
    weight = torch.randint(0, 64, (maps, inputs, kernel, kernel), generator=generator) / 64
    return times.to(torch.uint8), weight


def waves(times: torch.Tensor, padding: int) -> torch.Tensor:
    return to_wave(padded(times, padding, T), T).float()


def dense(fired: Fired) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Each sample as a wave and potentials that stay what they are at the first spike."""
    wave = to_wave(fired.times, T).float()
    return [(one, one * v) for one, v in zip(wave, fired.potentials, strict=True)]


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("layout", [laid_out, torch.clone])
@pytest.mark.parametrize("theta", [0, 1.5, 4])
def test_first_spikes_and_their_potentials(geometry, layout, theta):
    *sizes, padding = geometry
    times, weight = drawn(*sizes)
    fired = fire(times, layout(weight), theta, steps=T, padding=padding)
    for sample, wave in enumerate(waves(times, padding)):
        spikes, passed = oracle.fire(F.conv2d(wave, weight), theta)
        assert torch.equal(to_wave(fired.times, T)[sample], spikes.to(torch.uint8))
        assert torch.equal(fired.potentials[sample], oracle.at_first_spike(passed)[1])
    for pool in (1, 2, 3):
        only = fire_times(times, weight, theta, steps=T, padding=padding, pool=pool)
        assert torch.equal(only, pooled(fired.times, pool))


def test_a_potential_at_the_threshold_is_not_above_it():
    times = torch.tensor([[[[0, 1]]]], dtype=torch.uint8)
    weight = torch.tensor([[[[10.0, 0.0001]]], [[[9.0, 0.0]]]])
    fired = fire(times, weight, 10, steps=3)
    assert to_wave(fired.times, 3)[0, :, :, 0, 0].tolist() == [[0, 0], [1, 0], [1, 0]]


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_point_wise_inhibition_leaves_one_map_a_place(geometry):
    *sizes, padding = geometry
    times, weight = drawn(*sizes)
    fired = inhibited(fire(times, weight, 1.5, steps=T, padding=padding), T)
    for sample, wave in enumerate(waves(times, padding)):
        passed = oracle.inhibited(oracle.fire(F.conv2d(wave, weight), 1.5)[1])
        assert torch.equal(to_wave(fired.times, T)[sample], passed.sign().to(torch.uint8))
        n, v = oracle.at_first_spike(passed)
        assert torch.equal(fired.potentials[sample], v)
        assert (n > 0).sum(dim=0).max() <= 1


def test_point_wise_inhibition_takes_the_first_of_equal_maps():
    times = torch.tensor([2, 1, 1, 1], dtype=torch.uint8).view(1, 4, 1, 1)
    fired = Fired(times, torch.tensor([9.0, 3.0, 4.0, 4.0]).view(1, 4, 1, 1))
    assert inhibited(fired, 3).times.flatten().tolist() == [3, 3, 1, 3]


def test_maps_can_be_silenced():
    times, weight = drawn(3, 7, 3)
    fired = fire(times, weight, 1.5, steps=T)
    some = silenced(fired, [0, 4], T)
    assert (some.times[:, [0, 4]] == T).all()
    assert (some.potentials[:, [0, 4]] == 0).all()
    rest = [1, 2, 3, 5, 6]
    assert torch.equal(some.times[:, rest], fired.times[:, rest])
    assert torch.equal(some.potentials[:, rest], fired.potentials[:, rest])


@pytest.mark.parametrize("lexicographic", [False, True])
@pytest.mark.parametrize("radius", [0, 1, 3])
@pytest.mark.parametrize("steps", [T, 15])
def test_winners(lexicographic, radius, steps):
    generator = torch.Generator().manual_seed(radius)
    for scale in (1.0, 1e-3, 3000.0):
        times = torch.randint(0, 2 * steps, (8, 12, 6, 9), generator=generator).clamp_max(steps)
        # Few levels, a float32's unit apart: equal potentials, and some that differ by less than v + V shows.
        close = scale * (1 + torch.randint(0, 30, times.shape, generator=generator) * 2.0**-22)
        fired = Fired(times.to(torch.uint8), torch.where(times < steps, close, 0.0))
        found = winners(fired, 8, radius, steps=steps, lexicographic=lexicographic)
        for sample, wave in enumerate(to_wave(fired.times, steps).float()):
            potentials = wave * fired.potentials[sample]
            expected = oracle.winners(potentials, 8, radius, lexicographic=lexicographic)
            rows = found[sample].tolist()
            assert [tuple(row) for row in rows[: len(expected)]] == expected
            assert rows[len(expected) :] == [[-1, -1, -1]] * (8 - len(expected))


def test_the_sources_winners_cannot_tell_close_potentials_apart():
    close = torch.tensor([1.0, 1 + 2.0**-23]).view(1, 2, 1, 1)
    fired = Fired(torch.zeros(1, 2, 1, 1, dtype=torch.uint8), close)
    assert winners(fired, 1, 0, steps=15)[0, 0].tolist() == [0, 0, 0]
    assert winners(fired, 1, 0, steps=15, lexicographic=True)[0, 0].tolist() == [1, 0, 0]


@pytest.mark.parametrize(("largest", "winner"), [(1.0, 1), (1 + 2.0**-10, 0)])
def test_potentials_are_compared_beside_fifteen_times_the_largest(largest, winner):
    """Up to 16 float32 goes in steps of 2⁻²⁰, from there on of 2⁻¹⁹; 15 and 17 are on one side of it."""
    close = torch.tensor([largest - 2.0**-20, largest]).view(1, 2, 1, 1)
    fired = Fired(torch.full((1, 2, 1, 1), 14, dtype=torch.uint8), close)
    assert winners(fired, 1, 0, steps=15)[0, 0].tolist() == [winner, 0, 0]
    assert (
        decide(torch.zeros(1, 1, 1, 1, dtype=torch.uint8), close.view(2, 1, 1, 1), steps=15)[0, 0] == winner
    )


def test_nobody_wins_in_silence():
    silent = Fired(torch.full((2, 3, 4, 4), T, dtype=torch.uint8), torch.zeros(2, 3, 4, 4))
    assert (winners(silent, 4, 1, steps=T) == -1).all()
    assert (decide(silent.times, torch.ones(5, 3, 2, 2), steps=T) == -1).all()


@pytest.mark.parametrize("geometry", [*GEOMETRIES, (70, 20, 5, 2)])
@pytest.mark.parametrize("lexicographic", [False, True])
def test_decisions(geometry, lexicographic):
    *sizes, padding = geometry
    times, weight = drawn(*sizes)
    options = {"steps": T, "padding": padding}
    found = decide(times, weight, lexicographic=lexicographic, **options)
    potentials = last_potentials(times, laid_out(weight), **options)
    for sample, wave in enumerate(waves(times, padding)):
        won, _ = oracle.decision(weight, wave, lexicographic=lexicographic)
        assert tuple(found[sample].tolist()) == (won or (-1, -1, -1))
        last = oracle.decision(weight, wave, convolve=oracle.last_slice, lexicographic=lexicographic)
        assert last[0] == won
        assert torch.equal(potentials[sample], F.conv2d(wave, weight)[-1])
    # The time of a spike does not matter: the same from inputs that only fire or not.
    binary = (times == T).to(torch.uint8)
    assert torch.equal(last_potentials(binary, weight, steps=1, padding=padding), potentials)


def test_as_many_threads_as_one(monkeypatch):
    times, weight = drawn(3, 7, 3, batch=20)
    alone = fire(times, weight, 1.5, steps=T), decide(times, weight, steps=T)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    together = fire(times, weight, 1.5, steps=T), decide(times, weight, steps=T)
    assert torch.equal(alone[0].times, together[0].times)
    assert torch.equal(alone[0].potentials, together[0].potentials)
    assert torch.equal(alone[1], together[1])


def test_no_samples_are_no_trouble():
    times, weight = drawn(3, 7, 3)
    assert fire(times[:0], weight, 1, steps=T).times.shape == (0, 7, 6, 5)
    assert decide(times[:0], weight, steps=T).shape == (0, 3)
    assert winners(fire(times[:0], weight, 1, steps=T), 2, 0, steps=T).shape == (0, 2, 3)


def test_a_strided_view_is_as_good_as_a_copy():
    times, weight = drawn(3, 7, 3)
    view = times.transpose(2, 3)
    assert torch.equal(
        fire_times(view, weight, 1.5, steps=T), fire_times(view.contiguous(), weight, 1.5, steps=T)
    )
    assert from_wave(to_wave(view, T)).shape == view.shape


def test_what_is_refused():
    times, weight = drawn(3, 7, 3)
    with pytest.raises(
        ValueError, match=r"uint8 \[batch, 3, height, width\] for weights .*, got torch.float32"
    ):
        fire(times.float(), weight, 1, steps=T)
    with pytest.raises(ValueError, match=r"got torch.uint8 \[6, 2, 8, 7\]"):
        fire(times[:, :2], weight, 1, steps=T)
    with pytest.raises(ValueError, match="a kernel of 9×9 does not fit into"):
        fire(times, torch.ones(1, 3, 9, 9), 1, steps=T)
    with pytest.raises(ValueError, match="a threshold must be 0 or more, got -1"):
        fire(times, weight, -1, steps=T)
    with pytest.raises(ValueError, match="T must be at most 255, got 300"):
        fire(times, weight, 1, steps=300)
    with pytest.raises(ValueError, match="weights are float32"):
        fire(times, weight.double(), 1, steps=T)
