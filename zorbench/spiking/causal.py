"""Causal sets: when a non-leaky integrate-and-fire neuron fires, and because of which inputs.

A spike at time τ enters as z = exp(τ). The potential V(t) = Σ_{z_i ≤ z} w_i (1 − z_i / z), z = exp(t),
reaches the threshold 1 at

    z_j = Σ_{i∈C} w_ij z_i / (Σ_{i∈C} w_ij − 1)

with C the causal set, the spikes that came before. Source: Mostafa 2017 (non-leaky neurons with exponential
synaptic currents).
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from zorbench.spiking import _causal_loops
from zorbench.spiking.checks import check_width
from zorbench.spiking.threads import parts, share_out

SILENT = 1e5
"""The time z of a neuron that does not fire."""

BLOCK = 256  # columns of the weights that are worked on at once, so that they stay in the cache


@dataclass(frozen=True)
class Spikes:
    """A batch of samples as spikes in order of time.

    `rows`: which input each is of; `times`: its z; both [batch, most], filled up behind the `counts[b]`
    spikes that a sample has. `heads[b]`: where the last tie begins if it is more than a quarter of the inputs
    and every input fires just once, else `counts[b]`.
    """

    rows: Int[Tensor, "batch most"]
    times: Float[Tensor, "batch most"]
    counts: Int[Tensor, " batch"]
    heads: Int[Tensor, " batch"]
    n_inputs: int

    @classmethod
    def of(cls, z: Float[Tensor, "batch inputs"], *, silent_too: bool = False) -> "Spikes":
        """One spike an input; those at `SILENT` or later are none, unless `silent_too`."""
        times, rows = torch.sort(z, dim=1, stable=True)
        n = z.shape[1]
        counts = torch.full((len(z),), n) if silent_too else (times < SILENT).sum(dim=1)
        last = times.gather(1, (counts - 1).clamp_min(0)[:, None])
        heads = (times < last).sum(dim=1)
        small = (counts < n) | (counts - heads <= n // 4)
        heads = torch.where(small, counts, heads)
        return cls(rows.to(torch.int32), times, counts, heads, n)

    @classmethod
    def of_trains(cls, z: Float[Tensor, "batch inputs most"]) -> "Spikes":
        """Several spikes an input, at the times `z`; those at `SILENT` or later are none."""
        n, most = z.shape[1:]
        times, places = torch.sort(z.flatten(1), dim=1, stable=True)
        counts = (times < SILENT).sum(dim=1)
        kept = max(int(counts.max()), 1)
        rows = (places[:, :kept] // most).to(torch.int32)
        return cls(rows.contiguous(), times[:, :kept].contiguous(), counts, counts, n)


@dataclass(frozen=True)
class Fired:
    """When each neuron fires, z [batch, outputs] (`SILENT`: never); the size of its causal set (0: none)."""

    times: Float[Tensor, "batch outputs"]
    members: Int[Tensor, "batch outputs"]


def fire(spikes: Spikes, weights: Float[Tensor, "inputs outputs"], *, exact: bool = True) -> Fired:
    """Firing times z_j and causal sets.

    Exact: C is the set of all spikes up to the first time at which V reaches 1: the smallest prefix with Σ
    w > 1 whose z_j is neither earlier than its last spike nor later than the next; spikes of one time enter
    together. Otherwise as the public release of Shifting Learning has it: of all prefixes with Σ w ≥ 1 and
    z_j not earlier than their last spike, the one with the earliest z_j. Both agree while all weights are
    positive. Raises `ValueError` if the weights are not for these inputs: the loops look at no bounds.
    """
    check_width(spikes.n_inputs, len(weights))
    batch, outputs = len(spikes.counts), weights.shape[1]
    fired = torch.empty(batch, outputs)
    members = torch.empty(batch, outputs, dtype=torch.int32)
    arrays = spikes.rows.numpy(), spikes.times.numpy(), spikes.counts.numpy()
    w = weights.numpy()
    if exact:
        total = weights.sum(dim=0).numpy()
        heads = spikes.heads.numpy()

        def work(low: int, high: int) -> None:
            _causal_loops.fire_exact(
                w, total, *arrays, heads, np.float32(SILENT), fired.numpy(), members.numpy(), low, high
            )
    else:

        def work(low: int, high: int) -> None:
            _causal_loops.fire_source(
                w, *arrays, np.float32(SILENT), fired.numpy(), members.numpy(), low, high
            )

    share_out(parts(outputs, BLOCK, 64), work)
    return Fired(fired, members)


def weight_gradient(
    spikes: Spikes,
    fired: Fired,
    slopes: Float[Tensor, "batch outputs"],
    offsets: Float[Tensor, "batch outputs"],
) -> Float[Tensor, "inputs outputs"]:
    """G_ij = Σ_b m_bij (slopes_bj z_bi − offsets_bj), m the mask of causal sets.

    A large last tie (the black pixels of an image) is in a set as a whole: its part is one matrix product.
    """
    batch, outputs = slopes.shape
    gradient = torch.zeros(spikes.n_inputs, outputs)
    arrays = spikes.rows.numpy(), spikes.times.numpy(), fired.members.float().numpy(), spikes.heads.numpy()

    def work(low: int, high: int) -> None:
        _causal_loops.gather_gradient(*arrays, slopes.numpy(), offsets.numpy(), gradient.numpy(), low, high)

    share_out(parts(outputs, BLOCK, 64), work)
    tied = spikes.heads < spikes.counts
    if bool(tied.any()):
        last = spikes.times.gather(1, (spikes.counts - 1).clamp_min(0)[:, None])
        whole = (fired.members > spikes.heads[:, None]) & tied[:, None]
        share = torch.where(whole, slopes * last - offsets, 0.0)
        places = torch.arange(spikes.rows.shape[1])
        inside = (places >= spikes.heads[:, None]) & (places < spikes.counts[:, None])
        mask = torch.zeros(batch, spikes.n_inputs).scatter_(1, spikes.rows.long(), inside.float())
        gradient += mask.T @ share
    return gradient


def signal_below(
    spikes: Spikes,
    fired: Fired,
    weights: Float[Tensor, "inputs outputs"],
    signal: Float[Tensor, "batch outputs"],
) -> Float[Tensor, "batch inputs"]:
    """δ_bi = Σ_j δ_bj m_bij w_ij: the signal through the transposed weights, inside the causal sets."""
    carried = torch.zeros(len(signal), spikes.n_inputs)
    w, arrays = weights.numpy(), (spikes.rows.numpy(), fired.members.float().numpy(), signal.numpy())

    def work(low: int, high: int) -> None:
        _causal_loops.carry_down(w, *arrays, carried.numpy(), low, high)

    share_out(parts(len(signal), len(signal), 16), work)
    return carried
