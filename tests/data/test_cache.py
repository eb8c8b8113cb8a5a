import json
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from zorbench.data.cache import PARTS, Content, cache_root, cached
from zorbench.data.dataset import Dataset, tasks_of
from zorbench.errors import InputError


def content(fill: int = 0) -> Content:
    rng = np.random.default_rng(0)
    return Content(
        name="tiny",
        source="made up",
        train_inputs=rng.integers(0, 256, (20, 1, 4, 3), dtype=np.uint8) // (1 + fill),
        train_labels=np.arange(20) % 4,
        test_inputs=rng.integers(0, 256, (8, 1, 4, 3), dtype=np.uint8),
        test_labels=np.arange(8) % 4,
        class_names=("a", "b", "c", "d"),
        tasks=tasks_of((1, 4, 3), classes=True),
    )


def load(calls: list[Path] | None = None, made_from: str = "this") -> Dataset:
    def build(scratch: Path) -> Content:
        if calls is not None:
            calls.append(scratch)
        return content()

    return cached("tiny", [made_from], build)


def leftovers(cache: Path) -> list[Path]:
    return list((cache / "datasets").glob(".*"))


def test_rows_come_back_as_they_went_in_scaled_to_one(own_cache: Path) -> None:
    tiny, made = load(), content()
    wanted = made.train_inputs[[3, 0, 3]].astype(np.float32) / np.float32(255)
    rows = tiny.train_inputs(torch.tensor([3, 0, 3]))
    assert rows.dtype == torch.float32
    assert np.array_equal(rows.numpy(), wanted)
    assert np.array_equal(tiny.test_inputs([7]).numpy(), made.test_inputs[[7]].astype(np.float32) / 255)
    assert tiny.train_labels().tolist() == made.train_labels.tolist()
    assert tiny.test_labels(np.array([5, 2])).tolist() == [1, 2]
    assert tiny.test_labels([]).shape == (0,)
    assert tiny.test_inputs([]).shape == (0, 1, 4, 3)
    assert (tiny.shape, tiny.n_train, tiny.n_test) == ((1, 4, 3), 20, 8)


def test_all_bytes_map_to_the_nearest_float_of_k_over_255(own_cache: Path) -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(256, 1, 1, 1)
    labels = np.zeros(256, dtype=np.int64)
    made = replace(content(), train_inputs=ramp, train_labels=labels)
    rows = cached("ramp", [], lambda _: made).train_inputs(range(256))
    assert np.array_equal(rows.numpy().ravel(), (np.arange(256) / 255).astype(np.float32))


def test_writing_to_returned_rows_leaves_the_cache_alone(own_cache: Path) -> None:
    tiny = load()
    before = tiny.train_inputs([0]).clone()
    tiny.train_inputs([0]).zero_()
    tiny.train_labels().zero_()
    assert torch.equal(tiny.train_inputs([0]), before)
    assert tiny.train_labels()[1] == 1


def test_a_data_set_is_converted_once(own_cache: Path) -> None:
    calls: list[Path] = []
    assert load(calls) == load(calls)
    assert len(calls) == 1
    load(calls, made_from="that")
    assert len(calls) == 2


def test_an_entry_is_named_after_its_data_set_and_holds_five_files(own_cache: Path) -> None:
    folder = load().folder
    assert folder.parent == own_cache / "datasets"
    assert folder.name.startswith("tiny-")
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [f"{p}.npy" for p in PARTS] + ["meta.json"]
    )
    assert leftovers(own_cache) == []


def test_the_scratch_folder_is_inside_the_cache_and_goes(own_cache: Path) -> None:
    calls: list[Path] = []
    load(calls)
    assert calls[0].is_relative_to(own_cache)
    assert not calls[0].exists()


def test_the_fingerprint_changes_with_the_contents_and_not_with_the_source() -> None:
    one = content()
    assert one.fingerprint() == replace(one, source="elsewhere", name="other").fingerprint()
    flipped = one.test_inputs.copy()
    flipped[-1, 0, 0, 0] ^= 1
    changes = [
        {"test_inputs": flipped},
        {"test_labels": one.test_labels[::-1]},
        {"class_names": ("a", "b", "c", "e")},
        {"train_inputs": one.train_inputs.reshape(20, 1, 3, 4)},
        {"train_inputs": one.train_inputs[:, :, ::-1]},
    ]
    prints = {replace(one, **change).fingerprint() for change in changes}
    assert len(prints | {one.fingerprint()}) == 1 + len(changes)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def scribble(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(b"\0" * 16 + data[16:])


def forget(path: Path) -> None:
    meta = json.loads(path.read_text())
    del meta["fingerprint"]
    path.write_text(json.dumps(meta))


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        *[(f"{part}.npy", cut) for part in PARTS],
        *[(f"{part}.npy", Path.unlink) for part in PARTS],
        ("train_inputs.npy", scribble),
        ("train_labels.npy", scribble),
        ("meta.json", cut),
        ("meta.json", forget),
        ("meta.json", Path.unlink),
        ("meta.json", lambda path: path.write_text("[]")),
        ("meta.json", lambda path: path.write_bytes(b"\xff\xfe")),
    ],
)
def test_a_damaged_entry_is_made_anew(own_cache: Path, file: str, damage) -> None:
    whole = load()
    damage(whole.folder / file)
    calls: list[Path] = []
    again = load(calls)
    assert len(calls) == 1
    assert again == whole
    assert np.array_equal(again.test_inputs(range(8)).numpy(), content().test_inputs.astype(np.float32) / 255)
    assert leftovers(own_cache) == []


def test_a_failed_conversion_leaves_nothing(own_cache: Path) -> None:
    def build(scratch: Path) -> Content:
        (scratch / "half").write_text("done")
        raise InputError("no")

    with pytest.raises(InputError, match="no"):
        cached("tiny", [], build)
    assert list((own_cache / "datasets").iterdir()) == []


def test_who_finishes_second_uses_what_the_first_has_written(own_cache: Path) -> None:
    inner: list[Dataset] = []

    def slow(_: Path) -> Content:
        inner.append(cached("tiny", ["race"], lambda _: content()))
        (inner[0].folder / "mark").touch()
        return content(fill=1)

    outer = cached("tiny", ["race"], slow)
    assert outer == inner[0]
    assert (outer.folder / "mark").exists()
    assert outer.fingerprint == content().fingerprint()
    assert leftovers(own_cache) == []


def test_what_a_killed_conversion_left_yesterday_goes(own_cache: Path) -> None:
    old, new = (own_cache / "datasets" / f".tiny-{age}.tmp" for age in ("old", "new"))
    for path in (old, new):
        path.mkdir(parents=True)
    os.utime(old, (time.time() - 90_000,) * 2)
    load()
    assert not old.exists()
    assert new.exists()


def test_a_cache_that_cannot_be_written_names_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("ZORBENCH_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(InputError, match="set ZORBENCH_CACHE to a folder") as caught:
        load()
    assert "\n" not in str(caught.value)
    assert str(tmp_path / "file" / "cache") in str(caught.value)


def test_a_cache_without_room_names_the_variable(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(InputError, match="No space left on device; set ZORBENCH_CACHE"):
        load()
    assert list((own_cache / "datasets").iterdir()) == []


def test_without_the_variable_the_cache_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    import platformdirs

    monkeypatch.delenv("ZORBENCH_CACHE")
    assert cache_root() == platformdirs.user_cache_path("zorbench")


def test_test_files_are_not_read_before_they_are_asked_for(own_cache: Path) -> None:
    tiny = load()
    for part in ("test_inputs", "test_labels"):
        (tiny.folder / f"{part}.npy").rename(tiny.folder / f"{part}.away")
    tiny.train_inputs([0])
    tiny.train_labels()
    with pytest.raises(InputError, match=r"test_labels\.npy.*delete .* and run again"):
        tiny.test_labels([0])
    (tiny.folder / "test_inputs.away").rename(tiny.folder / "test_inputs.npy")
    tiny.test_inputs([0])  # and the labels are still away


def test_loading_opens_no_test_file(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load()
    opened: list[str] = []
    np_load = np.load
    monkeypatch.setattr(
        np, "load", lambda path, **options: opened.append(path.stem) or np_load(path, **options)
    )
    load()
    assert opened
    assert not any(name.startswith("test") for name in opened)
