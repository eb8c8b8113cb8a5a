"""Looks that many parts of figures share become classes; what a reader sees stays the same."""

import re

from zorbench.report.styles import share_styles

DRAWING = '<svg viewBox="0 0 9 9" role="img" aria-label="x">{}</svg>'


def page(*parts: str) -> str:
    return f"<style>\nbody{{}}\n</style>{DRAWING.format(''.join(parts))}"


def test_a_style_that_stands_often_is_named_once() -> None:
    often, rare = '<path d="M 1 1" style="fill: red"/>', '<text x="1" style="fill: blue">fill</text>'
    shared = share_styles(page(*[often] * 8, rare))
    assert shared.count("fill: red") == 1
    assert re.search(r"\.q0\{fill: red\}\n</style>", shared)
    assert shared.count('<path d="M 1 1" class="q0"/>') == 8
    assert rare in shared


def test_what_has_a_class_or_stands_elsewhere_keeps_its_style() -> None:
    own = '<path class="series" style="fill: red"/>'
    outside = '<td style="fill: red">1</td>'
    shared = share_styles(page(*['<path style="fill: red"/>'] * 9, own) + outside)
    assert own in shared
    assert outside in shared


def test_the_same_page_gives_the_same_bytes_whatever_the_order_of_counting() -> None:
    parts = [f'<path style="fill: {colour}"/>' for colour in ("a", "b", "c") for _ in range(9)]
    assert share_styles(page(*parts)) == share_styles(page(*parts))
    names = re.findall(r"\.(q\d)\{fill: (\w)\}", share_styles(page(*parts)))
    assert names == [("q0", "a"), ("q1", "b"), ("q2", "c")]
