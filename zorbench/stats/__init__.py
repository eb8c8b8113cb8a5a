"""What the numbers of several seeds say: pure functions over arrays that know of no records or runs."""

from zorbench.stats.estimate import CONFIDENCE, SIGNIFICANCE, VERDICT_SEEDS, Estimate, is_smoke, mean_spread
from zorbench.stats.floor import MIN_FLOOR_ERROR, choose_floor, skill

__all__ = [
    "CONFIDENCE",
    "MIN_FLOOR_ERROR",
    "SIGNIFICANCE",
    "VERDICT_SEEDS",
    "Estimate",
    "choose_floor",
    "is_smoke",
    "mean_spread",
    "skill",
]
