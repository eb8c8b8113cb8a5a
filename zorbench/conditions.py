"""Test conditions: kinds of noise with one level each, by names such as `gaussian-0.2`.

What each kind does to an image is in `zorbench.noise`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from zorbench.errors import InputError, unknown


@dataclass(frozen=True)
class Kind:
    """A kind of noise: what it is called, what its level is, and the range of that.

    `strength` puts levels on one scale, from 0 for clean images upwards.
    """

    title: str
    level: str
    low: float
    high: float
    strength: Callable[[float], float] = float


KINDS: dict[str, Kind] = {
    "gaussian": Kind("Gaussian", "standard deviation", 0.001, 10),
    "salt_pepper": Kind("Salt and pepper", "share of pixels", 0.001, 1),
    # The strength is the standard deviation at white. Counts up to a million are exact in float32.
    "poisson": Kind("Poisson", "photons at white", 0.01, 1_000_000, lambda peak: peak**-0.5),
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
                f"{self.kind}: {about.level} = {_plain(self.level)}; "
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
                raise InputError(f"{kind}: {KINDS[kind].level} = {_plain(level)} is given twice")
            found.append(noise)
    order = list(KINDS)
    found.sort(key=lambda noise: (order.index(noise.kind), noise.strength))
    return tuple(noise.name for noise in found)


def _plain(level: float) -> str:
    """A level as one would write it: 1 for 1.0, and no exponent within the range of any kind."""
    return str(int(level) if float(level).is_integer() else float(level))
