"""Suites and presets: declared lists of entries, read from TOML."""

import itertools
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from zorbench.conditions import conditions
from zorbench.entry import TRIALS, Entry, Protocol, TaskName
from zorbench.errors import InputError, unknown
from zorbench.paths import bundled

PRESETS_FILE = "presets.toml"
NOT_SUITES = {PRESETS_FILE, "claims.toml"}

Model = TypeVar("Model", bound=BaseModel)
Count = Annotated[int, Field(ge=1, strict=True)]
Level = Annotated[float, Field(strict=True)]


class EntryTable(BaseModel):
    """One `[[entry]]` of a suite.

    Lists in `dataset`, `shots`, `images` and `depth` stand for every combination; those in `noise`, one or
    several levels a kind, for the test conditions of each.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: str | Annotated[list[str], Field(min_length=1)]
    samples: Count
    batch: Count
    hidden: Count = 64
    depth: Count | Annotated[list[Count], Field(min_length=1)] | None = None
    code: Count = 64
    validation: Annotated[int, Field(ge=1, le=1000, strict=True)] = 1000
    test: Count | None = None
    noise: dict[str, Level | Annotated[list[Level], Field(min_length=1)]] = {}
    shots: Count | Annotated[list[Count], Field(min_length=1)] | None = None
    images: Count | Annotated[list[Count], Field(min_length=1)] | None = None
    timeout: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 300.0
    label: str = ""
    presets: list[str] = []
    protocols: Annotated[list[Protocol], Field(min_length=1)] = ["samples"]
    seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    trials: Annotated[int, Field(ge=2, strict=True)] = TRIALS
    timed: bool = False
    probed: bool = False

    @model_validator(mode="after")
    def _one_setting(self) -> "EntryTable":
        if (self.shots is None) == (self.images is None):
            raise ValueError("give either shots (per class) or images (in all)")
        return self

    @model_validator(mode="after")
    def _time_to_train(self) -> "EntryTable":
        if "time" in self.protocols and self.seconds is None:
            raise ValueError("protocol time needs seconds, the training time")
        return self

    @model_validator(mode="after")
    def _known_noise(self) -> "EntryTable":
        try:
            self.conditions()
        except InputError as error:
            raise ValueError(f"noise: {error}") from error
        return self

    def conditions(self) -> tuple[str, ...]:
        """The test conditions beside the clean one."""
        return conditions({kind: _listed(levels) for kind, levels in self.noise.items()})

    def expand(self, suite: str, task: TaskName, rows: tuple[str, ...] = ()) -> list[Entry]:
        """The entries this table stands for."""
        common = self.model_dump(exclude={"dataset", "shots", "images", "depth", "noise", "presets"})
        common |= {"rows": rows, "conditions": self.conditions(), "protocols": tuple(self.protocols)}
        amounts = [("shots", shots) for shots in _listed(self.shots)]
        amounts += [("images", images) for images in _listed(self.images)]
        return [
            Entry(suite=suite, task=task, dataset=dataset, depth=depth, **{kind: amount}, **common)
            for dataset, (kind, amount), depth in itertools.product(
                _listed(self.dataset), amounts, _listed(self.depth) or [None]
            )
        ]


class SuiteFile(BaseModel):
    """A suite file: its title, its task, defaults for its entries, and the entries.

    `baselines`: the rows it is about, beside the floors; left out, all that are registered.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    task: TaskName
    description: str = ""
    baselines: list[str] = []
    defaults: dict[str, Any] = {}
    entry: Annotated[list[dict[str, Any]], Field(min_length=1)]


class PresetTable(BaseModel):
    """One preset: which seeds its entries run with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    description: str
    seeds: Count


@dataclass(frozen=True)
class Suite:
    """A suite by name, with its entries and the presets each belongs to."""

    name: str
    title: str
    description: str
    task: TaskName
    path: Path
    tables: tuple[EntryTable, ...]
    baselines: tuple[str, ...] = ()

    def entries(self, preset: str | None = None) -> list[Entry]:
        """All entries, or those of one preset."""
        chosen = [table for table in self.tables if preset is None or preset in table.presets]
        return [entry for table in chosen for entry in table.expand(self.name, self.task, self.baselines)]


def load_suite(path: Path) -> Suite:
    """Read and check a suite file. Raises `InputError` naming file, place and valid keys."""
    file = validated(SuiteFile, read_toml(path), path, "")
    tables = []
    for number, entry in enumerate(file.entry, start=1):
        tables.append(
            validated(
                EntryTable, {**file.defaults, **_settled(entry, file.defaults)}, path, f"entry {number}: "
            )
        )
    suite = Suite(
        path.stem, file.title, file.description, file.task, path, tuple(tables), tuple(file.baselines)
    )
    _check_distinct(suite)
    presets = load_presets()
    for number, table in enumerate(tables, start=1):
        for preset in table.presets:
            if preset not in presets:
                raise unknown("preset", preset, presets, f"{path}: entry {number}")
    return suite


def _check_distinct(suite: Suite) -> None:
    """Names tell entries apart in a report, what they ask for tells their records apart."""
    names: set[str] = set()
    asked: dict[str, str] = {}
    for entry in suite.entries():
        if entry.name in names:
            raise InputError(
                f"{suite.path}: two entries are named '{entry.name}'; tell them apart with label = \"…\""
            )
        names.add(entry.name)
        same = asked.setdefault(str(entry.identity()), entry.name)
        if same != entry.name:
            raise InputError(f"{suite.path}: the entries '{same}' and '{entry.name}' ask for the same")


def bundled_suites() -> dict[str, Path]:
    """The suites that come with zorbench: name → file."""
    return {
        file.stem: file for file in sorted(bundled("suites").glob("*.toml")) if file.name not in NOT_SUITES
    }


def find_suite(name: str) -> Suite:
    """A suite by name, or from a path to a TOML file."""
    if name.endswith(".toml"):
        if not Path(name).is_file():
            raise InputError(f"suite {name}: no such file")
        return load_suite(Path(name))
    known = bundled_suites()
    if name not in known:
        raise unknown("suite", name, [*known, "PATH.toml"])
    return load_suite(known[name])


def load_presets() -> dict[str, PresetTable]:
    """The presets: name → description and number of seeds."""
    path = bundled("suites") / PRESETS_FILE
    return {name: validated(PresetTable, table, path, f"{name}: ") for name, table in read_toml(path).items()}


def _settled(entry: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    """An entry that sets `images` drops a default for `shots`, and the other way round."""
    for one, other in (("shots", "images"), ("images", "shots")):
        if one in entry and other in defaults and other not in entry:
            return {**entry, other: None}
    return entry


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file. Raises `InputError` naming the file."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not valid TOML: {error}") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


def validated(model: type[Model], values: Any, path: Path, place: str) -> Model:
    """`values` as a `model`. Raises `InputError` naming the file, the `place` in it and the valid keys."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise InputError(f"{path}: {place}{_first_problem(model, error)}") from error


def _first_problem(model: type[BaseModel], error: ValidationError) -> str:
    problem = max(error.errors(), key=_tells)
    key = str(problem["loc"][0]) if problem["loc"] else ""
    if problem["type"] == "extra_forbidden":
        return str(unknown("key", key, model.model_fields))
    if problem["type"] == "missing":
        return f"the key '{key}' is missing"
    message = problem["msg"].removeprefix("Value error, ")
    given = f", got {problem['input']!r}" if key else ""
    return f"{key}: {message}{given}" if key else message


def _tells(problem: Any) -> tuple[bool, bool, int]:
    """How much a problem tells, to be compared.

    A misspelt key explains a missing one; of what is wrong with a value that may be a number or a list, a
    wrong value says more than a wrong type.
    """
    kind = problem["type"]
    return kind == "extra_forbidden", not kind.endswith("_type"), len(problem["loc"])


def _listed(value: Any) -> Sequence[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
