"""Read-outs and votes, held against neurons stepped one by one; initial weights against torch's own."""

import math

import pytest
import torch
from torch import nn

from zorbench.spiking import LIF, AnalogReadout, SpikingLayer, Voters, drawn_like_torch, undrawn

from .membrane import draw, normal

STEPS = 5


def affine(n_in, n_out, seed, *, bias=True):
    linear = nn.Linear(n_in, n_out, bias=bias)
    linear.weight.data = normal(n_out, n_in, seed=seed)
    if bias:
        linear.bias.data = normal(n_out, seed=seed + 1)
    return linear


def neurons(n):
    return LIF((n,), threshold=0.7, generator=torch.Generator().manual_seed(n))


def spiking(n_in, n_out, seed):
    return SpikingLayer(affine(n_in, n_out, seed), neurons(n_out))


def stepped_layer(layer, spikes, decay=0.5):
    """Neuron by neuron's equations, a step at a time."""
    w, b, theta = layer.weigh.weight, layer.weigh.bias, layer.neurons.thresholds
    u, fired = torch.zeros(spikes.shape[1], len(b)), []
    for s in spikes:
        u = decay * u + s @ w.T + b
        fired.append((u >= theta).float())
        u = u * (1 - fired[-1])
    return torch.stack(fired)


def never_firing(readout, spikes, decay):
    """The mean over time of u[t] = τ u[t−1] + W s[t] + b."""
    u, total = torch.zeros(spikes.shape[1], readout.out_features), 0
    for s in spikes:
        u = decay * u + s @ readout.weight.T + (0 if readout.bias is None else readout.bias)
        total = total + u
    return total / len(spikes)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("decay", [0.5, 0.9, 0.0])
def test_the_analog_readout_is_the_mean_potential_of_neurons_that_never_fire(bias, decay):
    layer, readout = spiking(6, 8, 0), affine(8, 3, 5, bias=bias)
    net = AnalogReadout([layer], [], readout, steps=STEPS, decay=decay)
    pixels = (draw(STEPS, 4, 6) > 0.5).float()
    fired = stepped_layer(layer, pixels)
    assert 0.1 < fired.mean() < 0.9
    expected = never_firing(readout, fired, decay)
    torch.testing.assert_close(net(pixels), expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(net.decode(net.encode(pixels)), expected, rtol=1e-5, atol=1e-5)


def test_a_code_in_the_middle_is_the_constant_current_of_the_layers_above():
    below, above, readout = spiking(6, 5, 0), spiking(5, 8, 2), affine(8, 3, 5)
    net = AnalogReadout([below], [above], readout, steps=STEPS, decay=0.5)
    pixels = (draw(STEPS, 4, 6) > 0.5).float()
    fired = stepped_layer(below, pixels)
    chances = torch.tensor([sum(0.5**k for k in range(STEPS - t)) / STEPS for t in range(STEPS)])
    codes = torch.einsum("t,tbn->bn", chances, fired)
    torch.testing.assert_close(net.encode(pixels), codes)
    upper = stepped_layer(above, codes.expand(STEPS, 4, 5))
    expected = never_firing(readout, upper, 0.5)
    torch.testing.assert_close(net(pixels), expected, rtol=1e-5, atol=1e-5)


def test_the_readout_passes_a_gradient_to_every_weight():
    net = AnalogReadout([spiking(6, 5, 0)], [spiking(5, 8, 2)], affine(8, 3, 5), steps=STEPS, decay=0.5)
    net((draw(STEPS, 4, 6) > 0.5).float()).square().sum().backward()
    assert all(weight.grad.any() for weight in net.parameters())


def test_what_sums_over_time_is_kept_with_the_network_but_is_no_parameter():
    net = AnalogReadout([spiking(6, 5, 0)], [], affine(5, 3, 5), steps=STEPS, decay=0.5)
    assert not any("summed" in name for name in net.state_dict())
    assert net.double().summed.dtype == torch.float64


@pytest.mark.parametrize("voters", [1, 4])
def test_a_class_s_answer_is_the_mean_rate_of_its_own_voters(voters):
    layer = spiking(6, 3 * voters, 0)
    pixels = (draw(STEPS, 4, 6) > 0.5).float()
    answer = Voters([layer], voters)(pixels)
    fired = stepped_layer(layer, pixels)
    for sample in range(4):
        for label in range(3):
            votes = [fired[t, sample, label * voters + v].item() for v in range(voters) for t in range(STEPS)]
            assert answer[sample, label].item() == pytest.approx(sum(votes) / len(votes), abs=1e-6)


def test_a_layer_treats_each_step_and_sample_alone_but_for_its_neurons():
    conv = nn.Conv2d(1, 2, 3, padding=1)
    layer = SpikingLayer(conv, LIF((2, 4, 4), threshold=0.3), nn.MaxPool2d(2))
    pixels = draw(STEPS, 3, 1, 4, 4)
    found = layer(pixels)
    assert found.shape == (STEPS, 3, 2, 2, 2)
    for sample in range(3):
        u = torch.zeros(2, 4, 4)
        for t in range(STEPS):
            u = 0.5 * u + conv(pixels[t, sample][None])[0]
            fired = (u >= layer.neurons.thresholds).float()
            u = u * (1 - fired)
            torch.testing.assert_close(found[t, sample], nn.functional.max_pool2d(fired[None], 2)[0])


# Initial weights


@pytest.mark.parametrize(
    ("make", "fan_in"),
    [
        (lambda: nn.Linear(100, 300), 100),
        (lambda: nn.Conv2d(7, 200, 5), 175),
        (lambda: nn.Conv2d(8, 400, (3, 2), groups=2), 24),
    ],
)
def test_weights_are_uniform_as_torch_draws_them(make, fan_in):
    """Up to 1 / √fan-in both ways, as many below zero as above; torch's own draw tells the same bound."""
    module = drawn_like_torch(make(), torch.Generator().manual_seed(0))
    bound = 1 / math.sqrt(fan_in)
    for ours, theirs in zip(module.parameters(), make().parameters(), strict=True):
        assert ours.abs().max() <= bound * (1 + 1e-6)
        assert theirs.abs().max() <= bound * (1 + 1e-6)
        assert ours.abs().max() > 0.95 * bound
        assert ours.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.1)
        assert abs(ours.mean().item()) < 5 * bound / math.sqrt(3 * ours.numel())


def nested():
    return nn.Sequential(nn.Linear(4, 3), nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 2, bias=False)))


def test_weights_come_from_the_generator_alone_and_nothing_else_is_touched():
    outside = torch.get_rng_state()
    one, other, another = (
        drawn_like_torch(undrawn(nested), torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(outside, torch.get_rng_state())
    for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    for name in ("0.weight", "0.bias", "1.1.weight"):
        assert not torch.equal(one.state_dict()[name], another.state_dict()[name])
    assert torch.equal(one[1][0].weight, torch.ones(3))


def test_making_a_module_leaves_the_global_generator_even_if_it_fails():
    outside = torch.get_rng_state()
    assert isinstance(undrawn(nested), nn.Sequential)
    with pytest.raises(KeyError):
        undrawn(lambda: {}[nested()])
    assert torch.equal(outside, torch.get_rng_state())
