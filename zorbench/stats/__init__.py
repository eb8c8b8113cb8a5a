"""What the numbers of several seeds say: pure functions over arrays that know of no records or runs."""

from zorbench.stats.estimate import CONFIDENCE, SIGNIFICANCE, VERDICT_SEEDS, Estimate, is_smoke, mean_spread
from zorbench.stats.floor import MIN_FLOOR_ERROR, choose_floor, skill, skill_difference
from zorbench.stats.paired import Comparison, compare_all, mean_interval, paired_difference
from zorbench.stats.power import minimum_detectable_effect, seeds_needed
from zorbench.stats.search import expected_best
from zorbench.stats.speed import (
    AA_PAIRS,
    SpeedVerdict,
    aa_noise,
    compare_speed,
    median_time,
    speed_ratio,
    target_error,
    time_to_target,
)
from zorbench.stats.standing import Round, letters, pareto_front, win_tie_loss

__all__ = [
    "AA_PAIRS",
    "CONFIDENCE",
    "MIN_FLOOR_ERROR",
    "SIGNIFICANCE",
    "VERDICT_SEEDS",
    "Comparison",
    "Estimate",
    "Round",
    "SpeedVerdict",
    "aa_noise",
    "choose_floor",
    "compare_all",
    "compare_speed",
    "expected_best",
    "is_smoke",
    "letters",
    "mean_interval",
    "mean_spread",
    "median_time",
    "minimum_detectable_effect",
    "paired_difference",
    "pareto_front",
    "seeds_needed",
    "skill",
    "skill_difference",
    "speed_ratio",
    "target_error",
    "time_to_target",
    "win_tie_loss",
]
