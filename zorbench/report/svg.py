"""Panels as inline SVG: text stays text, colours become the page's, and no byte depends on the day."""

import html
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from zorbench.report import palette
from zorbench.report.labels import spread_out

FONT = 8.5  # points, of 1/72 inch
MARKER = 5.0
DASHED = (0, (4, 3))  # how floors are drawn
_TOLD = "told:"
_WIDTH, _HEIGHT = 400.0, 270.0  # points
_LEFT, _RIGHT, _BOTTOM, _TOP = 0.13, 0.02, 35.1, 5.4  # margins: shares of the width, points
_MARGIN_FOR_LABELS = 0.27
_STACKED, _BETWEEN = 110.0, 12.0  # points

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.size": FONT,
    "font.family": "DejaVu Sans",  # matplotlib brings it; the page sets its own
    "text.color": palette.INK,
    "axes.labelcolor": palette.INK,
    "axes.edgecolor": palette.MUTED,
    "axes.facecolor": "none",
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": palette.RULE,
    "grid.linewidth": 0.5,
    "xtick.color": palette.MUTED,
    "ytick.color": palette.MUTED,
    "xtick.labelcolor": palette.INK,
    "ytick.labelcolor": palette.INK,
    "lines.linewidth": 1.2,
    "lines.markersize": MARKER,
    "axes.unicode_minus": True,
}


Finish = Callable[[str], str]
"""Turns what was drawn, with a description, into SVG."""


@contextmanager
def panel(name: str, labelled: bool = False) -> Iterator[tuple[Axes, Finish]]:
    """A pair of axes; `labelled` leaves room for names at the right."""
    with _figure(name, _HEIGHT) as (figure, finish):
        yield _axes(figure, _BOTTOM, _HEIGHT - _BOTTOM - _TOP, labelled), finish


@contextmanager
def stack(name: str, count: int) -> Iterator[tuple[list[Axes], Finish]]:
    """Pairs of axes, from the top down, over one horizontal axis, with room for names at the right."""
    step = _STACKED + _BETWEEN
    with _figure(name, _BOTTOM + count * step - _BETWEEN + _TOP) as (figure, finish):
        places = [_BOTTOM + step * i for i in reversed(range(count))]
        stacked = [_axes(figure, bottom, _STACKED, labelled=True) for bottom in places]
        for axes in stacked[:-1]:
            axes.sharex(stacked[-1])
            axes.tick_params(axis="x", labelbottom=False)
        yield stacked, finish


@contextmanager
def _figure(name: str, height: float) -> Iterator[tuple[Figure, Finish]]:
    """An empty figure, whose ids `name` makes its own.

    The caller's matplotlib settings neither count nor change.
    """
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update({**_STYLE, "svg.hashsalt": name})
        figure = Figure(figsize=(_WIDTH / 72, height / 72), dpi=72)
        FigureCanvasSVG(figure)
        yield figure, lambda description: _svg(figure, description)


def _axes(figure: Figure, bottom: float, height: float, labelled: bool) -> Axes:
    whole = 72 * figure.get_figheight()
    width = 1 - _LEFT - _RIGHT - (_MARGIN_FOR_LABELS if labelled else 0)
    return figure.add_axes((_LEFT, bottom / whole, width, height / whole))


def told(label: str, tip: str = "") -> str:
    """A `gid` that makes what is drawn a series of the page: whose it is, and what it says to a pointer."""
    return _TOLD + json.dumps([label, tip]).encode().hex()  # nothing that XML would escape


def short(name: str) -> str:
    """A label that fits the margin; the tables have it in full."""
    return name if len(name) <= 20 else f"{name[:19]}…"


def freeze(axes: Axes) -> None:
    """Fix the limits as they are, so that places in the figure can be computed before it is drawn."""
    axes.set_xlim(axes.get_xlim())
    axes.set_ylim(axes.get_ylim())


def text_width(text: str) -> float:
    """A cautious guess at the width of a label in points: the reader's font is not known here."""
    return 0.58 * FONT * len(text) + 2.0


def log_axis(axes: Axes, which: Literal["x", "y"], values: Sequence[float]) -> None:
    """Make an axis logarithmic with plain numbers: 1, 2, 5 within two decades, else powers of ten."""
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    axis = axes.xaxis if which == "x" else axes.yaxis
    decades = max(values) / min(values)
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if decades < 100 else (1.0,), numticks=12))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def end_labels(
    axes: Axes,
    ends: Mapping[str, tuple[float, float]],
    series: Mapping[str, int],
    dashed: Mapping[str, tuple[float, float]] | None = None,
) -> None:
    """The names of lines at the right margin with their marks, spread so that none covers another.

    A dotted lead joins each with the end of its line. `dashed` lines are of no series, and grey.
    """
    freeze(axes)
    every = {**(dashed or {}), **ends}
    names = sorted(every)
    area = axes.get_window_extent()
    to_axes = axes.transAxes.inverted()
    at = [to_axes.transform(axes.transData.transform(every[name])) for name in names]
    step = (FONT + 1.0) / area.height
    for name, (x, y), place in zip(names, at, spread_out([p[1] for p in at], step, 0.01, 0.99), strict=True):
        lead = Line2D([x, 1.0, 1.04], [y, y, place], transform=axes.transAxes, color=palette.MUTED)
        lead.set(linewidth=0.6, linestyle=(0, (1, 2)), zorder=1)
        mark = Line2D([1.06], [place], transform=axes.transAxes)
        if name in ends:
            mark.set(color=palette.style(series[name]).colour, marker=palette.style(series[name]).marker)
        else:
            mark.set(xdata=[1.042, 1.078], ydata=[place] * 2, color=palette.MUTED, linestyle=(0, (2, 1)))
        text = axes.text(
            1.085, place, short(name), transform=axes.transAxes, va="center_baseline", parse_math=False
        )
        for line in (lead, mark):
            axes.add_artist(line).set_clip_on(False)
        for one in (lead, mark, text) if name in ends else ():
            one.set_gid(told(name))


def _rounded(found: re.Match[str]) -> str:
    """A place to a hundredth of a point, which no eye can tell from more: half the size of a page."""
    numbers = re.sub(r"-?\d+\.\d{3,}", lambda one: f"{float(one[0]):.2f}".rstrip("0").rstrip("."), found[2])
    return f'{found[1]}="{numbers}"'


def _series(found: re.Match[str]) -> str:
    label, tip = (html.escape(part) for part in json.loads(bytes.fromhex(found[1])))
    return f'<g class="series" data-row="{label}"' + (f' data-tip="{tip}"' if tip else "")


def _svg(figure: Figure, description: str) -> str:
    raw = io.StringIO()
    figure.savefig(raw, format="svg", transparent=True, metadata={"Date": None})
    text = raw.getvalue()
    text = text[text.index("<svg") :]  # inside a page, neither the XML declaration nor the document type
    text = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r' xmlns(:\w+)?="[^"]*"', "", text).replace("xlink:href=", "href=")
    text = re.sub(rf'<g id="{_TOLD}([0-9a-f]*)"', _series, text)
    text = re.sub(r'<g id="[^"]*"', "<g", text)  # names that nothing refers to and every figure has
    text = re.sub(r'(?<= )(d|x|y)="([^"]*)"', _rounded, text)
    label = html.escape(description)
    text = re.sub(
        r'^<svg [^>]*viewBox="([^"]*)"[^>]*>',
        lambda found: f'<svg viewBox="{found[1]}" role="img" aria-label="{label}">',
        text,
    )
    for stand_in, colour in palette.STAND_INS.items():
        text = text.replace(stand_in, colour)
    return re.sub(r"\s*\n\s*", "\n", text).strip()
