"""How the rows of an entry stand to each other: paired comparisons over the seeds that all of them have."""

from collections.abc import Sequence

import numpy as np

from zorbench import stats
from zorbench.report.model import Row, Standing


def standing(rows: Sequence[Row], seeds: Sequence[int], yardstick: str | None) -> Standing | None:
    """Of the rows of the headline and the zero of skill that have every seed; None for one row.

    All of an entry's comparisons are one family: k (k − 1) / 2 pairs of k rows share the risk of one error.
    """
    able = [row for row in rows if (row.group == "headline" or row.zero) and set(row.errors) == set(seeds)]
    if len(able) < 2 or not seeds:
        return None
    errors = np.array([[row.errors[seed] for row in able] for seed in seeds])
    comparisons = tuple(stats.compare_all(errors))
    labels = tuple(row.label for row in able)
    letters: dict[str, str] = {}
    if not stats.is_smoke(len(seeds)):
        letters = dict(zip(labels, stats.letters(comparisons, errors.mean(axis=0)), strict=True))
    return Standing(labels, comparisons, letters, len(seeds), yardstick if yardstick in labels else None)
