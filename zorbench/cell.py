"""The unit of work, what comes out of it, and the record made of both."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from zorbench.entry import Entry, Lane, Protocol
from zorbench.registry import PluginRef
from zorbench.tuning import Study

RECORD_FORMAT = 2
BUSY = 0.1
"""The share of the machine's processor time that others may take while seconds are measured."""

TIMING = 3
"""The phase of the timing lane, the last."""

FAILED = ("error", "timeout", "diverged")
RETRIED = ("error", "timeout")  # a rule that diverged would do so again

Status = Literal["ok", "error", "timeout", "diverged", "unsupported"]


@dataclass(frozen=True)
class Cell:
    """One baseline on one (entry, protocol, seed), in a lane. Plain values: it travels to a process.

    Lanes: `accuracy` makes the figures; `tuning` tries one configuration of a study on episodes of the
    tuning fifth; `timing` measures seconds, alone on the machine; `probe` learns from permuted labels, which
    must lead to chance. A tuned cell of the accuracy lane has no settings until its study has ended.
    """

    entry: Entry
    seed: int
    protocol: Protocol
    label: str
    ref: PluginRef
    settings: dict[str, Any]
    device: str
    data_root: Path | None
    key: str
    about: dict[str, Any]  # what the record says of the row: baseline, role, tags, config, config_source
    episode_sha256: str
    n_shots: int
    source: str  # hash of the plugin and of the local modules it imports, when planned
    torch: str  # major and minor version
    unsupported: str = ""  # why the rule cannot do the task; such a cell is recorded, not run
    classes: tuple[str, ...] = ()  # names of the classes, in classification
    offers_many: bool = False  # the rule can learn several seeds at once
    lane: Lane = "accuracy"
    repetition: int = 0  # timing: twice the round, plus one for the second of an A/A pair
    study: Study | None = None  # under `tuned`
    trial: int | None = None  # which of the study's configurations this is
    unmatched: str = ""  # why it is not on equal terms with the others of its entry

    @property
    def phase(self) -> int:
        """What is to be over before it may begin: cells of one phase wait for none of each other.

        0 and 1 may run beside others, 1 what awaits the choice of its settings; 2 and 3 run alone.
        """
        if self.lane == "timing":
            return TIMING
        if self.protocol == "time":
            return 2
        return 1 if self.study is not None and self.lane != "tuning" else 0

    @property
    def alone(self) -> bool:
        """Whether seconds are what it is about, so that nothing may run beside it."""
        return self.phase >= 2

    @property
    def together_key(self) -> str:
        """The key of what it gives when it is learned together with other seeds: equal up to rounding."""
        return cell_key(alone=self.key)

    @property
    def timeout(self) -> float:
        """Hard limit in seconds."""
        return self.entry.timeout


@dataclass(frozen=True)
class Group:
    """Cells that differ in the seed only, to be learned as one computation."""

    cells: tuple[Cell, ...]

    @property
    def timeout(self) -> float:
        """Hard limit in seconds: what its cells would have had one by one."""
        return sum(cell.timeout for cell in self.cells)


Work = Cell | Group
"""What one process does."""


@dataclass(frozen=True)
class Outcome:
    """What running a cell gave. `images` holds PNG bytes by role (input, target, prediction).

    `together`: how many seeds were learned as one computation; if more than 1, there are no seconds.
    """

    status: Status
    reason: str = ""
    metrics: dict[str, Any] = field(default_factory=dict)
    curve: list[dict[str, Any]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    cost: dict[str, float] = field(default_factory=dict)
    peak_memory: int | None = None
    prediction_sha256: str = ""  # of the predictions, taken before they were scored
    load: float | None = None  # timing: the share of the machine that others took
    images: dict[str, bytes] = field(default_factory=dict)
    together: int = 1


def make_record(cell: Cell, outcome: Outcome, *, run: str, threads: int) -> dict[str, Any]:
    """The cell's record, without its pictures.

    Its times are `attested` in the timing lane alone, where nothing ran beside it, and there only if the
    machine was idle otherwise. What was learned together with other seeds has a key of its own.
    """
    entry = cell.entry
    by_itself = outcome.together == 1
    return {
        "format": RECORD_FORMAT,
        "key": cell.key if by_itself else cell.together_key,
        "run": run,
        "suite": entry.suite,
        "entry": entry.name,
        "spec": entry.settings(),
        "dataset": entry.dataset,
        "task": entry.task,
        "shots": entry.shots,
        "images_in_all": entry.images,
        "n_shots": cell.n_shots,
        "classes": list(cell.classes),
        "seed": cell.seed,
        "protocol": cell.protocol,
        "lane": cell.lane,
        "repetition": cell.repetition,
        "study": cell.study and cell.study.id,
        "trial": cell.trial,
        "trials": cell.study and len(cell.study.settings),
        "unmatched": cell.unmatched,
        "seconds_limit": entry.seconds if cell.protocol == "time" else None,
        "variant": cell.label,
        **cell.about,
        "status": outcome.status,
        "reason": outcome.reason,
        "metrics": outcome.metrics,
        "curve": outcome.curve,
        "seconds": outcome.seconds,
        "cost": outcome.cost,
        "peak_memory": outcome.peak_memory,
        "prediction_sha256": outcome.prediction_sha256,
        "episode_sha256": cell.episode_sha256,
        "source": cell.source,
        "torch": cell.torch,
        "device": cell.device,
        "threads": threads,
        "together": outcome.together,
        "load": outcome.load,
        "attested": cell.lane == "timing" and outcome.load is not None and outcome.load <= BUSY,
    }


def cell_key(**what: Any) -> str:
    """A short hash of everything that determines a cell's result."""
    text = json.dumps(what, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:24]
