"""Tensors in files: whole or not at all, read as written, and only from the file that was opened."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from zorbench.zor import tensorfile
from zorbench.zor.tensorfile import open_tensors, write_tensors

TENSORS = {
    "odd": torch.tensor([1.5, -2, 3], dtype=torch.bfloat16),
    "table": torch.arange(6.0).view(2, 3),
    "number": torch.tensor(7.0, dtype=torch.float64),
    "nothing": torch.zeros(0, 4),
    "turned": torch.arange(6, dtype=torch.float16).view(2, 3).T,
}


@pytest.fixture
def path(tmp_path) -> Path:
    path = tmp_path / "some.safetensors"
    write_tensors(path, TENSORS, {"said": "before"})
    return path


def refuses(call, kind: type, message: str) -> None:
    with pytest.raises(kind, match=f"^{re.escape(message)}$"):
        call()


def test_the_library_of_the_format_reads_what_was_written(path):
    found = load_file(path)
    assert found.keys() == TENSORS.keys()
    assert all(torch.equal(found[name], TENSORS[name]) for name in TENSORS)
    with safe_open(path, "np") as file:
        assert file.metadata() == {"said": "before"}


@pytest.mark.parametrize("passing", [False, True])
@pytest.mark.parametrize("name", TENSORS)
def test_a_tensor_is_read_as_it_was_written(path, name, passing):
    tensor = open_tensors(path).read(name, passing=passing)
    assert tensor.dtype == TENSORS[name].dtype
    assert torch.equal(tensor, TENSORS[name])
    assert tensor.is_contiguous()
    assert tensor.data_ptr() % 64 == 0
    tensor.fill_(9)  # memory of its own: the file stays
    assert torch.equal(open_tensors(path).read(name), TENSORS[name])


def test_what_the_library_of_the_format_wrote_is_read(tmp_path):
    tensors = {name: tensor.contiguous() for name, tensor in TENSORS.items()}
    save_file(tensors, tmp_path / "x")
    file = open_tensors(tmp_path / "x")
    assert file.metadata == {}
    assert all(torch.equal(file.read(name), TENSORS[name]) for name in TENSORS)


def test_a_type_that_is_not_ours_keeps_its_name(tmp_path):
    save_file({"x": torch.zeros(2, dtype=torch.int8)}, tmp_path / "x")
    assert open_tensors(tmp_path / "x").entries["x"].dtype == "I8"


# Writing


def break_save(monkeypatch, error):
    def half(tensors, filename, metadata):
        Path(filename).write_bytes(b"half")
        raise error

    monkeypatch.setattr(tensorfile, "save_file", half)


def break_os(name):
    def patch(monkeypatch, error):
        def fail(*_):
            raise error

        monkeypatch.setattr(os, name, fail)

    return patch


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=repr)
@pytest.mark.parametrize(
    "place", [break_save, break_os("fsync"), break_os("replace")], ids=["write", "fsync", "replace"]
)
@pytest.mark.parametrize("there", [True, False])
def test_a_failed_write_changes_nothing_and_leaves_nothing_behind(path, monkeypatch, place, error, there):
    before = path.read_bytes()
    if not there:
        path.unlink()
    with monkeypatch.context() as broken:
        place(broken, error)
        with pytest.raises(type(error)):
            write_tensors(path, {"x": torch.zeros(3)}, {})
    assert os.listdir(path.parent) == ([path.name] if there else [])
    assert not there or path.read_bytes() == before


@pytest.mark.skipif(sys.platform != "linux", reason="limits the size of files")
def test_a_full_disk_is_told_and_changes_nothing(path):
    before = path.read_bytes()
    code = (
        "import resource, sys, torch;"
        "from zorbench.zor.tensorfile import write_tensors;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000));"
        "write_tensors(sys.argv[1], {'x': torch.ones(100_000)}, {})"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True)
    assert f"OSError: {path}: could not be written: " in done.stderr
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_what_is_written_reaches_the_disk_before_it_takes_the_name(path, monkeypatch):
    events = []
    fsync, replace = os.fsync, os.replace

    def synced(descriptor):
        events.append(("fsync", os.fstat(descriptor).st_ino))
        fsync(descriptor)

    def replaced(source, target):
        assert os.stat(source).st_dev == path.stat().st_dev
        events.append(("replace", os.stat(source).st_ino))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    write_tensors(path, TENSORS, {})
    new = path.stat().st_ino
    assert events == [("fsync", new), ("replace", new)]


@pytest.mark.skipif(os.name != "posix", reason="rights of POSIX")
def test_a_file_has_the_rights_of_any_new_file(path):
    other = path.with_name("other")
    other.touch()
    assert path.stat().st_mode == other.stat().st_mode


@pytest.mark.skipif(os.name != "posix", reason="links of POSIX")
def test_a_link_stays_a_link_to_what_is_written(path, tmp_path):
    (tmp_path / "folder").mkdir()
    link = tmp_path / "folder" / "link"
    link.symlink_to(path)
    write_tensors(link, {"x": torch.ones(2)}, {})
    assert link.is_symlink()
    assert open_tensors(path).entries.keys() == {"x"}


def test_a_folder_that_does_not_exist_is_told(tmp_path):
    path = tmp_path / "no" / "file"
    refuses(
        lambda: write_tensors(path, TENSORS, {}),
        FileNotFoundError,
        f"{path}: there is no folder {path.parent}: make it first",
    )
    assert not path.parent.exists()


def test_a_folder_is_not_overwritten(tmp_path):
    refuses(
        lambda: write_tensors(tmp_path, TENSORS, {}),
        IsADirectoryError,
        f"{tmp_path}: is a folder: give the name of a file",
    )


# Opening


def test_a_missing_file_and_a_folder_are_told(tmp_path):
    path = tmp_path / "none"
    refuses(lambda: open_tensors(path), FileNotFoundError, f"{path}: there is no such file")
    refuses(lambda: open_tensors(tmp_path), ValueError, f"{tmp_path}: is a folder, not a file")


OTHERS = {
    "nothing": b"",
    "a text": b"A text, longer than the number that a file begins with.",
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "zeros": bytes(100),
    "a short length, then no header": (20).to_bytes(8, "little") + b"[1, 2, 3]" + bytes(30),
    "a length and nothing more": (20).to_bytes(8, "little"),
    "a header with other contents": (12).to_bytes(8, "little") + b'{"a": "bcd"}',
    "a header with an offset that is none": (29).to_bytes(8, "little") + b'{"a":{"data_offsets":[0,"b"]}',
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_files_are_told_from_safetensors(tmp_path, name):
    path = tmp_path / "x"
    path.write_bytes(OTHERS[name])
    refuses(lambda: open_tensors(path), ValueError, f"{path}: is not a safetensors file")


def test_numpy_files_are_told_from_safetensors(tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, np.ones(5))
    refuses(lambda: open_tensors(path), ValueError, f"{path}: is not a safetensors file")


def test_a_file_cut_anywhere_is_told_with_how_much_there_is(path):
    whole = path.read_bytes()
    header = 8 + int.from_bytes(whole[:8], "little")
    for size in range(9, len(whole)):
        path.write_bytes(whole[:size])
        wanted = header if size < header else len(whole)
        message = f"{path}: is cut short, {size} bytes of {wanted} or more: copy or save it again"
        refuses(lambda: open_tensors(path), ValueError, message)


def test_a_file_with_more_than_its_header_says_is_told(path):
    path.write_bytes(path.read_bytes() + b"x")
    message = "is damaged, its header does not fit its contents: copy or save it again"
    refuses(lambda: open_tensors(path), ValueError, f"{path}: {message}")


# Reading from a file that is not what it was


def replaced(path: Path) -> None:
    write_tensors(path, TENSORS, {"said": "before"})


def rewritten(path: Path) -> None:
    status = path.stat()
    with path.open("rb+") as stream:
        stream.seek(-1, os.SEEK_END)
        stream.write(b"\x01")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))


def shortened(path: Path) -> None:
    status = path.stat()
    os.truncate(path, status.st_size - 1)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("change", [replaced, rewritten, shortened])
@pytest.mark.parametrize("name", ["table", "nothing"])
def test_a_file_that_changed_is_noticed(path, change, name):
    file = open_tensors(path)
    file.read(name)
    change(path)
    refuses(lambda: file.read(name), RuntimeError, f"{path}: has changed since it was loaded: load it again")


def test_a_change_while_it_is_read_is_noticed(path, monkeypatch):
    file = open_tensors(path)
    stamp, asked = tensorfile._stamp, []

    def stamped(stream):
        asked.append(stream)
        if len(asked) == 2:
            rewritten(path)
        return stamp(stream)

    monkeypatch.setattr(tensorfile, "_stamp", stamped)
    refuses(lambda: file.read("odd"), RuntimeError, f"{path}: has changed since it was loaded: load it again")


def test_a_file_that_is_gone_is_told(path):
    file = open_tensors(path)
    path.unlink()
    refuses(lambda: file.read("odd"), FileNotFoundError, f"{path}: there is no such file")


def test_a_file_is_found_from_another_folder(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = open_tensors("some.safetensors")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    assert torch.equal(file.read("table"), TENSORS["table"])
