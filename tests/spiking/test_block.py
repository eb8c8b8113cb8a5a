"""A convolutional block, held against the same written with torch's own layers and autograd."""

import math

import pytest
import torch
from torch import nn

from zorbench.spiking import LIF, NormalisedLIFPool, SteadyDropout

TIME, BATCH = 4, 5
SHAPES = [(3, 8, 6), (2, 7, 9), (1, 2, 2), (4, 28, 28)]


class Surrogate(torch.autograd.Function):
    """A step whose derivative is (α/2) / (1 + (π α x / 2)²), α = 2."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return (x >= 0).to(x.dtype)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient / (1 + (math.pi * x) ** 2)


def by_torch(x, norm, thresholds, bias):
    """BatchNorm2d over time and batch, neurons stepped through time, MaxPool2d; float64."""
    y = norm(x.flatten(0, 1)).view_as(x) + bias
    kept, spikes = torch.zeros_like(y[0]), []
    for current in y:
        u = 0.5 * kept + current
        s = Surrogate.apply(u - thresholds)
        kept = (1 - s) * u
        spikes.append(s)
    pooled = nn.functional.max_pool2d(torch.stack(spikes).flatten(0, 1), 2)
    return pooled.unflatten(0, (TIME, BATCH))


def block_and_torch(shape, learns, training):
    """The same block twice, with numbers of its own everywhere, and currents for it."""
    draw = torch.Generator().manual_seed(3)

    def normal(*size):
        return torch.randn(size, generator=draw)

    block = NormalisedLIFPool(LIF(shape, threshold=0.7, learns=learns, generator=draw))
    norm = nn.BatchNorm2d(shape[0]).double()
    with torch.no_grad():
        for part, value in (
            (block.weight, 1 + normal(shape[0]) / 4),
            (block.shift, normal(shape[0]) / 4),
            (block.running_mean, normal(shape[0])),
            (block.running_var, 1 + normal(shape[0]).square()),
            (block.neurons.thresholds, 0.7 + normal(*shape) / 4),
        ):
            part.copy_(value)
        if learns == "bias":
            block.neurons.bias.copy_(normal(*shape) / 4)
        norm.weight.copy_(block.weight)
        norm.bias.copy_(block.shift)
        norm.running_mean.copy_(block.running_mean)
        norm.running_var.copy_(block.running_var)
    block.train(training)
    norm.train(training)
    return block, norm, 2 * normal(TIME, BATCH, *shape) + 0.5


@pytest.mark.parametrize("training", [True, False], ids=["training", "prediction"])
@pytest.mark.parametrize("learns", ["threshold", "bias"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_spikes_and_every_gradient_are_those_of_torch_s_layers(shape, learns, training):
    block, norm, currents = block_and_torch(shape, learns, training)
    block.neurons.thresholds.requires_grad_(True)
    given = currents.clone().requires_grad_()
    thresholds = block.neurons.thresholds.detach().double().requires_grad_()
    bias = torch.zeros(shape, dtype=torch.float64)
    if learns == "bias":
        bias = block.neurons.bias.detach().double()
    bias.requires_grad_()
    same = currents.double().requires_grad_()

    pooled = block(given * 1)  # a copy: the block writes its gradient over what it is given
    expected = by_torch(same, norm, thresholds, bias)
    assert torch.equal(pooled.double(), expected)
    assert 0 < float(pooled.detach().mean()) < 1
    above = torch.randn(pooled.shape, generator=torch.Generator().manual_seed(4))
    pooled.backward(above)
    expected.backward(above.double())

    pairs = [
        (given.grad, same.grad),
        (block.weight.grad, norm.weight.grad),
        (block.shift.grad, norm.bias.grad),
        (block.neurons.thresholds.grad, thresholds.grad),
    ]
    pairs += [(block.neurons.bias.grad, bias.grad)] if learns == "bias" else []
    for found, wanted in pairs:
        torch.testing.assert_close(found.double(), wanted, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(block.running_mean.double(), norm.running_mean, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(block.running_var.double(), norm.running_var, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("training", [True, False], ids=["training", "prediction"])
def test_other_precisions_take_torch_s_operations_to_the_same_end(training):
    block, norm, currents = block_and_torch((3, 7, 8), "threshold", training)
    expected = by_torch(currents.double(), norm, block.neurons.thresholds.detach().double(), 0.0)
    found = block.double()(currents.double())
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(block.running_mean, norm.running_mean)
    torch.testing.assert_close(block.running_var, norm.running_var)


def test_a_pooled_gradient_goes_to_the_first_that_fires_and_to_the_first_if_none_does():
    """γ = 1, no moments: one neuron of four fires, and what is passed down is its surrogate alone."""
    neurons = LIF((1, 2, 2), threshold=1.0, learns="")
    neurons.thresholds.data.fill_(1.0)
    block = NormalisedLIFPool(neurons, eps=0.0).eval()
    for place in (None, 0, 1, 2, 3):
        values = torch.zeros(4)
        if place is not None:
            values[place:] = 1.5  # those behind fire too, and get nothing
        given = values.view(1, 1, 1, 2, 2).clone().requires_grad_()
        block(given * 1).sum().backward()
        expected = torch.zeros(4)
        first = place or 0
        expected[first] = 1 / (1 + (math.pi * (float(values[first]) - 1.0)) ** 2)
        torch.testing.assert_close(given.grad.flatten(), expected)


def test_a_gradient_can_be_taken_once():
    block, _, currents = block_and_torch((2, 4, 4), "threshold", True)
    summed = block(currents.requires_grad_() * 1).sum()
    summed.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="can be taken once"):
        summed.backward()


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_change_no_bit(threads):
    before = torch.get_num_threads()

    def gradients(count):
        torch.set_num_threads(count)
        block, _, currents = block_and_torch((4, 28, 28), "threshold", True)
        given = currents.requires_grad_()
        block(given * 1).square().sum().backward()
        return given.grad, block.weight.grad, block.neurons.thresholds.grad

    try:
        assert all(map(torch.equal, gradients(threads), gradients(1)))
    finally:
        torch.set_num_threads(before)


def test_steady_dropout_has_one_mask_for_all_steps_and_keeps_the_mean():
    drop = SteadyDropout(0.25, torch.Generator().manual_seed(0))
    ones = torch.ones(3, 100, 200)
    state = torch.get_rng_state()
    dropped = drop(ones)
    assert torch.equal(torch.get_rng_state(), state), "it draws from its own generator"
    assert torch.equal(dropped[0], dropped[1])
    assert torch.equal(dropped[0], dropped[2])
    assert set(dropped.unique().tolist()) == {0.0, torch.tensor(1 / 0.75).item()}
    share, n = float((dropped[0] == 0).float().mean()), dropped[0].numel()
    assert abs(share - 0.25) < 5 * math.sqrt(0.25 * 0.75 / n)
    assert not torch.equal(drop(ones), dropped), "a mask for every batch"
    assert torch.equal(drop.eval()(ones), ones)
