"""A network read from its file layer by layer: the same bits, no more memory than the largest layer."""

import copy
import itertools
import json
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from zorbench.zor import Layer, Zor
from zorbench.zor.tensorfile import TensorFile

from .architectures import DTYPES, rows, stacks, train

SIZES = (9, 6, 5, 7)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("networks")


@pytest.fixture
def path(tmp_path) -> Path:
    network = Zor([Layer(size, "tanh") for size in SIZES], lr=0.1, seed=0)
    train(network, 2)
    network.save(tmp_path / "network", optimiser=True)
    return tmp_path / "network"


def refuses(call, kind: type, message: str) -> None:
    with pytest.raises(kind, match=f"^{re.escape(message)}$"):
        call()


@settings(max_examples=25, deadline=None)
@given(stacks(), DTYPES, st.sampled_from(["full", "bf16"]), st.booleans(), st.data())
def test_all_that_it_answers_has_the_bits_of_the_network_that_was_saved(
    folder, layers, dtype, precision, optimiser, data
):
    network = Zor(layers, lr=0.03, seed=1, precision=precision, dtype=dtype)
    train(network, 1)
    network.save(folder / "any", optimiser=optimiser)
    lazy = Zor.load(folder / "any", lazy=True)
    assert isinstance(lazy, Zor)
    assert (lazy.layers, lazy.shapes, lazy.dtype) == (network.layers, network.shapes, network.dtype)
    layer = data.draw(st.integers(0, len(layers) - 2))
    for batch in (1, 8):
        x = rows(network, batch, seed=9)
        assert torch.equal(lazy.predict(x), network.predict(x))
        code = network.encode(x, layer)
        assert torch.equal(lazy.encode(x, layer), code)
        assert torch.equal(lazy.decode(code, layer), network.decode(code, layer))


def test_wide_layers_have_the_same_bits_too(tmp_path):
    network = Zor([Layer(size, "tanh") for size in (700, 1501, 333, 64)], seed=0)
    network.save(tmp_path / "wide")
    eager, lazy = Zor.load(tmp_path / "wide"), Zor.load(tmp_path / "wide", lazy=True)
    for batch in (1, 2, 7, 64):
        x = rows(network, batch, seed=batch)
        assert torch.equal(lazy.predict(x), network.predict(x))
        assert torch.equal(eager.predict(x), network.predict(x))


def test_the_file_is_asked_for_each_weight_when_it_is_needed_and_not_before(path, monkeypatch):
    asked = []
    read = TensorFile.read

    def watched(self, name, **options):
        asked.append(name)
        return read(self, name, **options)

    monkeypatch.setattr(TensorFile, "read", watched)
    lazy = Zor.load(path, lazy=True)
    assert asked == []
    lazy.predict(rows(lazy, 2, 0))
    assert asked == ["weights.0", "weights.1", "weights.2"]
    asked.clear()
    code = lazy.encode(rows(lazy, 2, 0), 1)
    assert asked == ["weights.0"]
    asked.clear()
    lazy.decode(code, 1)
    assert asked == ["weights.1", "weights.2"]


def test_it_takes_a_network_of_any_size_that_the_disk_holds(tmp_path):
    # A file of 160 GB, nearly all of it a hole: read, or held, it would show.
    layers = [Layer(200_000), Layer(200_000), Layer(2)]
    Zor([Layer(3), Layer(2)], seed=0).save(tmp_path / "small")
    header = _header_for(tmp_path / "small", layers)
    path = tmp_path / "huge"
    path.write_bytes(header)
    try:
        with path.open("rb+") as stream:
            stream.truncate(len(header) + 4 * 200_000 * 200_002)
    except OSError:
        pytest.skip("this file system has no files of that size")
    lazy = Zor.load(path, lazy=True)
    assert lazy.shapes == ((200_000,), (200_000,), (2,))
    assert torch.equal(lazy.decode(torch.ones(1, 200_000), 1), torch.zeros(1, 2))


def _header_for(path: Path, layers: list[Layer]) -> bytes:
    """The header of a network of other layers, written by hand."""
    small = path.read_bytes()
    header = json.loads(small[8 : 8 + int.from_bytes(small[:8], "little")])
    metadata = header["__metadata__"]
    network = json.loads(metadata["network"])
    pattern = network["layers"][0]
    network["layers"] = [{**pattern, "size": layer.size} for layer in layers]
    metadata["network"] = json.dumps(network)
    entries, start = {}, 0
    for index, (below, above) in enumerate(itertools.pairwise(layers)):
        end = start + 4 * below.size * above.size
        entries[f"weights.{index}"] = {
            "dtype": "F32",
            "shape": [below.size, above.size],
            "data_offsets": [start, end],
        }
        start = end
    text = json.dumps({"__metadata__": metadata, **entries}).encode()
    return len(text).to_bytes(8, "little") + text


def test_it_cannot_learn_and_says_so(path):
    lazy = Zor.load(path, lazy=True)
    x = rows(lazy, 2, 0)
    refuses(
        lambda: lazy.train_batch(x, torch.zeros(2, 7)),
        RuntimeError,
        "a network loaded with lazy=True cannot train: load it without",
    )
    refuses(
        lambda: lazy.forward(x),
        RuntimeError,
        "a network loaded with lazy=True cannot run forward, which keeps charges: load it without",
    )
    refuses(
        lambda: lazy.save(path.with_name("other")),
        RuntimeError,
        f"a network loaded with lazy=True is its file already: copy {path}",
    )
    assert not path.with_name("other").exists()


@pytest.mark.parametrize("name", ["weights", "charges", "first_moments", "second_moments", "steps"])
def test_it_holds_no_tensors(path, name):
    lazy = Zor.load(path, lazy=True)
    assert not hasattr(lazy, name)
    refuses(
        lambda: getattr(lazy, name),
        AttributeError,
        f"a network loaded with lazy=True holds no {name}: load it without",
    )
    held = [value for value in vars(lazy).values() if isinstance(value, torch.Tensor | list)]
    assert not [item for value in held for item in value if isinstance(item, torch.Tensor)]


def test_an_attribute_that_no_network_has_is_an_ordinary_error(path):
    lazy = Zor.load(path, lazy=True)
    refuses(lambda: lazy.wieghts, AttributeError, "'LazyZor' object has no attribute 'wieghts'")


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
def test_a_copy_reads_the_same_file(path, copied):
    lazy = Zor.load(path, lazy=True)
    x = rows(lazy, 2, 0)
    assert torch.equal(copied(lazy).predict(x), lazy.predict(x))


def test_a_file_that_changed_is_noticed_at_the_next_prediction(path):
    lazy = Zor.load(path, lazy=True)
    x = rows(lazy, 2, 0)
    lazy.predict(x)
    Zor.load(path).save(path)
    message = f"{path}: has changed since it was loaded: load it again"
    refuses(lambda: lazy.predict(x), RuntimeError, message)
    path.unlink()
    refuses(lambda: lazy.predict(x), FileNotFoundError, f"{path}: there is no such file")


MEASURE = """
import json, sys, torch
from zorbench.zor import Layer, Zor

def peak():
    for line in open("/proc/self/status"):
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024

folder, lazy = sys.argv[1], sys.argv[2] == "lazy"
small = Zor.load(folder + "/small", lazy=lazy)  # all libraries are there before it counts
small.predict(torch.ones(2, 4))
before = peak()
network = Zor.load(folder + "/large", lazy=lazy)
loaded = peak()
answer = [network.predict(torch.ones(2, 2800)) for _ in range(3)][-1]
print(json.dumps({"load": loaded - before, "all": peak() - before, "answer": answer.tolist()}))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="measured on Linux only")
def test_memory_is_that_of_the_largest_layer(tmp_path):
    # Layers of 30, 30, 30, 44, 128 and 16 MB: the allocator would keep blocks below 32 MB for itself.
    network = Zor([Layer(size, "tanh") for size in (2800, 2800, 2800, 2800, 4096, 8192, 512)], seed=0)
    network.save(tmp_path / "large")
    Zor([Layer(4)] * 7, seed=0).save(tmp_path / "small")
    sizes = [weight.nbytes for weight in network.weights]
    found = {}
    for mode in ("lazy", "eager"):
        command = [sys.executable, "-c", MEASURE, tmp_path, mode]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found[mode] = json.loads(done.stdout)
        print(mode, {name: found[mode][name] / 2**20 for name in ("load", "all")})
    assert found["lazy"]["answer"] == found["eager"]["answer"]
    assert found["lazy"]["load"] < 4 * 2**20
    assert 0.9 * max(sizes) < found["lazy"]["all"] < 1.05 * max(sizes) + 8 * 2**20
    # Whole it can learn, so it has the two moments of every weight as well.
    assert 2.9 * sum(sizes) < found["eager"]["all"] < 3.1 * sum(sizes) + 8 * 2**20
