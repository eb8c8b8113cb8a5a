"""An entry asked for on the command line, without a suite file: one's own images, or any data set by name."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from zorbench.data import Dataset, load
from zorbench.entry import Entry, TaskName
from zorbench.errors import InputError, unknown

SUITE = "own"
"""What the suite of such entries is called in records and reports."""

TASK_NAMES: tuple[TaskName, ...] = get_args(TaskName)
SAMPLES = 5000
SHOTS = 5
IMAGES = 20  # where there are no classes to have shots of


@dataclass(frozen=True)
class Own:
    """What was asked for; None, or nothing, stands for what suits the data.

    `shots` (per class) or `images` (in all): an entry for each. The others are those of an entry.
    """

    dataset: str
    task: str | None
    shots: Sequence[int] = ()
    images: Sequence[int] = ()
    samples: int | None = None
    batch: int | None = None
    hidden: int | None = None
    code: int | None = None
    validation: int | None = None
    test: int | None = None


def own_entries(own: Own, data_root: Path | None = None) -> list[Entry]:
    """The entries. Left out: 5 shots a class (20 images without classes), 5,000 samples in batches of 10.

    The bottleneck is a quarter of an image's numbers, at most 64; a fifth of what may be drawn from is
    validated on, at most 500; all of the test part is tested on. Raises `InputError` for a data set that is
    not to be had or cannot be asked for the task, and for numbers below 1.
    """
    task = _task(own)
    _check_numbers(own)
    dataset = load(own.dataset, data_root)
    if task not in dataset.tasks:
        raise InputError(
            f"--task {task}: {_why_not(task, dataset)}; valid here: {', '.join(sorted(dataset.tasks))}"
        )
    kept_for_tuning = 0 if dataset.folds is not None else dataset.n_train // 5
    pool = dataset.n_train - kept_for_tuning
    classes = "classification" in dataset.tasks
    amounts: list[tuple[int | None, int | None]] = [(shots, None) for shots in own.shots]
    amounts += [(None, images) for images in own.images]
    return [
        Entry(
            suite=SUITE,
            dataset=dataset.name,
            task=task,
            samples=own.samples or SAMPLES,
            batch=own.batch or 10,
            hidden=own.hidden or 64,
            code=own.code or max(1, min(64, math.prod(dataset.shape) // 4)),
            validation=own.validation or max(1, min(500, pool // 5)),
            test=own.test,
            shots=shots,
            images=images,
        )
        for shots, images in amounts or [(SHOTS, None) if classes else (None, IMAGES)]
    ]


def _task(own: Own) -> TaskName:
    if own.task is None:
        raise InputError(f"--dataset {own.dataset}: say what to learn, --task {' or '.join(TASK_NAMES)}")
    for name in TASK_NAMES:
        if own.task == name:
            return name
    raise unknown("task", own.task, TASK_NAMES, "--task")


def _check_numbers(own: Own) -> None:
    if own.shots and own.images:
        raise InputError("give either --shots (per class) or --images (in all)")
    for name in ("shots", "images", "samples", "batch", "hidden", "code", "validation", "test"):
        given = getattr(own, name)
        for value in given if isinstance(given, Sequence) else [given]:
            if value is not None and value < 1:
                raise InputError(f"--{name} {value}: must be at least 1")
    if own.validation is not None and own.validation > 1000:
        raise InputError(f"--validation {own.validation}: must be at most 1000")


def _why_not(task: TaskName, dataset: Dataset) -> str:
    """Why a data set cannot be asked for a task, and what would help."""
    if len(dataset.shape) != 3 and task != "classification":
        return f"{dataset.name} has no images (its items have shape {list(dataset.shape)})"
    if task == "colorization":
        return f"the images of {dataset.name} are grey, so there are no colours to give back"
    return (
        f"{dataset.name} has no classes to tell apart; put the images of each class into a folder of their "
        f"own, at least two"
    )
