"""Shifting learning: what becomes of neurons that do not fire, and that nothing is ever infinite."""

import math

import pytest
import torch

from zorbench.spiking import SILENT, ShiftingNet, earliest_class, pixel_times, to_pixels

from .membrane import draw


def finite(net):
    return all(
        part.isfinite().all() and (part.grad is None or part.grad.isfinite().all())
        for part in (*net.weights, *net.passes)
    )


IMAGES = {
    "random": draw(4, 9),
    "black": torch.zeros(4, 9),
    "white": torch.ones(4, 9),
    "both": torch.tensor([0.0, 1.0]).repeat_interleave(2)[:, None].expand(4, 9).contiguous(),
}


def trained(net, pixels, delta=earliest_class, steps=150):
    targets = torch.eye(net.sizes[-1])[torch.arange(len(pixels)) % net.sizes[-1]]
    for _ in range(steps):
        net.train_batch(pixels, targets, delta)
        assert finite(net)
    return targets


@pytest.mark.parametrize("delta", [earliest_class, pixel_times])
@pytest.mark.parametrize("images", IMAGES)
@pytest.mark.parametrize("scale", [0.1, 1.0, 8.0, 100.0])
def test_nothing_is_ever_infinite_whatever_the_images(images, scale, delta):
    for exact in (True, False):
        net = ShiftingNet([9, 6, 3], lr=0.05, lr_pass=0.01, scale=scale, exact=exact)
        trained(net, IMAGES[images], delta, steps=40)
        times = net.times(IMAGES[images])
        assert times.isfinite().all()
        assert to_pixels(times).isfinite().all()


@pytest.mark.parametrize("exact", [True, False])
def test_one_pixel_is_enough(exact):
    net = ShiftingNet([1, 3, 2], lr=0.05, lr_pass=0.01, exact=exact)
    trained(net, torch.tensor([[0.2], [0.9]]))
    assert net.times(torch.tensor([[0.0], [1.0]])).isfinite().all()


@pytest.mark.parametrize("images", IMAGES)
@pytest.mark.parametrize("silent", [[0], [1], [0, 1]], ids=str)
def test_a_network_that_is_silent_is_called_back(images, silent):
    """Its hidden layer (0), its outputs (1) or both."""
    net = ShiftingNet([9, 6, 3], lr=0.02, lr_pass=1e-3, generator=torch.Generator().manual_seed(0))
    for k in silent:
        net.weights[k] *= 0.05
    pixels = IMAGES[images]
    assert (net.times(pixels) == SILENT).all()
    trained(net, pixels)
    assert (net.times(pixels) < 100).any(dim=1).all(), "an image without an answer"


def test_called_back_neurons_learn_their_classes():
    net = ShiftingNet([9, 12, 3], lr=0.02, lr_pass=1e-3, generator=torch.Generator().manual_seed(0))
    net.weights[1] *= 0.05
    pixels = draw(3, 9, seed=8)
    targets = trained(net, pixels)
    assert torch.equal(net.times(pixels).argmin(dim=1), targets.argmax(dim=1))


def test_the_first_step_makes_a_silent_output_s_weights_grow_where_it_should_fire_and_nowhere_else():
    net = ShiftingNet([4, 3], lr=0.01, lr_pass=0, generator=torch.Generator().manual_seed(0))
    net.weights[0] *= 0.1
    before = net.weights[0].clone()
    net.train_batch(draw(1, 4), torch.eye(3)[:1], earliest_class)
    moved = net.weights[0] - before
    later = draw(1, 4)[0] < 1  # all but an input at e, which is as late as the neuron itself
    assert (moved[later, 0] > 0).all()
    assert not moved[:, 1:].any()


def test_what_calls_a_silent_neuron_back_is_as_if_it_had_fired_after_all_others_because_of_all_inputs():
    net = ShiftingNet([4, 3], lr=0, lr_pass=0)
    net.weights[0].copy_(torch.tensor([[2.0, 0.1, 0.2], [0.0, 0.1, 0.0], [1.0, 0.0, 0.1], [0.5, 0.2, 0.3]]))
    pixels = torch.tensor([[0.9, 0.5, 0.7, 0.0], [0.8, 0.6, 0.2, 0.1]])
    times = net.times(pixels)
    assert (times[:, 1:] == SILENT).all()
    assert (times[:, 0] < SILENT).all()
    given = torch.tensor([[0.3, 0.5, -0.2], [-0.1, 0.25, 0.4]])
    seen = []

    def delta(z, targets):
        seen.append(z.clone())
        return given

    net.train_batch(pixels, torch.zeros(2, 3), delta)
    due = times[:, :1].clamp_min(math.e)
    torch.testing.assert_close(seen[0], torch.cat([times[:, :1], due, due], dim=1))
    z = torch.exp(1 - pixels)
    expected = torch.zeros(4, 3)
    for b in range(2):
        fired = z[b] <= times[b, 0]
        expected[:, 0] += given[b, 0] * math.e * (z[b] - times[b, 0]) * fired
        for j in (1, 2):
            if given[b, j] > 0:
                expected[:, j] += given[b, j] * math.e * (z[b] - 1.1 * due[b])
    torch.testing.assert_close(net.weights[0].grad, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(net.passes[0].grad, (given[:, 0] * times[:, 0]).sum() * torch.eye(3)[0])


def test_a_silent_hidden_neuron_hears_of_all_outputs_that_it_reaches():
    """δ_i = Σ_j δ_j w_ij without the mask, which would leave it nothing."""
    net = ShiftingNet([3, 2, 2], lr=0, lr_pass=0)
    net.weights[0].copy_(torch.tensor([[2.0, 0.1], [1.0, 0.2], [1.0, 0.1]]))
    net.weights[1].copy_(torch.tensor([[3.0, 2.0], [0.5, -0.25]]))
    pixels, given = torch.tensor([[0.9, 0.5, 0.3]]), torch.tensor([[0.4, 0.2]])
    hidden = net.times(pixels, 1)[0]
    assert hidden[1] == SILENT
    net.train_batch(pixels, torch.zeros(1, 2), lambda z, t: given)
    signal = 0.4 * 0.5 - 0.2 * 0.25
    z = torch.exp(1 - pixels[0])
    due = max(math.e, hidden[0].item())
    torch.testing.assert_close(
        net.weights[0].grad[:, 1], signal * math.e * (z - 1.1 * due), rtol=1e-5, atol=1e-6
    )
    assert net.passes[0].grad[1] == 0


def test_a_silent_hidden_neuron_enters_no_causal_set():
    net = ShiftingNet([3, 2, 2], lr=0.1, lr_pass=0)
    net.weights[0].copy_(torch.tensor([[2.0, 0.1], [1.0, 0.2], [1.0, 0.1]]))
    net.weights[1].copy_(torch.tensor([[3.0, 2.0], [5.0, 5.0]]))
    pixels = torch.tensor([[0.9, 0.5, 0.3]])
    before = net.times(pixels)
    net.weights[1][1] = -7
    assert torch.equal(net.times(pixels), before)
    net.train_batch(pixels, torch.eye(2)[:1], earliest_class)
    assert not net.weights[1].grad[1].any()


def test_a_passing_time_makes_no_silent_neuron_fire():
    """Half of `SILENT` would be a time like any other: the output would fire because of it."""
    net = ShiftingNet([3, 2, 1], lr=0.1, lr_pass=0)
    net.weights[0].copy_(torch.tensor([[2.0, 0.1], [1.0, 0.2], [1.0, 0.1]]))
    net.weights[1].copy_(torch.tensor([[0.5], [5.0]]))
    net.passes[0].fill_(0.5)
    pixels = torch.tensor([[0.9, 0.5, 0.3]])
    assert net.times(pixels, 1)[0, 1] == SILENT
    assert net.times(pixels) == SILENT
    net.passes[0].fill_(2)
    assert net.times(pixels, 1)[0, 1] == SILENT


def test_in_source_mode_silence_lasts():
    net = ShiftingNet([9, 6, 3], lr=0.02, lr_pass=1e-3, exact=False)
    for w in net.weights:
        w *= 0.02
    before = [w.clone() for w in net.weights]
    trained(net, IMAGES["random"], steps=30)
    assert all(torch.equal(a, b) for a, b in zip(net.weights, before, strict=True))
    assert (net.times(IMAGES["random"]) > 0.5 * SILENT).all()
