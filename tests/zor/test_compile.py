"""A compiled step is the step: on golden traces, with images, in copies. A size's first batch is slow."""

import copy
import shutil

import pytest
import torch
from torch._dynamo.utils import counters

from zorbench.zor import ConvLayer, ConvTransposeLayer, Layer, Zor, ZorEnsemble

from .traces import TRACES, Trace, follow, recorded_network

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not any(map(shutil.which, ("g++", "clang++", "c++"))),
        reason="torch.compile needs a C++ compiler: g++, clang++ or c++",
    ),
]


@pytest.fixture(autouse=True)
def forget_compiled():
    counters.clear()
    yield
    torch.compiler.reset()


@pytest.mark.parametrize("name", TRACES)
def test_the_public_implementations_run_is_repeated(golden, name):
    trace = Trace(golden / f"{name}.npz")
    follow(trace, recorded_network(trace, seed=0, compile=True))


def test_a_copy_of_a_compiled_network_learns_by_itself_and_needs_no_compiling_anew():
    layers = [Layer(8), Layer(6, "tanh", threshold=-0.5), Layer(4)]
    plain, zor = Zor(layers, lr=0.02, seed=0), Zor(layers, lr=0.02, seed=0, compile=True)
    draw = torch.Generator().manual_seed(1)
    steps = [(4 * torch.randn(5, 8, generator=draw), torch.rand(5, 4, generator=draw)) for _ in range(8)]
    for x, t in steps[:3]:
        plain.train_batch(x, t)
        zor.train_batch(x, t)
    twin, kept = copy.deepcopy(zor), [weight.clone() for weight in zor.weights]
    for x, t in steps[3:]:
        torch.testing.assert_close(twin.train_batch(x, t), plain.train_batch(x, t), rtol=0, atol=1e-5)
    assert all(torch.equal(a, b) for a, b in zip(kept, zor.weights, strict=True))
    for x, t in steps[3:]:
        zor.train_batch(x, t)
    for a, b in zip(zor.weights, plain.weights, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-5)
    assert counters["stats"]["unique_graphs"] == 1
    assert not counters["graph_break"]


IMAGES = [
    Layer((1, 6, 5)),
    ConvLayer(3, 3, stride=2, stateless=True, activation="tanh"),
    ConvTransposeLayer(2, 3, stride=2, output_size=(6, 5), threshold=-0.5),
    Layer(4, "sigmoid"),
]


@pytest.mark.parametrize("precision", ["full", "bf16"])
def test_images_are_learned_as_by_the_step_itself(precision):
    plain, zor = [Zor(IMAGES, seed=0, compile=compiled, precision=precision) for compiled in (False, True)]
    draw = torch.Generator().manual_seed(1)
    for rows in (4, 4, 4, 2, 2, 4, 4):
        x, t = 4 * torch.randn(rows, 1, 6, 5, generator=draw), torch.rand(rows, 4, generator=draw)
        # In bf16 a fused step rounds elsewhere.
        off = 1e-5 if precision == "full" else 1e-2
        torch.testing.assert_close(zor.train_batch(x, t), plain.train_batch(x, t), rtol=0, atol=off)
        torch.testing.assert_close(zor.forward(x), plain.forward(x), rtol=0, atol=off)


def test_copies_are_learned_as_by_the_step_itself():
    layers = [Layer(8), Layer(6, "tanh", threshold=-0.5), Layer(4)]
    plain, zor = [ZorEnsemble(layers, seeds=[0, 1], compile=compiled) for compiled in (False, True)]
    draw = torch.Generator().manual_seed(1)
    for rows in (4, 4, 2, 4):
        x, t = 4 * torch.randn(2, rows, 8, generator=draw), torch.rand(2, rows, 4, generator=draw)
        torch.testing.assert_close(zor.train_batch(x, t), plain.train_batch(x, t), rtol=0, atol=1e-5)
    one = zor.network(1)
    assert one.compile
    torch.testing.assert_close(one.train_batch(x[1], t[1]), plain.train_batch(x, t)[1], rtol=0, atol=1e-5)
