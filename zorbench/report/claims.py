"""The section of published claims: the verdicts that lie in the results folder, if there are any."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zorbench.claims.document import DOCUMENT, FORMAT, KIND_NAMES
from zorbench.claims.markdown import tally
from zorbench.errors import InputError
from zorbench.report.formatting import MISSING

MEANING = (
    "A claim is measured twice: as near to its own protocol as can be had, and matched, where all rows get "
    "the same shots, order, ceiling of presentations and test images. VERIFIED: the whole 95 % interval over "
    "the seeds is within what the claim allows, its margin included. REFUTED: all of it lies outside. "
    "INCONCLUSIVE: neither, or fewer than 8 seeds. NOT RUN: what it would take stands beside it."
)


@dataclass(frozen=True)
class Line:
    """A claim in one setting, ready to print."""

    setting: str
    rows: str
    verdict: str
    measured: str
    seeds: str
    beside: str
    reason: str
    differs: tuple[str, ...]

    @property
    def css(self) -> str:
        """The class that tells verdicts apart."""
        return self.verdict.lower().replace(" ", "-")


@dataclass(frozen=True)
class ClaimView:
    """A claim: who claims what, what it needs, and a line a setting."""

    id: str
    system: str
    statement: str
    figure: str
    source: str
    how: str
    needs: str
    margin: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class ClaimsSection:
    """All claims of a results folder."""

    claims: tuple[ClaimView, ...]
    tally: str
    meaning: str = MEANING


def claims_section(results: Path) -> ClaimsSection | None:
    """What `zorbench claims` left in the folder; None if it left nothing. Raises `InputError`."""
    path = results / DOCUMENT
    if not path.is_file():
        return None
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] != FORMAT:
            raise InputError(f"{path}: format {document['format']}, this zorbench reads format {FORMAT}")
        return ClaimsSection(tuple(map(_view, document["claims"])), tally(document))
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not a document of claims; `zorbench claims` writes it again") from error


def _view(claim: Mapping[str, Any]) -> ClaimView:
    unmeasurable = claim["unmeasurable"]
    nothing = Line(MISSING, MISSING, "NOT RUN", MISSING, MISSING, "", unmeasurable, ())
    return ClaimView(
        id=claim["id"],
        system=claim["system"],
        statement=claim["statement"],
        figure=claim["figure"],
        source=claim["source"],
        how=claim["how"],
        needs=MISSING if unmeasurable else claim["needs"],
        margin="" if unmeasurable else f"{claim['margin']:g}: {claim['margin_reason']}",
        lines=(nothing,) if unmeasurable else tuple(map(_line, claim["settings"])),
    )


def _line(setting: Mapping[str, Any]) -> Line:
    return Line(
        setting=KIND_NAMES[setting["kind"]],
        rows=setting["row"] + (f" and {setting['than']}" if setting["than"] else ""),
        verdict=setting["verdict"],
        measured=setting["measured"] or MISSING,
        seeds=str(setting["n"]) if setting["n"] else MISSING,
        beside=setting["beside"],
        reason=setting["reason"],
        differs=tuple(setting["differs"]),
    )
