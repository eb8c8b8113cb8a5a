"""Digits through the three layers of Mozafari et al. 2018: the compiled loops against the oracle.

Where one differs from the other, it is because they add the same numbers in two orders: an oracle that adds
in the order of the loops does not differ.
"""

import pytest
import torch
import torch.nn.functional as F

from tests.spiking import oracle
from tests.spiking.sums import by_fours, spike_by_spike
from zorbench.data import load
from zorbench.spiking.filters import digit_bank
from zorbench.spiking.firing import decide, fire_times
from zorbench.spiking.first_spikes import encode, padded, to_wave
from zorbench.spiking.greedy import learn, learn_to_decide
from zorbench.spiking.rows import laid_out
from zorbench.spiking.stdp import PUNISHMENT, REWARD, STDP, Doubling

T = 15
N = 100
CLASSES = torch.arange(200) // 20


@pytest.fixture(autouse=True)
def one_thread():
    """Convolutions of one sample are too small to share out."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class Case:
    """Digits as first-spike times, and layers whose weights are drawn as in the model."""

    def __init__(self) -> None:
        data = load("mnist5k")
        chosen = torch.randperm(4000, generator=torch.Generator().manual_seed(0))[:N]
        self.labels = data.train_labels()[chosen]
        self.times = encode(data.train_inputs(chosen.tolist()), digit_bank())
        generator = torch.Generator().manual_seed(1)
        sizes = [(30, 6, 5, 5), (250, 30, 3, 3), (200, 250, 5, 5)]
        self.weights = [laid_out(torch.normal(0.8, 0.05, size, generator=generator)) for size in sizes]


def waves(times: torch.Tensor, padding: int) -> torch.Tensor:
    return to_wave(padded(times, padding, T), T).float()


def listed(found: torch.Tensor) -> list[tuple[int, ...]]:
    return [tuple(row) for row in found.tolist() if row[0] >= 0]


def follow(weight, times, rates, *, threshold, k, radius, padding) -> int:
    """Train `weight` sample by sample, and a copy by the oracle; how often the order of sums decided."""
    by_order = 0
    for sample, (plus, minus) in enumerate(rates.tolist()):
        rule, before = STDP(plus, minus), weight.contiguous()
        one = times[sample : sample + 1]
        ours = listed(
            learn(weight, one, rule, threshold=threshold, k=k, radius=radius, steps=T, padding=padding)[0]
        )
        expected, layer = before.clone(), (waves(one, padding)[0], threshold, k, radius, rule)
        if ours != oracle.unsupervised(expected, *layer):
            expected = before.clone()
            assert ours == oracle.unsupervised(expected, *layer, convolve=spike_by_spike), sample
            by_order += 1
        assert torch.equal(weight, expected), sample
    return by_order


def fires_alike(times, weight, theta: float, padding: int, pool: int) -> torch.Tensor:
    """Pooled first-spike times, held against the oracle's."""
    fired = fire_times(times, weight, theta, steps=T, padding=padding, pool=1)
    for sample, wave in enumerate(waves(times, padding)):
        spikes, _ = oracle.fire(F.conv2d(wave, weight), theta)
        ours = to_wave(fired[sample : sample + 1], T)[0].float()
        if not torch.equal(ours, spikes):
            assert torch.equal(ours, oracle.fire(spike_by_spike(wave, weight), theta)[0]), sample
    return fire_times(times, weight, theta, steps=T, padding=padding, pool=pool)


def test_one_hundred_digits_through_three_layers():
    torch.manual_seed(0)
    case = Case()
    first, second, third = case.weights
    rates = Doubling(every=15).rates(STDP(), 0, N)
    by_order = follow(first, case.times, rates, threshold=15, k=5, radius=3, padding=2)
    times = fires_alike(case.times[:50], first, 15, 2, 2)
    times = torch.cat([times, fire_times(case.times[50:], first, 15, steps=T, padding=2, pool=2)])
    by_order += follow(second, times, rates, threshold=10, k=8, radius=1, padding=1)
    fires_alike(times[:20], second, 10, 1, 3)
    times = fire_times(times, second, 10, steps=T, padding=1, pool=3)

    for sample, label in enumerate(case.labels.tolist()):
        one, before, expected = times[sample : sample + 1], third.contiguous(), third.contiguous()
        layer = waves(one, 2)[0], label, CLASSES, REWARD, PUNISHMENT
        decided = decide(one, third, steps=T, padding=2)
        labels = case.labels[sample : sample + 1]
        said = learn_to_decide(third, one, labels, CLASSES, REWARD, PUNISHMENT, steps=T, padding=2)
        assert torch.equal(decided, said.winners)
        ours = tuple(said.winners[0].tolist())
        if ours != oracle.reinforced(expected, *layer):
            expected = before.clone()
            assert ours == oracle.reinforced(expected, *layer, convolve=by_fours), sample
            by_order += 1
        assert torch.equal(third, expected), sample
    assert by_order <= 6, "that the order decides is rare: as often as this it is a fault"


@pytest.mark.slow
def test_the_network_learns_digits():
    data, bank = load("mnist5k"), digit_bank()
    times = encode(data.train_inputs(range(4000)), bank)
    labels, generator = data.train_labels(), torch.Generator().manual_seed(0)
    weights = Case().weights
    for epoch in range(4):
        order = torch.randperm(4000, generator=generator)
        rates = Doubling().rates(STDP(), 4000 * epoch, 4000)
        options = {"threshold": 15, "k": 5, "radius": 3, "steps": T, "padding": 2}
        learn(weights[0], times, STDP(), order=order, rates=rates, **options)
    assert ((weights[0] < 0.1) | (weights[0] > 0.9)).float().mean() > 0.9
    middle = fire_times(times, weights[0], 15, steps=T, padding=2, pool=2)
    for epoch in range(4):
        order = torch.randperm(4000, generator=generator)
        rates = Doubling().rates(STDP(), 4000 * epoch, 4000)
        options = {"threshold": 10, "k": 8, "radius": 1, "steps": T, "padding": 1}
        learn(weights[1], middle, STDP(), order=order, rates=rates, **options)
    last = fire_times(middle, weights[1], 10, steps=T, padding=1, pool=3)
    reward, punishment = REWARD, PUNISHMENT
    for _ in range(10):
        for order in torch.randperm(4000, generator=generator).split(1000):
            said = learn_to_decide(
                weights[2], last, labels, CLASSES, reward, punishment, order=order, steps=T, padding=2
            )
            right = float((said.classes == labels[order]).float().mean())
            silent = float((said.classes == -1).float().mean())
            reward, punishment = REWARD.scaled(1 - right - silent), PUNISHMENT.scaled(right)
    assert (weights[2].min(), weights[2].max()) == pytest.approx((0.2, 0.8))
    test = encode(data.test_inputs(range(1000)), bank)
    test = fire_times(test, weights[0], 15, steps=T, padding=2, pool=2)
    test = fire_times(test, weights[1], 10, steps=T, padding=1, pool=3)
    found = decide(test, weights[2], steps=T, padding=2)[:, 0].long()
    accuracy = float((CLASSES[found] == data.test_labels(range(1000))).float().mean())
    assert accuracy > 0.85
