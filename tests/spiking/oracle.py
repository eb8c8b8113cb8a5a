"""One-spike convolutional networks as they are defined: dense, one sample at a time, on waves [T, C, H, W].

Slow and plain on purpose. Every time slice is convolved; nothing is known of first-spike times. What learns
or decides takes `convolve` for sums in another order than that of `F.conv2d`: see `sums`.
"""

import functools

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

# Image → wave


def filtered(image: Tensor, kernels: Tensor, threshold: float) -> Tensor:
    """[1, H, W] in 0 … 255 → [K, H, W]."""
    answers = F.conv2d(image[None], kernels, padding=kernels.shape[-1] // 2)[0]
    return torch.where(answers < threshold, 0.0, answers)


def normalised(maps: Tensor, radius: int) -> Tensor:
    box = torch.ones(1, 1, 2 * radius + 1, 2 * radius + 1)
    means = F.conv2d(maps[:, None], box, padding=radius)[:, 0] / box.numel()
    return maps / (means + 1e-12)


def latency_wave(intensities: Tensor, steps: int) -> Tensor:
    """[C, H, W] → [T, C, H, W]: equal bins of the values above 0, from the largest on."""
    flat = intensities.flatten()
    count = int((flat > 0).sum())
    share = max(1, count // steps)
    order = torch.sort(flat, descending=True, stable=True).indices[:count]
    wave = torch.zeros(steps, flat.numel())
    for t in range(steps):
        wave[t].index_fill_(0, order[: (t + 1) * share], 1)
    return wave.view(steps, *intensities.shape)


def encoded(image: Tensor, kernels: Tensor, steps: int = 15) -> Tensor:
    return latency_wave(normalised(filtered(image * 255, kernels, 50), 8), steps)


# Layers


def pad(wave: Tensor, margin: int) -> Tensor:
    return F.pad(wave, [margin] * 4)


def pool(wave: Tensor, size: int) -> Tensor:
    """Max-pooling: of rows, then of columns, which takes a tenth of the time of `max_pool2d`."""
    high, wide = (side // size * size for side in wave.shape[-2:])
    rows = functools.reduce(torch.maximum, [wave[..., y:high:size, :wide] for y in range(size)])
    return functools.reduce(torch.maximum, [rows[..., x::size] for x in range(size)])


def fire(potentials: Tensor, theta: float | None) -> tuple[Tensor, Tensor]:
    """Wave, and potentials that are 0 wherever it is: these in place."""
    passed = thresholded(potentials, theta)
    return passed.sign(), passed


def thresholded(potentials: Tensor, theta: float | None) -> Tensor:
    """Potentials above θ; without one, those of the last step. In place."""
    if theta is not None:
        return F.threshold(potentials, theta, 0.0, inplace=True)
    potentials[:-1] = 0
    return potentials


def inhibited(potentials: Tensor) -> Tensor:
    """Point-wise inhibition of thresholded potentials, in place."""
    steps = len(potentials)
    largest = potentials.amax(dim=1)  # [T, H, W]
    first = (steps - largest.sign().sum(dim=0)).clamp(0, steps - 1).long()
    at_first = potentials.gather(0, first.expand(1, *potentials.shape[1:]))[0]  # [C, H, W]
    chosen = at_first.max(dim=0).indices.expand(steps, 1, *first.shape)  # of equal ones the first
    left = potentials.gather(1, chosen) * (largest[-1] > 0)
    return potentials.zero_().scatter_(1, chosen, left)


def at_first_spike(potentials: Tensor) -> tuple[Tensor, Tensor]:
    """n = Σ S and P at T − n, for each neuron; S is the sign of thresholded potentials."""
    n = potentials.sign().sum(dim=0)
    first = (len(potentials) - n).clamp(0, len(potentials) - 1).long()
    return n, potentials.gather(0, first[None])[0]


def winners(
    potentials: Tensor, k: int, radius: int, *, lexicographic: bool = False
) -> list[tuple[int, int, int]]:
    """From the first on: (map, row, column)."""
    n, v = at_first_spike(potentials)
    places = n.nonzero().numpy()  # of neurons that fire, in their order
    if not len(places):
        return []
    lasted, v = n[n > 0].numpy(), v[n > 0].numpy()
    maps, spots = places[:, 0], places[:, 1:]
    offset = np.float32(len(potentials)) * v.max()
    score = np.zeros_like(v)
    for left in range(len(potentials), 0, -1):  # a sum over a dimension may take another order
        score += (lasted >= left) * (v + offset)
    if lexicographic:  # in float64 no two potentials are rounded to the same
        score = lasted * np.exp2(np.ceil(np.log2(offset, dtype=np.float64))) + v.astype(np.float64)
    found: list[tuple[int, int, int]] = []
    while len(found) < k and score.max() > 0:
        f, y, x = (int(i) for i in places[score.argmax()])
        found.append((f, y, x))
        score[maps == f] = 0
        if radius > 0:
            score[(abs(spots - (y, x)) <= radius).all(axis=1)] = 0
    return found


def stdp(weight: Tensor, wave: Tensor, potentials: Tensor, won: list[tuple[int, int, int]], rule) -> None:
    """In place. `wave` is padded; `rule` has plus, minus, stabilised, low and high."""
    kh, kw = weight.shape[2:]
    plus, minus = torch.tensor(rule.plus), torch.tensor(rule.minus)
    for f, y, x in won:
        n_in, n_out = wave[:, :, y : y + kh, x : x + kw].sum(dim=0), potentials[:, f, y, x].sign().sum()
        a = torch.where(n_in >= n_out, plus, minus)
        w = weight[f]
        w += a * ((w - rule.low) * (rule.high - w)) if rule.stabilised else a
    weight.clamp_(rule.low, rule.high)


def last_slice(wave: Tensor, weight: Tensor) -> Tensor:
    """Instead of `F.conv2d`: potentials of the last step, all that a decision looks at, before it 0."""
    return F.pad(F.conv2d(wave[-1:], weight), [0, 0] * 3 + [len(wave) - 1, 0])


# A sample of training


def unsupervised(
    weight: Tensor, wave: Tensor, theta: float, k: int, radius: int, rule, *, convolve=F.conv2d, **choice
):
    """Fire, inhibit, find winners, learn. `wave` is padded. Returns the winners."""
    passed = inhibited(thresholded(convolve(wave, weight), theta))
    won = winners(passed, k, radius, **choice)
    stdp(weight, wave, passed, won, rule)
    return won


def decision(
    weight: Tensor, wave: Tensor, *, convolve=F.conv2d, **choice
) -> tuple[tuple[int, int, int] | None, Tensor]:
    """The winner, None for silence, and the potentials that it comes from."""
    passed = thresholded(convolve(wave, weight), None)
    won = winners(passed, 1, 0, **choice)
    return (won[0] if won else None), passed


def reinforced(weight: Tensor, wave: Tensor, label: int, classes: Tensor, reward, punishment, **choice):
    """Decide, then reward or punish. Returns the winner or None."""
    won, passed = decision(weight, wave, **choice)
    if won is not None:
        right = int(classes[won[0]]) == label
        stdp(weight, wave, passed, [won], reward if right else punishment)
    return won


def jointly(
    below: Tensor,
    above: Tensor,
    wave: Tensor,
    label: int,
    classes: Tensor,
    layer,
    rules,
    *,
    convolve=(F.conv2d, F.conv2d),
    **choice,
):
    """Decide; then the layer's winners and the decision's are rewarded, or all punished, for the decision.

    `wave` is padded for the layer, a description as in `networks`; `rules` are two pairs. Returns the winners
    of both.
    """
    passed = thresholded(convolve[0](wave, below), layer.threshold)
    middle = pad(pool(passed.sign(), layer.pool), 2)
    quiet = inhibited(passed)
    found = winners(quiet, layer.k, layer.radius, **choice)
    won, decided = decision(above, middle, convolve=convolve[1], **choice)
    if won is None:
        return [], None
    wrong = int(classes[won[0]]) != label
    stdp(below, wave, quiet, found, rules[0][wrong])
    stdp(above, middle, decided, [won], rules[1][wrong])
    return found, won
