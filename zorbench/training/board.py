"""Epochs as scalars for TensorBoard, where it is installed and asked for."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from zorbench.errors import InputError
from zorbench.training.history import DECISION, Row


def open_board(folder: Path) -> Any:
    """A writer of scalars. Raises `InputError` without the package."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise InputError("--tensorboard needs a package more: pip install 'zorbench[tensorboard]'") from None
    return SummaryWriter(str(folder))


def note(board: Any, row: Row) -> None:
    """One epoch's figures: "decision/validation_right", …"""
    for name, value in asdict(row).items():
        if isinstance(value, float):
            board.add_scalar(f"{row.stage}/{name}", value, row.epoch)
    if row.stage == DECISION:
        board.flush()
