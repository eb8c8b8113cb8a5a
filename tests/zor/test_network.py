"""What holds for both rules: pure prediction, a network in two parts, checked inputs."""

import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from zorbench.zor import Layer, NoveltyLayer, NoveltyZor, Zor

SIZES = (9, 6, 5, 7)


def trained_zor() -> Zor:
    layers = [
        Layer(size, activation)
        for size, activation in zip(SIZES, (None, "tanh", None, "sigmoid"), strict=True)
    ]
    return train(Zor(layers, lr=0.01, seed=3), scale=4.0)


def trained_novelty() -> NoveltyZor:
    layers = [NoveltyLayer(size, threshold_inhibition=0.2) for size in SIZES[:-1]]
    return train(NoveltyZor([*layers, NoveltyLayer(SIZES[-1], "sigmoid")], seed=3), scale=1.0)


def train(network, scale: float):
    draw = torch.Generator().manual_seed(5)
    for _ in range(4):
        x = scale * torch.randn(6, SIZES[0], generator=draw)
        network.train_batch(x, torch.rand(6, SIZES[-1], generator=draw))
    return network


def rows(batch: int, seed: int = 0) -> torch.Tensor:
    return 3 * torch.randn(batch, SIZES[0], generator=torch.Generator().manual_seed(seed))


def tensors(network) -> dict[str, list[torch.Tensor]]:
    return {
        name: [item.clone() for item in value]
        for name, value in vars(network).items()
        if isinstance(value, list) and all(isinstance(item, torch.Tensor) for item in value)
    }


def same_tensors(a, b) -> bool:
    return all(
        len(a[name]) == len(b[name]) and all(torch.equal(p, q) for p, q in zip(a[name], b[name], strict=True))
        for name in a.keys() | b.keys()
    )


@pytest.fixture(params=[trained_zor, trained_novelty], ids=["current rule", "novelty rule"])
def network(request):
    return request.param()


def test_prediction_is_the_equations_from_a_fresh_start(network):
    x = rows(8)
    current = x
    for index, weight in enumerate(network.weights):
        bar = -2.0 if isinstance(network, Zor) else network.thresholds[index]
        gated = torch.where(current > bar, current, torch.zeros_like(current))
        activation = network.layers[index].activation
        current = (torch.tanh(gated) if activation == "tanh" else gated) @ weight
    assert ((x > -2.0) != (x > 0)).any()
    torch.testing.assert_close(network.predict(x), torch.sigmoid(current))


@pytest.mark.parametrize("layer", range(len(SIZES) - 1))
def test_prediction_encoding_and_decoding_change_nothing(network, layer):
    before = tensors(network)
    first = network.predict(rows(6))
    code = network.encode(rows(6), layer)
    network.decode(code, layer)
    network.predict(rows(4, seed=9))
    assert same_tensors(before, tensors(network))
    assert torch.equal(network.predict(rows(6)), first)


def test_prediction_leaves_what_is_learned_next_untouched():
    asked, silent = trained_zor(), trained_zor()
    asked.predict(rows(6))
    t = torch.rand(6, SIZES[-1])
    assert torch.equal(asked.train_batch(rows(6, 1), t), silent.train_batch(rows(6, 1), t))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=5), st.integers(0, 1000), st.booleans())
def test_prediction_does_not_depend_on_how_a_batch_is_split(parts, seed, novelty):
    network = trained_novelty() if novelty else trained_zor()
    x = rows(sum(parts), seed)
    whole = network.predict(x)
    split = torch.cat([network.predict(part) for part in x.split(parts)])
    torch.testing.assert_close(whole, split, rtol=0, atol=1e-6)


@pytest.mark.parametrize("layer", range(len(SIZES) - 1))
def test_decoding_the_code_of_any_layer_is_the_prediction_bit_for_bit(network, layer):
    code = network.encode(rows(8), layer)
    assert code.shape == (8, SIZES[layer])
    assert torch.equal(network.decode(code, layer), network.predict(rows(8)))


def test_the_code_of_a_hidden_layer_is_gated():
    network = Zor([Layer(1), Layer(1), Layer(1)], seed=0)
    network.weights[0].fill_(1.0)
    assert network.encode(torch.tensor([[-2.0], [-1.5], [3.0]]), 1).flatten().tolist() == [0.0, -1.5, 3.0]


def test_nothing_asks_for_gradients(network):
    x = rows(6).requires_grad_()
    assert not network.predict(x).requires_grad
    assert not network.forward(x, train=True).requires_grad
    assert not network.train_batch(x, torch.rand(6, SIZES[-1])).requires_grad


def refuses(call, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        call()


BAD_ROWS = {
    "an empty batch": (torch.zeros(0, 9), "[batch, 9] with batch ≥ 1, got [0, 9]"),
    "a wrong width": (torch.zeros(2, 8), "[batch, 9] with batch ≥ 1, got [2, 8]"),
    "a single row without a batch": (torch.zeros(9), "[batch, 9] with batch ≥ 1, got [9]"),
    "images not laid flat": (torch.zeros(2, 3, 3), "[batch, 9] with batch ≥ 1, got [2, 3, 3]"),
    "another dtype": (
        torch.zeros(2, 9, dtype=torch.float64),
        "torch.float32 as the network is, got torch.float64",
    ),
    "whole numbers": (
        torch.zeros(2, 9, dtype=torch.uint8),
        "torch.float32 as the network is, got torch.uint8",
    ),
}


@pytest.mark.parametrize("case", BAD_ROWS)
def test_every_verb_refuses_bad_inputs_and_says_what_it_expected(network, case):
    x, message = BAD_ROWS[case]
    before = tensors(network)
    refuses(lambda: network.predict(x), f"x must be {message}")
    refuses(lambda: network.forward(x), f"x must be {message}")
    refuses(lambda: network.encode(x, 1), f"x must be {message}")
    refuses(lambda: network.train_batch(x, torch.zeros(2, 7)), f"x must be {message}")
    refuses(lambda: network.decode(x, 0), f"p must be {message}")
    assert same_tensors(before, tensors(network))


def test_training_refuses_targets_that_do_not_fit(network):
    before = tensors(network)
    refuses(
        lambda: network.train_batch(torch.zeros(2, 9), torch.zeros(2, 9)),
        "t must be [batch, 7] with batch ≥ 1, got [2, 9]",
    )
    refuses(
        lambda: network.train_batch(torch.zeros(2, 9), torch.zeros(3, 7)),
        "x and t must have the same number of rows, got 2 and 3",
    )
    refuses(
        lambda: network.train_batch(torch.zeros(2, 9), torch.zeros(2, 7, dtype=torch.int64)),
        "t must be torch.float32 as the network is, got torch.int64",
    )
    assert same_tensors(before, tensors(network))


@pytest.mark.parametrize("layer", [-1, 3])
def test_a_layer_without_a_code_is_refused(network, layer):
    message = f"layer must be one below the output, 0 to 2, got {layer}"
    refuses(lambda: network.encode(rows(2), layer), message)
    refuses(lambda: network.decode(rows(2), layer), message)


@pytest.mark.parametrize(("kind", "layer"), [(Zor, Layer(3)), (NoveltyZor, NoveltyLayer(3))])
def test_a_network_needs_an_input_and_an_output(kind, layer):
    refuses(lambda: kind([layer]), "expected at least 2 layers (input and output), got 1")


def test_layers_of_the_other_rule_are_refused():
    refuses(lambda: Zor([Layer(3), 3]), "expected layers of type Layer, ConvLayer, ConvTransposeLayer, got 3")
    other = Layer(3)
    refuses(lambda: NoveltyZor([other, other]), f"expected layers of type NoveltyLayer, got {other!r}")
