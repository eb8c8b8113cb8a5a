"""What changed from one results folder to another: a gate on skill, and times where they compare."""

from zorbench.compare.model import Change, Comparison, Gap, Obstacle, TimeChange, Times
from zorbench.compare.side import Side
from zorbench.compare.verdict import compare
from zorbench.compare.words import markdown, verdict

__all__ = [
    "Change",
    "Comparison",
    "Gap",
    "Obstacle",
    "Side",
    "TimeChange",
    "Times",
    "compare",
    "markdown",
    "verdict",
]
