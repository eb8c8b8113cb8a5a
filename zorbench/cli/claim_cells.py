"""The cells that claims rest on: planned, looked up, and what those that are missing take."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from zorbench.cell import Cell
from zorbench.claims import Cells, Claim, Setting
from zorbench.claims.tables import FLOORS, Kind
from zorbench.data import catalog
from zorbench.entry import Entry
from zorbench.errors import InputError
from zorbench.plan import Request, make_plan
from zorbench.registry import Registry
from zorbench.store import Store

OVERHEAD = 1.5  # seconds a cell takes beside learning and predicting: its process, checkpoints, scores


@dataclass(frozen=True)
class Question:
    """A claim in one of its settings, with its cells: of the row, of the row beside it, and of the floors.

    `absent`: why nothing can be run.
    """

    claim: Claim
    setting: Setting
    row: tuple[Cell, ...] = ()
    than: tuple[Cell, ...] = ()
    floors: tuple[Cell, ...] = ()
    absent: str = ""

    @property
    def name(self) -> tuple[str, Kind]:
        return self.claim.id, self.setting.kind

    @property
    def cells(self) -> tuple[Cell, ...]:
        return (*self.row, *self.than, *self.floors)

    def records(self, store: Store) -> Cells:
        """What the store has of its cells."""

        def found(cells: Sequence[Cell]) -> list[dict[str, Any]]:
            return [store.records[cell.key] for cell in cells if cell.key in store.records]

        return Cells(found(self.row), found(self.than), found(self.floors))


def make_questions(
    claims: Iterable[Claim], seeds: Sequence[int], data_root: Path | None, registry: Registry, file: Path
) -> list[Question]:
    """Every claim in every setting. An entry is planned once, with all rows that any of them wants of it."""
    claims = list(claims)
    wanted: dict[Entry, list[str]] = defaultdict(list)
    timed = set()
    for claim in claims:
        for setting in claim.settings:
            for entry, row in setting.pairs():
                wanted[entry].append(row)
                timed |= {entry} if claim.timed else set()
    absent = {entry: _absent(entry, data_root) for entry in wanted}
    planned: dict[Entry, list[Cell]] = {}
    for entry, rows in wanted.items():
        if not absent[entry]:
            asked = replace(entry, rows=tuple(dict.fromkeys(rows)), timed=entry in timed)
            request = Request([asked], seeds, data_root=data_root)
            try:
                planned[entry] = make_plan(request, registry)
            except InputError as error:
                raise InputError(f"{file}: entry '{entry.label}': {error}") from error
    return [
        _question(claim, setting, planned, absent, len(seeds), registry, file)
        for claim in claims
        for setting in claim.settings
    ]


def _question(
    claim: Claim,
    setting: Setting,
    planned: dict[Entry, list[Cell]],
    absent: dict[Entry, str],
    seeds: int,
    registry: Registry,
    file: Path,
) -> Question:
    reason = next((absent[entry] for entry, _ in setting.pairs() if absent[entry]), "")
    if reason:
        return Question(claim, setting, absent=reason)
    found = []
    for entry, row in setting.pairs():
        label = registry.row(row).label
        cells = tuple(
            cell
            for cell in planned[entry]
            if cell.label == label and (_times(cell, seeds) if claim.timed else cell.lane == "accuracy")
        )
        other = "floors are not timed" if claim.timed else "it is a floor of other tasks"
        why = cells[0].unsupported if cells else other
        if why:
            raise InputError(
                f"{file}: claim '{claim.id}': {setting.kind}: {label} cannot do {entry.task} "
                f"of {entry.dataset}: {why}"
            )
        found.append(cells)
    floors = [
        cell
        for entry, _ in setting.pairs()
        for cell in planned[entry]
        if cell.about["role"] == "floor" and not claim.timed
    ]
    return Question(
        claim,
        setting,
        row=found[0],
        than=found[1] if len(found) > 1 else (),
        floors=tuple({cell.key: cell for cell in floors}.values()),
    )


def _absent(entry: Entry, data_root: Path | None) -> str:
    name = "cifar10" if entry.dataset == "cifar10-jpeg" else entry.dataset
    known = {info.name: info for info in catalog(data_root)}
    if name in known and not known[name].available:
        return f"needs --data-root, or ZORBENCH_DATA, with {name}"
    return ""


def _times(cell: Cell, seeds: int) -> bool:
    """Whether it is the first run of a row in one of so many rounds of the timing lane, a seed each."""
    return cell.lane == "timing" and cell.repetition % 2 == 0 and cell.seed < seeds


def missing(question: Question, store: Store, jobs: int, retry_failed: bool) -> dict[str, float]:
    """Key of each cell that is still to be run → seconds of waiting for it, with `jobs` cells at a time."""
    setting = question.setting
    found: dict[str, float] = {}
    for cells, name in (
        (question.floors, FLOORS),
        (question.than, setting.than),
        (question.row, setting.row),
    ):
        for cell in cells:
            if store.needs(cell.key, retry_failed=retry_failed):
                label = cell.entry.label
                documented = setting.costs.get((label, name or ""), setting.costs[label, FLOORS])
                seconds = _seconds_seen(cell, store) or documented
                found[cell.key] = seconds if cell.alone else seconds / jobs
    return found


def _seconds_seen(cell: Cell, store: Store) -> float | None:
    """What a cell of its kind took before, if one is on record."""
    seen = [
        sum(record["seconds"].get(part, 0.0) for part in ("build", "train", "predict"))
        for record in store.records.values()
        if record["entry"] == cell.entry.name and record["variant"] == cell.label and record["status"] == "ok"
    ]
    return OVERHEAD + sum(seen) / len(seen) if seen else None
