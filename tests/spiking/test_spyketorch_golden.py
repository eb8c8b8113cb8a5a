"""The recorded run of the public implementation, through the oracle and through the compiled loops."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.spiking import oracle
from zorbench.spiking.filters import DIGIT_DOGS, digit_bank, dog, filtered, normalised
from zorbench.spiking.firing import decide, fire, fire_times, inhibited, winners
from zorbench.spiking.first_spikes import encode, from_wave, latencies, pooled, to_wave
from zorbench.spiking.greedy import learn, learn_to_decide
from zorbench.spiking.rows import laid_out
from zorbench.spiking.stdp import PUNISHMENT, REWARD, STDP, update

T = 15
RULE = STDP()
LAYER = {"steps": T, "padding": 2}


class Recorded:
    """The arrays of the file; `unread` names those that were not asked for yet."""

    def __init__(self, path) -> None:
        with np.load(path, allow_pickle=False) as arrays:
            self.arrays = {name: torch.from_numpy(arrays[name]) for name in arrays}
        self.unread = set(self.arrays)

    def __getitem__(self, name: str) -> torch.Tensor:
        self.unread.discard(name)
        return self.arrays[name].clone()

    def agrees(self, name: str, actual: torch.Tensor, atol: float = 1e-6, rtol: float = 0.0) -> None:
        expected = self[name]
        actual = actual.to(expected.dtype)
        torch.testing.assert_close(actual, expected, rtol=rtol, atol=atol, msg=lambda m: f"{name}: {m}")

    def equals(self, name: str, actual: torch.Tensor) -> None:
        assert torch.equal(actual.to(self[name].dtype), self[name]), name


@pytest.fixture
def recorded(golden):
    return Recorded(golden / "spyketorch_core.npz")


def images_of(recorded: Recorded) -> torch.Tensor:
    return recorded["images"].float()[:, None] / 255


def test_every_array_through_the_oracle(recorded):
    kernels = digit_bank()
    for index, parameters in enumerate(DIGIT_DOGS):
        recorded.agrees(f"dog_kernel{index}", dog(*parameters), atol=0)
    images = images_of(recorded)
    maps = [oracle.filtered(image * 255, kernels, 50) for image in images]
    recorded.agrees("filtered", torch.stack(maps)[:, None], rtol=1e-6, atol=0)
    maps = [oracle.normalised(one, 8) for one in maps]
    recorded.agrees("normalized", torch.stack(maps)[:, None], rtol=1e-6, atol=0)
    waves = [oracle.latency_wave(one, T) for one in maps]
    recorded.equals("wave", torch.stack(waves))

    weight, layer1 = recorded["weight_init"], []
    for index, wave in enumerate(waves):
        wave = oracle.pad(wave, 2)
        spikes, passed = oracle.fire(F.conv2d(wave, weight), 15)
        recorded.equals(f"spikes{index}", spikes)
        passed = oracle.inhibited(passed)
        recorded.equals(f"pooled{index}", oracle.pool(passed.sign(), 2))
        recorded.agrees(f"potential{index}", passed, atol=0, rtol=1e-6)
        won = oracle.winners(passed, 5, 3)
        recorded.equals(f"winners{index}", torch.tensor(won))
        oracle.stdp(weight, wave, passed, won, RULE)
        recorded.agrees(f"weight_step{index}", weight)
        layer1.append(wave)

    decision = recorded["rweight_init"]
    for index, wave in enumerate(layer1):
        wave = oracle.pad(oracle.pool(oracle.fire(F.conv2d(wave, weight), 15)[0], 2), 2)
        won, passed = oracle.decision(decision, wave)
        recorded.equals(f"rwinner{index}", torch.tensor([won]))
        oracle.stdp(decision, wave, passed, [won], (REWARD, PUNISHMENT)[index % 2])
        recorded.agrees(f"rweight_step{index}", decision)
    assert not recorded.unread


def test_every_array_through_the_compiled_loops(recorded):
    kernels = digit_bank()
    for index, parameters in enumerate(DIGIT_DOGS):
        recorded.agrees(f"dog_kernel{index}", dog(*parameters), atol=0)
    images = images_of(recorded)
    maps = filtered(images * 255, kernels, 50)
    recorded.agrees("filtered", maps[:, None], rtol=1e-6, atol=0)
    maps = normalised(maps, 8)
    recorded.agrees("normalized", maps[:, None], rtol=1e-6, atol=0)
    times = latencies(maps, T)
    recorded.equals("wave", to_wave(times, T))
    assert torch.equal(encode(images, kernels), times)
    assert torch.equal(from_wave(recorded["wave"]), times)

    weight = laid_out(recorded["weight_init"])
    for index in range(4):
        sample = times[index : index + 1]
        fired = fire(sample, weight, 15, **LAYER)
        recorded.equals(f"spikes{index}", to_wave(fired.times, T)[0])
        assert torch.equal(fire_times(sample, weight, 15, **LAYER), fired.times)
        assert torch.equal(fire_times(sample, weight, 15, pool=2, **LAYER), pooled(fired.times, 2))
        fired = inhibited(fired, T)
        recorded.equals(f"pooled{index}", to_wave(pooled(fired.times, 2), T)[0])
        first = recorded[f"potential{index}"].gather(0, fired.times.clamp_max(T - 1).long())[0]
        torch.testing.assert_close(fired.potentials[0], first, rtol=1e-6, atol=0)
        won = winners(fired, 5, 3, steps=T)[0]
        recorded.equals(f"winners{index}", won)
        posts = torch.stack([fired.times[0, f, y, x] for f, y, x in won])
        update(weight, sample, won, posts, RULE, **LAYER)
        recorded.agrees(f"weight_step{index}", weight)

    inputs = fire_times(times, weight, 15, pool=2, **LAYER)
    decision = laid_out(recorded["rweight_init"])
    for index in range(4):
        sample, rule = inputs[index : index + 1], (REWARD, PUNISHMENT)[index % 2]
        won = decide(sample, decision, **LAYER)
        recorded.equals(f"rwinner{index}", won)
        update(decision, sample, won, torch.tensor([T - 1]), rule, **LAYER)
        recorded.agrees(f"rweight_step{index}", decision)
    assert not recorded.unread


def test_the_whole_training_in_two_calls(recorded):
    times = encode(images_of(recorded), digit_bank())
    weight, decision = recorded["weight_init"], recorded["rweight_init"]
    won = learn(weight, times, RULE, threshold=15, k=5, radius=3, **LAYER)
    for index in range(4):
        recorded.equals(f"winners{index}", won[index])
    recorded.agrees("weight_step3", weight)

    inputs = fire_times(times, weight, 15, pool=2, **LAYER)
    # All maps stand for class 0: samples 0 and 2 are right.
    labels, classes = torch.tensor([0, 1, 0, 1]), torch.zeros(20, dtype=torch.int64)
    said = learn_to_decide(decision, inputs, labels, classes, REWARD, PUNISHMENT, **LAYER)
    for index in range(4):
        recorded.equals(f"rwinner{index}", said.winners[index : index + 1])
    recorded.agrees("rweight_step3", decision)
