"""Which numbers a table has, in which order, and how each is printed: for page and Markdown alike."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from zorbench.report import formatting as fmt
from zorbench.report.formatting import Shown
from zorbench.report.model import EntryView, Row

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
    return (*scores, *_shared())


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
            lambda row: Shown("0") if row.zero else fmt.skill_text(row.skill, row.n),
        ),
        _stat("train_seconds", "Training", DOWN, "seconds inside fit, of cells run alone", fmt.seconds),
        Column(
            "Prediction",
            DOWN,
            "mean seconds for the test set, of cells run alone",
            lambda row: replace(fmt.seconds(row.stats.get("predict_seconds"), row.n), spread=""),
        ),
        _stat("parameters", "Parameters", "", "numbers that the rule learns or keeps", fmt.count),
        _stat("samples", "Samples", "", "sample presentations used in training", fmt.count),
        _stat("updates", "Updates", "", "changes of the weights", fmt.count),
        _stat("peak_memory", "Memory", DOWN, "peak memory", fmt.mebibytes),
    ]


def _stat(
    key: str, title: str, better: str, meaning: str, show: Callable[[fmt.Stat | None, int], Shown]
) -> Column:
    return Column(title, better, meaning, lambda row: show(row.stats.get(key), row.n))
