"""Verdicts as plain values, from which every table of them is made: `claims.json`."""

from collections.abc import Mapping, Sequence
from typing import Any

from zorbench.claims.assess import Finding
from zorbench.claims.expectation import Expectation
from zorbench.claims.file import Claim, Setting
from zorbench.claims.measures import MEASURES
from zorbench.claims.tables import Kind

DOCUMENT = "claims.json"
FORMAT = 1
KIND_NAMES: dict[Kind, str] = {"published": "as published", "matched": "matched"}
_SIGNS = {"at least": "≥", "more than": ">", "at most": "≤", "less than": "<"}

Answers = Mapping[tuple[str, Kind], tuple[Finding, float]]
"""(Claim, setting) → what was found, and the seconds that its missing cells take."""


def document(title: str, claims: Sequence[Claim], answers: Answers, seeds: int) -> dict[str, Any]:
    """All claims with their verdicts. docs/claims.md tells what each key holds."""
    return {
        "format": FORMAT,
        "title": title,
        "seeds": seeds,
        "claims": [_claim(claim, answers) for claim in claims],
    }


def show(value: float | None, claim: Claim) -> str:
    """A number in the claim's unit, e.g. `86.12 %`, `1.60 points`, `1.24×`."""
    if value is None:
        return "–"
    unit = unit_of(claim)
    return f"{_plain(value, claim)}{unit if unit == '×' else f' {unit}' if unit else ''}"


def unit_of(claim: Claim) -> str:
    """The unit of what is compared with the claimed figure."""
    if claim.compare == "ratio":
        return "×"
    unit = MEASURES[claim.measure].unit
    return "points" if unit == "%" and claim.compare == "difference" else unit


def needs(claim: Claim) -> str:
    """What the whole interval must fulfil, e.g. `≥ 87.60 %`."""
    expected: Expectation = claim.expected
    if expected.low is not None and expected.high is not None:
        return f"{_plain(expected.low, claim)} to {show(expected.high, claim)}"
    bound = expected.low if expected.low is not None else expected.high
    return f"{_SIGNS[expected.direction]} {show(bound, claim)}"


def _plain(value: float, claim: Claim) -> str:
    decimals = 2 if claim.compare == "ratio" else MEASURES[claim.measure].decimals
    text = f"{value:,.{decimals}f}"
    if text.startswith("-"):
        return text[1:] if float(text.replace(",", "")) == 0 else f"−{text[1:]}"
    return text


def _claim(claim: Claim, answers: Answers) -> dict[str, Any]:
    about = {
        name: getattr(claim, name) for name in ("id", "system", "statement", "source", "figure", "how")
    } | {"unmeasurable": claim.unmeasurable}
    if claim.unmeasurable:
        return about | {"settings": []}
    return about | {
        "measure": claim.measure,
        "meaning": MEASURES[claim.measure].meaning,
        "conditions": list(claim.conditions),
        "compare": claim.compare,
        "unit": unit_of(claim),
        "direction": claim.expected.direction,
        "value": claim.expected.value,
        "margin": claim.expected.margin,
        "margin_reason": claim.margin_reason,
        "needs": needs(claim),
        "settings": [
            _setting(claim, setting, *answers[claim.id, setting.kind]) for setting in claim.settings
        ],
    }


def _setting(claim: Claim, setting: Setting, finding: Finding, seconds: float) -> dict[str, Any]:
    estimate = finding.estimate
    low, high = (None, None) if estimate is None else (estimate.low, estimate.high)
    measured = ""
    if estimate is not None and estimate.value is not None:
        measured = show(estimate.value, claim)
        if low is not None and high is not None:
            measured += f" [{_plain(low, claim)}, {_plain(high, claim)}]"
    other = setting.than_entry
    return {
        "kind": setting.kind,
        "protocol": "samples",
        "entry": setting.entry.label,
        "spec": setting.entry.settings(),
        "row": setting.row,
        "than": setting.than,
        "than_entry": other.label if other else None,
        "than_spec": other.settings() if other else None,
        "differs": list(setting.differs),
        "verdict": finding.verdict.status,
        "reason": finding.verdict.reason,
        "value": estimate.value if estimate else None,
        "low": low,
        "high": high,
        "n": estimate.n if estimate else 0,
        "measured": measured,
        "row_mean": finding.row_mean,
        "than_mean": finding.than_mean,
        "floor": {"row": finding.floor[0], "value": finding.floor[1]} if finding.floor else None,
        "beside": _beside(claim, setting, finding),
        "seconds": round(seconds, 1),
    }


def _beside(claim: Claim, setting: Setting, finding: Finding) -> str:
    """What helps to read the measured number: the two rows of a comparison, or the floor."""
    unit = MEASURES[claim.measure].unit
    decimals = MEASURES[claim.measure].decimals

    def said(row: str, value: float) -> str:
        return f"{row} {value:.{decimals}f}{f' {unit}' if unit else ''}"

    if finding.row_mean is not None and finding.than_mean is not None:
        return f"{said(setting.row, finding.row_mean)}, {said(str(setting.than), finding.than_mean)}"
    return f"floor: {said(*finding.floor)}" if finding.floor else ""
