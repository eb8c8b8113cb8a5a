"""What a report shows, as plain frozen values: every number is computed once and used by all outputs."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from zorbench.stats import Comparison, Estimate, SpeedVerdict

Group = Literal["headline", "outside", "floor"]
GROUPS: tuple[Group, ...] = ("headline", "outside", "floor")


@dataclass(frozen=True)
class Stat:
    """Mean, standard deviation (None for one value) and number of the values of a row."""

    mean: float
    sd: float | None
    n: int


@dataclass(frozen=True)
class Skill:
    """1 − Σ error / Σ floor error over `n` paired seeds; the interval is None where it is undefined."""

    value: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class Failure:
    """A cell that gave no result, and why."""

    suite: str
    entry: str
    label: str
    seed: int
    status: str
    reason: str
    anchor: str


@dataclass(frozen=True)
class Curve:
    """Mean validation error at points that all seeds share; `x` is samples or seconds, rising."""

    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True)
class Profile:
    """One number for each layer above the input, bottom to top, at the first checkpoint and after training.

    None for a layer where no seed has a number.
    """

    first: tuple[Stat | None, ...]
    last: tuple[Stat | None, ...]


@dataclass(frozen=True)
class Sample:
    """One seed's pictures: where the strips lie (relative to the results folder) and that seed's error."""

    error: float
    images: Mapping[str, str]


@dataclass(frozen=True)
class Row:
    """A baseline on an entry. With any failed cell, `stats`, `skill`, curves and profiles stay empty.

    `stats` is keyed by the metric's name, `error@CONDITION` for other test conditions, and `train_seconds`,
    `predict_seconds`, `first_step_seconds`, `peak_memory` (bytes) and the names of a record's costs, such
    as `parameters`, `updates` and `samples`.
    """

    label: str
    baseline: str
    role: str
    group: Group
    cells: int
    n: int
    failures: tuple[Failure, ...] = ()
    stats: Mapping[str, Stat] = field(default_factory=dict)
    skill: Skill | None = None
    zero: bool = False
    tags: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    config_source: str = ""
    over_samples: Curve | None = None
    over_seconds: Curve | None = None
    errors: Mapping[int, float] = field(default_factory=dict)  # seed → test error
    trials: int | None = None  # configurations that were tried
    unmatched: str = ""  # why the row is not on equal terms with the others
    anchor: str = ""
    command: str = ""  # that makes the row's records again
    keys: tuple[str, ...] = ()  # of its records, in order of the seeds
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    confusion: tuple[tuple[int, ...], ...] | None = None
    sample: Sample | None = None

    @property
    def failed(self) -> bool:
        """Whether a cell of the row failed, so that it has no mean."""
        return bool(self.failures)


@dataclass(frozen=True)
class Standing:
    """How rows of an entry stand to each other over the `n` seeds that all of them have.

    The `comparisons` are of columns, which are the rows named in `labels`. Rows that share a letter do not
    differ significantly; without a verdict there are no letters. `yardstick` is the row that others are held
    against, if it is among them.
    """

    labels: tuple[str, ...]
    comparisons: tuple[Comparison, ...]
    letters: Mapping[str, str]
    n: int
    yardstick: str | None = None

    def against_yardstick(self, label: str) -> Comparison | None:
        """The row's comparison with the yardstick; `difference` is the row's error less the yardstick's."""
        for one in self.comparisons:
            pair = self.labels[one.first], self.labels[one.second]
            if pair == (label, self.yardstick):
                return one
            if pair == (self.yardstick, label):
                return replace(one, first=one.second, second=one.first, difference=_turned(one.difference))
        return None


def _turned(estimate: Estimate) -> Estimate:
    value, low, high = (None if x is None else -x for x in (estimate.value, estimate.high, estimate.low))
    return Estimate(value, low, high, estimate.n)


@dataclass(frozen=True)
class Clocked:
    """What the timing lane of an entry says: per phase the noise, and each row's ratio to the yardstick.

    `noise` is the factor within which ratios of a row to itself fall (None: too few A/A pairs). `target` is
    the validation error that `to_target` gives each row's median seconds to, inf for a miss. `busy` runs do
    not count, since others kept the machine busy.
    """

    yardstick: str | None
    noise: Mapping[str, float | None]
    ratios: Mapping[str, Mapping[str, SpeedVerdict]]
    target: float | None
    to_target: Mapping[str, float]
    runs: int
    busy: int


@dataclass(frozen=True)
class Unsupported:
    """A baseline that cannot do the entry's task, and why."""

    label: str
    group: Group
    reason: str


@dataclass(frozen=True)
class EntryView:
    """An entry under one protocol: its rows by group and error, or why they are not shown."""

    suite: str
    name: str
    protocol: str
    dataset: str
    task: str
    spec: Mapping[str, Any]
    shots: int | None
    images: int | None
    n_shots: int | None
    seeds: tuple[int, ...]
    floor: str | None
    rows: tuple[Row, ...]
    unsupported: tuple[Unsupported, ...]
    notes: tuple[str, ...]
    anchor: str
    sample_seed: int | None
    classes: tuple[str, ...] = ()  # names of the classes, where the records tell them
    seconds: float | None = None  # the training time, where that is held equal
    standing: Standing | None = None
    clocked: Clocked | None = None
    studies: Mapping[str, tuple[float, ...]] = field(default_factory=dict)  # row → validation error by trial

    @property
    def title(self) -> str:
        """The entry's name, with the protocol unless it is the usual one."""
        return self.name if self.protocol == "samples" else f"{self.name} ({self.protocol} protocol)"

    def group(self, group: Group) -> tuple[Row, ...]:
        """The rows of one group, best first, failed ones last."""
        return tuple(row for row in self.rows if row.group == group)

    @property
    def floor_row(self) -> Row | None:
        """The row that is the zero of skill."""
        return next((row for row in self.rows if row.zero), None)

    def row(self, label: str) -> Row | None:
        """The row of that label, if the entry has it."""
        return next((row for row in self.rows if row.label == label), None)


@dataclass(frozen=True)
class SuiteView:
    """A suite's entries, in order of first appearance."""

    name: str
    entries: tuple[EntryView, ...]
    anchor: str


@dataclass(frozen=True)
class Counts:
    """How many cells ended how."""

    ok: int
    failed: int
    unsupported: int


@dataclass(frozen=True)
class Provenance:
    """What the run files tell: (term, value) pairs for the head, and the command lines."""

    facts: tuple[tuple[str, str], ...]
    commands: tuple[str, ...]
    machines: int


@dataclass(frozen=True)
class SelfCheck:
    """What came of learning from permuted labels: entries, cells, the highest accuracy and its limit."""

    entries: tuple[str, ...]
    cells: int
    highest: float
    limit: float
    caught: tuple[str, ...]  # rows that were right all the same


@dataclass(frozen=True)
class ReportView:
    """A whole report. `seeds_low` and `seeds_high` bound the number of seeds over the entries.

    `series` numbers the rows that are drawn, so that a baseline looks the same in every figure.
    """

    suites: tuple[SuiteView, ...]
    failures: tuple[Failure, ...]
    counts: Counts
    seeds: tuple[int, ...]
    seeds_low: int
    seeds_high: int
    smoke: bool
    provenance: Provenance
    series: Mapping[str, int]
    checks: SelfCheck | None = None
