"""The novelty rule against golden traces, against loops, and by hand where a single number tells."""

import ast

import pytest
import torch

from zorbench.zor import NoveltyLayer, NoveltyZor

from .loops import LoopNovelty
from .traces import Trace

KEYS = {
    "input_size": "size",
    "act": "activation",
    "target_activation": "target_rate",
    "activation_rate": "threshold_step",
    "learning_range": "learning_range",
    "novelty_factor": "novelty",
    "threshold_inhibition": "threshold_inhibition",
}


@pytest.mark.parametrize("name", ["zor_novelty_3layer", "zor_novelty_inhibition"])
def test_the_public_implementations_run_is_repeated(golden, name):
    trace = Trace(golden / f"{name}.npz")
    configs = ast.literal_eval(trace.setting("config"))
    zor = NoveltyZor(
        [NoveltyLayer(**{KEYS[key]: value for key, value in c.items()}) for c in configs], seed=0
    )
    for index, weight in enumerate(zor.weights):
        weight.copy_(trace.tensor(f"w{index}_init"))
    for step in trace.steps():
        trace.agrees(f"err{step}", zor.train_batch(trace.tensor(f"x{step}"), trace.tensor(f"t{step}")))
        for index in range(len(zor.weights)):
            trace.agrees(f"w{index}_step{step}", zor.weights[index])
            trace.agrees(f"coactivation{index}_step{step}", zor.coactivations[index])
        for index in range(len(zor.layers)):
            trace.agrees(f"threshold{index}_step{step}", zor.thresholds[index])
            trace.agrees(f"rate_ema{index}_step{step}", zor.rates[index])
    trace.agrees("y_eval", zor.forward(trace.tensor("x_eval")))
    assert not trace.unread


CONFIGURATIONS = {
    "three layers with inhibition": [
        NoveltyLayer(5, target_rate=0.3, learning_range=0.05, threshold_inhibition=0.5, novelty=-0.9),
        NoveltyLayer(4, "tanh", target_rate=0.6, memory=0.5, learning_range=0.4, max_weight=0.5),
        NoveltyLayer(6, "sigmoid", target_rate=0.1, threshold_step=0.7, threshold_inhibition=-0.2),
    ],
    "four layers": [
        NoveltyLayer(4, target_rate=0.2, threshold_step=0.1, learning_range=0.07, novelty=0.4),
        NoveltyLayer(5, "relu", threshold_inhibition=0.3, learning_range=0.3, novelty=-0.5, max_weight=0.7),
        NoveltyLayer(3, "sigmoid", memory=0.0, learning_range=0.01, max_weight=0.3),
        NoveltyLayer(4, threshold_inhibition=0.1, learning_range=1e-9, novelty=9.0, max_weight=1e-9),
    ],
}


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_every_step_agrees_with_the_equations_written_as_loops(name, seed):
    layers = CONFIGURATIONS[name]
    draw = torch.Generator().manual_seed(200 + seed)
    zor = NoveltyZor(layers, seed=seed, dtype=torch.float64)
    loops = LoopNovelty(layers, [weight.tolist() for weight in zor.weights])
    for batch in (4, 4, 2, 4, 4, 4):
        x = 4 * torch.rand(batch, layers[0].size, generator=draw, dtype=torch.float64) - 0.5
        t = torch.rand(batch, layers[-1].size, generator=draw, dtype=torch.float64)
        close(zor.train_batch(x, t), loops.train_batch(x.tolist(), t.tolist()))
        for actual, expected in (
            (zor.weights, loops.w),
            (zor.coactivations, loops.c),
            (zor.thresholds, loops.theta),
            (zor.rates, loops.r),
        ):
            for a, b in zip(actual, expected, strict=True):
                close(a, b)
        close(zor.forward(x), loops.forward(x.tolist(), train=False))
    assert all(loops.seen.values()), f"these inputs do not reach everything: {loops.seen}"


def close(actual: torch.Tensor, expected: list) -> None:
    torch.testing.assert_close(actual, torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-11)


def two_units(**options) -> NoveltyZor:
    zor = NoveltyZor([NoveltyLayer(1, **options), NoveltyLayer(1)], seed=0)
    zor.weights[0].fill_(0.125)
    return zor


def test_a_current_equal_to_the_threshold_does_not_fire():
    zor = two_units()
    zor.thresholds[0].fill_(0.5)
    assert zor.forward(torch.tensor([[0.5], [0.75]])).flatten().tolist() == [0.0, 0.75 * 0.125]


def test_the_output_is_not_gated():
    zor = two_units()
    zor.thresholds[1].fill_(2.0)
    assert zor.forward(torch.tensor([[1.0]]), train=True).item() == 0.125


def test_thresholds_stay_between_zero_and_two():
    zor = two_units(target_rate=0.0, threshold_step=100.0)
    zor.train_batch(torch.tensor([[1.0]]), torch.tensor([[1.0]]))
    assert zor.thresholds[0].item() == 2.0
    for _ in range(3):
        zor.train_batch(torch.tensor([[-1.0]]), torch.tensor([[1.0]]))
    assert zor.thresholds[0].item() == 2.0
    low = two_units(target_rate=1.0, threshold_step=100.0)
    low.train_batch(torch.tensor([[-1.0]]), torch.tensor([[1.0]]))
    assert low.thresholds[0].item() == 0.0


def test_a_unit_that_fired_in_training_has_a_lower_threshold_for_the_next_batch_of_that_size_only():
    zor = two_units(threshold_inhibition=0.5, threshold_step=0.0)
    x, low = torch.tensor([[1.0]]), torch.tensor([[-0.25]])
    zor.forward(x)
    assert zor.forward(low).item() == 0.0
    zor.forward(x, train=True)
    assert zor.forward(low).item() == -0.25 * 0.125
    assert zor.forward(low).item() == -0.25 * 0.125
    assert zor.forward(torch.cat([low, low])).tolist() == [[0.0], [0.0]]


def test_predict_takes_no_notice_of_the_last_spikes():
    zor = two_units(threshold_inhibition=0.5, threshold_step=0.0)
    zor.forward(torch.tensor([[1.0]]), train=True)
    assert zor.predict(torch.tensor([[-0.25]])).item() == 0.0


def test_inference_leaves_rates_and_spikes_alone():
    zor = two_units()
    zor.forward(torch.tensor([[1.0]]))
    assert zor.rates[0].item() == 0.0
    assert len(zor.last_spikes[0]) == 0


def test_a_batch_without_any_error_leaves_the_weights_alone_and_finite():
    zor = two_units()
    zor.train_batch(torch.tensor([[1.0]]), torch.tensor([[0.125]]))
    assert zor.weights[0].item() == 0.125


def test_the_state_is_all_in_tensors_and_lists_of_tensors():
    layers = CONFIGURATIONS["three layers with inhibition"]
    old, new = NoveltyZor(layers, seed=0), NoveltyZor(layers, seed=1)
    draw = torch.Generator().manual_seed(2)
    batches = [(torch.rand(3, 5, generator=draw), torch.rand(3, 6, generator=draw)) for _ in range(6)]
    for x, t in batches[:3]:
        old.train_batch(x, t)
    for name, value in vars(old).items():
        if isinstance(value, list) and all(isinstance(item, torch.Tensor) for item in value):
            setattr(new, name, [item.clone() for item in value])
    for x, t in batches[3:]:
        assert torch.equal(old.train_batch(x, t), new.train_batch(x, t))
    assert all(torch.equal(a, b) for a, b in zip(old.weights, new.weights, strict=True))
