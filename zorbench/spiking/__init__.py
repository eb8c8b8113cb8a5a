"""Spiking networks: neurons, codes and the rules that train them. Knows no harness.

Convolutional networks of neurons that fire at most once are in modules of their own: `filters` and
`first_spikes` (images → first-spike times), `firing` (layers, inhibition, winners, decisions), `stdp` (rules
and their rates), `greedy` (training a layer on cached times), `rows` (the layout of their weights). Published
networks of such layers are descriptions in `networks`; `learner` trains them all, on `wired` (the network in
use), `reinforced` (reward that several layers share) and `votes`.
"""

from zorbench.spiking.block import NormalisedLIFPool, SteadyDropout
from zorbench.spiking.causal import SILENT
from zorbench.spiking.coding import Bernoulli, constant
from zorbench.spiking.latency import to_pixels, to_times
from zorbench.spiking.lif import LIF, lif
from zorbench.spiking.shifting import ShiftingNet, decayed, earliest_class, pixel_times
from zorbench.spiking.stack import AnalogReadout, SpikingLayer, Voters, drawn_like_torch, undrawn

__all__ = [
    "LIF",
    "SILENT",
    "AnalogReadout",
    "Bernoulli",
    "NormalisedLIFPool",
    "ShiftingNet",
    "SpikingLayer",
    "SteadyDropout",
    "Voters",
    "constant",
    "decayed",
    "drawn_like_torch",
    "earliest_class",
    "lif",
    "pixel_times",
    "to_pixels",
    "to_times",
    "undrawn",
]
