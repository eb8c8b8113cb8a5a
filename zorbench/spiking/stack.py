"""Spiking networks over T steps, with an analog read-out or with neurons that vote."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from zorbench.spiking.coding import membrane_weights

Module = TypeVar("Module", bound=nn.Module)


class SpikingLayer(nn.Module):
    """An affine map (or convolution) and neurons: spikes in, spikes out.

    `weigh` works on [time · batch, …], all steps at once; `neurons`, and what follows them, on [time,
    batch, …].
    """

    def __init__(self, weigh: nn.Module, *neurons: nn.Module) -> None:
        super().__init__()
        self.weigh, self.neurons = weigh, nn.Sequential(*neurons)

    def forward(self, spikes: Float[Tensor, "time batch ..."]) -> Float[Tensor, "time batch ..."]:
        steps, batch = spikes.shape[:2]
        currents = self.weigh(spikes.flatten(0, 1))
        fired: Tensor = self.neurons(currents.unflatten(0, (steps, batch)))
        return fired


class AnalogReadout(nn.Module):
    """Layers of spiking neurons, then leaky ones that never fire: the answer is their mean potential over T.

    That mean is linear in the spikes, Σ_t c_t (W s[t] + b) = W Σ_t c_t s[t] + (Σ_t c_t) b, so that the
    numbers Σ_t c_t s[t] of a layer are all that is needed of it: they are the code of a bottleneck. The
    layers `above` it get the code as a constant current.
    """

    summed: Tensor

    def __init__(
        self,
        below: Sequence[nn.Module],
        above: Sequence[nn.Module],
        readout: nn.Linear,
        *,
        steps: int,
        decay: float,
    ) -> None:
        super().__init__()
        self.below, self.above, self.readout = nn.Sequential(*below), nn.Sequential(*above), readout
        self.steps = steps
        self.register_buffer("summed", membrane_weights(steps, decay), persistent=False)

    def forward(self, spikes: Float[Tensor, "time batch ..."]) -> Float[Tensor, "batch out"]:
        return self.decode(self.encode(spikes))

    def encode(self, spikes: Float[Tensor, "time batch ..."]) -> Float[Tensor, "batch code"]:
        """Σ_t c_t s[t] of the last layer below: a number for each of its neurons."""
        return self._sum(self.below(spikes))

    def decode(self, codes: Float[Tensor, "batch code"]) -> Float[Tensor, "batch out"]:
        """The mean potentials of the output neurons."""
        if len(self.above):
            codes = self._sum(self.above(codes.expand(self.steps, *codes.shape)))
        answer = codes @ self.readout.weight.T
        return answer if self.readout.bias is None else answer + self.summed.sum() * self.readout.bias

    def _sum(self, spikes: Tensor) -> Tensor:
        return (self.summed @ spikes.flatten(1)).view(spikes.shape[1:])


class Voters(nn.Module):
    """Layers of spiking neurons, the last with V a class: the mean rate of a class's neurons over T steps."""

    def __init__(self, layers: Sequence[nn.Module], voters: int) -> None:
        super().__init__()
        self.layers, self.voters = nn.Sequential(*layers), voters

    def forward(self, spikes: Float[Tensor, "time batch ..."]) -> Float[Tensor, "batch classes"]:
        rates: Tensor = self.layers(spikes).mean(dim=0)
        return rates.unflatten(1, (-1, self.voters)).mean(dim=2)


def drawn_like_torch(module: Module, generator: torch.Generator) -> Module:
    """torch's own default initialisation of affine and convolutional layers, drawn from `generator`."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            bound = layer.weight[0].numel() ** -0.5
            with torch.no_grad():
                layer.weight.uniform_(-bound, bound, generator=generator)
                if layer.bias is not None:
                    layer.bias.uniform_(-bound, bound, generator=generator)
    return module


def undrawn(make: Callable[[], Module]) -> Module:
    """What `make` makes, the global generator left as it was: torch's constructors draw from it."""
    with torch.random.fork_rng(devices=[]):
        return make()
