"""Claims and their verdicts as tables on a terminal."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from zorbench.claims import Claim
from zorbench.claims.document import KIND_NAMES, needs
from zorbench.claims.tables import Kind
from zorbench.cli.display import duration

_STYLES = {"VERIFIED": "bold green", "REFUTED": "bold red", "INCONCLUSIVE": "yellow", "NOT RUN": "dim"}


def print_ledger(document: Mapping[str, Any]) -> None:
    """A line for each claim in each setting: verdict, what was measured, what it needs."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("claim", "setting", "verdict"):
        table.add_column(name, no_wrap=True)
    table.add_column("measured", overflow="fold")
    table.add_column("needs", no_wrap=True)
    for claim in document["claims"]:
        settings = claim["settings"]
        if not settings:
            table.add_row(
                Text(claim["id"]), "", _verdict("NOT RUN"), Text(claim["unmeasurable"]), "", end_section=True
            )
        for number, setting in enumerate(settings):
            said = [setting["measured"], setting["reason"]]
            table.add_row(
                Text(claim["id"] if number == 0 else ""),
                KIND_NAMES[setting["kind"]],
                _verdict(setting["verdict"]),
                Text("; ".join(filter(None, said))),
                Text(claim["needs"] if number == 0 else ""),
                end_section=number == len(settings) - 1,
            )
    _console().print(table)


def print_claims(claims: Sequence[Claim], costs: Mapping[str, Sequence[tuple[Kind, float]]]) -> None:
    """A line for each claim: what is claimed, what it needs, what its settings take."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("claim", no_wrap=True)
    for name in ("claimed", "needs"):
        table.add_column(name)
    for name in KIND_NAMES.values():
        table.add_column(name, justify="right", no_wrap=True)
    for claim in claims:
        times = dict(costs[claim.id])
        table.add_row(
            Text(claim.id),
            Text(claim.figure),
            Text(claim.unmeasurable or needs(claim)),
            *(duration(times[kind]) if kind in times else "–" for kind in KIND_NAMES),
        )
    _console().print(table)


def _verdict(status: str) -> Text:
    return Text(status, style=_STYLES[status])


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else 120, highlight=False)
