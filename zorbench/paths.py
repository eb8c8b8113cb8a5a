"""Where the baselines and suites that come with zorbench lie: in a checkout, or inside the wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def bundled(name: str) -> Path:
    """The folder `baselines` or `suites`, of the wheel if this is one, else of the checkout."""
    inside = _PACKAGE / "_bundled" / name
    return inside if inside.is_dir() else _PACKAGE.parent / name
