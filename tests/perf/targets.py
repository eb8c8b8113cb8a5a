"""The table of speed targets that `make perf` ends with. It is printed, never asserted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .race import Race

MLP, ZOR, ZOR_COMPILED, PRODUCTS = "MLP", "Zor", "Zor compiled", "five products"
MLPS_COMPILED = {"loss": "MLP, loss compiled", "loss + optimiser": "MLP, loss and optimiser compiled"}


@dataclass(frozen=True)
class Targets:
    """Most that a step may take: multiples of the eager MLP's, the compiled MLP's, five bare products."""

    mlp: float
    compiled: float | None = None
    products: float | None = None


STEP_TITLE = (
    "A training step, float32, two threads. Ratios are medians over rounds in which all take turns; targets "
    "hold for the better of Zor and Zor compiled, and against the strongest compiled MLP."
)
STEP_HEAD = (
    "shape, batch",
    "MLP µs",
    "Zor / MLP",
    "Zor compiled / MLP",
    "target",
    "both compiled",
    "target",
    "Zor / five products",
    "target",
)


def step_row(name: str, race: Race, targets: Targets) -> tuple[str, ...]:
    """One shape's step."""
    zors = [zor for zor in (ZOR, ZOR_COMPILED) if zor in race]
    to_mlp = {zor: race.ratio(zor, MLP) for zor in zors}
    to_products = min(race.ratio(zor, PRODUCTS) for zor in zors)
    rivals = {
        label: race.ratio(ZOR_COMPILED, mlp) for label, mlp in MLPS_COMPILED.items() if ZOR_COMPILED in race
    }
    strongest = max(rivals, key=lambda label: rivals[label], default="")
    return (
        name,
        f"{race.microseconds(MLP):,.0f}",
        _number(to_mlp.get(ZOR)),
        _number(to_mlp.get(ZOR_COMPILED)),
        verdict(min(to_mlp.values()), targets.mlp),
        f"{_number(rivals.get(strongest))} {strongest}",
        verdict(rivals.get(strongest), targets.compiled),
        _number(to_products),
        verdict(to_products, targets.products),
    )


def verdict(value: float | None, target: float | None, *, least: bool = False) -> str:
    """`≤ 1.00 met`; nothing without a target, and neither met nor missed without a value."""
    if target is None:
        return ""
    sign = "≥" if least else "≤"
    if value is None:
        return f"{sign} {target:.2f} not measured"
    met = value >= target if least else value <= target
    return f"{sign} {target:.2f} {'met' if met else 'missed'}"


def aligned(rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines in which the first column is flush left and the others flush right."""
    cells = [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        for row in cells
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
