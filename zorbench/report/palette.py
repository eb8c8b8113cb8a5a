"""How a baseline looks: one colour and one shape each, the same in every figure and table.

Figures are drawn in stand-in colours that become CSS variables of the page: one drawing, light and dark.
"""

from dataclasses import dataclass

COLOURS = 8
_DASHES = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)))

INK, MUTED, RULE, PAPER = "#0a0b01", "#0a0b02", "#0a0b03", "#0a0b04"
_SERIES = tuple(f"#0a0c{i:02x}" for i in range(COLOURS))

STAND_INS = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    RULE: "var(--rule)",
    PAPER: "var(--paper)",
    **{colour: f"var(--s{i})" for i, colour in enumerate(_SERIES)},
}
"""The page's colour for each colour that the figures are drawn in."""

# matplotlib's name of the shape, and the same shape for a swatch of 12 × 12
_SHAPES = (
    ("o", '<circle cx="6" cy="6" r="4.2"/>'),
    ("s", '<path d="M2.2 2.2h7.6v7.6h-7.6z"/>'),
    ("^", '<path d="M6 1.4 10.8 10H1.2z"/>'),
    ("D", '<path d="M6 .8 11.2 6 6 11.2.8 6z"/>'),
    ("v", '<path d="M6 10.6 1.2 2h9.6z"/>'),
    ("P", '<path d="M4.3 1.2h3.4v3.1h3.1v3.4H7.7v3.1H4.3V7.7H1.2V4.3h3.1z"/>'),
    ("X", '<path d="M3.4 1 6 3.6 8.6 1 11 3.4 8.4 6 11 8.6 8.6 11 6 8.4 3.4 11 1 8.6 3.6 6 1 3.4z"/>'),
)


@dataclass(frozen=True)
class Style:
    """Colour, marker and dashes of a series as matplotlib has them; the swatch's shape and colour class."""

    colour: str
    marker: str
    dashes: str | tuple[float, tuple[float, ...]]
    shape: str
    css: str


def style(index: int) -> Style:
    """The look of series `index` ≥ 0. 8 colours against 7 shapes: the first 56 are all different."""
    marker, shape = _SHAPES[index % len(_SHAPES)]
    return Style(
        colour=_SERIES[index % COLOURS],
        marker=marker,
        dashes=_DASHES[index // COLOURS % len(_DASHES)],
        shape=shape,
        css=f"s{index % COLOURS}",
    )
