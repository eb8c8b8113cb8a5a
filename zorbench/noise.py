"""Noise on test images: three kinds, each with one level, named as test conditions such as `gaussian-0.2`.

Images x are in [0, 1], and so is what comes out, which is clipped. Colour images are [n, channels, height,
width]. Inputs of other shapes, such as the four lengths of an iris, are scaled to [0, 1], too: each of their
numbers counts as a pixel.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from zorbench.errors import InputError, unknown

Images = Float[Tensor, "n *shape"]


def gaussian(images: Images, sigma: float, rng: torch.Generator) -> Images:
    """x + σ z, clipped to [0, 1]; z standard normal, drawn for every value of every channel."""
    z = torch.randn(images.shape, generator=rng, dtype=images.dtype)
    return (images + sigma * z).clamp(0, 1)


def salt_pepper(images: Images, share: float, rng: torch.Generator) -> Images:
    """Each pixel, by itself and with probability p, becomes 0 or 1, either as likely; else it stays x.

    A pixel is a place of the image: all channels of it become black or white together. So p is the expected
    share of the places that are replaced, some by what they were already.
    """
    places = (len(images), 1, *images.shape[2:]) if images.ndim == 4 else images.shape
    u = torch.rand(places, generator=rng, dtype=images.dtype)
    salted = torch.where(u < share, torch.ones_like(images), images)
    return torch.where(u < share / 2, torch.zeros_like(images), salted)


def poisson(images: Images, peak: float, rng: torch.Generator) -> Images:
    """Shot noise, Poisson(x · peak) / peak, clipped to [0, 1]; drawn for every value of every channel.

    `peak` is the number of photons that a white pixel is expected to count: fewer are noisier. Before
    clipping, the mean is x and the variance x / peak; black stays black.
    """
    return (torch.poisson(images * peak, generator=rng) / peak).clamp(0, 1)


@dataclass(frozen=True)
class Kind:
    """A kind of noise: `add(images, level, rng)` for levels from `low` to `high`.

    `strength` puts levels on one scale, from 0 for clean images upwards.
    """

    title: str
    level: str  # what the level is
    low: float
    high: float
    add: Callable[[Images, float, torch.Generator], Images]
    strength: Callable[[float], float] = float


KINDS: dict[str, Kind] = {
    "gaussian": Kind("Gaussian", "standard deviation", 0.001, 10, gaussian),
    "salt_pepper": Kind("Salt and pepper", "share of pixels", 0.001, 1, salt_pepper),
    # The strength is the standard deviation at white. Counts up to a million are exact in float32.
    "poisson": Kind("Poisson", "photons at white", 0.01, 1_000_000, poisson, lambda peak: peak**-0.5),
}


@dataclass(frozen=True)
class Noise:
    """A kind of noise at one level. Raises `InputError` for an unknown kind or a level out of its range."""

    kind: str
    level: float

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise unknown("kind of noise", self.kind, KINDS)
        about = KINDS[self.kind]
        if not about.low <= self.level <= about.high:
            raise InputError(
                f"noise {self.kind}: {about.level} = {_plain(self.level)}; "
                f"it can be {_plain(about.low)} to {_plain(about.high)}"
            )

    @property
    def name(self) -> str:
        """The test condition: equal noise has equal names, whether a level was written 1 or 1.0."""
        return f"{self.kind}-{_plain(self.level)}"

    @property
    def strength(self) -> float:
        """How strong, among levels of the same kind; clean images have 0."""
        return KINDS[self.kind].strength(self.level)

    def add(self, images: Images, rng: torch.Generator) -> Images:
        """Noisy images, in new memory; `rng` is on the CPU, as the images are."""
        return KINDS[self.kind].add(images, self.level, rng)


def parse(condition: str) -> Noise:
    """The noise of a test condition. Raises `InputError` if it is none, or is not written as its name is."""
    kind, _, level = condition.partition("-")
    if kind not in KINDS:
        raise unknown("kind of noise", kind, KINDS, f"test condition '{condition}'")
    try:
        noise = Noise(kind, float(level))
    except ValueError:
        about = KINDS[kind]
        example = f"{kind}-{_plain(about.high)}"
        raise InputError(
            f"test condition '{condition}': no {about.level} is given, as in {example}"
        ) from None
    if condition != noise.name:
        raise InputError(f"test condition '{condition}': write {noise.name}")
    return noise


def conditions(levels: Mapping[str, Iterable[float]]) -> tuple[str, ...]:
    """The test conditions of some levels of some kinds: by kind in the order of `KINDS`, then by strength.

    Raises `InputError` for an unknown kind, a level out of its range, or one that is given twice.
    """
    found: list[Noise] = []
    for kind, given in levels.items():
        for level in given:
            noise = Noise(kind, level)
            if noise in found:
                raise InputError(f"noise {kind}: {KINDS[kind].level} = {_plain(level)} is given twice")
            found.append(noise)
    order = list(KINDS)
    found.sort(key=lambda noise: (order.index(noise.kind), noise.strength))
    return tuple(noise.name for noise in found)


def _plain(level: float) -> str:
    """A level as one would write it: 1 for 1.0, and no exponent within the range of any kind."""
    value: Any = int(level) if float(level).is_integer() else float(level)
    return str(value)
