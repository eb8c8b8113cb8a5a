"""The report as Markdown: the same tables and words, no figures."""

import re
from collections.abc import Iterable, Iterator, Sequence

from zorbench.report import costs, summary, wording
from zorbench.report.columns import columns
from zorbench.report.formatting import MISSING, seed_list
from zorbench.report.model import EntryView, Failure, ReportView, Row, SuiteView
from zorbench.report.noise import mean_error, noise_groups
from zorbench.report.overview import overview


def markdown(view: ReportView) -> str:
    """The whole report."""
    blocks = [*_head(view)]
    for suite in view.suites:
        blocks += _suite(suite)
    blocks += ["## Failed cells", *_failures(view.failures), "## How to reproduce", *_reproduce(view)]
    return "\n\n".join(blocks) + "\n"


def escape(text: str) -> str:
    """Text that Markdown, and HTML inside it, show as it is, on one line; numbers need no escapes."""
    flat = " ".join(text.split())
    flat = re.sub(r"&(?=[#a-zA-Z])", "&amp;", flat)
    flat = re.sub(r"<(?=[a-zA-Z/!?])", "&lt;", flat)
    flat = re.sub(r"([\\`*|~])", r"\\\1", flat)
    flat = re.sub(r"(?<!\w)_|_(?!\w)", r"\_", flat)
    return flat.replace("](", "]\\(").replace("][", "]\\[")


def _head(view: ReportView) -> Iterator[str]:
    yield f"# {wording.TITLE}"
    yield f"> **{escape(wording.banner(view))}**"
    warning = wording.machines_warning(view)
    yield wording.cells_line(view) + (f" {warning}" if warning else "")
    facts = [
        ("Suites", ", ".join(suite.name for suite in view.suites)),
        ("Seeds", seed_list(view.seeds)),
        *view.provenance.facts,
    ]
    yield "\n".join(f"- {term}: {escape(value)}" for term, value in facts if value)
    if view.checks is not None:
        yield escape(wording.self_check(view))
    short = summary.in_short(view)
    if short:
        yield "## In short"
        yield "\n".join(f"- {escape(entry.suite)}: {escape(sentence)}" for entry, sentence in short)
    yield "## How to read this"
    yield "\n".join(f"- {escape(sentence)}" for sentence in wording.HOW_TO_READ)


def _suite(suite: SuiteView) -> Iterator[str]:
    yield f"## {escape(suite.name)}"
    yield " ".join(escape(sentence) for sentence in wording.suite_intro(suite))
    lines = overview(suite)
    head = ["Skill ↑", *(entry.title for entry in suite.entries)]
    for group, title in wording.GROUP_NOTES:
        if lines[group]:
            if title:
                yield escape(title)
            yield table(head, [[line.label, *(tile.text for tile in line.tiles)] for line in lines[group]])
    for entry in suite.entries:
        yield f"### {escape(entry.title)}"
        yield escape(wording.entry_line(entry))
        yield from (escape(note) for note in entry.notes)
        yield from _entry(entry)


def _entry(entry: EntryView) -> Iterator[str]:
    if entry.floor is None:
        yield f"**{escape(wording.no_floor(entry))}**"
    else:
        said = [summary.paragraph(entry), wording.clock_line(entry)]
        yield from (escape(text) for text in said if text)
        yield from _groups(entry)
        yield from _noise(entry)
    if costs.has_costs(entry):
        yield f"<details><summary>{costs.TITLE}</summary>"
        yield escape(costs.BRIEF)
        yield table(
            ["Baseline", *(column.title for column in costs.COLUMNS)],
            [[row.label, *(column.show(row).text for column in costs.COLUMNS)] for row in entry.rows],
        )
        yield "</details>"
    line = wording.unsupported_line(entry)
    if line:
        yield escape(line)


def _groups(entry: EntryView) -> Iterator[str]:
    shown = columns(entry)
    head = ["Baseline", "Role", "Seeds", *(column.heading for column in shown)]
    for group, title in wording.GROUP_NOTES:
        rows = entry.group(group)
        if not rows:
            continue
        if title:
            yield escape(title)
        lines = []
        for row in rows:
            cells = _failed(row, len(shown)) if row.failed else [column.show(row).text for column in shown]
            name = f"{row.label} (zero of skill)" if row.zero else row.label
            lines.append([name, row.role, wording.seeds_of(row, entry), *cells])
        yield table(head, lines, words=2)


def _noise(entry: EntryView) -> Iterator[str]:
    noise = noise_groups(entry)
    if not noise:
        return
    yield escape(wording.noise_caption(entry))
    keys = ["error", *(one.key for group in noise for one in group.conditions)]
    head = ["Error ↓", "Clean"]
    head += [f"{group.kind.title} {one.heading}" for group in noise for one in group.conditions]
    lines = []
    for group, _ in wording.GROUP_NOTES:
        for row in entry.group(group):
            cells = _failed(row, len(keys)) if row.failed else [mean_error(row, key).text for key in keys]
            lines.append([row.label, *cells])
    yield table(head, lines)


def _failed(row: Row, width: int) -> list[str]:
    return [wording.failed_of(row), *[MISSING] * (width - 1)]


def _failures(failures: Sequence[Failure]) -> Iterator[str]:
    if not failures:
        yield "No cell failed."
        return
    head = ["Suite", "Entry", "Seed", "Baseline", "Status", "Reason"]
    yield table(
        head, [[f.suite, f.entry, str(f.seed), f.label, f.status, f.reason] for f in failures], words=6
    )


def _reproduce(view: ReportView) -> Iterator[str]:
    commands = view.provenance.commands
    if commands:
        yield "\n".join(f"    {command}" for command in commands)
    else:
        yield "No run file tells the command line."
    yield "All records: [records.csv](records.csv). The tables' numbers: [summary.csv](summary.csv)."


def table(head: Sequence[str], lines: Iterable[Sequence[str]], words: int = 1) -> str:
    """A table whose first columns, so many, hold words and the others numbers."""
    rule = ["---" if i < words else "---:" for i in range(len(head))]
    body = [[escape(cell) for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in [[escape(cell) for cell in head], rule, *body])
