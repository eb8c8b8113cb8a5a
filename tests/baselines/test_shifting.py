"""Shifting learning as a baseline: times by definition, decoding, its schedule and what it takes."""

import math
import re
from itertools import pairwise

import pytest
import torch

from zorbench import Classification, Colorization, Reconstruction
from zorbench.errors import InputError
from zorbench.operations import prediction_operations
from zorbench.predict import predict

TASKS = (Reconstruction, Colorization, Classification)
SILENT = 1e5


def firing_time(z, w):
    """When V(t) = Σ w (1 − z / t)₊ first reaches 1, from one spike to the next; `SILENT` for never."""
    order = sorted((float(a), float(b)) for a, b in zip(z, w, strict=True) if a < SILENT)
    for k, (start, _) in enumerate(order):
        end = order[k + 1][0] if k + 1 < len(order) else math.inf
        come = [(a, b) for a, b in order if a <= start]
        mass, moment = sum(b for _, b in come), sum(a * b for a, b in come)
        if mass > 1 and moment / (mass - 1) <= end:
            return moment / (mass - 1)
    return SILENT


def layer_times(plugin, x):
    """The times of each layer for one flat image, passing times included, and those of its inputs first."""
    times = [[math.exp(1 - float(pixel)) for pixel in x]]
    for w, e in zip(plugin.net.weights, plugin.net.passes, strict=True):
        fired = [firing_time(times[-1], w[:, j].double()) for j in range(w.shape[1])]
        times.append([z if z == SILENT else z * float(e[j]) for j, z in enumerate(fired)])
    return times


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("depth", [1, 2])
def test_answers_are_the_firing_times_by_definition(make_problem, fit, task, depth):
    problem = make_problem(task, (1, 4, 4), n=6)
    plugin = fit(f"shifting[hidden_layers={depth},lr_pass=0.01]", problem)
    assert not torch.equal(plugin.net.passes[0], torch.ones(len(plugin.net.passes[0])))
    answers = predict(plugin, problem.spec, problem.inputs).flatten(1)
    for x, found in zip(problem.inputs.flatten(1), answers, strict=True):
        times = torch.tensor(layer_times(plugin, x)[-1])
        expected = -times if task is Classification else 1 - times.clamp(1, math.e).log()
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_the_neuron_that_fires_first_wins_and_silence_abstains(make_problem, build):
    problem = make_problem(Classification, n_classes=3)
    plugin = build("shifting", problem)
    assert plugin._answer(torch.tensor([[1.5, 1.2, 3.0], [2.0, SILENT, 1.9]])).argmax(dim=1).tolist() == [
        1,
        2,
    ]
    for w in plugin.net.weights:
        w.fill_(1e-4)
    answers = predict(plugin, problem.spec, problem.inputs)
    assert (answers == answers[:, :1]).all()


def test_a_class_learned_is_that_of_the_neuron_that_fires_first(make_problem, fit):
    items = torch.rand(3, 1, 6, 6, generator=torch.Generator().manual_seed(2))
    problem = make_problem(Classification, items=items, samples=600, batch=3, hidden=20)
    for mode in ("exact", "source"):
        plugin = fit(f"shifting[mode={mode}]", problem)
        times = torch.tensor([layer_times(plugin, x)[-1] for x in items.flatten(1)])
        assert times.argmin(dim=1).tolist() == [0, 1, 2]
        assert predict(plugin, problem.spec, items).argmax(dim=1).tolist() == [0, 1, 2]


def test_a_single_image_is_learned_by_heart(make_problem, fit):
    problem = make_problem(Reconstruction, (1, 5, 5), n=1, samples=600, batch=1, hidden=20, code=10)
    answers = predict(fit("shifting[lr=0.01]", problem), problem.spec, problem.inputs)
    assert (answers - problem.targets).abs().mean() < 0.05


@pytest.mark.parametrize(("depth", "widths"), [(1, [5]), (2, [6, 5]), (3, [6, 5, 6])])
def test_the_code_is_the_times_of_the_layer_in_the_middle(make_problem, fit, depth, widths):
    problem = make_problem(Reconstruction, (1, 4, 4), n=5, hidden=6, code=5)
    plugin = fit(f"shifting[hidden_layers={depth}]", problem)
    assert plugin.net.sizes == (16, *widths, 16)
    codes = plugin.encode(problem.inputs)
    for x, code in zip(problem.inputs.flatten(1), codes, strict=True):
        expected = torch.tensor(layer_times(plugin, x)[widths.index(5) + 1])
        torch.testing.assert_close(code, expected, rtol=1e-4, atol=1e-4)
    assert torch.equal(plugin.decode(codes), plugin.predict(problem.inputs))


@pytest.mark.parametrize(("task", "width"), [(Reconstruction, 5), (Colorization, 6), (Classification, 6)])
def test_it_has_a_weight_a_connection_and_a_passing_time_a_neuron(make_problem, build, task, width):
    problem = make_problem(task, hidden=6, code=5)
    n_in, n_out = math.prod(problem.spec.input_shape), math.prod(problem.spec.output_shape)
    sizes = [part.numel() for part in build("shifting", problem).state().values()]
    assert sum(sizes) == width * (n_in + 1) + n_out * (width + 1)
    mlp = build("mlp", problem).state().values()
    assert sum(sizes) == sum(part.numel() for part in mlp)


@pytest.mark.parametrize("mode", ["exact", "source"])
def test_the_step_size_falls_exponentially_to_its_share_and_that_of_passing_times_stays(
    make_problem, build, monkeypatch, mode
):
    problem = make_problem(Classification, n=12, samples=60, batch=4)
    plugin = build(f"shifting[lr=0.02,lr_by_inputs=false,decay=0.01,lr_pass=0.005,mode={mode}]", problem)
    assert plugin.net.exact == (mode == "exact")
    rates, step = [], plugin.step

    def watched(inputs, targets):
        rates.append([group["lr"] for group in plugin.net.optimiser.param_groups])
        step(inputs, targets)

    monkeypatch.setattr(plugin, "step", watched)
    plugin.fit(problem.budget())
    assert len(rates) == 15
    assert [rate for rate, _ in rates] == pytest.approx([0.02 * 0.01 ** (k * 4 / 60) for k in range(15)])
    assert {rate for _, rate in rates} == {0.005}


def test_a_step_is_the_equations_and_adam_by_hand(make_problem, build):
    """One sample, one hidden layer, spike by spike."""
    problem = make_problem(Reconstruction, (1, 3, 3), n=1, code=4)
    plugin = build("shifting[lr=0.03,lr_pass=0.02]", problem)  # 9 inputs: a step of 0.01
    w, e = ([part.double().clone() for part in parts] for parts in (plugin.net.weights, plugin.net.passes))
    x = problem.inputs.flatten()
    times = layer_times(plugin, x)
    assert max(times[1]) < SILENT
    assert max(times[2]) < SILENT
    deltas = [None, None, [z - math.exp(1 - float(p)) for z, p in zip(times[2], x, strict=True)]]
    deltas[1] = [
        sum(d * float(w[1][i, j]) for j, d in enumerate(deltas[2]) if times[1][i] <= times[2][j])
        for i in range(4)
    ]
    plugin.step(problem.inputs, problem.targets)
    for k in (1, 2):
        for j, z_j in enumerate(times[k]):
            for i, z_i in enumerate(times[k - 1]):
                gradient = deltas[k][j] * math.e * (z_i - z_j) if z_i <= z_j else 0.0
                if abs(gradient) > 1e-4 or gradient == 0:  # Adam's first step is the sign of it
                    expected = float(w[k - 1][i, j]) - 0.01 * (gradient > 0) + 0.01 * (gradient < 0)
                    assert plugin.net.weights[k - 1][i, j].item() == pytest.approx(expected, abs=2e-6)
            sign = (deltas[k][j] * z_j > 0) - (deltas[k][j] * z_j < 0)
            expected = float(e[k - 1][j]) - 0.02 * sign
            assert plugin.net.passes[k - 1][j].item() == pytest.approx(expected, abs=1e-5)


def test_what_it_declares_to_take_is_a_count_spike_by_spike(make_problem, build):
    problem = make_problem(Classification, (1, 3, 3), n=7)
    plugin = build("shifting[hidden_layers=2]", problem)
    plugin.net.weights[0][:, :2] *= 0.01  # silent
    pairs = silent = 0
    for x in problem.inputs.flatten(1):
        below, *above = layer_times(plugin, x)
        for times in above:
            for z in times:
                pairs += sum(other <= z and other < SILENT for other in below)
            below = times
        silent += sum(z == SILENT for times in above[:-1] for z in times)
    assert silent >= 14
    n = [9, 6, 6, 3]
    dense = sum(a * b for a, b in pairwise(n))
    counts = prediction_operations(plugin, problem.spec, problem.inputs)
    assert counts == {
        "macs": pytest.approx(pairs / 7),
        "acs": pytest.approx(pairs / 7),
        "dense": 2 * dense,
        "activation_sparsity": pytest.approx(silent / (7 * 12)),
        "forward_macs": 2 * dense,
        "update_macs": dense,
        "transport_macs": dense - 9 * 6,
        "time_steps": 1,
    }


# Trains of spikes


def toy_trains(n=12, synapses=500, most=27):
    """Three classes; in each, a third of the synapses fires early, all others at random."""
    draw = torch.Generator().manual_seed(4)
    items = torch.rand(n, synapses, most, generator=draw) * 0.5
    for k in range(n):
        items[k, k % 3 : synapses : 3] += 0.4
    return items * (torch.rand(n, synapses, most, generator=draw) < 0.1)


def test_trains_of_spikes_are_learned(make_problem, fit):
    problem = make_problem(Classification, items=toy_trains(), samples=120, batch=4, hidden=20)
    plugin = fit("shifting[trains=true]", problem)
    assert plugin.net.sizes == (500, 20, 3)
    answers = predict(plugin, problem.spec, problem.inputs)
    assert answers.argmax(dim=1).tolist() == [0, 1, 2] * 4
    x = problem.inputs[0]
    row, place = torch.where(x > 0)
    z = torch.exp(1 - x[row, place]).double()
    hidden = torch.tensor([firing_time(z, plugin.net.weights[0][row, j].double()) for j in range(20)])
    soon = hidden < 30  # rounding grows as Σ w comes near the threshold
    assert soon.sum() >= 5
    found = plugin.net.times(x[None], 1)[0]
    torch.testing.assert_close(found[soon], (hidden * plugin.net.passes[0])[soon], rtol=1e-4, atol=1e-4)


def test_trains_need_inputs_of_synapses_and_spikes(make_problem, build):
    message = "trains=true takes inputs of [synapses, spikes]; these have the shape [1, 8, 8]"
    with pytest.raises(ValueError, match=re.escape(message)):
        build("shifting[trains=true]", make_problem(Classification))
    plugin = build("shifting[trains=true]", make_problem(Classification, items=toy_trains(3, 20, 5)))
    targets = torch.eye(3)[:2]
    for inputs, text in (
        (torch.rand(2, 20), "trains of spikes are [batch, inputs, most], got [2, 20]"),
        (torch.rand(2, 1, 20, 5), "trains of spikes are [batch, inputs, most], got [2, 1, 20, 5]"),
        (torch.rand(2, 19, 5), "inputs have 19 numbers a sample; this layer takes 20"),
        (torch.full((2, 20, 5), math.nan), "got NaN"),
        (torch.rand(0, 20, 5), "at least one sample"),
    ):
        for work in (plugin.predict, lambda x: plugin.step(x, targets)):
            with pytest.raises(ValueError, match=re.escape(text)):
                work(inputs)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("shifting[hidden_layers=0]", "hidden_layers must be at least 1, got 0"),
        ("shifting[mode=fast]", "fast"),
        ("shifting[lr=0]", "lr must be above 0, got '0'"),
        ("shifting[lr_pass=-1]", "lr_pass must be above 0, got '-1'"),
        ("shifting[decay=0]", "decay must be above 0, got '0'"),
        ("shifting[scale=0]", "scale must be above 0, got '0'"),
        ("shifting[trains=maybe]", "trains must be true or false, got 'maybe'"),
        ("shifting[steps=4]", "steps"),
    ],
)
def test_a_wrong_setting_is_told(registry, spec, message):
    with pytest.raises(InputError, match=re.escape(message)):
        registry.row(spec).config()
