"""Compile the loops, or read them from the cache, before anything is timed."""

import torch

from zorbench.spiking import firing
from zorbench.spiking.block import NormalisedLIFPool
from zorbench.spiking.causal import Spikes, fire, signal_below, weight_gradient
from zorbench.spiking.first_spikes import latencies
from zorbench.spiking.greedy import learn, learn_to_decide
from zorbench.spiking.lif import LIF, lif
from zorbench.spiking.rows import laid_out
from zorbench.spiking.stdp import PUNISHMENT, REWARD, STDP, update


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
    _compile_one_spike_loops()


def _compile_one_spike_loops() -> None:
    weight, steps = laid_out(torch.ones(1, 1, 1, 1)), 1
    times = latencies(torch.ones(1, 1, 1, 1), steps)
    winners = firing.winners(firing.fire(times, weight, 0.5, steps=steps), 1, 0, steps=steps)
    update(weight, times, winners[0], torch.zeros(1, dtype=torch.int64), STDP(), steps=steps)
    learn(weight, times, STDP(), threshold=0.5, k=1, radius=0, steps=steps)
    firing.decide(times, weight, steps=steps)
    one = torch.zeros(1, dtype=torch.int64)
    learn_to_decide(weight, times, one, one, REWARD, PUNISHMENT, steps=steps)
