"""What goes on inside deep networks: a small graph a quantity, from the lowest layer to the output."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from zorbench.report import palette
from zorbench.report.figures import Series, magnitude_axis
from zorbench.report.model import EntryView, Profile, Stat
from zorbench.report.svg import end_labels, stack, told

QUANTITIES = {
    "activation_rate": "activation rate",
    "signal_norm": "signal norm",
    "alignment": "alignment",
}
"""What is drawn, from the top down, and what it is called; a rule may tell more."""

MEANING = (
    "Told by rules with several hidden layers, from the lowest to the output, of the last minibatch learned "
    "and without what earlier ones left behind: mean over the seeds, in a band of one standard deviation. "
    "Solid: after training; thin and dotted: at the first checkpoint. Activation rate: the share of units "
    "and samples that fire. Signal norm: the root mean square of the learning signal that reaches the layer. "
    "Alignment: the cosine between the direction in which the rule would move the weights into the layer and "
    "the negative gradient of the loss; 1 is steepest descent, and below 0 the loss rises. That loss is half "
    "the squared error of a sample, or the cross-entropy where the output is a softmax."
)

_LEAST = 0.1  # of a mean: a logarithmic axis has no 0 for a band to reach

_ROOM = 0.05  # beyond the ends of a bounded axis

Floats = NDArray[np.float64]
Profiles = Mapping[str, Profile]


def across_layers(entry: EntryView, series: Series) -> str | None:
    """`QUANTITIES` by layer, a line a row. None if no rule tells of any."""
    rows = [row for row in entry.rows if row.group != "floor"]
    found = {
        name: {row.label: row.profiles[name] for row in rows if _tells(row.profiles.get(name))}
        for name in QUANTITIES
    }
    drawn = {name: profiles for name, profiles in found.items() if profiles}
    if not drawn:
        return None
    with stack(f"layers-{entry.anchor}", len(drawn)) as (stacked, finish):
        for axes, (name, profiles) in zip(stacked, drawn.items(), strict=True):
            _lines(axes, name, profiles, series)
            _scale(axes, name, profiles)
            axes.margins(x=0.03)
            axes.yaxis.set_label_coords(-0.14, 0.5)
        stacked[-1].set_xlabel("layer, from the bottom")
        stacked[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
        for axes, profiles in zip(stacked, drawn.values(), strict=True):
            end_labels(axes, {label: _end(profile) for label, profile in profiles.items()}, series)
        return finish(f"{entry.title}: {', '.join(QUANTITIES[name] for name in drawn)} by layer")


def undefined(entry: EntryView) -> str:
    """Which of `QUANTITIES` are told without a number after training, and by which rows; empty if none."""
    missing = {
        title: [row.label for row in entry.rows if name in row.profiles and not _tells(row.profiles[name])]
        for name, title in QUANTITIES.items()
    }
    listed = [f"{title} of {', '.join(labels)}" for title, labels in missing.items() if labels]
    return f"Undefined after training: {'; '.join(listed)}." if listed else ""


def _tells(profile: Profile | None) -> bool:
    return profile is not None and any(profile.last)


def _lines(axes: Axes, name: str, profiles: Profiles, series: Series) -> None:
    for label, profile in sorted(profiles.items()):
        look = palette.style(series[label])
        layers, means, _ = _arrays(profile.first)
        gid = told(label, f"{label}: {QUANTITIES[name]} by layer; dotted at first")
        axes.plot(layers, means, color=look.colour, linestyle=(0, (1, 1.5)), lw=0.8, gid=gid)
        layers, means, spread = _arrays(profile.last)
        low = np.maximum(means - spread, _LEAST * means) if name == "signal_norm" else means - spread
        axes.fill_between(layers, low, means + spread, color=look.colour, alpha=0.15, lw=0, gid=gid)
        axes.plot(layers, means, color=look.colour, linestyle=look.dashes, marker=look.marker, ms=3, gid=gid)


def _arrays(layers: Sequence[Stat | None]) -> tuple[Floats, Floats, Floats]:
    """The numbers of the layers, from 1, with means and deviations; NaN leaves a gap."""
    stats = [stat or Stat(np.nan, None, 0) for stat in layers]
    numbers = np.arange(1.0, len(stats) + 1)
    return numbers, np.array([stat.mean for stat in stats]), np.array([stat.sd or 0.0 for stat in stats])


def _scale(axes: Axes, name: str, profiles: Profiles) -> None:
    """The vertical axis of a share, a magnitude or a cosine."""
    every = [profile for both in profiles.values() for profile in (both.first, both.last)]
    means = [stat.mean for profile in every for stat in profile if stat]
    if name == "signal_norm":
        magnitude_axis(axes, means, QUANTITIES[name])
        return
    axes.set_ylabel(QUANTITIES[name])
    low = min(0.0, *axes.get_ylim()) if name == "alignment" else 0.0
    axes.set_ylim(low - _ROOM, 1 + _ROOM)
    if name == "alignment":
        axes.axhline(0.0, color=palette.MUTED, lw=0.8, zorder=1)


def _end(profile: Profile) -> tuple[float, float]:
    """Where the line ends."""
    layer, stat = [(layer, stat) for layer, stat in enumerate(profile.last, start=1) if stat][-1]
    return float(layer), stat.mean
