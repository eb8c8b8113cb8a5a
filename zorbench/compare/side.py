"""One of the two results folders that are compared: its cells by row and seed, its floors, its machines."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zorbench.compare.model import Place
from zorbench.report.build import choose_floor
from zorbench.report.cells import FAILED, Record, label, lane, latest, metric, outcome
from zorbench.report.current import EntryKey, current, entry_key
from zorbench.report.model import Failure
from zorbench.report.rows import RowCells

Cells = Mapping[tuple[EntryKey, str], Mapping[int, Record]]
"""By row of an entry, then by seed."""


def place_of(key: EntryKey, row: str = "") -> Place:
    """The entry, or a row of it, as a place."""
    return Place(*key, row)


def error_of(record: Record) -> float:
    """The test error of a cell that is ok."""
    value = metric(record, "clean", "error")
    if value is None:
        raise ValueError(f"the record {record.get('key')} has no finite error")
    return value


@dataclass(frozen=True)
class Side:
    """The records of a folder that count: one a cell, made with the settings and code written last."""

    name: str
    accuracy: Cells
    probe: Cells
    timing: tuple[Record, ...]
    runs: Mapping[str, Mapping[str, Any]]  # by id
    commands: tuple[str, ...]

    @classmethod
    def of(cls, name: str, records: Iterable[Record], runs: Sequence[Mapping[str, Any]]) -> "Side":
        """`records` and `runs` are what a results folder holds, `name` what to call it."""
        kept, _ = current([record for record in records if lane(record) != "tuning"])
        cells = latest(kept)
        used = {str(record.get("run")) for record in cells}
        told = [run for run in runs if str(run.get("id")) in used]
        return cls(
            name,
            _by_row(cells, "accuracy"),
            _by_row(cells, "probe"),
            tuple(record for record in cells if lane(record) == "timing"),
            {str(run.get("id")): run for run in told},
            tuple(dict.fromkeys(str(run["command_line"]) for run in told if run.get("command_line"))),
        )

    def entries(self) -> list[EntryKey]:
        """Every entry that has cells of the accuracy lane or probes, in order."""
        return sorted({key for cells in (self.accuracy, self.probe) for key, _ in cells})

    def rows(self, key: EntryKey) -> list[str]:
        """The rows of an entry in the accuracy lane, in order."""
        return sorted(row for found, row in self.accuracy if found == key)

    def floor(self, key: EntryKey) -> str | None:
        """The row that is the entry's zero of skill; None if there is none or a floor failed."""
        rows = []
        for row in self.rows(key):
            records = list(self.accuracy[key, row].values())
            failures = tuple(
                Failure(key[0], key[1], row, int(record["seed"]), *outcome(record), "")
                for record in records
                if outcome(record)[0] in FAILED
            )
            rows.append(RowCells.of(row, records, (), failures))
        chosen = choose_floor(rows)
        return chosen.label if chosen else None


def _by_row(records: Iterable[Record], wanted: str) -> Cells:
    found: dict[tuple[EntryKey, str], dict[int, Record]] = defaultdict(dict)
    for record in records:
        if lane(record) == wanted:
            found[entry_key(record), label(record)][int(record["seed"])] = record
    return dict(found)
