"""The numbers of an entry in plain words: who beats the yardstick, who does as well, and how fast."""

from collections.abc import Iterable, Iterator, Sequence

from zorbench import stats
from zorbench.report.formatting import fixed
from zorbench.report.model import EntryView, ReportView, Row, Standing


def in_short(view: ReportView) -> list[tuple[EntryView, str]]:
    """A sentence an entry: its best contender against the yardstick, the references, and the time."""
    found = []
    for entry in (entry for suite in view.suites for entry in suite.entries):
        contenders = [row for row in _contenders(entry) if row.skill is not None]
        if entry.floor is not None and contenders:
            best = min(contenders, key=lambda row: row.stats["error"].mean)
            found.append((entry, sentence(entry, best)))
    return found


def paragraph(entry: EntryView) -> str:
    """Every contender against the yardstick, in groups by what was shown; empty without a yardstick."""
    standing = entry.standing
    if standing is None or standing.yardstick is None or entry.floor is None:
        return ""
    rows = [row for row in entry.group("headline") if row.label in standing.labels]
    others = [row for row in rows if row.label != standing.yardstick]
    if stats.is_smoke(standing.n):
        return _smoke(entry, others, standing)
    better: list[str] = []
    worse: list[str] = []
    open_: list[str] = []
    for row in others:
        comparison = standing.against_yardstick(row.label)
        assert comparison is not None, "every pair of rows is compared"
        value = comparison.difference.value or 0.0
        group = open_ if not comparison.significant else better if value < 0 else worse
        group.append(f"{row.label} ({_skill_difference(entry, row)})")
    name = standing.yardstick
    parts = [
        f"better than {name}: {', '.join(better)}"
        if better
        else f"nothing is shown to be better than {name}",
        f"worse: {', '.join(worse)}" if worse else "",
        f"no difference shown: {', '.join(open_)}" if open_ else "",
    ]
    said = "; ".join(part for part in parts if part)
    times = _times(entry)
    return f"In skill, n = {standing.n}: {said}." + (f" {times}" if times else "")


def sentence(entry: EntryView, row: Row) -> str:
    """One contender: against the yardstick, beside the references, and in training time."""
    standing = entry.standing
    task = f"on {entry.title} {entry.task}"
    if standing is None or row.label not in standing.labels:
        return f"{row.label} has the lowest error of the contenders {task}; nothing it was compared with."
    if stats.is_smoke(standing.n):
        seeds = "1 seed supports" if standing.n == 1 else f"{standing.n} seeds support"
        return f"{row.label} has the lowest error of the contenders {task}; {seeds} no verdict."
    parts = [_against(entry, row, standing, task)]
    parts += _beside(entry, row, standing)
    parts += _speed(entry, row)
    return "; ".join(parts) + "."


def _contenders(entry: EntryView) -> list[Row]:
    """Rows in the headline that a plugin stands for by its own name, but the yardstick."""
    yardstick = entry.standing.yardstick if entry.standing else None
    return [
        row
        for row in entry.group("headline")
        if row.role == "contender" and not row.failed and row.label == row.baseline and row.label != yardstick
    ]


def _against(entry: EntryView, row: Row, standing: Standing, task: str) -> str:
    comparison = standing.against_yardstick(row.label)
    if comparison is None or standing.yardstick is None:
        return f"{row.label} has the lowest error of the contenders {task} (n = {standing.n})"
    by = f"{_skill_difference(entry, row)} skill (n = {standing.n})"
    if not comparison.significant:
        return f"no difference between {row.label} and {standing.yardstick} was shown {task}: {by}"
    verb = "beats" if (comparison.difference.value or 0.0) < 0 else "loses to"
    return f"{row.label} {verb} {standing.yardstick} {task} by {by.lstrip('+−')}"


def _beside(entry: EntryView, row: Row, standing: Standing) -> Iterator[str]:
    """The references and floors that do better, or as well as far as was shown."""
    better, alike = [], []
    for comparison in standing.comparisons:
        pair = standing.labels[comparison.first], standing.labels[comparison.second]
        if row.label not in pair:
            continue
        other = entry.row(pair[0] if pair[1] == row.label else pair[1])
        if other is None or other.label == standing.yardstick or other.role not in ("reference", "floor"):
            continue
        if not comparison.significant:
            alike.append(other.label)
        elif other.stats["error"].mean < row.stats["error"].mean:
            better.append(other.label)
    if better:
        yield f"{_listed(better)} {'does' if len(better) == 1 else 'do'} better"
    if alike:
        yield f"{_listed(alike)} {'does' if len(alike) == 1 else 'do'} as well, as far as was shown"


def _speed(entry: EntryView, row: Row) -> Iterator[str]:
    clocked = entry.clocked
    verdict = clocked.ratios.get(row.label, {}).get("train") if clocked else None
    if verdict is None or verdict.ratio.value is None:
        yield "its time was not compared"
    elif verdict.equal:
        yield "it is not faster (training time ≈)"
    elif verdict.ratio.value < 1:
        yield f"it trains in {verdict.ratio.value:.2g} of the time"
    else:
        yield f"it is not faster ({verdict.ratio.value:.2g} × the training time)"


def _times(entry: EntryView) -> str:
    """Who trains faster and slower than the yardstick, outside of the noise."""
    clocked = entry.clocked
    if clocked is None or clocked.yardstick is None or not clocked.ratios:
        return ""
    faster: list[str] = []
    slower: list[str] = []
    equal: list[str] = []
    for name, phases in sorted(clocked.ratios.items()):
        verdict = phases.get("train")
        if verdict is None or verdict.ratio.value is None or entry.row(name) is None:
            continue
        group = equal if verdict.equal else faster if verdict.ratio.value < 1 else slower
        group.append(name if verdict.equal else f"{name} ({verdict.ratio.value:.2g} ×)")
    parts = [
        f"less than {clocked.yardstick}: {', '.join(faster)}" if faster else "",
        f"more: {', '.join(slower)}" if slower else "",
        f"≈: {', '.join(equal)}" if equal else "",
    ]
    return f"In training time, {'; '.join(part for part in parts if part)}."


def _smoke(entry: EntryView, others: Sequence[Row], standing: Standing) -> str:
    found = [standing.against_yardstick(row.label) for row in others]
    detectable = sorted(one.detectable for one in found if one is not None and one.detectable is not None)
    if not detectable:
        return "One seed: no verdict, and no telling what difference would have been seen."
    spread = f"{detectable[0]:.2g}" + (f" to {detectable[-1]:.2g}" if len(detectable) > 1 else "")
    times = _times(entry)
    return (
        f"{standing.n} seeds: no verdict. A difference from {standing.yardstick} of {spread} in error, "
        f"depending on the row, would be found four times in five by a test of that pair alone."
        + (f" {times}" if times else "")
    )


def _skill_difference(entry: EntryView, row: Row) -> str:
    """`+0.05 ± 0.02`: how much more skill the row has than the yardstick."""
    standing, floor = entry.standing, entry.floor_row
    yardstick = entry.row(standing.yardstick) if standing and standing.yardstick else None
    if standing is None or floor is None or yardstick is None:
        return "–"
    seeds = sorted(row.errors.keys() & yardstick.errors.keys() & floor.errors.keys())
    errors = [[one.errors[seed] for seed in seeds] for one in (row, yardstick, floor)]
    estimate = stats.skill_difference(*errors)
    if estimate.value is None:
        return "–"
    sign = "+" if estimate.value >= 0 else ""
    half = "" if estimate.high is None else f" ± {fixed(estimate.high - estimate.value, 3)}"
    return f"{sign}{fixed(estimate.value, 3)}{half}"


def _listed(names: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
