"""Figures of a training: its history, and what was taken for what."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from zorbench.training.history import DECISION, Row

_PARTS = (
    ("training, while learning", "", "C0"),
    ("validation", "validation_", "C1"),
    ("test", "test_", "C2"),
)


def figure(width: float, height: float) -> Figure:
    """Without any window or global state of matplotlib."""
    made = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(made)
    return made


def plot_history(rows: Sequence[Row], selected_epoch: int, path: Path) -> None:
    """Shares of right decisions, and of wrong and silent ones, by the epoch by reward."""
    rows = [row for row in rows if row.stage == DECISION]
    epochs = [row.epoch for row in rows]
    made = figure(8, 3.2)
    right, wrong = made.subplots(1, 2)
    for name, prefix, colour in _PARTS:
        for axes, kind, line in ((right, "right", "-"), (wrong, "wrong", "-"), (wrong, "silent", ":")):
            values = [getattr(row, f"{prefix}{kind}") for row in rows]
            if None not in values:
                axes.plot(
                    epochs, [100 * value for value in values], line, color=colour, marker=".", label=name
                )
    for axes, title in ((right, "right decisions"), (wrong, "wrong (–) and silent (··)")):
        axes.axvline(selected_epoch, color="0.8", zorder=0)
        axes.set(xlabel="epoch by reward", ylabel="% of images", title=title)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    right.legend(frameon=False)
    made.savefig(path, dpi=110)


def plot_confusion(confusion: Sequence[Sequence[int]], class_names: Sequence[str], path: Path) -> None:
    """True classes down, decisions along, silence in the last column; shaded by the share of the row."""
    made = figure(1.5 + 0.5 * (len(class_names) + 1), 1.2 + 0.5 * len(class_names))
    axes: Any = made.subplots()
    shares = [[count / max(sum(row), 1) for count in row] for row in confusion]
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for y, row in enumerate(confusion):
        for x, count in enumerate(row):
            if count:
                colour = "white" if shares[y][x] > 0.5 else "black"
                axes.text(x, y, str(count), ha="center", va="center", fontsize=7, color=colour)
    axes.set_xticks(range(len(class_names) + 1), [*class_names, "silent"], rotation=90)
    axes.set_yticks(range(len(class_names)), class_names)
    axes.set(xlabel="decision", ylabel="true class")
    made.savefig(path, dpi=110)
