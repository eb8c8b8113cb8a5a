"""A training's folder: where it is, its weights, and what it leaves. Every file is whole or not there."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

from filelock import FileLock, Timeout
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from zorbench.errors import InputError
from zorbench.training.history import Row, as_csv, selected
from zorbench.training.settings import SelectOn, differences

CHECKPOINTS, POSITION, RESULT, HISTORY = "checkpoints", "checkpoint.json", "result.json", "history.csv"
FORMAT = 1


class Folder:
    """Held open by one training at a time.

    `checkpoint.json` says where it is: settings, and a row for each epoch that has ended. The weights after
    an epoch are `checkpoints/STAGE-EPOCH.safetensors`: those of the last epoch, of the selected one and of
    the last of each layer. They are written before `checkpoint.json` names their epoch.
    """

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        """`settings`: what a training that is there must agree with."""
        self.path, self.settings = path, settings
        self.rows: list[Row] = []
        self.result: dict[str, Any] | None = None
        self._lock: FileLock | None = None

    def __enter__(self) -> "Folder":
        if self.path.exists() and not self.path.is_dir():
            raise InputError(f"--out {self.path}: is not a folder")
        try:
            (self.path / CHECKPOINTS).mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(self.path / ".lock")
            self._lock.acquire(timeout=0)
        except Timeout:
            raise InputError(f"--out {self.path}: another training is writing there") from None
        except OSError as error:
            raise InputError(f"--out {self.path}: cannot be written: {error.strerror}") from error
        try:
            self._read()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._lock is not None:
            self._lock.release()

    def _read(self) -> None:
        self.result = self._json(RESULT)
        there = self._json(POSITION)
        for found in (self.result, there):
            other = differences(self.settings, found["settings"]) if found else []
            if other:
                raise InputError(
                    f"--out {self.path}: holds a training with other settings: {'; '.join(other)}; "
                    "choose another folder"
                )
        if there:
            self.rows = [Row(**row) for row in there["history"]]

    def _json(self, name: str) -> dict[str, Any] | None:
        path = self.path / name
        if not path.exists():
            return None
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            if found["format"] == FORMAT and "settings" in found:
                return found
        except (ValueError, KeyError, TypeError):
            pass
        raise InputError(
            f"{path}: was not written by this version of `zorbench train`; choose another folder"
        )

    def save(self, row: Row, state: dict[str, Tensor], select_on: SelectOn) -> None:
        """An epoch has ended: its weights, then its row. Weights that nobody needs any more are removed."""
        _write(self._weights(row), save(state))
        self.rows.append(row)
        history = [asdict(one) for one in self.rows]
        self._write_json(POSITION, {"format": FORMAT, "settings": self.settings, "history": history})
        self._write_history()
        self._tidy(select_on)

    def _tidy(self, select_on: SelectOn) -> None:
        kept = {one.stage: one for one in self.rows}  # the last of each stage
        best = selected(self.rows, select_on)
        names = {self._weights(one).name for one in [*kept.values(), *([best] if best else [])]}
        for path in (self.path / CHECKPOINTS).iterdir():
            if path.name not in names:
                path.unlink()

    def load(self, row: Row) -> dict[str, Tensor]:
        """The state after an epoch. Raises `InputError` if it is not there or broken."""
        path = self._weights(row)
        try:
            return load_file(path)
        except (OSError, SafetensorError) as error:
            raise InputError(
                f"{path}: the weights after {row.stage} epoch {row.epoch} cannot be read ({error}); "
                "another --out trains anew"
            ) from None

    def _write_history(self) -> None:
        _write(self.path / HISTORY, as_csv(self.rows).encode())

    def write_result(self, result: dict[str, Any], select_on: SelectOn) -> None:
        """The training has ended. What the last epoch may have left undone is done first."""
        self._write_history()
        self._tidy(select_on)
        self._write_json(RESULT, {"format": FORMAT, "settings": self.settings, **result})
        self.result = self._json(RESULT)

    def _weights(self, row: Row) -> Path:
        return self.path / CHECKPOINTS / f"{row.label}.safetensors"

    def _write_json(self, name: str, content: dict[str, Any]) -> None:
        _write(self.path / name, (json.dumps(content, indent=1) + "\n").encode())


def _write(path: Path, content: bytes) -> None:
    """Whole, or as before: also if the machine stops on the way."""
    temporary = path.with_name(f"{path.name}.tmp")
    with temporary.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
