"""What is told of the layers, against counts by hand, closed forms and finite differences."""

import copy
import math
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from zorbench.zor import ConvLayer, ConvTransposeLayer, Layer, Zor, ZorEnsemble, diagnose

OPEN = -math.inf

NETWORKS = {
    "dense": [Layer(6), Layer(5, "tanh"), Layer(4), Layer(3)],
    "dense, sigmoid output": [Layer(5), Layer(4, "sigmoid"), Layer(5, "tanh"), Layer(3, "sigmoid")],
    "dense, softmax output": [Layer(5), Layer(4), Layer(5, "tanh"), Layer(3, "softmax")],
    "convolutions down and up": [
        Layer((1, 5, 5)),
        ConvLayer(3, 3, stride=2, activation="tanh"),
        ConvLayer(2, 3),
        ConvTransposeLayer(1, 3, stride=2, output_size=(5, 5), activation="sigmoid"),
    ],
    "an image through a vector": [
        Layer((2, 4, 4)),
        ConvLayer(2, 3, stride=2),
        Layer(3, "tanh"),
        Layer((2, 2, 2)),
        ConvTransposeLayer(1, 3, stride=2),
    ],
}


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def make(name: str, batch: int = 4) -> tuple[Zor, Tensor, Tensor]:
    """An untrained network in double precision, and a batch at which some of its units stay silent."""
    net = Zor(NETWORKS[name], seed=1, gain=2.0, dtype=torch.float64)
    x = 2.5 * draw(batch, *net.shapes[0])
    t = draw(batch, *net.shapes[-1], seed=1)
    return net, x, t.softmax(-1) if "softmax" in name else t


def loss(net: Zor, x: Tensor, t: Tensor) -> float:
    """½ mean ‖t − y‖² of the training pass from zero charge; cross-entropy for a softmax."""
    y = copy.deepcopy(net).forward(x, train=True)
    if net.layers[-1].activation == "softmax":
        return float(-(t * y.log()).sum(-1).mean())
    return float((t - y).square().flatten(1).sum(1).mean() / 2)


def slopes(net: Zor, index: int, x: Tensor, t: Tensor, step: float = 1e-6) -> Tensor:
    """Central differences of the loss for each number of W."""
    weight = net.weights[index].view(-1)
    found = torch.empty_like(weight)
    for place in range(len(weight)):
        before = weight[place].item()
        weight[place] = before + step
        above = loss(net, x, t)
        weight[place] = before - step
        found[place] = (above - loss(net, x, t)) / (2 * step)
        weight[place] = before
    return found


def learned(net: Zor, x: Tensor, t: Tensor) -> list[Tensor]:
    """The rule's directions, from AdamW's mean after one step: 0.1 × its gradient, which is −direction."""
    twin = copy.deepcopy(net)
    twin.train_batch(x, t)
    return [-10 * moment.view(-1) for moment in twin.first_moments]


def cosine(a: Tensor, b: Tensor) -> float:
    return float(a @ b / (a.norm() * b.norm()))


# Alignment


@pytest.mark.parametrize("name", NETWORKS)
def test_alignment_is_the_cosine_of_what_the_rule_learns_and_the_downward_slope_of_the_loss(name):
    net, x, t = make(name)
    found = diagnose(net, x, t)
    assert min(found.activation_rate[:-1]) < 1  # gates take part
    for index, direction in enumerate(learned(net, x, t)):
        expected = cosine(direction, -slopes(net, index, x, t))
        assert found.alignment[index] == pytest.approx(expected, abs=1e-6)


def test_one_sample_through_one_weight_matrix_is_known_in_closed_form():
    # Direction sign(p) sign(δ)ᵀ, downward gradient p δᵀ.
    net = Zor([Layer(3), Layer(2)], seed=0, dtype=torch.float64)
    x, t = torch.tensor([[1.0, 2.0, -1.0]]).double(), torch.tensor([[3.0, -1.0]]).double()
    error = t - x @ net.weights[0]
    expected = x.abs().sum() * error.abs().sum() / (math.sqrt(3 * 2) * x.norm() * error.norm())
    found = diagnose(net, x, t)
    assert found.alignment == (pytest.approx(float(expected)),)
    assert found.signal_norm == (pytest.approx(float(error.norm()) / math.sqrt(2)),)


def test_where_all_norms_are_equal_the_rule_is_gradient_descent():
    # Columns of p of norm 2; a zero W, so that δ = t, whose columns have norm 2√3.
    net = Zor([Layer(2, threshold=OPEN), Layer(2, threshold=OPEN)], seed=0)
    net.weights[0].zero_()
    x = torch.tensor([[1.0, 1.0], [1.0, -1.0], [1.0, 1.0], [1.0, -1.0]])
    t = torch.tensor([[3.0, 1.0], [1.0, 3.0], [1.0, -1.0], [1.0, 1.0]])
    assert diagnose(net, x, t).alignment == (pytest.approx(1.0),)


def test_directions_drawn_at_random_are_aligned_with_nothing(monkeypatch):
    net = Zor([Layer(100), Layer(60), Layer(40)], seed=0)

    def random(self, seen, errors):
        return [draw(*weight.shape, seed=5).float() for weight in self.weights]

    x, t = draw(20, 100).float(), draw(20, 40).float()
    own = diagnose(net, x, t).alignment
    monkeypatch.setattr(Zor, "_directions", random)
    for alignment, weight, before in zip(diagnose(net, x, t).alignment, net.weights, own, strict=True):
        assert abs(alignment) < 4 / math.sqrt(weight.numel()) < before


@settings(max_examples=20, deadline=None)
@given(st.floats(0.1, 1e3), st.integers(0, 1000))
def test_a_linear_network_looks_the_same_whatever_the_unit_of_its_data(factor, seed):
    layers = [Layer(size, threshold=OPEN) for size in (5, 4, 4, 3)]
    net = Zor(layers, seed=seed, dtype=torch.float64)
    x, t = draw(6, 5, seed=seed), draw(6, 3, seed=seed + 1)
    plain, scaled = diagnose(net, x, t), diagnose(net, factor * x, factor * t)
    assert scaled.alignment == pytest.approx(plain.alignment)
    *below, top = scaled.signal_norm
    assert below == pytest.approx(plain.signal_norm[:-1])
    assert top == pytest.approx(factor * plain.signal_norm[-1])


def test_alignment_outlives_gradients_whose_squares_no_float_can_hold():
    sizes = (5, 4, 3)
    net = Zor([Layer(size, threshold=OPEN) for size in sizes], seed=0)
    exact = Zor([Layer(size, threshold=OPEN) for size in sizes], seed=0, dtype=torch.float64)
    x, t = draw(6, 5), draw(6, 3, seed=1)
    tiny = 1e-13
    found = diagnose(net, (tiny * x).float(), (tiny * t).float()).alignment
    assert found == pytest.approx(diagnose(exact, tiny * x, tiny * t).alignment, rel=1e-3)


def test_without_an_error_there_is_no_alignment():
    net = Zor([Layer(3, stateless=True), Layer(4), Layer(2)], seed=0)
    x = torch.rand(5, 3)
    found = diagnose(net, x, net.predict(x))
    assert all(math.isnan(value) for value in found.alignment)
    assert found.signal_norm == (0.0, 0.0)


# Who fires, and the signal


def test_rates_and_dead_units_are_counts_over_the_batch():
    net = Zor([Layer(2), Layer(3), Layer(2)], seed=0)
    net.weights[0].copy_(torch.tensor([[1.0, -1.0, 0.0], [0.0, -1.0, 3.0]]))
    net.weights[1].copy_(torch.tensor([[-1.0, 0.0], [0.0, 0.0], [0.0, 1.0]]))
    # Currents (3, −4, 3), (1.5, −3, 4.5), (−1, −3, 12): hidden unit 1 lies below −2 each time.
    # Then (−3, 3), (−1.5, 4.5), (1, 12): the first output is silent once.
    x = torch.tensor([[3.0, 1.0], [1.5, 1.5], [-1.0, 4.0]])
    found = diagnose(net, x, torch.zeros(3, 2))
    assert found.activation_rate == pytest.approx((6 / 9, 5 / 6))
    assert found.dead_units == pytest.approx((1 / 3, 0.0))


def test_in_an_image_every_position_is_a_unit():
    net = Zor([Layer((1, 2, 2)), ConvLayer(2, 1)], seed=0)
    net.weights[0].copy_(torch.tensor([1.0, -1.0]).view(2, 1, 1, 1))
    x = torch.tensor([[3.0, 1.0, 1.0, 1.0], [3.0, 3.0, 1.0, 1.0]]).view(2, 1, 2, 2)
    found = diagnose(net, x, torch.zeros(2, 2, 2, 2))
    assert found.activation_rate == (pytest.approx(13 / 16),)
    assert found.dead_units == (pytest.approx(1 / 8),)


def test_the_signal_is_measured_before_its_normalisation():
    net = Zor([Layer(2, threshold=OPEN), Layer(2, threshold=OPEN), Layer(1, threshold=OPEN)], seed=0)
    net.weights[1].copy_(torch.tensor([[0.5], [-2.0]]))
    x = torch.zeros(2, 2)  # y = 0, δ_L = t of norm 5
    found = diagnose(net, x, torch.tensor([[3.0], [-4.0]]))
    below = torch.tensor([[0.6], [-0.8]]) @ torch.tensor([[0.5, -2.0]])
    assert found.signal_norm == pytest.approx((float(below.square().mean().sqrt()), math.sqrt(12.5)))


def test_a_batch_is_looked_at_from_zero_charge_whatever_was_kept():
    layers = [Layer(4), Layer(5), Layer(3)]
    fresh, used = Zor(layers, seed=0), Zor(layers, seed=0)
    used.forward(-4 * torch.ones(6, 4), train=True)
    assert used.charges[0].tolist() == [[-4.0] * 4] * 6
    x, t = draw(6, 4).float(), draw(6, 3).float()
    assert diagnose(used, x, t) == diagnose(fresh, x, t)


# Purity and errors


@pytest.mark.parametrize("name", NETWORKS)
def test_the_network_stays_as_it_is_bit_for_bit_and_learns_on_as_if_never_looked_at(name):
    net, x, t = make(name)
    for _ in range(3):
        net.train_batch(x, t)
    twin = copy.deepcopy(net)
    held = {
        key: [(tensor, tensor.data_ptr(), tensor._version, tensor.clone()) for tensor in value]
        for key, value in vars(net).items()
        if isinstance(value, list) and all(isinstance(item, Tensor) for item in value)
    }
    assert {"weights", "charges", "first_moments", "second_moments", "steps"} <= held.keys()
    inputs = x.clone(), t.clone()
    diagnose(net, x, t)
    for key, tensors in held.items():
        for now, (tensor, place, version, values) in zip(getattr(net, key), tensors, strict=True):
            assert now is tensor
            assert (now.data_ptr(), now._version, now.requires_grad) == (place, version, False)
            assert torch.equal(now, values)
    assert torch.equal(x, inputs[0])
    assert torch.equal(t, inputs[1])
    assert torch.equal(net.train_batch(x, t), twin.train_batch(x, t))
    assert all(torch.equal(a, b) for a, b in zip(net.weights, twin.weights, strict=True))


def test_it_works_where_gradients_are_off_and_records_none():
    net, x, t = make("dense")
    expected = diagnose(net, x, t)
    with torch.no_grad():
        assert diagnose(net, x, t) == expected
    assert not any(weight.requires_grad or weight.grad is not None for weight in net.weights)


def test_an_ensemble_is_refused_with_the_way_out():
    ensemble = ZorEnsemble([Layer(2), Layer(2)], seeds=[0, 1, 2])
    message = "expected one network, got an ensemble of 3: take one out with its method network"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        diagnose(ensemble, torch.zeros(3, 1, 2), torch.zeros(3, 1, 2))
    assert diagnose(ensemble.network(0), torch.ones(1, 2), torch.zeros(1, 2))


def test_a_batch_that_does_not_fit_is_refused():
    net = Zor([Layer(2), Layer(3)], seed=0)
    with pytest.raises(ValueError, match=r"^x must be \[batch, 2\] with batch ≥ 1, got \[4, 3\]$"):
        diagnose(net, torch.zeros(4, 3), torch.zeros(4, 3))
