"""Synapse-threshold learning, held against its equations by autograd and Adam written out by hand."""

import math
import re
from itertools import pairwise

import pytest
import torch

from zorbench import Classification, Colorization, Reconstruction
from zorbench.errors import InputError
from zorbench.predict import predict
from zorbench.spiking import SpikingLayer

TASKS = (Reconstruction, Colorization, Classification)
ROWS = ("stl", "stl_bias", "stl_synaptic", "stl_threshold")


def fire(currents, thresholds):
    """u = u′ / 2 + I, s = 1[u ≥ θ], u′ = (1 − s) u; backward the derivative of arctan(π x) / π."""
    kept, spikes = 0, []
    for current in currents:
        u = kept / 2 + current
        smooth = torch.atan(math.pi * (u - thresholds)) / math.pi
        s = smooth + ((u >= thresholds).to(u.dtype) - smooth).detach()
        kept = (1 - s) * u
        spikes.append(s)
    return torch.stack(spikes)


def normalise(currents, mean=None, variance=None):
    """By what is given, or by the statistics of all steps and samples."""
    if mean is None:
        mean, variance = currents.mean(dim=(0, 1)), currents.var(dim=(0, 1), unbiased=False)
    return (currents - mean) / (variance + 1e-5).sqrt()


def parts(plugin):
    """By layer: weight, running mean, running variance, thresholds, bias (or None); then the read-out."""
    layers = [layer for layer in plugin.net.modules() if isinstance(layer, SpikingLayer)]
    found = [
        (
            layer.weigh[0].weight,
            layer.weigh[1].running_mean,
            layer.weigh[1].running_var,
            layer.neurons[0].thresholds,
            layer.neurons[0].bias,
        )
        for layer in layers
    ]
    return found, getattr(plugin.net, "readout", None)


def answer(layers, readout, spikes, *, training, voters=10):
    """Of a classifier, or of one hidden layer with the mean potential of neurons that never fire."""
    for weight, mean, variance, thresholds, bias in layers:
        currents = normalise(spikes @ weight.T, *(() if training else (mean, variance)))
        spikes = fire(currents if bias is None else currents + bias, thresholds)
    if readout is None:
        return spikes.mean(dim=0).unflatten(1, (-1, voters)).mean(dim=2)
    weight, bias = readout
    u, total = 0, 0
    for step in spikes:
        u = u / 2 + step @ weight.T + bias
        total = total + u
    return total / len(spikes)


def doubles(layers, readout):
    """Copies in float64 to learn with."""
    copied = [[None if part is None else part.detach().double() for part in layer] for layer in layers]
    return copied, readout and [part.detach().double() for part in (readout.weight, readout.bias)]


@pytest.mark.parametrize("task", TASKS)
def test_a_prediction_is_the_equations_with_fixed_thresholds_of_the_pixels(make_problem, fit, task):
    problem = make_problem(task)
    plugin = fit("stl[threshold=0.3]", problem)
    layers, readout = doubles(*parts(plugin))
    spikes = (plugin.coding.thresholds[:, None] < problem.inputs).double().flatten(2)
    expected = answer(layers, readout, spikes, training=False)
    found = predict(plugin, problem.spec, problem.inputs).flatten(1)
    assert expected.std() > 0.01
    torch.testing.assert_close(found, expected.float(), rtol=1e-4, atol=1e-4)


LEARNED = {"stl": (0, 3), "stl_bias": (0, 4), "stl_synaptic": (0,), "stl_threshold": (3,)}


@pytest.mark.parametrize(
    ("row", "task"),
    [(row, task) for row in ROWS for task in TASKS if row != "stl_threshold" or task is Classification],
)
def test_steps_are_those_of_autograd_and_adam_by_hand(make_problem, build, row, task):
    problem = make_problem(task)
    plugin = build(f"{row}[lr=0.02,weight_decay=0.01]", problem)
    layers, readout = doubles(*parts(plugin))
    learned = [layer[k] for layer in layers for k in LEARNED[row]] + (readout or [])
    for part in learned:
        part.requires_grad_()
    first, second = ([torch.zeros_like(part) for part in learned] for _ in range(2))
    for step, (inputs, targets) in enumerate(problem.budget().batches(), start=1):
        draws = torch.Generator()
        draws.set_state(plugin.coding.generator.get_state())
        plugin.step(inputs, targets)
        spikes = torch.rand(4, *inputs.shape, generator=draws) < inputs
        y = answer(layers, readout, spikes.double().flatten(2), training=True)
        loss = ((y - targets.flatten(1)) ** 2).mean()
        gradients = torch.autograd.grad(loss, learned)
        with torch.no_grad():
            for part, gradient, m, v in zip(learned, gradients, first, second, strict=True):
                gradient = gradient + 0.01 * part
                m += (1 - 0.9) * (gradient - m)
                v += (1 - 0.999) * (gradient**2 - v)
                part -= 0.02 * (m / (1 - 0.9**step)) / ((v / (1 - 0.999**step)).sqrt() + 1e-8)
    mine, read = parts(plugin)
    ours = [layer[k] for layer in mine for k in LEARNED[row]]
    ours += [read.weight, read.bias] if read is not None else []
    for a, b in zip(ours, learned, strict=True):
        torch.testing.assert_close(a.detach(), b.detach().float(), atol=5e-4, rtol=1e-3)


NAMES = ("weights", "mean", "variance", "thresholds", "bias")


@pytest.mark.parametrize(
    ("row", "moves"),
    [
        ("stl", {"weights", "thresholds"}),
        ("stl_synaptic", {"weights"}),
        ("stl_threshold", {"thresholds"}),
        ("stl_bias", {"weights", "bias"}),
    ],
)
def test_what_moves_in_training_is_what_the_variant_says(make_problem, build, row, moves):
    problem = make_problem(Classification)
    plugin = build(row, problem)
    before = [[None if p is None else p.detach().clone() for p in layer] for layer in parts(plugin)[0]]
    plugin.fit(problem.budget())
    for old, new in zip(before, parts(plugin)[0], strict=True):
        moved = {
            name
            for name, a, b in zip(NAMES, old, new, strict=True)
            if b is not None and not torch.equal(a, b)
        }
        assert moved == moves | {"mean", "variance"}  # the statistics follow the data


def count(plugin):
    return sum(part.numel() for part in plugin.net.parameters() if part.requires_grad)


@pytest.mark.parametrize("row", ["stl", "stl_bias", "stl_synaptic", "stl_threshold"])
@pytest.mark.parametrize("hidden", [16, 40, 128])
@pytest.mark.parametrize("depth", [1, 3])
def test_a_classifier_is_no_larger_than_an_mlp_and_not_much_smaller(make_problem, build, row, hidden, depth):
    """With ten output neurons a class and a threshold or a bias each, counted by formula."""
    problem = make_problem(Classification, hidden=hidden)
    plugin = build(f"{row}[hidden_layers={depth}]", problem)
    layers, _ = parts(plugin)
    sizes = [64, *(len(layer[0]) for layer in layers)]
    assert sizes[1:-1] == [sizes[1]] * depth
    assert sizes[-1] == 30

    def total(width, outputs):
        widths = [64, *[width] * depth, outputs]
        return sum((a + 1) * b for a, b in pairwise(widths))

    assert total(sizes[1], 30) <= total(hidden, 3) < total(sizes[1] + 1, 30)
    weights = sum(a * b for a, b in pairwise(sizes))
    each = sum(sizes[1:])
    expected = {"stl": weights + each, "stl_bias": weights + each, "stl_synaptic": weights}
    assert count(plugin) == expected.get(row, each)
    # What is kept: also means, variances and a count of batches, and the thresholds of the pixels.
    kept = weights + each * (4 if row == "stl_bias" else 3) + depth + 1 + 4 * 64
    assert sum(part.numel() for part in plugin.state().values()) == kept


@pytest.mark.parametrize(("task", "width"), [(Reconstruction, 5), (Colorization, 6)])
def test_a_network_for_images_has_as_many_parameters_as_an_mlp(make_problem, build, task, width):
    problem = make_problem(task, hidden=6, code=5)
    n_in, n_out = math.prod(problem.spec.input_shape), math.prod(problem.spec.output_shape)
    assert count(build("stl", problem)) == width * (n_in + 1) + n_out * (width + 1)
    mlp = build("mlp", problem).state().values()
    assert count(build("stl", problem)) == sum(part.numel() for part in mlp)


@pytest.mark.parametrize(("depth", "widths"), [(1, [5]), (2, [6, 5]), (3, [6, 5, 6])])
def test_the_code_is_in_the_middle(make_problem, fit, depth, widths):
    problem = make_problem(Reconstruction, hidden=6, code=5)
    plugin = fit(f"stl[hidden_layers={depth}]", problem)
    assert [len(layer[0]) for layer in parts(plugin)[0]] == widths
    with torch.no_grad():
        codes = plugin.encode(problem.inputs)
        assert codes.shape == (12, 5)
        assert torch.equal(plugin.decode(codes), plugin.predict(problem.inputs))


def test_equal_rates_abstain(make_problem, build):
    problem = make_problem(Classification)
    plugin = build("stl[threshold=4]", problem)
    for layer in parts(plugin)[0]:
        layer[3].data.fill_(100)
    assert not predict(plugin, problem.spec, problem.inputs).any()


def test_the_step_size_falls_exponentially_to_its_share(make_problem, build, monkeypatch):
    problem = make_problem(Classification, n=12, samples=60, batch=4)
    plugin = build("stl[lr=0.02,decay=0.01]", problem)
    rates, step = [], plugin.step

    def watched(inputs, targets):
        rates.append(plugin.optimiser.param_groups[0]["lr"])
        step(inputs, targets)

    monkeypatch.setattr(plugin, "step", watched)
    plugin.fit(problem.budget())
    assert len(rates) == 15
    assert rates == pytest.approx([0.02 * 0.01 ** (k * 4 / 60) for k in range(15)])


def test_training_draws_spikes_anew_and_predicting_does_not(make_problem, build):
    problem = make_problem(Classification)
    plugin = build("stl", problem)
    before = plugin.coding.generator.get_state()
    predict(plugin, problem.spec, problem.inputs)
    assert torch.equal(before, plugin.coding.generator.get_state())
    plugin.step(problem.inputs, problem.targets)
    assert not torch.equal(before, plugin.coding.generator.get_state())


def test_dropout_is_for_training_alone(make_problem, fit):
    problem = make_problem(Classification)
    plugin = fit("stl[dropout=0.5]", problem)
    assert not any(module.training for module in plugin.net.modules())


@pytest.mark.parametrize("row", ["stl[steps=1]", "stl_bias[steps=1]", "stl"])
def test_one_sample_at_a_time_is_enough_even_in_one_step(make_problem, fit, row):
    problem = make_problem(Classification, n=3, batch=1)
    assert predict(fit(row, problem), problem.spec, problem.inputs).isfinite().all()


# Convolutions


def test_the_published_network_has_the_published_sizes_and_learns(make_problem, build):
    labels = torch.arange(2) * 5
    problem = make_problem(Classification, (1, 28, 28), 2, labels=labels, n_classes=10)
    plugin = build("stl_conv", problem)
    shapes = sorted(tuple(p.shape) for p in plugin.net.parameters() if p.ndim > 1)
    neurons = [(128, 28, 28), (128, 14, 14)]
    weights = [(128, 1, 5, 5), (128, 128, 5, 5), (2048, 128 * 7 * 7), (100, 2048)]
    assert shapes == sorted(weights + neurons)
    thresholds = {name: p for name, p in plugin.net.named_parameters() if name.endswith("thresholds")}
    assert [tuple(p.shape) for p in thresholds.values()] == [*neurons, (2048,), (100,)]
    assert all(float(p.detach().mean()) == pytest.approx(2, abs=1e-3) for p in thresholds.values())
    assert plugin.predict(problem.inputs).shape == (2, 10)
    before = {name: p.detach().clone() for name, p in plugin.net.named_parameters()}
    plugin.step(problem.inputs, problem.targets)
    after = dict(plugin.net.named_parameters())
    assert all(p.isfinite().all() for p in after.values())
    still = {name for name in after if torch.equal(after[name], before[name])}
    assert not still
    assert not plugin.net.training


def test_convolutions_are_for_images_that_can_be_pooled_twice(make_problem, build):
    with pytest.raises(ValueError, match="at least 4×4, got 3×9"):
        build("stl_conv", make_problem(Classification, (1, 3, 9)))


# Refusals


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("stl[steps=0]", "steps must be at least 1, got 0"),
        ("stl[steps=-4]", "steps must be at least 1, got -4"),
        ("stl[steps=2.5]", "steps must be a whole number, got '2.5'"),
        ("stl[steps=true]", "steps must be a whole number, got 'true'"),
        ("stl[voters=0]", "voters must be at least 1, got 0"),
        ("stl[hidden_layers=0]", "hidden_layers must be at least 1, got 0"),
        ("stl[dropout=1]", "dropout must be in [0, 1), got 1.0"),
        ("stl[dropout=-0.1]", "dropout must be in [0, 1), got -0.1"),
        ("stl[lr=0]", "lr must be above 0, got '0'"),
        ("stl[lr=nan]", "lr must be finite, got 'nan'"),
        ("stl[threshold=0]", "threshold must be above 0, got 0.0"),
        ("stl[learns=everything]", "everything"),
        ("stl[tau=0.5]", "tau"),
        ("stl_threshold[steps=0]", "steps must be at least 1, got 0"),
    ],
)
def test_a_wrong_setting_is_told(registry, spec, message):
    with pytest.raises(InputError, match=re.escape(message)):
        registry.row(spec).config()


def test_time_steps_set_in_code_are_checked_as_well(registry, make_problem):
    row = registry.row("stl")
    with pytest.raises(ValueError, match="T must be a whole number of at least 1, got True"):
        row.plugin().build(
            make_problem(Classification).spec, row.plugin.Config(steps=True), torch.Generator()
        )


def test_a_refusal_leaves_it_in_evaluation_mode(make_problem, fit):
    problem = make_problem(Classification)
    plugin = fit("stl", problem)
    before = {name: part.clone() for name, part in plugin.state().items()}
    with pytest.raises(ValueError, match="got NaN"):
        plugin.step(problem.inputs * math.nan, problem.targets)
    assert not plugin.net.training
    assert all(torch.equal(part, before[name]) for name, part in plugin.state().items())
