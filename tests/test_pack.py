"""A results folder packed into shards."""

import gzip
import json
import random
from itertools import pairwise
from pathlib import Path

import pytest

from zorbench.errors import InputError
from zorbench.pack import pack
from zorbench.store import read_records, read_runs

from .compare.sides import RUN, cell, floor, row, timed, write

RECORDS = [*floor(), *row("zor", [0.2, 0.3]), *timed("zor", [1.0])]


def keys(folder: Path) -> list[str]:
    return [record["key"] for record in read_records(folder)]


def test_what_is_packed_is_read_again(tmp_path: Path):
    old = write(tmp_path / "r", RECORDS)
    count, (shard,) = pack(old, tmp_path / "out")
    assert (count, shard.name) == (5, "records.jsonl.gz")
    assert sorted(keys(tmp_path / "out")) == sorted(keys(old))
    assert read_runs(tmp_path / "out") == [RUN]


def test_the_same_records_give_the_same_bytes_in_whatever_order(tmp_path: Path):
    shuffled = RECORDS[:]
    random.Random(1).shuffle(shuffled)
    assert shuffled != RECORDS
    packed = [
        pack(write(tmp_path / name, records), tmp_path / f"{name}-packed")[1][0].read_bytes()
        for name, records in (("a", RECORDS), ("b", shuffled))
    ]
    assert packed[0] == packed[1]
    assert packed[0][4:8] == bytes(4)  # gzip's time of packing


def test_only_what_counts_is_packed(tmp_path: Path):
    good, bad = row("zor", [0.2, 0.3], source="good"), row("zor", [0.9, 0.9], source="bad")
    pack(write(tmp_path / "r", [*floor(), *bad, *good]), tmp_path / "out")
    assert {record["source"] for record in read_records(tmp_path / "out")} == {"a", "good"}


def test_a_lane_can_be_chosen(tmp_path: Path):
    old = write(tmp_path / "r", RECORDS)
    assert pack(old, tmp_path / "out", lanes=["accuracy"])[0] == 4
    assert {record["lane"] for record in read_records(tmp_path / "out")} == {"accuracy"}
    with pytest.raises(InputError, match="holds no records of lane probe to pack"):
        pack(old, tmp_path / "none", lanes=["probe"])
    assert not (tmp_path / "none").exists()


def test_pictures_logs_and_runs_without_records_stay_behind(tmp_path: Path):
    other = {**RUN, "id": "other"}
    old = write(tmp_path / "r", [cell("zor", 0, images={"input": "images/x.png"})], RUN, other)
    (old / "runs" / "run.log").write_text("hello")
    pack(old, tmp_path / "out")
    found = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*")}
    assert found == {"records.jsonl.gz", "runs", "runs/run.json"}
    assert "images" not in read_records(tmp_path / "out")[0]


def test_shards_are_as_large_as_they_may_be_and_no_larger(tmp_path: Path):
    noise = random.Random(0)
    records = [cell("zor", seed, reason=noise.randbytes(400).hex()) for seed in range(20)]
    old = write(tmp_path / "r", records)
    _, shards = pack(old, tmp_path / "out", most=2_000)
    assert [path.name for path in shards] == [f"records-{n:03}.jsonl.gz" for n in range(len(shards))]
    assert len(shards) > 3
    assert all(path.stat().st_size <= 2_000 for path in shards)
    parts = [gzip.decompress(path.read_bytes()).splitlines(keepends=True) for path in shards]
    assert [json.loads(line)["seed"] for part in parts for line in part] == list(range(20))
    for part, following in pairwise(parts):  # not one more would have fitted
        assert len(gzip.compress(b"".join([*part, following[0]]), mtime=0)) > 2_000
    assert keys(tmp_path / "out") == [record["key"] for record in records]
    with pytest.raises(InputError, match="a record takes more than 300 bytes"):
        pack(old, tmp_path / "small", most=300)


def test_packing_again_replaces_what_was_there(tmp_path: Path):
    noise = random.Random(0)
    many = [cell("zor", seed, reason=noise.randbytes(400).hex()) for seed in range(20)]
    pack(write(tmp_path / "a", many, {**RUN, "id": "run"}), tmp_path / "out", most=2_000)
    (tmp_path / "out" / "runs" / "stale.json").write_text("{}")
    pack(write(tmp_path / "b", RECORDS), tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").rglob("*.*")} == {"records.jsonl.gz", "run.json"}


def test_a_folder_that_runs_write_into_is_not_packed_over(tmp_path: Path):
    old = write(tmp_path / "r", RECORDS)
    with pytest.raises(InputError, match=r"has records\.jsonl, so runs are written there"):
        pack(old, old)
    with pytest.raises(InputError, match="no such results folder"):
        pack(tmp_path / "nowhere", tmp_path / "out")
