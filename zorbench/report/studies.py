"""What tuning bought: the expected best validation error against the number of trials."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from zorbench import stats
from zorbench.report import palette
from zorbench.report.cells import Record, label, metric
from zorbench.report.current import EntryKey, entry_key
from zorbench.report.figures import Series, magnitude_axis
from zorbench.report.model import EntryView
from zorbench.report.svg import end_labels, panel, told

MEANING = (
    "Mean validation error to be expected of the best of so many tuning trials, on images that "
    "evaluation never draws. 0 is the defaults. A rule that falls far was far from its best at its "
    "defaults; one that is flat owes nothing to its tuning."
)


def studies(
    trials: Iterable[Record], chosen: Iterable[Record]
) -> dict[EntryKey, dict[str, tuple[float, ...]]]:
    """Entry → row → validation error of every trial, the defaults first; infinity for a trial that failed.

    Only the study counts that the row's tuned cells were set by.
    """
    current = {(entry_key(r), label(r)): r.get("study") for r in chosen if r.get("study")}
    found: dict[tuple[EntryKey, str], dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for record in trials:
        row = entry_key(record), label(record)
        if record.get("study") is not None and record.get("study") == current.get(row):
            error = metric(record, "validation", "error") if record["status"] == "ok" else None
            found[row][int(record["trial"])].append(math.inf if error is None else error)
    by_entry: dict[EntryKey, dict[str, tuple[float, ...]]] = defaultdict(dict)
    for (key, row_label), scores in sorted(found.items()):
        by_entry[key][row_label] = tuple(math.fsum(scores[n]) / len(scores[n]) for n in sorted(scores))
    return dict(by_entry)


def expected_curve(scores: Sequence[float]) -> list[tuple[int, float]]:
    """(trials, expected best) where it is finite; the defaults compete from the first trial on.

    A study keeps its defaults if no trial beats them, so each value is the mean of the lesser of the two.
    """
    if len(scores) < 2:
        return []
    kept = [scores[0], *(min(score, scores[0]) for score in scores[1:])]
    expected = stats.expected_best(kept)
    return [(m, float(value)) for m, value in enumerate(expected) if math.isfinite(value)]


def search_figure(entry: EntryView, series: Series) -> str | None:
    """The expected best validation error against the number of trials, a line a row. None without studies."""
    curves: Mapping[str, list[tuple[int, float]]] = {
        name: points
        for name, scores in entry.studies.items()
        if name in series and len(points := expected_curve(scores)) > 1
    }
    if not curves:
        return None
    with panel(f"search-{entry.anchor}", labelled=True) as (axes, finish):
        for name, points in sorted(curves.items()):
            look = palette.style(series[name])
            gid = told(name, f"{name}: {points[0][1]:.3g} at its defaults, {points[-1][1]:.3g} tuned")
            axes.plot(*zip(*points, strict=True), color=look.colour, linestyle=look.dashes, gid=gid)
        magnitude_axis(axes, [y for points in curves.values() for _, y in points], "validation error")
        axes.set_xlabel("tuning trials (0: defaults)")
        axes.margins(x=0.03, y=0.06)
        end_labels(axes, {name: points[-1] for name, points in curves.items()}, series)
        return finish(f"{entry.title}: expected best validation error against tuning trials")
