"""The current rule against golden traces, against loops, and by hand where a single number tells."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from zorbench.zor import Layer, Zor

from .loops import LoopZor
from .traces import TRACES, Trace, follow, recorded_network


def chain(*sizes: int, **options) -> list[Layer]:
    return [Layer(size, **options) for size in sizes]


def one_unit_chain(length: int = 2, **options) -> Zor:
    """A network of single units joined by weights of 1, so that charges can be followed by hand."""
    zor = Zor(chain(*[1] * length), seed=0, **options)
    for weight in zor.weights:
        weight.fill_(1.0)
    return zor


def ask(zor: Zor, value: float, train: bool = False) -> float:
    return zor.forward(torch.tensor([[value]]), train=train).item()


@pytest.mark.parametrize("name", TRACES)
def test_the_public_implementations_run_is_repeated(golden, name):
    trace = Trace(golden / f"{name}.npz")
    follow(trace, recorded_network(trace, seed=0))


CONFIGURATIONS = {
    "two layers": [Layer(4, max_weight=0.5), Layer(3)],
    "three stateful layers": [Layer(5, "tanh"), Layer(4, max_weight=0.4), Layer(6, "sigmoid")],
    "a stateless hidden layer": [
        Layer(5),
        Layer(4, "relu", stateless=True, max_weight=0.6),
        Layer(3, "tanh"),
    ],
    "thresholds of every sign": [
        Layer(5, max_weight=0.5, threshold=-6.0),
        Layer(4, threshold=0.25),
        Layer(3, threshold=-1.0),
    ],
    "four layers, each with a bound of its own": [
        Layer(6, max_weight=0.45),
        Layer(4, "tanh", max_weight=0.35),
        Layer(5, max_weight=0.55),
        Layer(3, max_weight=0.01),
    ],
}


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_every_step_agrees_with_the_equations_written_as_loops(name, seed):
    layers = CONFIGURATIONS[name]
    draw = torch.Generator().manual_seed(100 + seed)
    zor = Zor(layers, lr=0.02, weight_decay=0.3, seed=seed, dtype=torch.float64)
    for weight in zor.weights:
        weight.mul_(2)
    loops = LoopZor(layers, [weight.tolist() for weight in zor.weights], zor.lr, zor.weight_decay)
    for batch in (4, 4, 4, 2, 4, 4, 4):
        x, other = 4 * torch.randn(2, batch, layers[0].size, generator=draw, dtype=torch.float64) - 1
        t = torch.rand(batch, layers[-1].size, generator=draw, dtype=torch.float64)
        close(zor.train_batch(x, t), loops.train_batch(x.tolist(), t.tolist()))
        for weight, expected in zip(zor.weights, loops.w, strict=True):
            close(weight, expected)
        close(zor.forward(other), loops.forward(other.tolist(), train=False))
    assert all(loops.seen.values()), f"these inputs do not reach everything: {loops.seen}"


def close(actual: torch.Tensor, expected: list) -> None:
    torch.testing.assert_close(actual, torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-11)


def test_a_charge_of_minus_two_waits_and_a_little_more_passes_on():
    assert ask(one_unit_chain(), -2.0) == 0.0
    assert ask(one_unit_chain(), -1.9375) == -1.9375


def test_charge_that_did_not_fire_adds_to_the_next_call_and_is_spent_by_a_spike():
    zor = one_unit_chain()
    assert [ask(zor, value) for value in (-3.0, 2.0, 2.0)] == [0.0, -1.0, 2.0]


def test_charge_below_minus_five_is_dropped_and_minus_five_itself_is_kept():
    below, at = one_unit_chain(), one_unit_chain()
    assert [ask(below, -5.125), ask(below, 4.0)] == [0.0, 4.0]
    assert [ask(at, -5.0), ask(at, 4.0)] == [0.0, -1.0]


def test_another_batch_size_starts_from_zero_charge():
    zor = one_unit_chain()
    ask(zor, -3.0)
    zor.forward(torch.tensor([[-3.0], [-3.0]]))
    assert zor.forward(torch.tensor([[2.0], [0.0]])).flatten().tolist() == [-1.0, 0.0]
    assert ask(zor, 2.0) == 2.0


def test_another_threshold_moves_the_gate_and_none_opens_it():
    late, open_ = [Zor([Layer(1, threshold=bar), Layer(1)], seed=0) for bar in (0.5, -torch.inf)]
    for zor in (late, open_):
        zor.weights[0].fill_(1.0)
    assert [ask(late, value) for value in (0.5, 0.25, 0.75)] == [0.0, 0.75, 0.75]
    assert late.predict(torch.tensor([[0.5], [0.75]])).tolist() == [[0.0], [0.75]]
    assert [ask(open_, value) for value in (-9.0, 2.0)] == [-9.0, 2.0]


@pytest.mark.parametrize("stateless", [False, True])
def test_when_every_unit_fires_the_short_way_is_the_long_way(monkeypatch, stateless):
    """All that passes through the network to the bit; the weights to the order of two factors."""
    layers = [Layer(6, "tanh", stateless=stateless), Layer(5, stateless=stateless), Layer(4, "sigmoid")]
    short, long = Zor(layers, seed=0, dtype=torch.float64), Zor(layers, seed=0, dtype=torch.float64)
    x, t = torch.rand(3, 6, dtype=torch.float64), torch.rand(3, 4, dtype=torch.float64)
    looked = short._run(x, train=True)
    assert looked.spikes == [None, None, None]
    results = [looked.output, *looked.activities, short.forward(x), short.train_batch(x, t)]
    monkeypatch.setattr(Zor, "_may_look", lambda self, current: False)
    blind = long._run(x, train=True)
    assert [spikes.unique().tolist() for spikes in blind.spikes] == [[1.0], [1.0], [1.0]]
    expected = [blind.output, *blind.activities, long.forward(x), long.train_batch(x, t)]
    assert all(torch.equal(a, b) for a, b in zip(results, expected, strict=True))
    for a, b in zip(short.weights, long.weights, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-15)
    assert not any(charge.any() for charge in (*short.charges, *long.charges))


def test_the_short_way_spends_the_charge_that_waited():
    zor = one_unit_chain()
    assert [ask(zor, value) for value in (-3.0, 1.5, 0.5, 0.5)] == [0.0, -1.5, 0.5, 0.5]


def test_a_stateless_layer_keeps_no_charge():
    zor = Zor(chain(1, 1, stateless=True), seed=0)
    zor.weights[0].fill_(1.0)
    assert [ask(zor, -3.0), ask(zor, 2.0)] == [0.0, 2.0]
    assert all(len(charge) == 0 for charge in zor.charges)


def test_the_output_layer_gates_and_keeps_charge_in_training_only():
    zor = one_unit_chain()
    # An input of 1 passes the input layer; the weight makes it a current of −3 at the output.
    zor.weights[0].fill_(-3.0)
    assert ask(zor, 1.0, train=True) == 0.0
    assert ask(zor, 1.0, train=False) == -3.0
    assert zor.charges[1].item() == -3.0
    zor.weights[0].fill_(2.0)
    assert ask(zor, 1.0, train=True) == -1.0


def test_hidden_charges_move_at_inference_too():
    zor = one_unit_chain(3)
    zor.weights[0].fill_(-3.0)
    ask(zor, 1.0)
    assert zor.charges[1].item() == -3.0


def test_errors_are_target_minus_output_of_the_old_weights():
    zor = Zor(chain(3, 2), seed=0)
    x, t = torch.rand(4, 3), torch.rand(4, 2)
    expected = t - x @ zor.weights[0]
    torch.testing.assert_close(zor.train_batch(x, t), expected)


def test_a_zero_column_of_the_error_stays_zero_and_everything_finite():
    zor = Zor(chain(3, 4, 2, stateless=True), weight_decay=0.0, seed=0)
    x = torch.rand(5, 3)
    t = torch.rand(5, 2)
    t[:, 1] = copy.deepcopy(zor).forward(x, train=True)[:, 1]
    before = zor.weights[1].clone()
    errors = zor.train_batch(x, t)
    assert torch.equal(errors[:, 1], torch.zeros(5))
    assert torch.equal(zor.weights[1][:, 1], before[:, 1])
    assert not torch.equal(zor.weights[1][:, 0], before[:, 0])
    assert all(weight.isfinite().all() for weight in zor.weights)


def test_a_batch_without_any_error_changes_nothing_but_by_weight_decay():
    zor = Zor(chain(3, 4, 2, stateless=True), lr=0.1, weight_decay=0.5, seed=0)
    x = torch.rand(5, 3)
    before = [weight.clone() for weight in zor.weights]
    zor.train_batch(x, zor.predict(x))
    for weight, old in zip(zor.weights, before, strict=True):
        torch.testing.assert_close(weight, old * (1 - 0.1 * 0.5))


@pytest.mark.parametrize("batch", [3, 4, 5])
def test_a_first_batch_with_as_many_rows_as_a_layer_has_units_starts_from_zero_charge(batch):
    kept, stateless = Zor(chain(3, 4, 5), seed=0), Zor(chain(3, 4, 5, stateless=True), seed=0)
    x, t = 3 * torch.randn(batch, 3), torch.rand(batch, 5)
    assert torch.equal(kept.train_batch(x, t), stateless.train_batch(x, t))
    assert all(torch.equal(a, b) for a, b in zip(kept.weights, stateless.weights, strict=True))


def test_weights_are_bounded_by_the_layer_they_leave():
    layers = [Layer(3, max_weight=0.1), Layer(4, max_weight=0.2), Layer(2, max_weight=1e-9)]
    zor = Zor(layers, seed=0)
    for weight in zor.weights:
        weight.copy_(torch.randn_like(weight).sign())
    zor.train_batch(torch.rand(5, 3), torch.rand(5, 2))
    assert [weight.abs().unique().tolist() for weight in zor.weights] == [
        [pytest.approx(0.1)],
        [pytest.approx(0.2)],
    ]


def test_the_default_rates_are_the_published_ones():
    zor = Zor(chain(3, 2), seed=0)
    assert (zor.lr, zor.weight_decay) == (1e-3, 0.01)


def test_the_rate_may_be_changed_between_steps():
    zor = Zor(chain(3, 2), lr=0.1, weight_decay=0.0, seed=0)
    zor.lr = 0.0
    before = zor.weights[0].clone()
    zor.train_batch(torch.rand(4, 3), torch.rand(4, 2))
    assert torch.equal(zor.weights[0], before)


def test_the_state_is_all_in_tensors_and_lists_of_tensors():
    layers = chain(6, 4, 5)
    old, new = Zor(layers, seed=0), Zor(layers, seed=1)
    draw = torch.Generator().manual_seed(2)
    batches = [(4 * torch.randn(3, 6, generator=draw), torch.rand(3, 5, generator=draw)) for _ in range(6)]
    for x, t in batches[:3]:
        old.train_batch(x, t)
    for name, value in vars(old).items():
        if isinstance(value, list) and all(isinstance(item, torch.Tensor) for item in value):
            setattr(new, name, [item.clone() for item in value])
    for x, t in batches[3:]:
        assert torch.equal(old.train_batch(x, t), new.train_batch(x, t))
    assert all(torch.equal(a, b) for a, b in zip(old.weights, new.weights, strict=True))


@pytest.mark.parametrize("stateless", [False, True])
def test_few_shots_are_reconstructed_better_than_by_their_mean(stateless):
    x = (torch.rand(5, 20, generator=torch.Generator().manual_seed(0)) > 0.5).float()
    layers = [Layer(20, stateless=stateless), Layer(8, stateless=stateless), Layer(20, "sigmoid")]
    zor = Zor(layers, lr=0.01, seed=0)
    for _ in range(300):
        zor.train_batch(x, x)
    error = (zor.predict(x) - x).square().mean()
    assert error < (x.mean(0) - x).square().mean() / 2


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 5), min_size=2, max_size=4), st.integers(1, 6), st.integers(0, 1000))
def test_any_shape_trains_to_finite_bounded_weights(sizes, batch, seed):
    draw = torch.Generator().manual_seed(seed)
    zor = Zor(chain(*sizes, max_weight=0.5), lr=0.1, seed=seed)
    for _ in range(3):
        zor.train_batch(
            5 * torch.randn(batch, sizes[0], generator=draw), torch.rand(batch, sizes[-1], generator=draw)
        )
    assert all(weight.isfinite().all() and weight.abs().max() <= 0.5 for weight in zor.weights)


class NoReadBack(TorchDispatchMode):
    """Fails on the operations by which a value on the device decides something on the host."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        assert func.overloadpacket.__name__ not in (
            "_local_scalar_dense",
            "is_nonzero",
            "nonzero",
            "equal",
        ), func
        return func(*args, **(kwargs or {}))


def test_training_never_reads_a_value_back_where_that_would_wait(monkeypatch):
    monkeypatch.setattr(Zor, "_may_look", lambda self, current: False)  # as on a device
    zor = Zor(chain(6, 4, 5), seed=0)
    x, t = torch.randn(3, 6), torch.rand(3, 5)
    with NoReadBack():
        for _ in range(2):
            zor.train_batch(x, t)
            zor.predict(x)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_cuda_device_learns_the_same_without_waiting_for_it():
    layers = [Layer(12), Layer(7), Layer(9, "sigmoid")]
    host, device = Zor(layers, seed=0), Zor(layers, seed=0, device="cuda")
    assert all(torch.equal(a, b.cpu()) for a, b in zip(host.weights, device.weights, strict=True))
    x, t = torch.randn(5, 12), torch.rand(5, 9)
    x_device, t_device = x.cuda(), t.cuda()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(3):
            device.train_batch(x_device, t_device)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    for _ in range(3):
        host.train_batch(x, t)
    for a, b in zip(host.weights, device.weights, strict=True):
        torch.testing.assert_close(a, b.cpu(), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lr": -1e-3}, "lr must be 0 or more, got -0.001"),
        ({"lr": float("nan")}, "lr must be 0 or more, got nan"),
        ({"weight_decay": -0.1}, "weight_decay must be 0 or more, got -0.1"),
    ],
)
def test_a_negative_rate_is_refused(options, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        Zor(chain(2, 2), **options)
