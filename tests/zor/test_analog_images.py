"""Whole networks with images in them, held against windows laid out as matrices (`unfolded`)."""

import pytest
import torch

from zorbench.zor import ConvLayer, ConvTransposeLayer, Layer, Zor

from .unfolded import UnfoldedZor

# One activation on every output; gates of all kinds below.
AUTOENCODER = [
    Layer((2, 7, 6), max_weight=0.6),
    ConvLayer(3, 3, stride=2, activation="tanh", stateless=True),
    ConvLayer(4, 2, padding=1, max_weight=0.3),
    Layer(5, stateless=True, max_weight=0.4, threshold=-0.5),
    Layer((4, 4, 3), "tanh", max_weight=0.35, threshold=-1.0),
    ConvTransposeLayer(3, 4, stride=2, padding=2, output_size=(7, 4), max_weight=0.5, threshold=0.1),
    ConvTransposeLayer(2, 3, padding=0, output_size=(9, 6), activation="sigmoid", threshold=-0.3),
]
CLASSIFIER = [
    Layer((1, 8, 5), stateless=True),
    ConvLayer(3, 5, stride=3, activation="relu", max_weight=0.3, threshold=0.25),
    Layer(6, "tanh", max_weight=0.4),
    Layer(3, threshold=-0.5),
]
CONVOLUTIONS_TO_THE_TOP = [
    Layer((3, 4, 5), max_weight=0.3),
    ConvTransposeLayer(2, 2, stride=2, max_weight=0.3),
    ConvLayer(4, 3, stride=2, padding=2),
]
NETWORKS = {
    "an autoencoder": AUTOENCODER,
    "a classifier": CLASSIFIER,
    "convolutions to the top": CONVOLUTIONS_TO_THE_TOP,
}
BATCHES = (4, 4, 4, 1, 1, 3, 3, 4, 4)


def network(name: str, seed: int, **options) -> Zor:
    zor = Zor(NETWORKS[name], lr=0.02, weight_decay=0.3, seed=seed, dtype=torch.float64, **options)
    for weight in zor.weights:
        weight.mul_(3)
    return zor


def close(actual: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("look", [True, False], ids=["on the host", "as on a device"])
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_step_agrees_with_unfolded_images_and_torchs_adamw(monkeypatch, name, seed, look):
    if not look:
        monkeypatch.setattr(Zor, "_may_look", lambda self, current: False)
    zor = network(name, seed)
    reference = UnfoldedZor(zor.layers, zor.weights, zor.lr, zor.weight_decay)
    draw = torch.Generator().manual_seed(100 + seed)
    for batch in BATCHES:
        x, other = 4 * torch.randn(2, batch, *zor.shapes[0], generator=draw, dtype=torch.float64) - 1
        t = torch.rand(batch, *zor.shapes[-1], generator=draw, dtype=torch.float64)
        close(zor.train_batch(x, t), reference.train_batch(x, t))
        for weight, expected in zip(zor.weights, reference.weights, strict=True):
            close(weight, expected.detach())
        close(zor.forward(other), reference.forward(other))
    assert all(reference.seen.values()), f"these inputs do not reach everything: {reference.seen}"
    assert all(reference.silent), f"gates that never closed: {reference.silent}"


@pytest.mark.parametrize("name", NETWORKS)
def test_prediction_is_that_of_a_network_without_a_past(name):
    zor = network(name, 0)
    x = 4 * torch.randn(3, *zor.shapes[0], dtype=torch.float64)
    fresh = UnfoldedZor(zor.layers, zor.weights, zor.lr, zor.weight_decay)
    zor.train_batch(x, torch.rand(3, *zor.shapes[-1], dtype=torch.float64))
    for weight, old in zip(zor.weights, fresh.weights, strict=True):
        weight.copy_(old)
    close(zor.predict(x), fresh.forward(x))
    for layer in range(len(zor.layers) - 1):
        assert torch.equal(zor.decode(zor.encode(x, layer), layer), zor.predict(x))


def test_a_reconstruction_from_few_channels_beats_the_mean_image():
    draw = torch.Generator().manual_seed(0)
    x = torch.rand(4, 1, 3, 3, generator=draw).repeat_interleave(2, 2).repeat_interleave(2, 3)
    layers = [Layer((1, 6, 6)), ConvLayer(8, 2, stride=2), ConvTransposeLayer(1, 2, stride=2)]
    zor = Zor(layers, lr=0.01, seed=0)
    for _ in range(200):
        zor.train_batch(x, x)
    error = (zor.predict(x) - x).square().mean()
    assert error < (x.mean(0) - x).square().mean() / 10
