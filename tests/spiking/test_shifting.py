"""Shifting learning, held against its golden traces, and torch's autograd."""

import math
import re

import pytest
import torch
from torch.nn import functional

from zorbench.spiking import SILENT, ShiftingNet, decayed, earliest_class, pixel_times
from zorbench.spiking.causal import Spikes, fire, signal_below
from zorbench.spiking.shifting import LATE, SOON

from .membrane import causal_mask, draw, normal
from .test_causal import in_order
from .test_shifting_silence import finite, trained
from .traces import Trace

# Golden traces


@pytest.mark.parametrize("name", ["shifting_small", "shifting_wide"])
def test_source_mode_is_the_public_release(golden, name):
    trace = Trace(golden / f"{name}.npz")
    w = [trace.tensor(f"e_ts{k}_init") for k in (1, 2)]
    e = [trace.tensor(f"e_tp{k}_init") for k in (1, 2)]
    sizes = [w[0].shape[0], w[0].shape[1], w[1].shape[1]]
    net = ShiftingNet(sizes, lr=trace.number("lr_shift"), lr_pass=trace.number("lr_pass"), exact=False)
    for mine, recorded in zip(net.weights + net.passes, w + e, strict=True):
        mine.copy_(recorded)
    assert len(trace.steps()) >= 3
    for s in trace.steps():
        z = trace.tensor(f"z0_{s}")
        times = [z]
        runs = []
        for k in (1, 2):
            spikes = Spikes.of(times[-1], silent_too=True)
            fired = fire(spikes, net.weights[k - 1], exact=False)
            runs.append((spikes, fired))
            times.append(fired.times * net.passes[k - 1])
            trace.agrees(f"z{k}_{s}", times[-1], rtol=1e-4)
            trace.agrees(f"causal{k}_{s}", in_order(spikes, fired).to(torch.uint8))
        pixels = 1 - torch.log(z)
        assert pixels.min() >= 0
        assert pixels.max() <= 1
        torch.testing.assert_close(net.times(pixels, 1), times[1], rtol=1e-4, atol=0)
        torch.testing.assert_close(net.times(pixels), times[2], rtol=1e-4, atol=0)
        one_hot = functional.one_hot(trace.tensor(f"label{s}"), sizes[-1]).float()
        top = earliest_class(times[2], one_hot)
        trace.agrees(f"delta2_{s}", top, rtol=1e-4, atol=1e-7)
        trace.agrees(f"delta1_{s}", signal_below(*runs[1], net.weights[1], top), rtol=1e-4, atol=1e-7)
        net.train_batch(pixels, one_hot, earliest_class)
        for k in (1, 2):
            trace.agrees(f"e_ts{k}_step{s}", net.weights[k - 1], rtol=1e-4, atol=1e-7)
            trace.agrees(f"e_tp{k}_step{s}", net.passes[k - 1], rtol=1e-4)
    assert not trace.unread


# The rule against autograd


def autograd_net(mask, z, w):
    """z_j of one sample in float64, with the causal set frozen; the factor 1 / (Σ w − 1)."""
    mass = (mask * w).sum(dim=0)
    return (mask * w * z[:, None]).sum(dim=0) / (mass - 1), 1 / (mass - 1)


def fired_net(sizes, *, seed=0, scale=8.0, exact=True):
    """Without a silent neuron, and with weights of both signs above the first layer's."""
    generator = torch.Generator().manual_seed(seed)
    net = ShiftingNet(sizes, lr=0.0, lr_pass=0.0, exact=exact, scale=scale, generator=generator)
    for k, w in enumerate(net.weights[1:]):
        w -= 0.1 * normal(*w.shape, seed=k).abs()
    return net


@pytest.mark.parametrize("delta", [earliest_class, pixel_times])
@pytest.mark.parametrize("exact", [True, False])
def test_the_top_layer_moves_along_the_gradient_up_to_its_positive_factor(delta, exact):
    net = fired_net([9, 4], exact=exact)
    pixels, targets = draw(1, 9, seed=3), torch.eye(4)[2:3]
    times = net.times(pixels)
    assert (times < 100).all()
    z = torch.exp(1 - pixels[0]).double()
    mask = causal_mask(z[None], times)[0].double()
    w = net.weights[0].double().requires_grad_()
    answer, factor = autograd_net(mask, z, w)
    torch.testing.assert_close(answer.float(), times[0], rtol=1e-5, atol=0)
    if delta is earliest_class:
        wanted = torch.softmax(torch.exp(LATE + (SOON - LATE) * targets[0].double()), dim=0)
        loss = -(wanted * torch.log_softmax(answer, dim=0)).sum()
    else:
        loss = 0.5 * ((answer - torch.exp(1 - targets[0].double())) ** 2).sum()
    (expected,) = torch.autograd.grad(loss, w)
    net.train_batch(pixels, targets, delta)
    assert (factor > 0).all()
    direction = net.weights[0].grad.double() * factor.detach() / math.e
    torch.testing.assert_close(direction, expected, rtol=1e-4, atol=1e-6)
    signal = delta(times, targets)[0]
    torch.testing.assert_close(net.passes[0].grad, signal * times[0])


def test_the_derivatives_of_a_firing_time_are_those_of_its_formula():
    """dz_j/dw_ij = (z_i − z_j) / (Σ w − 1) and dz_j/dz_i = w_ij / (Σ w − 1): what the factor belongs to."""
    z, w = torch.exp(draw(7)).double().requires_grad_(), (draw(7, 1, seed=1) * 1.5).double().requires_grad_()
    time, factor = autograd_net(torch.ones(7, 1).double(), z, w)
    to_w, to_z = torch.autograd.grad(time[0], (w, z))
    torch.testing.assert_close(to_w, ((z - time) * factor)[:, None].detach())
    torch.testing.assert_close(to_z, (w * factor)[:, 0].detach())


@pytest.mark.parametrize("exact", [True, False])
def test_a_hidden_layer_moves_along_the_gradient_up_to_its_positive_factors(exact):
    net = fired_net([9, 6, 1], exact=exact)
    pixels, targets = draw(1, 9, seed=3), torch.tensor([[0.9]])
    hidden, out = net.times(pixels, 1), net.times(pixels)
    assert hidden.max() < 100
    assert out.max() < 100
    z = torch.exp(1 - pixels[0]).double()
    below, above = (w.double().requires_grad_() for w in net.weights)
    first, first_factor = autograd_net(causal_mask(z[None], hidden)[0].double(), z, below)
    mask = causal_mask(hidden, out)[0].double()
    assert mask.sum() > 0
    answer, factor = autograd_net(mask, first, above)
    loss = 0.5 * (answer - torch.exp(torch.tensor(1 - 0.9).double())).square().sum()
    expected = torch.autograd.grad(loss, (below, above))
    net.train_batch(pixels, targets, pixel_times)
    factors = (first_factor * factor).detach(), factor.detach()
    for w, gradient, scale in zip(net.weights, expected, factors, strict=True):
        torch.testing.assert_close(w.grad.double() * scale / math.e, gradient, rtol=1e-4, atol=1e-6)


def test_a_passing_time_scales_the_step_of_its_neuron_s_weights_by_its_exponential():
    pixels, targets = draw(3, 9, seed=3), torch.eye(4)[:3]
    plain, passing = fired_net([9, 4]), fired_net([9, 4])
    factors = torch.tensor([0.5, 1.0, 1.5, 2.0])
    passing.passes[0].copy_(factors)
    torch.testing.assert_close(passing.times(pixels), plain.times(pixels) * factors)
    given = normal(3, 4)
    passing.train_batch(pixels, targets, lambda z, t: given)
    times = passing.times(pixels)
    z = torch.exp(1 - pixels)
    mask = causal_mask(z, times / factors).float()
    expected = torch.einsum("bo,bio->io", given * factors.exp(), mask * (z[:, :, None] - times[:, None]))
    torch.testing.assert_close(passing.weights[0].grad, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(passing.passes[0].grad, (given * times).sum(dim=0))


def test_a_step_is_adam_s_with_both_rates_and_two_betas_of_0_9():
    pixels, targets = draw(5, 9, seed=3), torch.eye(4)[[0, 1, 2, 3, 0]]
    net = fired_net([9, 6, 4])
    net.lr = 0.02
    net.optimiser.param_groups[1]["lr"] = 0.005
    parts = [*net.weights, *net.passes]
    mine = [part.clone() for part in parts]
    first, second = ([torch.zeros_like(part) for part in parts] for _ in range(2))
    for step in range(1, 5):
        net.train_batch(pixels, targets, earliest_class)
        rates = [0.02] * 2 + [0.005] * 2
        for part, old, m, v, rate in zip(parts, mine, first, second, rates, strict=True):
            m += 0.1 * (part.grad - m)
            v += 0.1 * (part.grad**2 - v)
            old -= rate * (m / (1 - 0.9**step)) / ((v / (1 - 0.9**step)).sqrt() + 1e-8)
            torch.testing.assert_close(part, old, rtol=1e-5, atol=1e-6)


# Targets and read-out


def test_delta_of_a_class_asks_the_true_neuron_to_fire_earlier_and_the_others_later():
    delta = earliest_class(torch.full((1, 4), 2.0), torch.eye(4)[1:2])[0]
    assert delta.sum().item() == pytest.approx(0, abs=1e-6)
    assert delta[1] > 0  # too late: Δ goes against δ
    assert (delta[[0, 2, 3]] < 0).all()
    wanted = torch.exp(torch.tensor([[0.99, 0.01, 0.99, 0.99]]))
    torch.testing.assert_close(
        earliest_class(wanted, torch.eye(4)[1:2]), torch.zeros(1, 4), rtol=0, atol=1e-6
    )


def test_delta_of_a_pixel_is_nothing_at_the_time_that_would_encode_it():
    pixels = draw(3, 5)
    times = torch.exp(1 - pixels)
    torch.testing.assert_close(pixel_times(times, pixels), torch.zeros(3, 5))
    torch.testing.assert_close(pixel_times(times + 0.5, pixels), torch.full((3, 5), 0.5))


def test_the_step_size_decays_exponentially():
    assert decayed(1e-2, 1e-4, 0) == 1e-2
    assert decayed(1e-2, 1e-4, 1) == pytest.approx(1e-4)
    assert decayed(1e-2, 1e-4, 0.5) == pytest.approx(1e-3)
    assert decayed(1e-2, 1e-2, 0.3) == pytest.approx(1e-2)


def test_initial_weights_are_uniform_from_zero_to_scale_over_fan_in_and_passing_times_one():
    net = ShiftingNet([50, 40, 30], lr=0, lr_pass=0, scale=6, generator=torch.Generator().manual_seed(1))
    for w, fan_in in zip(net.weights, (50, 40), strict=True):
        assert w.min() >= 0
        assert 0.98 * 6 / fan_in < w.max() <= 6 / fan_in
        assert w.mean().item() == pytest.approx(3 / fan_in, rel=0.1)
    assert all((e == 1).all() for e in net.passes)


def test_initial_weights_come_from_the_generator_alone():
    outside = torch.get_rng_state()
    one, other, another = (
        ShiftingNet([5, 4], lr=0, lr_pass=0, generator=torch.Generator().manual_seed(seed)).weights[0]
        for seed in (1, 1, 2)
    )
    assert torch.equal(outside, torch.get_rng_state())
    assert torch.equal(one, other)
    assert not torch.equal(one, another)


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("layer", [1, 2])
def test_the_upper_layers_alone_give_what_the_whole_network_gives(exact, layer):
    net = fired_net([9, 6, 5, 4], exact=exact)
    net.weights[0][:, 0] = 0.01  # a silent one
    pixels = draw(6, 9)
    assert torch.equal(net.times_above(net.times(pixels, layer), layer), net.times(pixels))


# Trains


def test_trains_leave_pixels_of_zero_out_and_share_weights():
    generator = torch.Generator().manual_seed(0)
    net = ShiftingNet([4, 5, 2], lr=0.01, lr_pass=1e-3, trains=True, generator=generator)
    trains = draw(3, 4, 6, seed=1)
    trains = trains * (trains > 0.5)
    shared = ShiftingNet([24, 5, 2], lr=0, lr_pass=0)
    shared.weights[0].copy_(net.weights[0].repeat_interleave(6, dim=0))
    shared.weights[1].copy_(net.weights[1])
    z = torch.where(trains > 0, torch.exp(1 - trains), SILENT).flatten(1)
    hidden = fire(Spikes.of(z), shared.weights[0]).times
    torch.testing.assert_close(net.times(trains, 1), hidden)
    torch.testing.assert_close(net.times(trains), shared.times_above(hidden, 1))
    given = normal(3, 2)
    net.train_batch(trains, torch.zeros(3, 2), lambda z, t: given)
    assert finite(net)
    below = signal_below(
        Spikes.of(hidden), fire(Spikes.of(hidden), shared.weights[1]), shared.weights[1], given
    )
    fires = hidden < SILENT
    assert fires.all()
    mask = causal_mask(z, hidden).float()
    each = torch.einsum("bo,bio->io", below * math.e, mask * (z[:, :, None] - hidden[:, None]))
    torch.testing.assert_close(net.weights[0].grad, each.view(4, 6, 5).sum(dim=1), rtol=1e-3, atol=1e-4)


def test_trains_without_any_spike_answer_and_learn_nothing_infinite():
    net = ShiftingNet([4, 5, 2], lr=0.01, lr_pass=1e-3, trains=True)
    trains = torch.zeros(2, 4, 6)
    trained(net, trains, steps=5)
    assert (net.times(trains) == SILENT).all()


# What it costs


def test_terms_are_the_pairs_of_a_spike_and_a_neuron_that_has_not_fired():
    net = ShiftingNet([9, 6, 3], lr=0, lr_pass=0, generator=torch.Generator().manual_seed(0))
    net.weights[0][:, :2] *= 0.02
    net.weights[1][:, 0] *= 0.02
    pixels = draw(5, 9)
    pairs = silent = 0
    for x in pixels:
        z = torch.exp(1 - x)
        for k in (1, 2):
            times = net.times(x[None], k)[0]
            for time in times:
                pairs += int(((z <= time) & (z < SILENT)).sum())
            silent += int((times == SILENT).sum()) if k == 1 else 0
            z = times
    assert net.terms(pixels) == (pytest.approx(pairs / 5), pytest.approx(silent / 30))
    assert silent >= 10


# Refusals


def refuses(message, work):
    with pytest.raises(ValueError, match=re.escape(message)):
        work()


@pytest.mark.parametrize("sizes", [[], [3], [3, 0, 2], [-1, 2]])
def test_a_network_needs_inputs_and_outputs(sizes):
    refuses(
        f"at least inputs and outputs, got the sizes {sizes}", lambda: ShiftingNet(sizes, lr=0, lr_pass=0)
    )


BAD = [
    (torch.tensor([[0.5, float("nan"), 0.1]]), "inputs must lie in [0, 1], got NaN"),
    (torch.tensor([[0.5, -0.25, 0.1]]), "inputs must lie in [0, 1], got values from -0.25 to 0.5"),
    (torch.tensor([[0.5, 1.25, 0.1]]), "inputs must lie in [0, 1], got values from 0.1 to 1.25"),
    (torch.tensor([[0.5, float("inf"), 0.1]]), "inputs must lie in [0, 1], got values from 0.1 to inf"),
    (torch.zeros(0, 3), "inputs must be a batch of at least one sample, got the shape [0, 3]"),
    (torch.zeros(3), "inputs must be a batch of at least one sample, got the shape [3]"),
    (torch.ones(2, 3, dtype=torch.int64), "inputs must be floating-point numbers, got torch.int64"),
    (torch.ones(2, 3, dtype=torch.bool), "inputs must be floating-point numbers, got torch.bool"),
    (torch.zeros(2, 4), "inputs have 4 numbers a sample; this layer takes 3"),
]


@pytest.mark.parametrize(("inputs", "message"), BAD)
def test_bad_inputs_are_told_and_change_nothing(inputs, message):
    net = ShiftingNet([3, 4, 2], lr=0.1, lr_pass=0.1)
    before = [part.clone() for part in (*net.weights, *net.passes)]
    targets = torch.eye(2)[torch.zeros(len(inputs)).long()]
    refuses(message, lambda: net.times(inputs))
    refuses(message, lambda: net.terms(inputs))
    refuses(message, lambda: net.train_batch(inputs, targets, earliest_class))
    assert all(torch.equal(a, b) for a, b in zip(before, (*net.weights, *net.passes), strict=True))


def test_targets_and_codes_of_a_wrong_width_are_told():
    net = ShiftingNet([3, 4, 2], lr=0.1, lr_pass=0.1)
    refuses(
        "targets have 5 numbers a sample; this layer takes 2",
        lambda: net.train_batch(draw(2, 3), torch.zeros(2, 5), earliest_class),
    )
    refuses(
        "inputs have 3 numbers a sample; this layer takes 4", lambda: net.times_above(torch.ones(2, 3), 1)
    )


def test_trains_of_a_wrong_rank_or_width_are_told():
    net = ShiftingNet([3, 4, 2], lr=0.1, lr_pass=0.1, trains=True)
    refuses("trains of spikes are [batch, inputs, most], got [2, 3]", lambda: net.times(draw(2, 3)))
    refuses(
        "trains of spikes are [batch, inputs, most], got [2, 3, 4, 5]", lambda: net.times(draw(2, 3, 4, 5))
    )
    refuses("inputs have 4 numbers a sample; this layer takes 3", lambda: net.times(draw(2, 4, 5)))
