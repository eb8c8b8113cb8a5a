"""A network that was saved and loaded predicts, and goes on learning, with the same bits."""

import json
import math
import os
import re
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from zorbench.zor import ConvLayer, ConvTransposeLayer, Layer, Zor, ZorEnsemble

from .architectures import DTYPES, rows, same_bits, stacks, state, train


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "network.safetensors"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("networks")


def images(**options) -> Zor:
    return Zor(
        [
            Layer((2, 6, 6), threshold=-math.inf),
            ConvLayer(3, 3, 2, activation="relu"),
            ConvTransposeLayer(2, 3, 2, output_size=(5, 6), activation="tanh"),
            Layer(5, "sigmoid"),
        ],
        lr=0.01,
        seed=2,
        **options,
    )


# Round trips


@settings(max_examples=25, deadline=None)
@given(stacks(), DTYPES, st.sampled_from(["full", "bf16"]), st.integers(0, 2), st.booleans())
def test_what_was_saved_predicts_with_the_same_bits(folder, layers, dtype, precision, steps, optimiser):
    network = Zor(layers, lr=0.03, weight_decay=0.5, seed=1, precision=precision, dtype=dtype)
    train(network, steps)
    network.save(folder / "any", optimiser=optimiser)
    loaded = Zor.load(folder / "any")
    assert type(loaded) is Zor
    assert loaded.layers == network.layers
    for name in ("lr", "weight_decay", "precision", "dtype", "compile", "shapes"):
        assert getattr(loaded, name) == getattr(network, name)
    assert same_bits(loaded.weights, network.weights)
    for batch in (1, 3, 8):
        x = rows(network, batch, seed=9)
        assert torch.equal(loaded.predict(x), network.predict(x))


@settings(max_examples=25, deadline=None)
@given(stacks(), DTYPES, st.integers(0, 3), st.sampled_from([4, 2]))
def test_training_goes_on_with_the_same_bits_as_if_it_had_not_been_interrupted(
    folder, layers, dtype, steps, last_batch
):
    network = Zor(layers, lr=0.03, weight_decay=0.5, seed=1, dtype=dtype)
    train(network, steps)
    network.forward(rows(network, last_batch, seed=5))  # charges of as many rows wait
    network.lr = 0.02
    network.save(folder / "any", optimiser=True)
    resumed = Zor.load(folder / "any")
    for name, tensors in state(network).items():
        assert same_bits(state(resumed)[name], tensors), name
    assert same_bits(train(resumed, 3, seed=50), train(network, 3, seed=50))
    for name, tensors in state(network).items():
        assert same_bits(state(resumed)[name], tensors), name


def test_charges_that_wait_are_saved():
    # So that the test above is about something: these charges are not zero, and count.
    network = images()
    train(network, 3)
    assert any(charge.count_nonzero() for charge in network.charges)
    assert all(moment.count_nonzero() for moment in network.first_moments)


def test_without_the_optimiser_learning_begins_anew(path):
    network = images()
    fresh = state(images())
    train(network, 3)
    network.save(path)
    loaded = state(Zor.load(path))
    assert all(same_bits(loaded[name], fresh[name]) for name in fresh if name != "weights")
    train(Zor.load(path), 2)


def test_a_file_holds_the_weights_and_nothing_more_unless_asked(path):
    network = images()
    train(network, 1)
    network.save(path)
    assert load_file(path).keys() == {"weights.0", "weights.1", "weights.2"}
    assert all(torch.equal(load_file(path)[f"weights.{i}"], network.weights[i]) for i in range(3))
    network.save(path, optimiser=True)
    found = load_file(path)
    for name, tensors in state(network).items():
        assert all(torch.equal(found.pop(f"{name}.{i}"), tensor) for i, tensor in enumerate(tensors))
    assert not found


def test_the_metadata_names_the_format_and_its_version(path):
    images().save(path)
    with safe_open(path, "np") as file:
        metadata = file.metadata()
    assert metadata["format"] == "zorbench-zor"
    assert metadata["version"] == "1"
    assert [layer["kind"] for layer in json.loads(metadata["network"])["layers"]] == [
        "Layer",
        "ConvLayer",
        "ConvTransposeLayer",
        "Layer",
    ]


@pytest.mark.parametrize("name", ["netz größer 網.safetensors", "with space", ".hidden", "a" * 255])
@pytest.mark.parametrize("kind", [str, Path])
def test_any_name_will_do(tmp_path, name, kind):
    network = images()
    network.save(kind(tmp_path / name))
    assert os.listdir(tmp_path) == [name]
    for lazy in (False, True):
        loaded = Zor.load(kind(tmp_path / name), lazy=lazy)
        assert torch.equal(loaded.predict(rows(network, 2, 0)), network.predict(rows(network, 2, 0)))


def test_a_loaded_network_keeps_nothing_of_the_file(path):
    network = images()
    network.save(path, optimiser=True)
    loaded = Zor.load(path)
    path.write_bytes(bytes(path.stat().st_size))
    path.unlink()
    assert torch.equal(loaded.predict(rows(network, 2, 0)), network.predict(rows(network, 2, 0)))
    assert all(weight.data_ptr() % 64 == 0 for weight in loaded.weights)


def test_loading_draws_no_weights_to_throw_away(path, monkeypatch):
    images().save(path)

    def refuse(*_, **__):
        raise AssertionError("drawn")

    monkeypatch.setattr(torch, "randn", refuse)
    Zor.load(path)
    Zor.load(path, lazy=True)


def test_weights_in_any_order_of_memory_are_saved(path):
    network = Zor([Layer(4), Layer(3)], seed=0)
    network.weights[0] = torch.arange(12.0).view(3, 4).T
    network.save(path)
    assert torch.equal(Zor.load(path).weights[0], network.weights[0])


def test_a_network_is_loaded_onto_the_device_asked_for(path):
    images().save(path, optimiser=True)
    loaded = Zor.load(path, device="meta")
    assert all(tensor.is_meta for tensors in state(loaded).values() for tensor in tensors)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_network_moves_between_devices_through_a_file(path):
    network = images(device="cuda")
    last = len(network.shapes) - 1
    batches = [
        (rows(network, 4, seed).cuda(), rows(network, 4, seed, last).sigmoid().cuda()) for seed in range(8)
    ]
    for x, t in batches[:4]:
        network.train_batch(x, t)
    network.save(path, optimiser=True)
    resumed = Zor.load(path, device="cuda")
    for x, t in batches[4:]:
        assert torch.equal(resumed.train_batch(x, t), network.train_batch(x, t))
    network.save(path)
    x = rows(network, 4, 0)
    answer = network.predict(x.cuda())
    assert torch.equal(Zor.load(path, device="cuda").predict(x.cuda()), answer)
    assert torch.equal(Zor.load(path, device="cuda", lazy=True).predict(x.cuda()), answer)
    torch.testing.assert_close(Zor.load(path).predict(x), answer.cpu())


# What cannot be saved


def refuses(call, kind: type, message: str) -> None:
    with pytest.raises(kind, match=f"^{re.escape(message)}$"):
        call()


def test_a_function_as_activation_cannot_be_saved(path):
    network = Zor([Layer(3, torch.sin), Layer(2)], seed=0)
    refuses(
        lambda: network.save(path),
        ValueError,
        "layer 0 has a function as its activation, which cannot be saved; "
        "valid: sigmoid, tanh, relu, softmax or None (identity)",
    )
    assert not os.listdir(path.parent)


def unfit(**changes):
    network = Zor([Layer(3), Layer(2), Layer(2)], seed=0)
    vars(network).update(changes)
    return network


UNFIT = {
    "a weight of another shape": (
        unfit(weights=[torch.zeros(3, 2), torch.zeros(2, 3)]),
        "weights.1 must be [2, 2] for these layers, got [2, 3]",
    ),
    "a weight too few": (unfit(weights=[torch.zeros(3, 2)]), "weights.1 is missing"),
    "a weight of another dtype": (
        unfit(weights=[torch.zeros(3, 2), torch.zeros(2, 2, dtype=torch.float64)]),
        "weights.1 must be torch.float32 as the network is, got torch.float64",
    ),
    "a negative rate": (unfit(lr=-1.0), "lr must be 0 or more, got -1.0"),
    "no precision": (unfit(precision="half"), "unknown precision 'half'; valid: full, tf32, bf16"),
    "no values": (
        Zor([Layer(3), Layer(2)], device="meta"),
        "a network on the meta device has no weights to save",
    ),
}


@pytest.mark.parametrize("name", UNFIT)
def test_what_could_not_be_loaded_is_not_saved(path, name):
    network, message = UNFIT[name]
    refuses(lambda: network.save(path), ValueError, message)
    assert not os.listdir(path.parent)


def test_an_ensemble_says_to_save_its_networks(path):
    ensemble = ZorEnsemble([Layer(3), Layer(2)], seeds=[0, 1])
    refuses(
        lambda: ensemble.save(path),
        ValueError,
        "a file holds one network, not an ensemble: save network(0), network(1) and so on",
    )
    ensemble.train_batch(torch.ones(2, 4, 3), torch.ones(2, 4, 2))
    ensemble.network(1).save(path, optimiser=True)
    refuses(
        lambda: ZorEnsemble.load(path), ValueError, "a file holds one network, not an ensemble: use Zor.load"
    )
    again, one = Zor.load(path), ensemble.network(1)
    assert same_bits(train(again, 2), train(one, 2))


def test_saving_fails_with_the_old_file_whole(path, monkeypatch):
    network = images()
    network.save(path)
    before = path.read_bytes()
    train(network, 1)

    def fail(*_):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="Input/output error"):
            network.save(path, optimiser=True)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


# What cannot be loaded


def rewrite(path: Path, tensors=None, metadata=None, network=None) -> None:
    """Change what a file holds: each argument changes a dict in place."""
    held = load_file(path)
    with safe_open(path, "np") as file:
        said = file.metadata()
    if tensors:
        tensors(held)
    if network:
        plain = json.loads(said["network"])
        network(plain)
        said["network"] = json.dumps(plain)
    if metadata:
        metadata(said)
    save_file(held, path, said)


FOREIGN = "is a safetensors file, but not of a network that Zor.save wrote"
NEWER = "has version 2 of the format, this zorbench reads 1: load it with the zorbench that saved it"

BAD = {
    "no metadata": ({"metadata": dict.clear}, FOREIGN),
    "another format": ({"metadata": lambda m: m.update(format="pt")}, FOREIGN),
    "no version": ({"metadata": lambda m: m.pop("version")}, FOREIGN),
    "no network": ({"metadata": lambda m: m.pop("network")}, FOREIGN),
    "a newer version": ({"metadata": lambda m: m.update(version="2", network="new")}, NEWER),
    "a network that is not JSON": (
        {"metadata": lambda m: m.update(network="{")},
        "its description of the network is not readable",
    ),
    "a missing tensor": ({"tensors": lambda t: t.pop("weights.1")}, "weights.1 is missing"),
    "a missing moment": ({"tensors": lambda t: t.pop("second_moments.2")}, "second_moments.2 is missing"),
    "a wrong shape": (
        {"tensors": lambda t: t.update({"weights.2": torch.zeros(61, 5)})},
        "weights.2 must be [60, 5] for these layers, got [61, 5]",
    ),
    "an axis too few": (
        {"tensors": lambda t: t.update({"weights.1": torch.zeros(3, 2, 9)})},
        "weights.1 must be [3, 2, 3, 3] for these layers, got [3, 2, 9]",
    ),
    "charges of other units": (
        {"tensors": lambda t: t.update({"charges.1": torch.zeros(4, 3, 3, 4)})},
        "charges.1 must be [any, 3, 3, 3] for these layers, got [4, 3, 3, 4]",
    ),
    "a wrong dtype": (
        {"tensors": lambda t: t.update({"weights.0": t["weights.0"].double()})},
        "weights.0 must be torch.float32 as the network is, got torch.float64",
    ),
    "whole numbers": (
        {"tensors": lambda t: t.update({"weights.0": t["weights.0"].int()})},
        "weights.0 must be torch.float32 as the network is, got I32",
    ),
    "steps of another dtype": (
        {"tensors": lambda t: t.update({"steps.0": torch.tensor(1.0, dtype=torch.float64)})},
        "steps.0 must be torch.float32 as the network is, got torch.float64",
    ),
    "extra tensors": (
        {"tensors": lambda t: t.update({"weights.3": torch.zeros(1), "bias": torch.zeros(1)})},
        "holds what these layers do not have: bias, weights.3",
    ),
    "an unknown kind of layer": (
        {"network": lambda n: n["layers"][2].update(kind="Attention")},
        "unknown kind of layer 2 'Attention'; valid: Layer, ConvLayer, ConvTransposeLayer",
    ),
    "an unknown setting": (
        {"network": lambda n: n["layers"][3].update(bias=True)},
        "layer 3 has an unknown setting 'bias'; valid: size, activation, stateless, max_weight, threshold",
    ),
    "an unknown precision": (
        {"network": lambda n: n.update(precision="half")},
        "unknown precision 'half'; valid: full, tf32, bf16",
    ),
    "a negative rate": ({"network": lambda n: n.update(lr=-1)}, "lr must be 0 or more, got -1.0"),
    "another size of a layer": (
        {"network": lambda n: n["layers"][3].update(size=6)},
        "weights.2 must be [60, 6] for these layers, got [60, 5]",
    ),
    "an endless layer": (
        {"network": lambda n: n["layers"][3].update(size=10**30)},
        f"weights.2 must be [60, {10**30}] for these layers, got [60, 5]",
    ),
    "layers that do not fit each other": (
        {"network": lambda n: n["layers"][2].update(output_size=[9, 9])},
        "ConvTransposeLayer(out_channels=2, kernel=3, stride=2, padding=None, output_size=(9, 9), "
        "activation='tanh', stateless=False, max_weight=1.0, threshold=-2.0) on an image of [3, 3, 3] "
        "reaches height and width of 5 to 6 and 5 to 6, not [9, 9]: set output_size, kernel or padding",
    ),
    "a convolution at the bottom": (
        {"network": lambda n: n["layers"].pop(0)},
        "the input layer must be a Layer, got ConvLayer(out_channels=3, kernel=3, stride=2, padding=None, "
        "activation='relu', stateless=False, max_weight=1.0, threshold=-2.0)",
    ),
    "no layers": (
        {"network": lambda n: n["layers"].clear(), "tensors": dict.clear},
        "expected at least 2 layers (input and output), got 0",
    ),
}


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("name", BAD)
def test_what_is_not_a_saved_network_is_told_with_the_file(path, name, lazy):
    changes, message = BAD[name]
    network = images()
    train(network, 1)
    network.save(path, optimiser=True)
    rewrite(path, **changes)
    refuses(lambda: Zor.load(path, lazy=lazy), ValueError, f"{path}: {message}")


@pytest.mark.parametrize("lazy", [False, True])
def test_a_file_that_is_missing_or_cut_or_no_network_is_told(path, lazy):
    refuses(lambda: Zor.load(path, lazy=lazy), FileNotFoundError, f"{path}: there is no such file")
    images().save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    message = f"is cut short, {len(whole) - 1} bytes of {len(whole)} or more: copy or save it again"
    refuses(lambda: Zor.load(path, lazy=lazy), ValueError, f"{path}: {message}")
    path.write_text("a text about networks")
    refuses(lambda: Zor.load(path, lazy=lazy), ValueError, f"{path}: is not a safetensors file")


def test_the_file_that_the_changes_begin_from_is_good(path):
    images().save(path, optimiser=True)
    rewrite(path)
    assert same_bits(Zor.load(path).weights, images().weights)
