"""LIF layers, held against the golden trace and against autograd through the equations, surrogate and all."""

import math
import re

import pytest
import torch

from zorbench.spiking import LIF, lif
from zorbench.spiking.lif import _backward, _forward

from .membrane import normal
from .traces import Trace


def by_equations(currents, thresholds, decay=0.5, alpha=2.0):
    """Forward a step, backward the derivative of arctan(π α x / 2) / π, as autograd finds it."""
    kept, spikes = torch.zeros_like(currents[0]), []
    for current in currents:
        u = decay * kept + current
        x = u - thresholds
        smooth = torch.atan(math.pi * alpha * x / 2) / math.pi
        s = smooth + ((x >= 0).to(x.dtype) - smooth).detach()
        kept = (1 - s) * u
        spikes.append(s)
    return torch.stack(spikes)


def gradients(function, currents, thresholds, above, *constants):
    currents, thresholds = (t.detach().clone().requires_grad_() for t in (currents, thresholds))
    spikes = function(currents, thresholds, *constants)
    return (spikes.detach(), *torch.autograd.grad((spikes * above).sum(), (currents, thresholds)))


def same(ours, expected, tolerance=2e-5):
    # 1 − s is not exact where s is put together from parts
    torch.testing.assert_close(ours[0], expected[0], rtol=0, atol=1e-5)
    for mine, theirs in zip(ours[1:], expected[1:], strict=True):
        torch.testing.assert_close(mine, theirs, rtol=tolerance, atol=tolerance)


def test_it_is_the_public_release(golden):
    trace = Trace(golden / "stl_lif.npz")
    w, thresholds = (trace.tensor(name).requires_grad_() for name in ("w", "threshold"))
    currents = trace.tensor("x") @ w  # [batch, time, neurons]
    trace.agrees("current", currents.detach(), atol=1e-5)
    spikes = lif(currents.transpose(0, 1), thresholds, trace.number("tau"), trace.number("alpha"))
    trace.agrees("spikes", spikes.detach().transpose(0, 1), atol=0)
    loss = ((spikes.mean(dim=0) - trace.tensor("target")) ** 2).mean()
    trace.agrees("loss", loss.detach(), atol=1e-5)
    loss.backward()
    trace.agrees("grad_w", w.grad, atol=1e-5)
    trace.agrees("grad_threshold", thresholds.grad, atol=1e-5)
    assert w.grad.abs().max() > 1e-3
    assert not trace.unread


SIZES = [(1, 1, 1), (1, 5, 7), (4, 1, 6), (4, 3, 33), (9, 2, 3, 4, 5), (2, 1, 2, 1, 3), (3, 4, 0)]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("constants", [(0.5, 2.0), (0.9, 0.7), (0.0, 5.0), (1.0, 2.0)])
def test_compiled_loops_are_the_equations_and_their_gradient_through_time(size, constants):
    currents, thresholds = normal(*size) * 1.5 + 0.3, 1 + 0.2 * normal(*size[2:], seed=1)
    above = normal(*size, seed=2)
    expected = gradients(by_equations, currents.double(), thresholds.double(), above.double(), *constants)
    ours = gradients(lif, currents, thresholds, above, *constants)
    same(ours, [part.float() for part in expected])
    assert set(ours[0].unique().tolist()) <= {0.0, 1.0}
    if currents.numel() > 50:
        assert 0.1 < ours[0].mean() < 0.9


@pytest.mark.parametrize("size", [(1, 5, 7), (4, 3, 33), (9, 2, 3, 4, 5)], ids=str)
def test_in_double_precision_torch_computes_the_same(size):
    currents, thresholds = (normal(*size) * 1.5 + 0.3).double(), (1 + 0.2 * normal(*size[2:])).double()
    above = normal(*size, seed=2).double()
    expected = gradients(by_equations, currents, thresholds, above)
    ours = gradients(lif, currents, thresholds, above)
    assert all(part.dtype == torch.float64 for part in ours)
    for mine, theirs in zip(ours, expected, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("size", [(1, 5, 7), (4, 3, 33), (6, 2, 3, 4, 5)], ids=str)
def test_torch_s_operations_and_the_loops_agree_in_single_precision(size):
    """The former are what other devices take."""
    currents, thresholds = normal(*size) * 1.5 + 0.3, 1 + 0.2 * normal(*size[2:], seed=1)
    above = normal(*size, seed=2)
    potentials, spikes = torch.empty(size), torch.empty(size)
    _forward(currents, thresholds, 0.5, potentials, spikes)
    to_currents, to_thresholds = _backward(above, potentials, thresholds, 0.5, 2.0)
    same(gradients(lif, currents, thresholds, above), (spikes, to_currents, to_thresholds))


def test_potentials_may_lie_exactly_at_the_threshold_and_then_fire():
    currents = torch.tensor([0.5, 0.75, 0.25, 1.0, 0.5, 0.5])[:, None, None]
    # u: 0.5, 1 (fires), 0.25, 1.125 (fires), 0.5, 0.75
    spikes = lif(currents, torch.ones(1))
    assert spikes.flatten().tolist() == [0, 1, 0, 1, 0, 0]
    assert lif(currents.double(), torch.ones(1).double()).flatten().tolist() == [0, 1, 0, 1, 0, 0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_at_the_very_threshold_the_gradient_is_that_of_a_neuron_that_fired(dtype):
    """Then u′ = 0 whatever u: of du₂/du₁ only the reset's −τ u₁ g(0) = −1/2 is left."""
    currents = torch.tensor([1.0, 0.4], dtype=dtype)[:, None, None].requires_grad_()
    lif(currents, torch.ones(1, dtype=dtype))[1].sum().backward()
    later = 1 / (1 + (math.pi * 0.6) ** 2)
    assert currents.grad.flatten().tolist() == pytest.approx([-later / 2, later], rel=1e-5)


def permuted(tensor):
    """The same numbers, with time and batch the other way round in memory."""
    return tensor.transpose(0, 1).contiguous().transpose(0, 1)


def channels_last(tensor):
    return tensor.flatten(0, 1).contiguous(memory_format=torch.channels_last).unflatten(0, tensor.shape[:2])


def with_gaps(tensor):
    return torch.stack([tensor, tensor], dim=-1)[..., 0]


@pytest.mark.parametrize("lay", [permuted, channels_last, with_gaps])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_it_does_not_matter_how_the_currents_lie_in_memory(lay, dtype):
    currents, thresholds = (normal(4, 3, 5, 6, 7) * 2).to(dtype), (1 + 0.2 * normal(5, 6, 7)).to(dtype)
    above = normal(4, 3, 5, 6, 7, seed=2).to(dtype)
    expected = gradients(lif, currents, thresholds, above)
    other = lay(currents).requires_grad_()
    assert not other.is_contiguous()
    assert torch.equal(other, currents)
    leaf = thresholds.clone().requires_grad_()
    spikes = lif(other, leaf)
    found = torch.autograd.grad((spikes * lay(above)).sum(), (other, leaf))
    for mine, theirs in zip((spikes.detach(), *found), expected, strict=True):
        assert torch.equal(mine, theirs)


def test_a_current_that_is_the_same_at_every_step_need_not_be_copied():
    current, thresholds, above = normal(3, 8), torch.full((8,), 0.8), normal(5, 3, 8, seed=1)
    leaf = current.clone().requires_grad_()
    spikes = lif(leaf.expand(5, 3, 8), thresholds)
    (found,) = torch.autograd.grad((spikes * above).sum(), leaf)
    other = current.double().requires_grad_()
    reference = by_equations(other.expand(5, 3, 8), thresholds.double())
    (expected,) = torch.autograd.grad((reference * above.double()).sum(), other)
    torch.testing.assert_close(found, expected.float(), rtol=1e-4, atol=1e-5)


def test_the_reset_path_is_part_of_the_gradient():
    """Two steps; the loss is the second spike. du₂/du₁ = τ (1 − s₁) − τ u₁ g(u₁ − θ)."""
    for first in (0.6, 1.7):
        currents = torch.tensor([first, 0.4])[:, None, None].requires_grad_()
        lif(currents, torch.ones(1))[1].sum().backward()

        def g(u):
            return 1 / (1 + (math.pi * (u - 1)) ** 2)

        fired = first >= 1
        second = 0.4 + (0 if fired else first / 2)
        through = 0.5 * (1 - fired) - 0.5 * first * g(first)
        assert currents.grad[1].item() == pytest.approx(g(second), rel=1e-5)
        assert currents.grad[0].item() == pytest.approx(g(second) * through, rel=1e-5)


def test_a_higher_threshold_means_fewer_spikes():
    currents, thresholds = normal(1, 50, 6), torch.full((6,), 0.3)
    spikes, to_currents, to_thresholds = gradients(lif, currents, thresholds, torch.ones(1, 50, 6))
    assert (to_thresholds < 0).all()
    torch.testing.assert_close(to_thresholds, -to_currents.sum(dim=(0, 1)))
    assert lif(currents, thresholds + 1).sum() < spikes.sum()


@pytest.mark.parametrize("size", [(3, 64, 500), (3, 7, 5000)], ids=str)
def test_two_threads_give_what_one_gives(size):
    """Bit by bit, but for the sums of thresholds' gradients over the samples of each."""
    currents, thresholds, above = normal(*size), torch.full(size[2:], 0.7), normal(*size, seed=1)
    alone = gradients(lif, currents, thresholds, above)
    torch.set_num_threads(2)
    both = gradients(lif, currents, thresholds, above)
    assert torch.equal(alone[0], both[0])
    assert torch.equal(alone[1], both[1])
    torch.testing.assert_close(alone[2], both[2], rtol=1e-4, atol=1e-4)
    again = gradients(lif, currents, thresholds, above)
    assert torch.equal(both[2], again[2])


def test_currents_and_thresholds_are_left_as_they_were():
    currents, thresholds = normal(4, 3, 5), torch.ones(5)
    kept = currents.clone()
    gradients(lif, currents, thresholds, torch.ones(4, 3, 5))
    assert torch.equal(currents, kept)
    assert torch.equal(thresholds, torch.ones(5))


@pytest.mark.parametrize(
    ("currents", "thresholds"), [((4, 3, 5), (6,)), ((4, 3, 5, 5), (5,)), ((4, 3), ()), ((4, 3, 5), (1,))]
)
def test_thresholds_of_another_shape_are_refused(currents, thresholds):
    message = f"got {list(currents)} and {list(thresholds)}"
    with pytest.raises(ValueError, match=re.escape(message)):
        lif(torch.zeros(currents), torch.zeros(thresholds))


# The layer


def layer(learns, **options):
    return LIF((5, 3), threshold=0.8, learns=learns, generator=torch.Generator().manual_seed(0), **options)


@pytest.mark.parametrize("learns", ["threshold", "bias", ""])
def test_a_layer_learns_its_thresholds_or_its_biases_or_nothing(learns):
    neurons = layer(learns)
    learned = {name: part.numel() for name, part in neurons.named_parameters() if part.requires_grad}
    assert learned == {"threshold": {"thresholds": 15}, "bias": {"bias": 15}, "": {}}[learns]
    before = {name: part.detach().clone() for name, part in neurons.named_parameters()}
    currents = normal(4, 6, 5, 3).requires_grad_()
    neurons(currents).sum().backward()
    for part in neurons.parameters():
        if part.grad is not None:
            part.data -= 0.1 * part.grad
    moved = {name for name, part in neurons.named_parameters() if not torch.equal(part, before[name])}
    assert moved == set(learned)
    assert currents.grad.any()


def test_a_bias_is_added_to_the_current_of_every_step():
    neurons, currents = layer("bias"), normal(4, 6, 5, 3)
    neurons.bias.data = normal(5, 3, seed=4)
    spikes = neurons(currents)
    assert torch.equal(spikes, lif(currents + neurons.bias, neurons.thresholds))
    spikes.sum().backward()
    other = currents.double().requires_grad_()
    reference = by_equations(other + neurons.bias.detach().double(), neurons.thresholds.detach().double())
    reference.sum().backward()
    torch.testing.assert_close(neurons.bias.grad.double(), other.grad.sum(dim=(0, 1)), rtol=1e-4, atol=1e-5)


def test_a_bias_begins_at_zero():
    assert not layer("bias").bias.any()


def test_thresholds_begin_beside_their_mean_drawn_from_the_generator_alone():
    outside = torch.get_rng_state()
    drawn = LIF((10000,), threshold=2.0, generator=torch.Generator().manual_seed(1)).thresholds.detach() - 2
    assert torch.equal(outside, torch.get_rng_state())
    assert drawn.std().item() == pytest.approx(1e-4, rel=0.05)
    assert abs(drawn.mean().item()) < 5e-6
    again = LIF((10000,), threshold=2.0, generator=torch.Generator().manual_seed(1)).thresholds
    assert torch.equal(again - 2, drawn)


def test_a_layer_hands_its_constants_on():
    neurons, currents = layer("threshold", decay=0.9, alpha=0.5), normal(6, 2, 5, 3)
    above = normal(6, 2, 5, 3, seed=1)
    neurons_found = gradients(lambda c, t: neurons(c) + 0 * t.sum(), currents, neurons.thresholds, above)
    expected = gradients(
        by_equations, currents.double(), neurons.thresholds.double(), above.double(), 0.9, 0.5
    )
    torch.testing.assert_close(neurons_found[1], expected[1].float(), rtol=1e-4, atol=1e-5)


def test_a_layer_cannot_learn_what_it_does_not_have():
    with pytest.raises(ValueError, match="learns must be 'threshold', 'bias' or '', got 'thresholds'"):
        layer("thresholds")
