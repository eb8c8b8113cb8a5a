"""Published claims held against records: what was claimed, what is measured for it, and the verdict."""

from zorbench.claims.assess import Cells, Finding, assess
from zorbench.claims.expectation import Direction, Expectation, Verdict, verdict
from zorbench.claims.file import Claim, Setting, bundled_claims, load_claims
from zorbench.claims.measures import MEASURES, SECONDS, training_seconds

__all__ = [
    "MEASURES",
    "SECONDS",
    "Cells",
    "Claim",
    "Direction",
    "Expectation",
    "Finding",
    "Setting",
    "Verdict",
    "assess",
    "bundled_claims",
    "load_claims",
    "training_seconds",
    "verdict",
]
