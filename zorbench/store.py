"""Records on disk: one JSON object a line, appended and flushed whole, never rewritten."""

import gzip
import hashlib
import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from filelock import FileLock, Timeout

from zorbench.cell import RECORD_FORMAT, RETRIED
from zorbench.errors import InputError

RECORDS = "records.jsonl"
IMAGES = "images"
RUNS = "runs"
_REQUIRED = ("key", "suite", "entry", "seed", "baseline", "role", "status", "metrics")


def read_records(results: Path) -> list[dict[str, Any]]:
    """All records of a results folder; of several with one key the last counts.

    Reads `records.jsonl` and the gzip shards `records*.jsonl.gz`. An unreadable last line is the trace of a
    killed run and is left out; any other unreadable line, or another record format, is an `InputError`.
    """
    records: dict[str, dict[str, Any]] = {}
    for path in [*sorted(results.glob("records*.jsonl.gz")), results / RECORDS]:
        if path.is_file():
            for record in _read_file(path):
                records.pop(record["key"], None)
                records[record["key"]] = record
    return list(records.values())


def read_runs(results: Path) -> list[dict[str, Any]]:
    """What is known of the runs that wrote into a results folder, oldest first."""
    runs = []
    for path in sorted((results / RUNS).glob("*.json")):
        try:
            runs.append(json.loads(path.read_text(encoding="utf-8")))
        except ValueError as error:
            raise InputError(f"{path}: not a run description: {error}") from error
    return runs


class Store:
    """A results folder held open for writing, by one run at a time."""

    def __init__(self, results: Path, others: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        """Read what is there. `others`: records of other folders by key, which are found but never written.

        Raises `InputError`, with nothing written, if the folder cannot be added to.
        """
        self.others = {key: dict(record) for key, record in (others or {}).items()}
        self.results = results
        if results.exists() and not results.is_dir():
            raise InputError(f"--out {results}: is not a folder")
        self.records = {record["key"]: record for record in read_records(results)}
        self._stream: IO[bytes] | None = None
        self._lock: FileLock | None = None

    def __enter__(self) -> "Store":
        try:
            self.results.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(self.results / ".lock")
            self._lock.acquire(timeout=0)
        except Timeout:
            raise InputError(f"--out {self.results}: another run is writing there") from None
        except OSError as error:
            raise InputError(f"--out {self.results}: cannot be written: {error.strerror}") from error
        try:
            # Another run may have written between reading and locking.
            self.records = {record["key"]: record for record in read_records(self.results)}
            self._stream = self._open()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._close()

    def _close(self) -> None:
        if self._stream is not None:
            self._stream.close()
        if self._lock is not None:
            self._lock.release()  # the file stays: who unlinks it may unlink another run's lock

    @property
    def known(self) -> dict[str, dict[str, Any]]:
        """All records by key, those of other folders among them."""
        return self.others | self.records

    def find(self, *keys: str) -> dict[str, Any] | None:
        """The record under the first of `keys` that has one; the folder's own come before others."""
        found = (known[key] for known in (self.records, self.others) for key in keys if key in known)
        return next(found, None)

    def needs(self, *keys: str, retry_failed: bool) -> bool:
        """Whether the cell whose record may stand under any of `keys` is to be run.

        With `retry_failed` also what ended in an error or a timeout, and what was timed on a busy machine.
        """
        record = self.find(*keys)
        if record is None:
            return True
        busy = record.get("lane") == "timing" and record["status"] == "ok" and not record["attested"]
        return retry_failed and (busy or record["status"] in RETRIED)

    def append(self, record: dict[str, Any], pictures: dict[str, bytes] | None = None) -> None:
        """Write a record whole, its pictures first, so that no record names a file that is not there."""
        if self._stream is None:
            raise RuntimeError("the store is not open")
        if pictures:
            record = {**record, "images": self._write_pictures(record, pictures)}
        line = json.dumps(record, sort_keys=True, allow_nan=False, separators=(",", ":"))
        self._stream.write(line.encode() + b"\n")
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self.records[record["key"]] = record

    def write_run(self, run: dict[str, Any]) -> None:
        """Describe the run: environment, versions, commit, command."""
        folder = self.results / RUNS
        folder.mkdir(exist_ok=True)
        text = json.dumps(run, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        write_whole(folder / f"{run['id']}.json", text.encode())

    def _open(self) -> IO[bytes]:
        path = self.results / RECORDS
        if path.is_file():
            content = path.read_bytes()
            whole = _parse(path, content)[1]
            if whole < len(content):  # a torn last line: the next record must begin a line of its own
                os.truncate(path, whole)
        return path.open("ab")

    def _write_pictures(self, record: dict[str, Any], pictures: dict[str, bytes]) -> dict[str, str]:
        """Predictions under the record's key; inputs and targets, which many records share, by content."""
        folder = self.results / IMAGES
        folder.mkdir(exist_ok=True)
        names = {}
        for role, png in pictures.items():
            stem = record["key"] if role == "prediction" else hashlib.sha256(png).hexdigest()[:16]
            path = folder / f"{stem}.png"
            if role == "prediction" or not path.exists():
                write_whole(path, png)
            names[role] = f"{IMAGES}/{path.name}"
        return names


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all, however the process ends."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(content)
    os.replace(temporary, path)


def _read_file(path: Path) -> list[dict[str, Any]]:
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{path}: not a whole gzip file") from error
    return _parse(path, content)[0]


def _parse(path: Path, content: bytes) -> tuple[list[dict[str, Any]], int]:
    """The records in `content`, and the number of bytes up to the end of the last whole one."""
    records = []
    whole = 0
    torn: int | None = None
    for number, line in enumerate(content.splitlines(keepends=True), start=1):
        if torn is not None:
            raise InputError(f"{path}: line {torn} is not a record")
        try:
            if not line.endswith(b"\n"):
                raise ValueError("the line was not finished")
            record = json.loads(line)
            version = record["format"]
            if version == RECORD_FORMAT:
                _ = [record[name] for name in _REQUIRED]
        except (ValueError, KeyError, TypeError):
            torn = number
            continue
        if version != RECORD_FORMAT:
            raise InputError(
                f"{path}: line {number} has record format {version}, this zorbench reads "
                f"format {RECORD_FORMAT}; choose another folder, or the zorbench that wrote it"
            )
        records.append(record)
        whole += len(line)
    return records, whole
