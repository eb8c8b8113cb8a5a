import gzip
import hashlib
import json
import os
from pathlib import Path

import pytest

from zorbench.cell import RECORD_FORMAT
from zorbench.errors import InputError
from zorbench.store import Store, read_records, read_runs


def record(key="a", status="ok", **more):
    cell = {"suite": "s", "entry": "e", "seed": 0, "baseline": "b", "role": "floor", "metrics": {}}
    return {"format": RECORD_FORMAT, "key": key, "status": status, **cell, **more}


def line(*arguments, **more) -> bytes:
    return json.dumps(record(*arguments, **more)).encode() + b"\n"


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(results: Path) -> str:
    with pytest.raises(InputError) as caught:
        Store(results)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Round trip


def test_what_was_appended_is_read_again(tmp_path):
    results = tmp_path / "new" / "results"
    with Store(results) as store:
        store.append(record("a", value=0.1, text="ΔW"))
        store.append(record("b", value=[1, None]))
        assert set(store.records) == {"a", "b"}
    assert read_records(results) == [record("a", value=0.1, text="ΔW"), record("b", value=[1, None])]
    assert (results / "records.jsonl").read_bytes().count(b"\n") == 2


def test_a_record_is_on_disk_as_soon_as_it_was_appended(tmp_path):
    with Store(tmp_path) as store:
        store.append(record("a"))
        assert [r["key"] for r in read_records(tmp_path)] == ["a"]


def test_a_second_run_adds_to_the_first(tmp_path):
    for key in "ab":
        with Store(tmp_path) as store:
            store.append(record(key))
    assert [r["key"] for r in read_records(tmp_path)] == ["a", "b"]
    assert set(Store(tmp_path).records) == {"a", "b"}


def test_of_several_records_with_one_key_the_last_counts(tmp_path):
    with Store(tmp_path) as store:
        store.append(record("a", "error"))
        store.append(record("b"))
        store.append(record("a", "ok"))
    assert read_records(tmp_path) == [record("b"), record("a", "ok")]


def test_gzip_shards_are_read_before_the_open_file(tmp_path):
    (tmp_path / "records.jsonl").write_bytes(line("b", "ok") + line("c"))
    (tmp_path / "records-001.jsonl.gz").write_bytes(gzip.compress(line("b", "error") + line("a")))
    (tmp_path / "records-002.jsonl.gz").write_bytes(gzip.compress(line("d")))
    found = read_records(tmp_path)
    assert sorted(r["key"] for r in found) == ["a", "b", "c", "d"]
    assert {r["key"]: r["status"] for r in found}["b"] == "ok"


def test_an_empty_or_missing_folder_holds_no_records(tmp_path):
    assert read_records(tmp_path) == read_records(tmp_path / "none") == []


def test_what_is_no_json_number_is_refused_before_it_is_written(tmp_path):
    with Store(tmp_path) as store:
        with pytest.raises(ValueError, match="JSON"):
            store.append(record("a", value=float("nan")))
        store.append(record("b"))
    assert [r["key"] for r in read_records(tmp_path)] == ["b"]


def test_a_store_that_is_not_open_takes_nothing(tmp_path):
    with pytest.raises(RuntimeError, match="not open"):
        Store(tmp_path).append(record("a"))


# What is run again


def test_a_cell_is_run_if_it_has_no_record_or_failed_and_is_to_be_retried(tmp_path):
    statuses = ("ok", "error", "timeout", "diverged", "unsupported")
    with Store(tmp_path) as store:
        for status in statuses:
            store.append(record(status, status))
        assert store.needs("new", retry_failed=False)
        assert store.needs("new", retry_failed=True)
        assert not any(store.needs(status, retry_failed=False) for status in statuses)
        again = {status for status in statuses if store.needs(status, retry_failed=True)}
    assert again == {"error", "timeout"}  # what diverged would do so again


def test_a_cell_whose_record_may_stand_in_two_places_is_looked_up_in_order(tmp_path):
    with Store(tmp_path) as store:
        store.append(record("second"))
        assert store.find("first", "second") == record("second")
        store.append(record("first", "error"))
        assert store.find("first", "second") == record("first", "error")
        assert store.find("third") is None
        assert store.needs("first", "second", retry_failed=True)
        assert not store.needs("second", "first", retry_failed=True)
        assert not store.needs("third", "second", retry_failed=False)


# Damage


@pytest.mark.parametrize(
    "torn", [b'{"format": 2, "ke', line("torn")[:-1], b"\n", b"\x00\x00\x00\n", b"17\n", b'{"format":2}\n']
)
def test_a_torn_last_line_is_left_out_and_cut_off_by_the_next_run(tmp_path, torn):
    path = tmp_path / "records.jsonl"
    path.write_bytes(line("a") + torn)
    assert read_records(tmp_path) == [record("a")]
    assert path.read_bytes() == line("a") + torn  # reading changes nothing
    with Store(tmp_path) as store:
        store.append(record("b"))
    assert read_records(tmp_path) == [record("a"), record("b")]
    whole, added = path.read_bytes().splitlines()
    assert whole + b"\n" == line("a")
    assert json.loads(added) == record("b")


def test_a_torn_first_line_leaves_nothing(tmp_path):
    (tmp_path / "records.jsonl").write_bytes(b'{"for')
    with Store(tmp_path) as store:
        assert store.records == {}
        store.append(record("a"))
    assert read_records(tmp_path) == [record("a")]


def test_an_unreadable_line_before_the_last_is_told_and_nothing_is_written(tmp_path):
    (tmp_path / "records.jsonl").write_bytes(line("a") + b"nonsense\n" + line("b"))
    before = tree(tmp_path)
    assert refused(tmp_path) == f"{tmp_path / 'records.jsonl'}: line 2 is not a record"
    assert tree(tmp_path) == before


def test_another_record_format_is_told_and_nothing_is_written(tmp_path):
    other = {**record("a"), "format": RECORD_FORMAT + 1}
    (tmp_path / "records.jsonl").write_bytes(json.dumps(other).encode() + b"\n")
    before = tree(tmp_path)
    told = refused(tmp_path)
    assert told.startswith(f"{tmp_path / 'records.jsonl'}: line 1 has record format {RECORD_FORMAT + 1}, ")
    assert f"reads format {RECORD_FORMAT}; choose another folder" in told
    assert tree(tmp_path) == before


@pytest.mark.parametrize("cut", [5, 20, -1])
def test_half_a_shard_is_told(tmp_path, cut):
    path = tmp_path / "records-1.jsonl.gz"
    path.write_bytes(gzip.compress(line("a") * 50)[:cut])
    assert refused(tmp_path) == f"{path}: not a whole gzip file"


def test_a_shard_that_is_no_gzip_is_told(tmp_path):
    path = tmp_path / "records-1.jsonl.gz"
    path.write_bytes(line("a"))
    assert refused(tmp_path) == f"{path}: not a whole gzip file"


# The folder


def test_a_file_in_place_of_the_folder_is_told(tmp_path):
    path = tmp_path / "results"
    path.write_text("")
    assert refused(path) == f"--out {path}: is not a folder"


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    results = tmp_path / "file" / "results"
    with pytest.raises(InputError) as caught, Store(results):
        pass
    assert str(caught.value) == f"--out {results}: cannot be written: Not a directory"


def test_a_second_writer_is_refused_while_the_first_is_there(tmp_path):
    with Store(tmp_path) as store:
        with pytest.raises(InputError) as caught, Store(tmp_path):
            pass
        assert str(caught.value) == f"--out {tmp_path}: another run is writing there"
        store.append(record("a"))
    with Store(tmp_path) as store:
        store.append(record("b"))
    assert [r["key"] for r in read_records(tmp_path)] == ["a", "b"]
    assert set(tree(tmp_path)) == {".lock", "records.jsonl"}


def test_a_folder_is_free_again_after_a_run_that_broke(tmp_path):
    with pytest.raises(KeyboardInterrupt), Store(tmp_path):
        raise KeyboardInterrupt
    with Store(tmp_path) as store:
        store.append(record("a"))


def test_what_another_run_wrote_meanwhile_is_known(tmp_path):
    waiting = Store(tmp_path)
    with Store(tmp_path) as store:
        store.append(record("a"))
    assert waiting.needs("a", retry_failed=False)
    with waiting:
        assert not waiting.needs("a", retry_failed=False)


def test_a_folder_damaged_meanwhile_is_told_and_left_free(tmp_path):
    store = Store(tmp_path)
    (tmp_path / "records.jsonl").write_bytes(b"nonsense\n" + line("b"))
    with pytest.raises(InputError, match="line 1 is not a record"), store:
        pass
    (tmp_path / "records.jsonl").unlink()
    with Store(tmp_path):
        pass


# Pictures


PICTURES = {"input": b"png of inputs", "target": b"png of targets", "prediction": b"png of a"}


def test_pictures_lie_beside_the_records_which_name_them(tmp_path):
    with Store(tmp_path) as store:
        store.append(record("a"), PICTURES)
    (read,) = read_records(tmp_path)
    shared = hashlib.sha256(b"png of inputs").hexdigest()[:16]
    assert read["images"]["input"] == f"images/{shared}.png"
    assert read["images"]["prediction"] == "images/a.png"
    assert {role: (tmp_path / name).read_bytes() for role, name in read["images"].items()} == PICTURES


def test_inputs_and_targets_are_shared_and_predictions_are_not(tmp_path):
    with Store(tmp_path) as store:
        store.append(record("a"), PICTURES)
        store.append(record("b"), PICTURES)
        store.append(record("c"), PICTURES | {"target": b"png of inputs"})
    assert len(tree(tmp_path / "images")) == 2 + 3
    a, b, c = (r["images"] for r in read_records(tmp_path))
    assert a["input"] == b["input"] == c["input"] == c["target"]
    assert len({r["prediction"] for r in (a, b, c)}) == 3


def test_a_prediction_of_a_cell_run_again_is_replaced(tmp_path):
    with Store(tmp_path) as store:
        store.append(record("a"), PICTURES)
        store.append(record("a"), PICTURES | {"prediction": b"better"})
    assert (tmp_path / "images" / "a.png").read_bytes() == b"better"


def test_pictures_are_there_before_the_record_that_names_them(tmp_path, monkeypatch):
    there = []
    with Store(tmp_path) as store:
        stream = store._stream

        class Watching:
            def write(self, content):
                there.extend((tmp_path / name).is_file() for name in json.loads(content)["images"].values())
                return stream.write(content)

            def __getattr__(self, name):
                return getattr(stream, name)

        store._stream = Watching()
        store.append(record("a"), PICTURES)
    assert there == [True, True, True]


def test_a_process_killed_while_writing_leaves_no_half_picture(tmp_path, monkeypatch):
    def killed(*arguments):
        raise KeyboardInterrupt

    with Store(tmp_path) as store:
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", killed)
            with pytest.raises(KeyboardInterrupt):
                store.append(record("a"), PICTURES)
        assert not list((tmp_path / "images").glob("[!.]*.png"))
        store.append(record("a"), PICTURES)
    assert len(list((tmp_path / "images").glob("[!.]*.png"))) == 3


# Runs


def test_runs_are_described_and_read_oldest_first(tmp_path):
    with Store(tmp_path) as store:
        store.write_run({"id": "20260102", "command": ["ΔW"]})
        store.write_run({"id": "20260101", "command": []})
    assert [run["id"] for run in read_runs(tmp_path)] == ["20260101", "20260102"]
    assert read_runs(tmp_path)[1]["command"] == ["ΔW"]
    assert read_runs(tmp_path / "none") == []


@pytest.mark.parametrize("content", [b'{"id": ', b"\xff\xfe"])
def test_a_damaged_description_is_told(tmp_path, content):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "1.json").write_bytes(content)
    with pytest.raises(InputError, match=r"runs/1\.json: not a run description"):
        read_runs(tmp_path)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"lane": "timing", "attested": False}, True),
        ({"lane": "timing", "attested": True}, False),
        ({"lane": "accuracy", "attested": False}, False),
        ({"lane": "timing", "attested": False, "status": "unsupported"}, False),
    ],
)
def test_what_was_timed_on_a_busy_machine_is_run_again_when_asked(tmp_path, changes, expected):
    store = Store(tmp_path)
    store.records = {"k": {"key": "k", "status": "ok", **changes}}
    assert store.needs("k", retry_failed=True) is expected
    assert store.needs("k", retry_failed=False) is False
