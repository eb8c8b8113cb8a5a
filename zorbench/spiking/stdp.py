"""Spike-timing-dependent plasticity of the winners of a layer, rewarded or not, and the course of its rates.

For a winner of map f that fires at time t, and each input of its window, firing at s (or never):

    w_f += a (w_f − LB)(UB − w_f)  if stabilised, else  w_f += a;   a = a⁺ if s ≤ t, else a⁻

then all weights of the layer are clamped to [LB, UB].
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from zorbench.spiking import _onespike_loops
from zorbench.spiking.firing import geometry_of
from zorbench.spiking.rows import rows_to_change


@dataclass(frozen=True)
class STDP:
    """Rates a⁺ = `plus` and a⁻ = `minus`, bounds LB = `low` and UB = `high`.

    With plus < 0 < minus it is anti-STDP, the punishment of a wrong decision.
    """

    plus: float = 0.004
    minus: float = -0.003
    stabilised: bool = True
    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"the lower bound must be below the upper, got {self.low} and {self.high}")

    @property
    def rates(self) -> tuple[np.float32, np.float32]:
        return np.float32(self.plus), np.float32(self.minus)

    @property
    def bounds(self) -> tuple[np.float32, np.float32]:
        return np.float32(self.low), np.float32(self.high)

    def scaled(self, share: float, least: float = 0.0, span: float = 1.0) -> "STDP":
        """Both rates times span · share + least.

        After each batch rewards are scaled by the share of wrong decisions, punishments by that of right ones
        (silence counts among all), always from the rates at the beginning.
        """
        factor = span * share + least
        return replace(self, plus=self.plus * factor, minus=self.minus * factor)


REWARD = STDP(0.004, -0.003, stabilised=False, low=0.2, high=0.8)
PUNISHMENT = STDP(-0.004, 0.0005, stabilised=False, low=0.2, high=0.8)


@dataclass(frozen=True)
class Doubling:
    """Every 500th sample of a layer, before its STDP: a⁺ ← min(2 a⁺, 0.15), a⁻ ← −0.75 a⁺."""

    every: int = 500
    most: float = 0.15
    ratio: float = -0.75

    def rates(self, rule: STDP, seen: int, count: int) -> Float[Tensor, "count 2"]:
        """(a⁺, a⁻) of the next `count` samples of a layer that learned from `seen` before."""
        doublings = torch.arange(seen + 1, seen + count + 1) // self.every
        plus = torch.tensor(rule.plus) * 2.0 ** doublings.clamp_max(64)
        plus = torch.where(doublings > 0, plus.clamp_max(self.most), rule.plus)
        return torch.stack([plus, torch.where(doublings > 0, self.ratio * plus, rule.minus)], dim=1)


def update(
    weight: Float[Tensor, "maps inputs kh kw"],
    times: UInt8[Tensor, "1 inputs height width"],
    winners: Int[Tensor, "k 3"],
    posts: Int[Tensor, " k"],
    rule: STDP,
    *,
    steps: int,
    padding: int = 0,
    clamp: bool = True,
) -> None:
    """One sample's STDP, in place: `winners` (map, row, column) that fire at `posts`; −1 is none.

    A decision layer's winners fire at T − 1. All weights are clamped, or, without `clamp`, only the winners'
    maps: the same from the second call with the same bounds on.
    """
    geometry, (maps, _, _) = geometry_of(times, weight, padding, steps)
    arguments = rule.rates, rule.bounds, rule.stabilised
    with rows_to_change(weight) as rows:
        for winner, post in zip(winners.tolist(), posts.tolist(), strict=True):
            if winner[0] >= 0:
                _onespike_loops.adapt(
                    times[0].contiguous().numpy(), rows, geometry, tuple(winner), post, *arguments
                )
        if clamp:
            _onespike_loops.clamp(rows, maps, rule.bounds)
