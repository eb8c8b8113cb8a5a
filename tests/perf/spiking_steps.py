"""Training steps of spiking networks, and what each is measured against; every step returns a number."""

from itertools import pairwise

import snntorch
import torch
from snntorch import surrogate
from torch import Tensor, nn

from zorbench import Classification, EntrySpec
from zorbench.registry import Registry
from zorbench.spiking import LIF, Bernoulli, ShiftingNet, SpikingLayer, Voters, earliest_class

from .steps import Step

STEPS = 4  # T


def labels(batch: int, classes: int = 10) -> Tensor:
    return nn.functional.one_hot(torch.arange(batch) % classes, classes).float()


def images(batch: int, pixels: int = 784) -> Tensor:
    """As sparse as digits: four fifths of the pixels are black."""
    draw = torch.Generator().manual_seed(0)
    x = torch.rand(batch, pixels, generator=draw)
    return x * (torch.rand(batch, pixels, generator=draw) > 0.8)


def shifting_step(sizes: tuple[int, int, int], batch: int) -> Step:
    net = ShiftingNet(sizes, lr=1e-4, lr_pass=1e-4, generator=torch.Generator().manual_seed(0))
    x, y = images(batch, sizes[0]), labels(batch, sizes[2])

    def step() -> Tensor:
        net.train_batch(x, y, earliest_class)
        return net.passes[-1]

    return step


def mlp_classifier_step(sizes: tuple[int, int, int], batch: int) -> Step:
    net = nn.Sequential(nn.Linear(sizes[0], sizes[1]), nn.ReLU(), nn.Linear(sizes[1], sizes[2]))
    optimiser = torch.optim.AdamW(net.parameters(), fused=True)
    return _trained(net, optimiser, images(batch, sizes[0]), labels(batch, sizes[2]))


def stl_step(sizes: tuple[int, int, int], batch: int) -> Step:
    """Learned thresholds and weights, Bernoulli input, rates against one-hot."""
    generator = torch.Generator().manual_seed(0)
    layers = [SpikingLayer(nn.Linear(m, n, bias=False), LIF((n,), threshold=0.5)) for m, n in pairwise(sizes)]
    net, coding = Voters(layers, 1), Bernoulli(STEPS, (sizes[0],), generator)
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)
    x, y = images(batch, sizes[0]), labels(batch, sizes[2])

    def step() -> Tensor:
        optimiser.zero_grad()
        loss = nn.functional.mse_loss(net(coding.draw(x)), y)
        loss.backward()
        optimiser.step()
        return loss.detach()

    return step


def snntorch_step(sizes: tuple[int, int, int], batch: int) -> Step:
    """The same network, code and loss, written as snntorch's tutorials do: a loop over time and layers."""
    affine = nn.ModuleList([nn.Linear(m, n, bias=False) for m, n in pairwise(sizes)])
    leaky = nn.ModuleList(
        [
            snntorch.Leaky(
                beta=0.5,
                threshold=torch.full((n,), 0.5),
                learn_threshold=True,
                reset_mechanism="zero",
                spike_grad=surrogate.atan(alpha=2.0),
            )
            for n in sizes[1:]
        ]
    )
    optimiser = torch.optim.Adam([*affine.parameters(), *leaky.parameters()], lr=1e-3, fused=True)
    x, y = images(batch, sizes[0]), labels(batch, sizes[2])
    draw = torch.Generator().manual_seed(0)

    def step() -> Tensor:
        optimiser.zero_grad()
        potentials = [neuron.init_leaky() for neuron in leaky]
        fired = []
        for _ in range(STEPS):
            spikes = (torch.rand(x.shape, generator=draw) < x).float()
            for k, (weigh, neuron) in enumerate(zip(affine, leaky, strict=True)):
                spikes, potentials[k] = neuron(weigh(spikes), potentials[k])
            fired.append(spikes)
        loss = nn.functional.mse_loss(torch.stack(fired).mean(dim=0), y)
        loss.backward()
        optimiser.step()
        return loss.detach()

    return step


def stl_conv_step(batch: int) -> Step:
    """The published convolutional network: 128C5-128C5-2048-100 on 28×28, dropout ½."""
    row = Registry().row("stl_conv")
    spec = EntrySpec(Classification, (1, 28, 28), (10,), 10, batch, batch, batch, hidden=64, code=64)
    plugin = row.plugin()
    plugin.build(spec, row.config(), torch.Generator().manual_seed(0))
    x, y = images(batch).view(batch, 1, 28, 28), labels(batch)

    def step() -> Tensor:
        plugin.step(x, y)  # type: ignore[attr-defined]
        return torch.zeros(())

    return step


def conv_products(batch: int) -> Step:
    """Its convolutions and matrix products alone, forward and backward, on spikes as sparse as such."""
    layers = [
        nn.Conv2d(1, 128, 5, padding=2, bias=False),
        nn.Conv2d(128, 128, 5, padding=2, bias=False),
        nn.Linear(6272, 2048, bias=False),
        nn.Linear(2048, 100, bias=False),
    ]
    shapes = [(1, 28, 28), (128, 14, 14), (6272,), (2048,)]
    spikes = [(torch.rand(STEPS * batch, *shape) < 0.2).float() for shape in shapes]
    for x in spikes[1:]:  # no gradient of the images
        x.requires_grad_()
    signals = [torch.randn_like(layer(x)) for layer, x in zip(layers, spikes, strict=True)]

    def step() -> Tensor:
        for layer, x, signal in zip(layers, spikes, signals, strict=True):
            layer.weight.grad = x.grad = None
            layer(x).backward(signal)
        return torch.zeros(())

    return step


def _trained(net: nn.Module, optimiser: torch.optim.Optimizer, x: Tensor, y: Tensor) -> Step:
    def step() -> Tensor:
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimiser.step()
        return loss.detach()

    return step
