"""A results folder packed to be committed: gzip shards of its records, and the files of their runs."""

import gzip
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from zorbench.errors import InputError
from zorbench.report.cells import Record, lane, latest
from zorbench.report.current import current
from zorbench.store import RECORDS, RUNS, read_records, read_runs, write_whole

SHARD_BYTES = 10 * 2**20
"""The most that a shard may hold, compressed."""

_ORDER = ("suite", "entry", "protocol", "lane", "variant", "seed", "repetition", "key")


def pack(
    results: Path, out: Path, *, lanes: Iterable[str] = (), most: int = SHARD_BYTES
) -> tuple[int, list[Path]]:
    """Write the records of `results` into `out` as gzip shards, with their runs; how many, and the shards.

    `lanes`: those to keep, all if empty. Of records that replaced each other the last one stays, as in a
    report. Pictures stay behind, and so records lose their names. The same records give the same bytes, in
    whatever order they were made. Shards and runs of an earlier packing are replaced. Raises `InputError` if
    there is nothing to pack, if `out` is where records are written to, or if one record alone is larger than
    `most` bytes.
    """
    if not results.is_dir():
        raise InputError(f"{results}: no such results folder")
    if (out / RECORDS).exists():
        raise InputError(f"{out}: has {RECORDS}, so runs are written there; pack into another folder")
    chosen = set(lanes)
    records = [r for r in _counting(read_records(results)) if not chosen or lane(r) in chosen]
    if not records:
        raise InputError(
            f"{results}: holds no records{f' of lane {_listed(chosen)}' if chosen else ''} to pack"
        )
    records.sort(key=_place)
    shards = list(_shards([_line(record) for record in records], most, results))
    runs = [run for run in read_runs(results) if run.get("id") in {record.get("run") for record in records}]
    (out / RUNS).mkdir(parents=True, exist_ok=True)
    for path in [*out.glob("records*.jsonl.gz"), *(out / RUNS).glob("*.json")]:
        path.unlink()
    paths = [out / _name(number, len(shards)) for number in range(len(shards))]
    for path, shard in zip(paths, shards, strict=True):
        write_whole(path, shard)
    for run in runs:
        text = json.dumps(run, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        write_whole(out / RUNS / f"{run['id']}.json", text.encode())
    return len(records), paths


def _counting(records: Sequence[Record]) -> list[Record]:
    """The records that a report shows: their order, which tells what replaced what, is about to be lost."""
    trials = [record for record in records if lane(record) == "tuning"]
    others, _ = current([record for record in records if lane(record) != "tuning"])
    return latest([*others, *trials])


def _place(record: Mapping[str, Any]) -> tuple[Any, ...]:
    values = (record.get(name) for name in _ORDER)
    return tuple((isinstance(value, str), -1 if value is None else value) for value in values)


def _line(record: Mapping[str, Any]) -> bytes:
    kept = {name: value for name, value in record.items() if name != "images"}
    text = json.dumps(kept, sort_keys=True, allow_nan=False, separators=(",", ":"))
    return text.encode() + b"\n"


def _shards(lines: list[bytes], most: int, results: Path) -> Iterator[bytes]:
    """Compressed runs of lines, each as long as fits into `most` bytes."""
    start = 0
    while start < len(lines):
        end = _largest(lambda end: len(_zip(lines[start:end])) <= most, start, len(lines))  # noqa: B023
        if end == start:
            raise InputError(
                f"{results}: a record takes more than {most:,} bytes, more than a shard may hold"
            )
        yield _zip(lines[start:end])
        start = end


def _largest(fits: Callable[[int], bool], low: int, high: int) -> int:
    """The largest number from `low`, which is taken to fit, to `high` that fits; bigger ones fit less."""
    if fits(high):
        return high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _zip(lines: list[bytes]) -> bytes:
    return gzip.compress(b"".join(lines), compresslevel=9, mtime=0)  # no time of packing in the bytes


def _name(number: int, count: int) -> str:
    return "records.jsonl.gz" if count == 1 else f"records-{number:03}.jsonl.gz"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
