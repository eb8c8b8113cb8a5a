"""Which numbers a table has, in which order, and how each is printed: for page and Markdown alike."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from zorbench.report import formatting as fmt
from zorbench.report.formatting import Shown
from zorbench.report.model import Clocked, EntryView, Row, Standing, Stat
from zorbench.stats import AA_PAIRS, VERDICT_SEEDS

UP, DOWN = "↑", "↓"


@dataclass(frozen=True)
class Column:
    """A column of numbers: its heading, which direction is better, what it means, and a row's cell."""

    title: str
    better: str
    meaning: str
    show: Callable[[Row], Shown]

    @property
    def heading(self) -> str:
        return f"{self.title} {self.better}".strip()


def columns(entry: EntryView) -> tuple[Column, ...]:
    """The columns of the entry's table: scores on clean test images, skill, time, cost."""
    scores = _classification(entry) if entry.task == "classification" else _image(entry)
    return (*scores, *_shared(), *_standing(entry), *_speed(entry), *_costs())


def _image(entry: EntryView) -> list[Column]:
    found = [
        _stat("error", "MSE", DOWN, "mean squared error of the pixels in [0, 1]", fmt.plain),
        _stat("psnr", "PSNR (dB)", UP, "peak signal-to-noise ratio in dB", lambda s, n: fmt.rounded(s, n, 2)),
        _stat("ssim", "SSIM", UP, "structural similarity, 1 at best", lambda s, n: fmt.rounded(s, n, 3)),
        _stat("zor_accuracy", "1 − MAE", UP, "what Zor's own publications call accuracy", fmt.percent),
    ]
    if any("delta_e" in row.stats for row in entry.rows):
        meaning = "mean colour difference in CIELAB"
        found.append(_stat("delta_e", "ΔE", DOWN, meaning, lambda s, n: fmt.rounded(s, n, 2)))
    return found


def _classification(entry: EntryView) -> list[Column]:
    meaning = "share of the seeds in which every test sample was right"
    solved = _stat("solved", "Solved", UP, meaning, lambda s, n: replace(fmt.percent(s, n), spread=""))
    return [
        _stat("error", "Error", DOWN, "1 − accuracy", fmt.plain),
        _stat("accuracy", "Accuracy", UP, "share of the test images that are right", fmt.percent),
        _stat("macro_f1", "Macro F1", UP, "F1 averaged over the classes", lambda s, n: fmt.rounded(s, n, 3)),
        _stat("auc", "AUC", UP, "area under the ROC curve", lambda s, n: fmt.rounded(s, n, 3)),
        _stat("abstained", "Abstained", "", "share without a unique highest score: wrong", fmt.percent),
        *([solved] if any(_ever_solved(row) for row in entry.rows) else []),
    ]


def _ever_solved(row: Row) -> bool:
    """Whether every test sample was right for some seed: then the share of such seeds says something."""
    stat = row.stats.get("solved")
    return stat is not None and stat.mean > 0


def _shared() -> list[Column]:
    return [
        Column(
            "Skill",
            UP,
            "1 − error / floor error, with its 95 % interval over the seeds",
            lambda row: Shown("0", number=0.0) if row.zero else fmt.skill_text(row.skill, row.n),
        ),
    ]


def _standing(entry: EntryView) -> list[Column]:
    """Letters of what differs; below a verdict, what difference from the yardstick would have been found."""
    standing = entry.standing
    if standing is None:
        return []
    if standing.letters:
        meaning = (
            f"rows that share a letter do not differ significantly (family-wise 0.05, n = {standing.n}, "
            f"step-down max-|t| over joint sign flips of the seeds)"
        )
        return [Column("Alike", "", meaning, lambda row: Shown(standing.letters.get(row.label, fmt.MISSING)))]
    if standing.yardstick is None or standing.n < 2:
        return []
    meaning = (
        f"the difference in error from {standing.yardstick} that a test of that pair alone would find four "
        f"times in five with {standing.n} seeds; fewer than {VERDICT_SEEDS} support no verdict"
    )
    return [Column("Detectable", "", meaning, lambda row: _detectable(standing, row))]


def _detectable(standing: Standing, row: Row) -> Shown:
    comparison = standing.against_yardstick(row.label)
    if comparison is None or comparison.detectable is None:
        return fmt.NOTHING
    return Shown(f"{comparison.detectable:.2g}", number=comparison.detectable)


def _speed(entry: EntryView) -> list[Column]:
    """Seconds of the timing lane, and what they say against the yardstick's; none for an entry without."""
    clocked = entry.clocked
    if clocked is None:
        return []
    alone = f"of the timing lane ({clocked.runs} runs, alone and in turns)"
    found = [
        _timed("train_seconds", "Training", f"mean seconds inside fit, {alone}"),
        _timed("predict_seconds", "Prediction", f"mean seconds for the test set, {alone}"),
    ]
    if clocked.yardstick is not None:
        band = clocked.noise.get("train")
        within = f"; ≈ within {band:.2f} ×, what {AA_PAIRS} or more A/A pairs scatter by" if band else ""
        meaning = f"training time over that of {clocked.yardstick}, geometric mean of paired runs{within}"
        found.append(Column(f"÷ {clocked.yardstick}", DOWN, meaning, lambda row: _ratio(clocked, row)))
    if clocked.target is not None and clocked.yardstick is not None:
        meaning = (
            f"median training seconds until the validation error is at most {clocked.target:.3g}, the median "
            f"of {clocked.yardstick}'s final ones; ∞ for a miss"
        )
        found.append(Column("To target", DOWN, meaning, lambda row: _to_target(clocked, row)))
    return found


def _timed(key: str, title: str, meaning: str) -> Column:
    return Column(title, DOWN, meaning, lambda row: replace(fmt.seconds(row.stats.get(key), row.n), note=""))


def _ratio(clocked: Clocked, row: Row) -> Shown:
    if row.label == clocked.yardstick:
        return Shown("1", number=1.0)
    verdict = clocked.ratios.get(row.label, {}).get("train")
    if verdict is None or verdict.ratio.value is None:
        return fmt.NOTHING
    if verdict.equal:
        return Shown("≈", number=verdict.ratio.value)
    return Shown(f"{verdict.ratio.value:.2g}", unit="×", number=verdict.ratio.value)


def _to_target(clocked: Clocked, row: Row) -> Shown:
    seconds = clocked.to_target.get(row.label)
    if seconds is None:
        return fmt.NOTHING
    return Shown("∞", number=1e300) if math.isinf(seconds) else fmt.seconds(Stat(seconds, None, row.n), row.n)


def _costs() -> list[Column]:
    return [
        _stat("parameters", "Parameters", "", "numbers that the rule learns or keeps", fmt.count),
        _stat("samples", "Samples", "", "sample presentations used in training", fmt.count),
        _stat("updates", "Updates", "", "changes of the weights", fmt.count),
        _stat("peak_memory", "Memory", DOWN, "peak memory", fmt.mebibytes),
    ]


def _stat(
    key: str, title: str, better: str, meaning: str, show: Callable[[fmt.Stat | None, int], Shown]
) -> Column:
    return Column(title, better, meaning, lambda row: show(row.stats.get(key), row.n))
