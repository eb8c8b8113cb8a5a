"""Compile the loops, or read them from the cache, before anything is timed."""

import torch

from zorbench.spiking.block import NormalisedLIFPool
from zorbench.spiking.causal import Spikes, fire, signal_below, weight_gradient
from zorbench.spiking.lif import LIF, lif


def compile_loops() -> None:
    """Run every compiled loop once, on next to nothing, as it is called in earnest."""
    ones = torch.ones(1, 1)
    spikes = Spikes.of(ones)
    for exact in (True, False):
        fired = fire(spikes, ones, exact=exact)
    weight_gradient(spikes, fired, ones, ones)
    signal_below(spikes, fired, ones, ones)
    currents = torch.ones(1, 1, 1, requires_grad=True)
    with torch.enable_grad():
        lif(currents, torch.ones(1)).sum().backward()
        images = torch.ones(1, 1, 1, 2, 2, requires_grad=True)
        NormalisedLIFPool(LIF((1, 2, 2), threshold=1.0))(images).sum().backward()
