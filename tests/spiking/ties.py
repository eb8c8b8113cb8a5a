"""Whether two ways to compute the same disagree only where float32 cannot tell values apart.

Potentials are worked out again in float64. Sums of float32 in another order may differ in the last place.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

GRAZE = 2  # units in the last place of a threshold within which either side of it is right


def _unit(value: float) -> float:
    """One unit in the last place of a float32."""
    return float(np.spacing(np.float32(abs(value))))


def _potentials(weight: Tensor, wave: Tensor) -> Tensor:
    return F.conv2d(wave.double(), weight.double())


def grazes(weight: Tensor, wave: Tensor, theta: float, neuron: tuple[int, int, int]) -> bool:
    """Whether a neuron's potential is at some step on the threshold, as far as float32 can tell."""
    f, y, x = neuron
    course = _potentials(weight[f : f + 1], wave)[:, 0, y, x]
    return bool(((course - theta).abs() <= GRAZE * _unit(theta)).any())


def is_a_tie(weight: Tensor, wave: Tensor, theta: float | None, first, second) -> bool:
    """Whether two candidates for the same win are equal, or one of them is on the threshold.

    Equal: they fire at one step, and what float32 compares, n times v + V, may be rounded by more than
    their potentials differ: each potential by as much as a float32 convolution of this layer is off, each
    term by half a unit in its last place, each partial sum by half of one in its own, for either candidate.
    `weight` is that before the sample; `wave` is padded.
    """
    if theta is not None and any(grazes(weight, wave, theta, one) for one in (first, second) if one):
        return True
    if not first or not second:
        return False
    potentials = _potentials(weight, wave)
    steps = len(wave)
    passed = potentials[-1:] if theta is None else torch.where(potentials > theta, potentials, 0.0)
    largest = float(passed.max()) if theta is None else float(_at_first(passed).max())
    courses = [passed[:, f, y, x] for f, y, x in (first, second)]
    lasted = [int((course > 0).sum()) for course in courses]
    gap = abs(float(courses[0][-lasted[0]]) - float(courses[1][-lasted[1]])) if all(lasted) else torch.inf
    term = (steps + 1) * largest
    if lasted[0] != lasted[1]:
        return False
    n = lasted[0]
    off = float((F.conv2d(wave, weight).double() - potentials).abs().max())
    return n * gap <= n * (_unit(term) + 2 * off) + sum(_unit(j * term) for j in range(2, n + 1))


def _at_first(passed: Tensor) -> Tensor:
    n = passed.sign().sum(dim=0)
    return passed.gather(0, (len(passed) - n).clamp(0, len(passed) - 1).long()[None])[0]


def first_difference(ours: list, theirs: list):
    """The first rank at which two lists of winners differ, as a pair; None where a list has ended."""
    for rank in range(max(len(ours), len(theirs))):
        pair = [one[rank] if rank < len(one) else None for one in (ours, theirs)]
        if pair[0] != pair[1]:
            return pair
    raise AssertionError("the winners do not differ")
