"""The claims file: settings and claims, read from TOML."""

from dataclasses import dataclass
from pathlib import Path

from zorbench.claims.expectation import Expectation
from zorbench.claims.measures import MEASURES, SECONDS
from zorbench.claims.tables import (
    FLOORS,
    KINDS,
    ClaimsFile,
    ClaimTable,
    Compare,
    Kind,
    RowsTable,
    SettingTable,
)
from zorbench.config import parse_spec
from zorbench.entry import Entry
from zorbench.errors import InputError, unknown
from zorbench.paths import bundled
from zorbench.suite import read_toml, validated

CLAIMS_FILE = "claims.toml"


@dataclass(frozen=True)
class Setting:
    """How a claim is measured: rows as `NAME[key=value]`, the entry of each, what a cell of them costs."""

    kind: Kind
    entry: Entry
    row: str
    than: str | None
    than_entry: Entry | None
    costs: dict[tuple[str, str], float]  # (label of the entry, row or "floors") → seconds a cell
    differs: tuple[str, ...]

    def pairs(self) -> list[tuple[Entry, str]]:
        """The entries with the row that the claim wants of each."""
        found = [(self.entry, self.row)]
        if self.than is not None:
            found.append((self.than_entry or self.entry, self.than))
        return found


@dataclass(frozen=True)
class Claim:
    """A published claim, what is measured for it, and when it holds; without settings if nothing can be."""

    id: str
    system: str
    statement: str
    source: str
    figure: str
    how: str
    measure: str
    conditions: tuple[str, ...]
    compare: Compare
    expected: Expectation
    margin_reason: str
    settings: tuple[Setting, ...]
    unmeasurable: str

    @property
    def compares(self) -> bool:
        """Whether a second row is needed."""
        return self.compare != "mean"

    @property
    def timed(self) -> bool:
        """Whether its cells must run alone."""
        return self.measure == SECONDS


def bundled_claims() -> Path:
    """The claims file that comes with zorbench."""
    return bundled("suites") / CLAIMS_FILE


def load_claims(path: Path) -> list[Claim]:
    """Read and check a claims file. Raises `InputError` naming file, place and valid keys."""
    file = validated(ClaimsFile, read_toml(path), path, "")
    tables = {
        name: validated(SettingTable, table, path, f"entry '{name}': ") for name, table in file.entry.items()
    }
    claims: list[Claim] = []
    for number, values in enumerate(file.claim, start=1):
        place = f"claim '{values['id']}'" if isinstance(values.get("id"), str) else f"claim {number}"
        table = validated(ClaimTable, values, path, f"{place}: ")
        if any(claim.id == table.id for claim in claims):
            raise InputError(f"{path}: two claims have the id '{table.id}'")
        claims.append(_claim(table, tables, path, f"{place}: "))
    return claims


def _claim(table: ClaimTable, tables: dict[str, SettingTable], path: Path, place: str) -> Claim:
    where = f"{path}: {place}"
    settings: tuple[Setting, ...] = ()
    if not table.unmeasurable:
        _check_measured(table, where)
        settings = tuple(_setting(kind, table, tables, path, place) for kind in KINDS)
    return Claim(
        id=table.id,
        system=table.system,
        statement=table.statement,
        source=table.source,
        figure=table.figure,
        how=table.how,
        measure=table.measure,
        conditions=tuple(table.conditions),
        compare=table.compare,
        expected=Expectation(table.direction, table.value or 0.0, table.margin or 0.0),
        margin_reason=table.margin_reason,
        settings=settings,
        unmeasurable=table.unmeasurable,
    )


def _check_measured(table: ClaimTable, where: str) -> None:
    for key in ("measure", "value", "margin", "margin_reason", "published", "matched"):
        if getattr(table, key) in (None, ""):
            raise InputError(f"{where}the key '{key}' is missing (or unmeasurable = \"why\")")
    if table.measure not in MEASURES:
        raise unknown("measure", table.measure, MEASURES, where.rstrip(": "))
    if table.conditions and not MEASURES[table.measure].noise:
        raise InputError(f"{where}conditions: {table.measure} is not told under noise")
    if table.compare == "ratio" and table.measure != SECONDS:
        raise InputError(f'{where}a ratio is one of {SECONDS}; compare = "difference" fits {table.measure}')


def _setting(
    kind: Kind, table: ClaimTable, tables: dict[str, SettingTable], path: Path, place: str
) -> Setting:
    where = f"{path}: {place}{kind}"
    rows = validated(RowsTable, getattr(table, kind), path, f"{place}{kind}: ")
    if (rows.than is None) != (table.compare == "mean"):
        needs = "needs 'than', the row it is compared with" if rows.than is None else "has no use for 'than'"
        raise InputError(f'{where}: compare = "{table.compare}" {needs}')
    for name in filter(None, (rows.entry, rows.than_entry)):
        if name not in tables:
            raise unknown("entry", name, tables, where)
    than_entry = rows.than_entry or rows.entry
    wanted = [(rows.entry, rows.row), *([(than_entry, rows.than)] if rows.than else [])]
    costs = {}
    for name, row in wanted:
        parse_spec(row)
        for one in (row, FLOORS):
            if one not in tables[name].cost:
                raise InputError(f"{path}: entry '{name}': cost tells no seconds of a cell of {one}")
            costs[name, one] = tables[name].cost[one]
    entry, other = tables[rows.entry].entry(rows.entry), tables[than_entry].entry(than_entry)
    _check_pair(entry, other, where)
    for condition in table.conditions:
        if condition not in entry.conditions:
            raise unknown("condition", condition, entry.conditions, f"{where}: entry '{entry.label}'")
    differs = [*tables[rows.entry].differs]
    if rows.than_entry:
        differs += [one for one in tables[than_entry].differs if one not in differs]
    return Setting(
        kind=kind,
        entry=entry,
        row=rows.row,
        than=rows.than,
        than_entry=other if rows.than_entry else None,
        costs=costs,
        differs=(*differs, *rows.differs, *table.differs),
    )


def _check_pair(entry: Entry, other: Entry, where: str) -> None:
    """Rows are compared seed by seed: both must learn from and be scored on the same images."""
    for name in ("dataset", "task", "shots", "images", "validation", "test", "conditions"):
        if getattr(entry, name) != getattr(other, name):
            raise InputError(
                f"{where}: entries '{entry.label}' and '{other.label}' differ in {name}, "
                "so their seeds cannot be paired"
            )
