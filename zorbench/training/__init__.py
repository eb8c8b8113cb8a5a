"""Training a published network whole, by its own protocol, on a whole data set."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from zorbench.data import Dataset
from zorbench.errors import InputError
from zorbench.training.board import open_board
from zorbench.training.folder import Folder
from zorbench.training.history import Row, selected
from zorbench.training.progress import Progress
from zorbench.training.settings import Settings, parse_epochs
from zorbench.training.trainer import Training

__all__ = ["Folder", "Progress", "Settings", "Training", "parse_epochs", "train"]


def train(
    settings: Settings,
    dataset: Dataset,
    out: Path,
    *,
    say: Progress,
    maps: bool = False,
    tensorboard: bool = False,
) -> dict[str, Any]:
    """Train into a folder, or go on there; returns what `result.json` holds.

    Leaves `history.csv`, `result.json`, `history.png`, `confusion.png`, weights under `checkpoints/`, and
    with `maps` pages of what was learned under `maps/`. What is there already is not done again. Raises
    `InputError`, before anything is learned, for settings that do not fit.
    """
    training = Training(settings, dataset)
    with Folder(out, training.record()) as folder, _board(out, tensorboard) as board:
        if folder.result is None:
            training.run(folder, say, board)
            _plot(folder)
        assert folder.result is not None
        if maps:
            from zorbench.training.maps import draw_maps

            training.net.load(folder.load(_selected(folder, settings)))
            draw_maps(training, out / "maps", say)
        return folder.result


@contextmanager
def _board(out: Path, wanted: bool) -> Iterator[Any]:
    board = open_board(out / "tensorboard") if wanted else None
    try:
        yield board
    finally:
        if board is not None:
            board.close()


def _selected(folder: Folder, settings: Settings) -> Row:
    best = selected(folder.rows, settings.select_on)
    if best is None:
        raise InputError(
            f"--out {folder.path}: holds a result without its weights; another --out trains anew"
        )
    return best


def _plot(folder: Folder) -> None:
    from zorbench.training.plots import plot_confusion, plot_history  # matplotlib takes a second to import

    result = folder.result
    assert result is not None
    plot_history(folder.rows, result["selected_epoch"], folder.path / "history.png")
    confusion = result["test"]["selected"]["confusion"]
    plot_confusion(confusion, result["classes"], folder.path / "confusion.png")
