"""Verdicts as Markdown: `claims.md`."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from zorbench.claims.document import KIND_NAMES
from zorbench.claims.expectation import STATUSES

MARKDOWN = "claims.md"


def markdown(document: Mapping[str, Any]) -> str:
    """The document as a table of verdicts, and a paragraph a claim."""
    return "\n\n".join(_blocks(document)) + "\n"


def tally(document: Mapping[str, Any]) -> str:
    """How many verdicts there are of each kind: `as published: 3 VERIFIED, 1 REFUTED; matched: …`."""
    parts = []
    for kind, name in KIND_NAMES.items():
        found = Counter(
            setting["verdict"]
            for claim in document["claims"]
            for setting in claim["settings"]
            if setting["kind"] == kind
        )
        counts = [f"{found[status]} {status}" for status in STATUSES if found[status]]
        if counts:
            parts.append(f"{name}: {', '.join(counts)}")
    unmeasurable = sum(bool(claim["unmeasurable"]) for claim in document["claims"])
    if unmeasurable:
        parts.append(f"{unmeasurable} cannot be measured")
    return "; ".join(parts)


def _blocks(document: Mapping[str, Any]) -> Iterator[str]:
    yield f"# {document['title']}"
    yield f"{document['seeds']} seeds; {tally(document)}."
    yield (
        "VERIFIED: the whole 95 % interval is within what the claim allows, its margin included; REFUTED: "
        "all of it lies outside. Each claim is held to its own protocol and to the matched one."
    )
    lines = [
        "| Claim | Setting | Verdict | Measured | Needs | n | Beside it |",
        "| --- | --- | --- | --- | --- | ---: | --- |",
    ]
    for claim in document["claims"]:
        if claim["unmeasurable"]:
            lines.append(_line(claim["id"], "", "NOT RUN", claim["unmeasurable"], "", "", ""))
        for setting in claim["settings"]:
            lines.append(
                _line(
                    claim["id"],
                    KIND_NAMES[setting["kind"]],
                    f"**{setting['verdict']}**",
                    setting["measured"] or setting["reason"],
                    claim["needs"],
                    str(setting["n"] or ""),
                    setting["beside"],
                )
            )
    yield "\n".join(lines)
    for claim in document["claims"]:
        yield from _paragraphs(claim)


def _paragraphs(claim: Mapping[str, Any]) -> Iterator[str]:
    yield f"## {claim['id']}"
    yield f"{claim['system']}: {_escaped(claim['statement'])}"
    items = [f"- Claimed: {_escaped(claim['figure'])} ({_escaped(claim['source'])})"]
    if claim["unmeasurable"]:
        items.append(f"- NOT RUN: {_escaped(claim['unmeasurable'])}")
    else:
        items.append(f"- Measured: {claim['measure']}, {claim['meaning']}; {claim['compare']}")
        items += [f"- {_escaped(claim['how'])}"] if claim["how"] else []
        items.append(
            f"- Needs: {claim['needs']}. Margin: {claim['margin']:g}, {_escaped(claim['margin_reason'])}"
        )
    for setting in claim["settings"]:
        rows = setting["row"] + (f" and {setting['than']}" if setting["than"] else "")
        reason = f" ({_escaped(setting['reason'])})" if setting["reason"] else ""
        items.append(
            f"- {KIND_NAMES[setting['kind']].capitalize()}, {setting['entry']}, {_escaped(rows)}: "
            f"{setting['verdict']}{reason}. {_escaped(' '.join(setting['differs']))}"
        )
    yield "\n".join(items)


def _line(*cells: str) -> str:
    return f"| {' | '.join(_escaped(cell) for cell in cells)} |"


def _escaped(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
