"""What goes on in the layers of a network of the current rule: activity, signal, and the way it learns."""

import copy
import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from zorbench.zor.analog import Zor
from zorbench.zor.correlation import signal_scale


class Diagnosis(NamedTuple):
    """A number for each layer above the input, bottom to top: layer l = 1 … L at place l − 1.

    activation_rate: share of units × samples that fire, the mean of s_l.
    dead_units: share of units that fire for no sample of the batch.
    signal_norm: root mean square of δ_l before its normalisation. δ_L = t − y; every other comes from a
        normalised one above it, so it tells what one layer passes on, not what all of them do together.
    alignment: cosine between the direction that the rule proposes for the weights into layer l and the
        negative gradient of the loss with respect to them, −1 … 1; NaN where one of the two is zero.
    """

    activation_rate: tuple[float, ...]
    dead_units: tuple[float, ...]
    signal_norm: tuple[float, ...]
    alignment: tuple[float, ...]


def diagnose(net: Zor, x: Float[Tensor, "batch *n_0"], t: Float[Tensor, "batch *n_L"]) -> Diagnosis:
    """Look into `net` as it learns from one batch, from a fresh start (zero charge); it stays as it is.

        loss = ½ mean_b ‖t_b − y_b‖²,  or with a softmax output  −mean_b Σ t_b log y_b  (cross-entropy)

    Its gradient is that of autograd through the training pass: derivatives of the activations included, the
    gates taken as the masks they were. Cross-entropy, since t − y, from which the rule starts, is then the
    negative gradient at the softmax's argument (for t that sum to 1); no such loss is taken for a sigmoid.
    In an image every position of a channel is a unit.

    Raises ValueError on an ensemble, and on x and t as `train_batch` does.
    """
    if net._copies:
        raise ValueError(
            f"expected one network, got an ensemble of {net._copies[0]}: take one out with its method network"
        )
    net._check_pair(x, t)
    rested = _rested(net)
    with torch.no_grad(), net._products():
        seen = rested._run(x, train=True)
        errors = t - seen.output
        directions = rested._directions(seen, errors)
        signals = _signals(rested, errors)
        gradients = _gradients(rested, x, t, seen.spikes)
    rates, dead = zip(*(_firing(spikes) for spikes in seen.spikes[1:]), strict=True)
    return Diagnosis(
        activation_rate=rates,
        dead_units=dead,
        signal_norm=tuple(float(signal.square().mean().sqrt()) for signal in signals),
        alignment=tuple(-_cosine(*pair) for pair in zip(directions, gradients, strict=True)),
    )


def _rested(net: Zor) -> Zor:
    """The same weights without charge; whatever a pass writes to is its own."""
    rested = copy.copy(net)
    rested.weights = [weight.detach().requires_grad_() for weight in net.weights]
    rested.charges = [charge.new_zeros(0, *charge.shape[1:]) for charge in net.charges]
    rested._moves = [torch.empty_like(move) for move in net._moves]
    return rested


def _firing(spikes: Tensor | None) -> tuple[float, float]:
    """The share of units × samples that fired, and that of the units that never did."""
    if spikes is None:  # every unit, every time
        return 1.0, 0.0
    return float(spikes.mean()), float((spikes.amax(0) == 0).float().mean())


def _signals(net: Zor, errors: Tensor) -> list[Tensor]:
    """δ of every layer above the input before its normalisation, bottom to top."""
    signals = [errors]
    for index in reversed(range(1, len(net.connections))):
        connection, above = net.connections[index], signals[-1]
        scale = signal_scale(above, connection.axes)
        signals.append(connection.transport(above, scale, net.weights[index]).to(net.dtype))
    return signals[::-1]


def _gradients(net: Zor, x: Tensor, t: Tensor, spikes: Sequence[Tensor | None]) -> tuple[Tensor, ...]:
    """The loss's gradient with respect to every W, the gates held as they were."""
    last = len(net.connections)
    with torch.enable_grad():
        current = x
        for index in range(last):
            activity = net._activate(_masked(current, spikes[index]), index)
            current = net._current(activity, index)
        charge = _masked(current, spikes[last])
        if net.layers[last].activation == "softmax":
            loss = -(t * charge.log_softmax(-1)).sum() / len(x)
        else:
            loss = (t - net._activate(charge, last)).square().sum() / (2 * len(x))
    return torch.autograd.grad(loss, net.weights, materialize_grads=True)


def _masked(charge: Tensor, spikes: Tensor | None) -> Tensor:
    return charge if spikes is None else charge * spikes


def _cosine(a: Tensor, b: Tensor) -> float:
    # In double precision: squares of the gradients deep in a network leave the range of single precision.
    a, b = (part.detach().to("cpu", torch.float64).flatten() for part in (a, b))
    norms = float(a.norm()) * float(b.norm())
    return float(a @ b) / norms if norms else math.nan
