"""The unit of work, what comes out of it, and the record made of both."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from zorbench.entry import Entry
from zorbench.registry import PluginRef

RECORD_FORMAT = 1
FAILED = ("error", "timeout", "diverged")
RETRIED = ("error", "timeout")  # a rule that diverged would do so again

Status = Literal["ok", "error", "timeout", "diverged", "unsupported"]


@dataclass(frozen=True)
class Cell:
    """One baseline on one (entry, protocol, seed). Plain values only: it travels to a process of its own."""

    entry: Entry
    seed: int
    protocol: str
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
    images: dict[str, bytes] = field(default_factory=dict)
    together: int = 1


def make_record(cell: Cell, outcome: Outcome, *, run: str, threads: int, attested: bool) -> dict[str, Any]:
    """The cell's record, without its pictures. `attested`: its times were measured with nothing beside it.

    What was learned together with other seeds has a key of its own, and is never attested.
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
        "lane": "accuracy",
        "repetition": 0,
        "variant": cell.label,
        **cell.about,
        "status": outcome.status,
        "reason": outcome.reason,
        "metrics": outcome.metrics,
        "curve": outcome.curve,
        "seconds": outcome.seconds,
        "cost": outcome.cost,
        "peak_memory": outcome.peak_memory,
        "episode_sha256": cell.episode_sha256,
        "source": cell.source,
        "torch": cell.torch,
        "device": cell.device,
        "threads": threads,
        "together": outcome.together,
        "attested": attested and by_itself,
    }


def cell_key(**what: Any) -> str:
    """A short hash of everything that determines a cell's result."""
    text = json.dumps(what, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:24]
