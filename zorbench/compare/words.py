"""A comparison in words and as Markdown: the verdict first, then what it rests on."""

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from zorbench.compare.model import (
    INCOMPLETE,
    NO_REGRESSION,
    NOT_COMPARABLE,
    Change,
    Comparison,
    Gap,
    TimeChange,
)
from zorbench.report.formatting import MISSING, fixed, plural, seed_list
from zorbench.report.markdown import escape, table
from zorbench.stats import Estimate

CHANGE_HEAD = (
    "Entry",
    "Baseline",
    "Seeds",
    "Error before",
    "after",
    "Skill before",
    "after",
    "Loss of skill",
)
CODE = "Code"

MEANING = (
    "Loss of skill: Σ (error after − error before) / Σ floor error, over the same seeds and episodes, with "
    "the floor of the old records for both; above 0 it got worse. Marked e: skill is undefined, and the loss "
    "is of error itself."
)

UNGATED = (
    "under protocol time moved, which is no verdict: what is learned in so many seconds depends on the "
    "machine and its other work"
)


def verdict(found: Comparison) -> str:
    """What the exit status says, in one sentence or two."""
    worse = _worse(found)
    if found.status == NOT_COMPARABLE:
        kinds = ", ".join(dict.fromkeys(one.what for one in found.obstacles))
        return f"Not comparable: {kinds}.{f' Where they compare: {worse}.' if worse else ''}"
    if found.status == INCOMPLETE:
        cells = f"{plural(len(found.gaps), 'cell')} of {found.old}"
        verb = "has" if len(found.gaps) == 1 else "have"
        rest = f" Beside that: {worse}." if worse else ""
        return f"Incomplete: {cells} {verb} no result in {found.new}.{rest}"
    if found.status == NO_REGRESSION:
        return f"No regression: of {plural(len(found.gated), 'row')}, {_none_lost(found)}."
    return f"Regression: {worse}."


def change_cells(change: Change) -> list[str]:
    """The numbers of a row of the table of changes; its skill as a dash where it is undefined."""
    skills = [MISSING if x is None else fixed(x, 3) for x in (change.old_skill, change.new_skill)]
    loss = f"{'+' if change.loss > 0 else ''}{fixed(change.loss, 4)}{' e' if change.in_error else ''}"
    return [str(change.n), fixed(change.old_error, 4), fixed(change.new_error, 4), *skills, loss]


def gap_lines(gaps: Iterable[Gap]) -> list[str]:
    """A line a row and reason: `suite/entry zor: missing (seeds 0–2)`."""
    seeds: dict[tuple[str, str], list[int]] = {}
    for gap in gaps:
        seeds.setdefault((str(gap.place), gap.reason), []).append(gap.seed)
    return [
        f"{place}: {reason} (seed{'s' if len(found) > 1 else ''} {seed_list(found)})"
        for (place, reason), found in seeds.items()
    ]


def obstacle_lines(found: Comparison) -> list[str]:
    """A line for whatever does not compare, and how it differs."""
    return [f"{one.what}: {f'{one.place}: ' if one.place else ''}{one.detail}" for one in found.obstacles]


def probe_lines(found: Comparison) -> list[str]:
    """A line a leak probe that passed before and fails now."""
    return [f"{one.place} (seed {one.seed}): {one.reason}" for one in found.probes]


def times_line(found: Comparison) -> str:
    """What is to be said of times in one sentence; empty if none were timed."""
    times = found.times
    if times.overall is not None:
        return (
            f"Training takes {fixed(times.overall, 2)} × as long as before, the geometric mean of "
            f"{plural(len(times.changes), 'row')} timed on the same machine."
        )
    return f"Times do not compare: {times.obstacle}." if times.obstacle else ""


def ratio_text(ratio: Estimate) -> str:
    """`1.05 × [0.98, 1.12]`, with its interval where it has one."""
    if ratio.value is None:
        return MISSING
    bounds = "" if ratio.low is None or ratio.high is None else f" [{ratio.low:.2f}, {ratio.high:.2f}]"
    return f"{ratio.value:.2f} ×{bounds}"


def added_line(found: Comparison) -> str:
    """The rows that only NEW has, by entry count."""
    rows = Counter(place.label for place in found.added)
    return ", ".join(
        f"{row} ({plural(n, 'entry') if n == 1 else f'{n} entries'})" for row, n in sorted(rows.items())
    )


def reproduce(found: Comparison) -> list[str]:
    """The commands that lead here: what made NEW's records, then the comparison."""
    command = ["zorbench", "compare", found.old, found.new, "--margin", f"{found.margin:g}"]
    if found.time_margin is not None:
        command += ["--time-margin", f"{found.time_margin:g}"]
    for name in found.baselines:
        command += ["--baseline", name]
    return [*found.commands, shlex.join(command)]


def markdown(found: Comparison) -> str:
    """The comparison for a pull request: verdict, changes by loss, what did not compare, how to reproduce."""
    return "\n\n".join(_blocks(found)) + "\n"


def _blocks(found: Comparison) -> Iterator[str]:
    yield "## Benchmark"
    yield f"**{escape(verdict(found))}**"
    worse = found.regressions
    if worse:
        yield f"Lost more than {found.margin:g}:"
        yield _table(worse)
    yield from _section("Leak probes that passed before", probe_lines(found))
    yield from _section("Not comparable", obstacle_lines(found))
    yield from _section("Without a result", gap_lines(found.gaps))
    within = [one for one in found.gated if one.changed and one not in worse]
    yield from _folded(within, "moved within the margin, or got better")
    yield from _folded([one for one in found.ungated if one.changed], UNGATED)
    still = sum(not change.changed for change in found.changes)
    if still:
        yield f"{plural(still, 'row')} did not move."
    if found.changes:
        yield escape(MEANING)
    yield from _times(found)
    if found.added:
        yield f"New rows: {escape(added_line(found))}."
    yield from _section("Notes", found.notes)
    yield "### How to reproduce"
    yield "\n".join(f"    {command}" for command in reproduce(found))


def _times(found: Comparison) -> Iterator[str]:
    line = times_line(found)
    if not line:
        return
    yield escape(line)
    lines = [[*_names(one), str(one.ratio.n), ratio_text(one.ratio)] for one in found.times.changes]
    if lines:
        slower = f", {len(found.slowdowns)} beyond the margin" if found.time_margin is not None else ""
        yield f"<details><summary>Training time by row{slower}</summary>"
        yield table(["Entry", "Baseline", "Rounds", "Time after / before"], lines, words=2)
        yield "</details>"


def _folded(changes: Sequence[Change], what: str) -> Iterator[str]:
    if changes:
        yield f"<details><summary>{plural(len(changes), 'row')} {what}</summary>"
        yield _table(changes)
        yield "</details>"


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"### {title}"
        yield "\n".join(f"- {escape(line)}" for line in lines)


def _table(changes: Iterable[Change]) -> str:
    lines = [[*_names(one), *change_cells(one), "changed" if one.recoded else "same"] for one in changes]
    return table([*CHANGE_HEAD, CODE], lines, words=2)


def _names(one: Change | TimeChange) -> tuple[str, str]:
    return str(replace(one.place, label="")), one.place.label


def _worse(found: Comparison) -> str:
    parts = []
    if found.regressions:
        rows = f"{len(found.regressions)} of {plural(len(found.gated), 'row')}"
        parts.append(f"{rows} lost more than {found.margin:g} of skill")
    if found.probes:
        verb = "fails" if len(found.probes) == 1 else "fail"
        parts.append(f"{plural(len(found.probes), 'leak probe')} {verb} that passed before")
    if found.slowdowns and found.time_margin is not None:
        verb = "takes" if len(found.slowdowns) == 1 else "take"
        rows = f"{plural(len(found.slowdowns), 'row')} {verb}"
        parts.append(f"{rows} more than {1 + found.time_margin:g} × as long to train")
    return "; ".join(parts)


def _none_lost(found: Comparison) -> str:
    better = sum(change.loss < -found.margin for change in found.gated)
    gained = f", {better} gained more" if better else ""
    return f"none lost more than {found.margin:g} of skill{gained}"
