"""What a claims file may hold: the tables of its TOML, checked one by one."""

from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from zorbench.claims.expectation import Direction
from zorbench.entry import Entry, TaskName
from zorbench.errors import unknown
from zorbench.suite import Count, EntryTable

SUITE = "claims"
FLOORS = "floors"  # the cost of each trivial row

Kind = Literal["published", "matched"]
KINDS: tuple[Kind, ...] = ("published", "matched")
Compare = Literal["mean", "difference", "ratio"]
Text = Annotated[str, Field(min_length=1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]

# Keys of a suite's entry that a setting has no use for: claims are of protocol `samples`, and a measure says
# what is timed.
_OF_SUITES = ("label", "presets", "protocols", "seconds", "trials", "timed", "probed")


class SettingTable(EntryTable):
    """One `[entry.NAME]`: an entry of a suite, how it differs from what was published, and what it costs.

    `cost`: seconds that a cell of a row takes, all in, on one core.
    """

    KEYS: ClassVar[tuple[str, ...]] = (
        *(name for name in EntryTable.model_fields if name not in _OF_SUITES),
        *("task", "differs", "cost"),
    )

    dataset: str
    depth: Count | None = None
    shots: Count | None = None
    images: Count | None = None
    task: TaskName
    differs: list[Text]
    cost: dict[str, NotNegative]

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, values: Any) -> Any:
        for key in values if isinstance(values, dict) else ():
            if key not in cls.KEYS:
                raise ValueError(str(unknown("key", key, cls.KEYS)))
        return values

    def entry(self, name: str) -> Entry:
        """The entry; its label is the setting's name."""
        (entry,) = self.expand(SUITE, self.task)
        return replace(entry, label=name)

    def expand(self, suite: str, task: TaskName, rows: tuple[str, ...] = ()) -> list[Entry]:
        """The one entry that this table stands for."""
        table = self.model_dump(exclude={"task", "differs", "cost"}, exclude_unset=True)
        return EntryTable.model_validate(table).expand(suite, task, rows)


class RowsTable(BaseModel):
    """`published` or `matched` of a claim: entry and rows; `than_entry` if the other row has its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    entry: str
    row: Text
    than: Text | None = None
    than_entry: str | None = None
    differs: list[Text] = []


class ClaimTable(BaseModel):
    """One `[[claim]]`, still without its settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    system: Text
    statement: Text
    source: Text
    figure: Text
    how: str = ""
    measure: str = ""
    conditions: list[str] = []
    compare: Compare = "mean"
    direction: Direction = "at least"
    value: Finite | None = None
    margin: NotNegative | None = None
    margin_reason: str = ""
    differs: list[Text] = []
    published: dict[str, Any] | None = None
    matched: dict[str, Any] | None = None
    unmeasurable: str = ""


class ClaimsFile(BaseModel):
    """A claims file: its title, the settings by name, and the claims."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    description: str = ""
    entry: dict[str, dict[str, Any]] = {}
    claim: Annotated[list[dict[str, Any]], Field(min_length=1)]
