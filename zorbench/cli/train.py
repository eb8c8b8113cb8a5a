"""`zorbench train`: from options to a trained network and its figures."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zorbench.data import load
from zorbench.errors import InputError
from zorbench.training import Progress, Settings, train


@dataclass(frozen=True)
class TrainOptions:
    """The options of `zorbench train` that are no settings of the training itself."""

    dataset: str
    data_root: Path | None
    out: Path | None
    threads: int
    maps: bool
    tensorboard: bool


def train_network(settings: Settings, options: TrainOptions) -> None:
    """Train, and print what the network reaches. Raises `InputError` before anything is learned."""
    if options.threads < 1:
        raise InputError(f"--threads {options.threads}: must be at least 1")
    dataset = load(options.dataset, options.data_root)
    out = (
        options.out
        or Path("results") / f"{settings.network}-{dataset.name.replace(':', '-').replace('/', '-')}"
    )
    with _threads(options.threads):
        result = train(
            settings,
            dataset,
            out,
            say=Progress(sys.stderr),
            maps=options.maps,
            tensorboard=options.tensorboard,
        )
    for line in summary(result):
        print(line)
    print(f"result: {out / 'result.json'}")


def summary(result: dict[str, Any]) -> list[str]:
    """What the network reaches on the test images, for a reader."""
    epochs = {"selected": result["selected_epoch"], "last": result["last_epoch"]}
    lines = []
    for name, scores in result["test"].items():
        auc = "none" if scores["auc"] is None else f"{scores['auc']:.4f}"
        lines.append(
            f"{name} epoch {epochs[name]}: test accuracy {100 * scores['accuracy']:.2f} %, silent "
            f"{100 * scores['silent']:.2f} %, macro F1 {scores['macro_f1']:.4f}, ROC AUC {auc}"
        )
    if result["selected_on"] == "test":
        lines.append(
            "the epoch was selected on the test images, as the sources do: its accuracy is optimistic"
        )
    return lines


@contextmanager
def _threads(count: int) -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
