"""One line of a suite, as everything below it sees it."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

TaskName = Literal["reconstruction", "colorization", "classification"]
Protocol = Literal["samples", "time", "tuned"]
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)
Lane = Literal["accuracy", "timing", "tuning", "probe"]

TRIALS = 16
"""How many configurations a rule may try, unless an entry says otherwise."""


@dataclass(frozen=True)
class Entry:
    """What a cell asks: data, task, few-shot setting and budget. Frozen, and the same for every baseline.

    Exactly one of `shots` (per class) and `images` (in all) is set. `samples` is the ceiling on sample
    presentations in training; `batch` the minibatch (a partial last one is kept); `hidden` the hidden size
    suggested to networks; `depth` the number of hidden layers asked of networks that can have several, None
    for each rule's own; `code` the width of the bottleneck of reconstruction; `validation` and `test` the
    numbers of images scored; `timeout` the hard limit of a cell in seconds, which decides no result; `rows`
    names the baselines that the entry is about, empty for all; `conditions` the noise under which the test
    images are predicted again, such as `gaussian-0.2` (see `zorbench.conditions`), in classification.

    `protocols` are those it is run under; `seconds` the training time under `time`, `trials` the number of
    configurations that each rule may try under `tuned`. `timed`: it has a timing lane. `probed`: classifiers
    are tried on permuted labels.
    """

    suite: str
    dataset: str
    task: TaskName
    samples: int
    batch: int
    hidden: int
    code: int
    validation: int
    shots: int | None = None
    images: int | None = None
    test: int | None = None
    timeout: float = 300.0
    label: str = ""
    depth: int | None = None
    rows: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    protocols: tuple[Protocol, ...] = ("samples",)
    seconds: float | None = None
    trials: int = TRIALS
    timed: bool = False
    probed: bool = False

    @property
    def name(self) -> str:
        """The entry's name inside its suite, e.g. `mnist5k-10shot` or `photos-64img`."""
        setting = f"{self.shots}shot" if self.shots is not None else f"{self.images}img"
        depth = "" if self.depth is None else f"depth{self.depth}"
        return "-".join(part for part in (self.dataset, setting, depth, self.label) if part)

    def settings(self) -> dict[str, Any]:
        """The entry as plain values, for records; test conditions only where there are some."""
        values = asdict(self)
        for lane in ("suite", "rows", "conditions", "protocols", "seconds", "trials", "timed", "probed"):
            del values[lane]
        return values | ({"conditions": list(self.conditions)} if self.conditions else {})

    def identity(self) -> dict[str, Any]:
        """What of the entry can change a result: all but its suite, its label and its time limit."""
        values = self.settings()
        del values["timeout"], values["label"]
        return values
