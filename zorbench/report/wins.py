"""Wins, ties and losses of the rows of a suite, over its entries."""

from collections.abc import Sequence
from dataclasses import dataclass

from zorbench import stats
from zorbench.report.formatting import MISSING
from zorbench.report.model import SuiteView


@dataclass(frozen=True)
class Wins:
    """A text for each pair of rows, `wins–ties–losses`; a dash where the two never met."""

    labels: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]


def wins(suite: SuiteView) -> Wins | None:
    """Over the entries that have a verdict; None without any. Best rows first: by wins less losses."""
    entries = [entry for entry in suite.entries if entry.standing is not None and entry.standing.letters]
    labels = sorted({row.label for entry in entries for row in entry.group("headline")})
    if len(labels) < 2:
        return None
    number = {label: i for i, label in enumerate(labels)}
    rounds = []
    for entry in entries:
        assert entry.standing is not None
        compared = [label for label in entry.standing.labels if label in number]
        columns = {entry.standing.labels.index(label): i for i, label in enumerate(compared)}
        kept = [
            stats.Comparison(columns[one.first], columns[one.second], one.difference, one.p, one.detectable)
            for one in entry.standing.comparisons
            if one.first in columns and one.second in columns
        ]
        failed = frozenset(number[row.label] for row in entry.group("headline") if row.failed)
        rounds.append(stats.Round([number[label] for label in compared], kept, failed))
    counts = stats.win_tie_loss(rounds, len(labels)).tolist()
    order = sorted(range(len(labels)), key=lambda i: (-_balance(counts[i]), labels[i]))
    return Wins(
        tuple(labels[i] for i in order),
        tuple(tuple(_text(counts[i][j]) for j in order) for i in order),
    )


def _balance(counts: Sequence[Sequence[int]]) -> int:
    return sum(won - lost for won, _, lost in counts)


def _text(count: Sequence[int]) -> str:
    return "–".join(map(str, count)) if any(count) else MISSING
