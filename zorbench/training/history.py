"""What is noted of each epoch, which epoch is the model's, and when to stop waiting for a better one."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from jaxtyping import Int
from torch import Tensor

from zorbench.training.settings import SelectOn, Settings

DECISION = "decision"


@dataclass(frozen=True)
class Row:
    """One epoch (from 1) of a stage.

    seconds        of learning; evaluation is left out
    convergence    of a layer without reward: mean w (1 − w) of its weights, 0 when all are 0 or 1
    right, wrong, silent      shares of the training images, each decided on just before it was learned from
    validation_…, test_…      shares after the epoch; None where nobody looked
    """

    stage: str
    epoch: int
    seconds: float
    convergence: float | None = None
    right: float | None = None
    wrong: float | None = None
    silent: float | None = None
    validation_right: float | None = None
    validation_wrong: float | None = None
    validation_silent: float | None = None
    test_right: float | None = None
    test_wrong: float | None = None
    test_silent: float | None = None

    @property
    def label(self) -> str:
        """Names the epoch among all of a training."""
        return f"{self.stage}-{self.epoch}"


COLUMNS = tuple(column.name for column in fields(Row))


def shares(classes: Int[Tensor, " n"], labels: Int[Tensor, " n"]) -> tuple[float, float, float]:
    """Right, wrong and silent (−1) decisions, of all."""
    right, silent = int((classes == labels).sum()), int((classes < 0).sum())
    return right / len(labels), (len(labels) - right - silent) / len(labels), silent / len(labels)


def prefixed(part: str, found: tuple[float, float, float]) -> dict[str, float]:
    """Shares under a row's names for this part."""
    return dict(zip((f"{part}_right", f"{part}_wrong", f"{part}_silent"), found, strict=True))


def selected(rows: Sequence[Row], select_on: SelectOn) -> Row | None:
    """The epoch by reward whose weights are the model's; None before the first.

    It has the most right decisions on the part that is selected on; of equal ones the last, as in the source.
    """
    decided = [row for row in rows if row.stage == DECISION]
    if not decided or select_on == "last":
        return decided[-1] if decided else None
    return max(decided, key=lambda row: (getattr(row, f"{select_on}_right"), row.epoch))


def given_up(rows: Sequence[Row], settings: Settings) -> bool:
    """Whether more epochs have gone by since the best one than there is patience."""
    best = selected(rows, settings.select_on)
    if best is None or settings.patience is None:
        return False
    return rows[-1].epoch - best.epoch > settings.patience


def as_csv(rows: Sequence[Row]) -> str:
    """A table with a header; what nobody looked at is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        values: dict[str, Any] = asdict(row)
        writer.writerow({name: "" if value is None else value for name, value in values.items()})
    return text.getvalue()
