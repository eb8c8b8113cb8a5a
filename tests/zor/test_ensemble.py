"""Copies trained together are the networks trained one by one: on golden traces, in float64, and in state."""

import re

import pytest
import torch

from zorbench.zor import ConvLayer, ConvTransposeLayer, Layer, Zor, ZorEnsemble

from .traces import TRACES, Trace, recorded_network

LAYERS = [
    Layer(5, max_weight=0.4),
    Layer((2, 2, 1), "tanh", stateless=True, max_weight=0.35, threshold=-0.5),
    Layer(6, max_weight=0.4, threshold=-0.3),
    Layer((1, 1, 3), "sigmoid", threshold=-0.2),
]
SEEDS = (3, 8, 3, 20)
BATCHES = (4, 4, 4, 1, 2, 2, 4, 4, 3, 4) * 2
RATES = {"lr": 0.02, "weight_decay": 0.3, "gain": 1.5}


@pytest.mark.parametrize("name", TRACES)
def test_every_copy_repeats_the_public_implementations_run(golden, name):
    """Three copies of it between two that start elsewhere and are shown other data."""
    trace = Trace(golden / f"{name}.npz")
    ensemble = recorded_network(trace, ZorEnsemble, seeds=range(5))
    draw = torch.Generator().manual_seed(1)
    for copy in (0, 4):
        for weight in ensemble.weights:
            weight[copy] = torch.randn(weight.shape[1:], generator=draw)

    def among_others(rows: torch.Tensor) -> torch.Tensor:
        first, last = 4 * torch.randn(2, *rows.shape, generator=draw)
        return torch.stack([first, rows, rows, rows, last])

    def agree(array: str, copies: torch.Tensor) -> None:
        for copy in (1, 2, 3):
            trace.agrees(array, copies[copy])

    for step in trace.steps():
        x, t = trace.tensor(f"x{step}"), trace.tensor(f"t{step}")
        agree(f"err{step}", ensemble.train_batch(among_others(x), among_others(t)))
        for index, weight in enumerate(ensemble.weights):
            agree(f"w{index}_step{step}", weight)
    agree("y_eval", ensemble.forward(among_others(trace.tensor("x_eval"))))
    assert not trace.unread


def pairs(seed: int = 0) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """For each step the inputs, many of which close gates, and targets of every copy."""
    draw = torch.Generator().manual_seed(seed)
    count = len(SEEDS)
    return [
        (
            4 * torch.randn(count, batch, 5, generator=draw, dtype=torch.float64) - 1,
            torch.rand(count, batch, 1, 1, 3, generator=draw, dtype=torch.float64),
        )
        for batch in BATCHES
    ]


def ensemble_of(seeds=SEEDS, **options) -> ZorEnsemble:
    return ZorEnsemble(LAYERS, seeds=seeds, dtype=torch.float64, **RATES, **options)


def close(actual: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-10)


def closed_gates(zor: Zor) -> bool:
    """Whether some charge waits in every layer that keeps any."""
    return all(
        (charge != 0).any()
        for charge, layer in zip(zor.charges, zor.layers, strict=True)
        if not layer.stateless
    )


@pytest.mark.parametrize("look", [True, False], ids=["on the host", "as on a device"])
def test_each_copy_is_the_network_of_its_seed(monkeypatch, look):
    if not look:
        monkeypatch.setattr(Zor, "_may_look", lambda self, current: False)
    ensemble = ensemble_of()
    alone = [Zor(LAYERS, seed=seed, dtype=torch.float64, **RATES) for seed in SEEDS]
    waited = False
    for copy, zor in enumerate(alone):
        assert all(torch.equal(a[copy], b) for a, b in zip(ensemble.weights, zor.weights, strict=True))
    for x, t in pairs():
        errors, other = ensemble.train_batch(x, t), ensemble.forward(x + 1)
        prediction, code = ensemble.predict(x), ensemble.encode(x, 1)
        close(ensemble.decode(code, 1), prediction)
        for copy, zor in enumerate(alone):
            close(errors[copy], zor.train_batch(x[copy], t[copy]))
            close(other[copy], zor.forward(x[copy] + 1))
            close(prediction[copy], zor.predict(x[copy]))
            close(code[copy], zor.encode(x[copy], 1))
            for a, b in zip(ensemble.weights, zor.weights, strict=True):
                close(a[copy], b)
        waited |= closed_gates(ensemble)
    assert waited


def test_the_same_seed_and_data_give_the_same_copy():
    ensemble = ensemble_of()
    for x, t in pairs():
        x[2], t[2] = x[0], t[0]
        ensemble.train_batch(x, t)
    assert all(torch.equal(weight[0], weight[2]) for weight in ensemble.weights)
    assert not any(torch.equal(weight[0], weight[1]) for weight in ensemble.weights)


def test_the_data_of_one_copy_mean_nothing_to_the_others():
    told, silent = ensemble_of(), ensemble_of()
    for (x, t), (y, u) in zip(pairs(), pairs(seed=9), strict=True):
        other, target = x.clone(), t.clone()
        other[1], target[1] = y[1], u[1]
        first, second = silent.train_batch(x, t), told.train_batch(other, target)
        for copy in (0, 2, 3):
            torch.testing.assert_close(first[copy], second[copy], rtol=0, atol=1e-12)
    for a, b in zip(silent.weights, told.weights, strict=True):
        for copy in (0, 2, 3):
            torch.testing.assert_close(a[copy], b[copy], rtol=0, atol=1e-12)
        assert (a[1] - b[1]).abs().max() > 1e-3


def test_generators_serve_as_well_as_seeds():
    drawn = ensemble_of(None, generators=[torch.Generator().manual_seed(seed) for seed in SEEDS])
    assert all(torch.equal(a, b) for a, b in zip(drawn.weights, ensemble_of().weights, strict=True))


def state(zor: Zor) -> list[torch.Tensor]:
    lists = (zor.weights, zor.charges, zor.first_moments, zor.second_moments, zor.steps)
    return [tensor for tensors in lists for tensor in tensors]


def test_a_copy_taken_out_goes_on_by_itself():
    ensemble = ensemble_of(precision="tf32")
    steps = pairs()
    for x, t in steps[:7]:
        ensemble.train_batch(x, t)
    assert closed_gates(ensemble)
    one = ensemble.network(1)
    assert type(one) is Zor
    assert (one.layers, one.lr, one.weight_decay) == (ensemble.layers, 0.02, 0.3)
    assert (one.precision, one.compile, one.dtype) == ("tf32", False, torch.float64)
    assert all(tensor.device.type == "cpu" for tensor in state(one))
    close(one.predict(steps[0][0][1]), ensemble.predict(steps[0][0])[1])
    kept = [tensor.clone() for tensor in state(ensemble)]
    errors = []
    for x, t in steps[7:]:
        errors.append(one.train_batch(x[1], t[1]))
    assert all(torch.equal(a, b) for a, b in zip(kept, state(ensemble), strict=True)), "memory is shared"
    for (x, t), error in zip(steps[7:], errors, strict=True):
        close(ensemble.train_batch(x, t)[1], error)
    for a, b in zip(ensemble.weights, one.weights, strict=True):
        close(a[1], b)


def refuses(kind: type[Exception], message: str, call) -> None:
    with pytest.raises(kind, match=f"^{re.escape(message)}$"):
        call()


def test_copies_need_one_source_of_weights():
    layers = [Layer(3), Layer(2)]
    either = "expected seeds or generators, one for each copy, and not both"
    refuses(ValueError, either, lambda: ZorEnsemble(layers))
    refuses(ValueError, either, lambda: ZorEnsemble(layers, seeds=[0], generators=[torch.Generator()]))
    refuses(ValueError, "expected at least one copy, got none", lambda: ZorEnsemble(layers, seeds=[]))
    refuses(ValueError, "expected at least one copy, got none", lambda: ZorEnsemble(layers, generators=[]))
    refuses(ValueError, "lr must be 0 or more, got -1", lambda: ZorEnsemble(layers, seeds=[0], lr=-1))


@pytest.mark.parametrize("layer", [ConvLayer(2, 3), ConvTransposeLayer(2, 3)])
def test_convolutions_have_no_copies(layer):
    message = f"expected layers of type Layer, got {layer!r}"
    refuses(ValueError, message, lambda: ZorEnsemble([Layer((1, 4, 4)), layer], seeds=[0]))


@pytest.mark.parametrize("copy", [-1, 4])
def test_a_copy_that_is_not_there_is_refused(copy):
    ensemble = ensemble_of()
    refuses(IndexError, f"copy must be 0 to 3, got {copy}", lambda: ensemble.network(copy))


@pytest.mark.parametrize("shape", [(2, 5), (3, 2, 5), (4, 0, 5), (4, 2, 4), (4, 2, 5, 1)])
def test_inputs_without_the_axis_of_copies_are_refused(shape):
    ensemble, x = ensemble_of(), torch.zeros(shape, dtype=torch.float64)
    message = f"x must be [4, batch, 5] with batch ≥ 1, got {list(shape)}"
    refuses(ValueError, message, lambda: ensemble.predict(x))
    refuses(ValueError, message, lambda: ensemble.train_batch(x, x))


def test_targets_that_do_not_fit_are_refused():
    ensemble = ensemble_of()
    x, t = torch.zeros(4, 2, 5).double(), torch.zeros(4, 3, 1, 1, 3).double()
    rows = "x and t must have the same number of rows, got 2 and 3"
    refuses(ValueError, rows, lambda: ensemble.train_batch(x, t))
    shape = "t must be [4, batch, 1, 1, 3] with batch ≥ 1, got [4, 2, 3]"
    refuses(ValueError, shape, lambda: ensemble.train_batch(x, torch.zeros(4, 2, 3).double()))
    code = "p must be [4, batch, 2, 2, 1] with batch ≥ 1, got [4, 2, 5]"
    refuses(ValueError, code, lambda: ensemble.decode(x, 1))
