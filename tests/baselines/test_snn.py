"""The conventional spiking network, held against its equations in a loop, autograd and AdamW by hand."""

import math
import re

import pytest
import snntorch
import torch

from zorbench import Classification, Colorization, Reconstruction
from zorbench.errors import InputError
from zorbench.predict import predict

TASKS = (Reconstruction, Colorization, Classification)


def weights(plugin):
    """W₁, b₁, W₂, b₂, … bottom to top, as they are."""
    layers = [layer.weigh for layer in plugin.net.modules() if hasattr(layer, "neurons")]
    return [part for layer in (*layers, plugin.net.readout) for part in (layer.weight, layer.bias)]


def leaky(currents, beta, threshold):
    """u[t] = β u[t−1] + I[t] − θ s[t−1], s = 1[u > θ]; backward through arctan, the reset left out."""
    u, fired, spikes = 0, 0, []
    for current in currents:
        u = beta * u + current - threshold * fired
        smooth = torch.atan(math.pi * (u - threshold)) / math.pi
        s = smooth + ((u > threshold).to(u.dtype) - smooth).detach()
        fired = s.detach().round()
        spikes.append(s)
    return torch.stack(spikes)


def answer(parts, spikes, *, code=None, beta=0.5, threshold=1.0):
    """The mean potential of the neurons on top; layer `code` enters as a constant current."""
    *below, last, last_bias = parts
    steps = len(spikes)
    for number, (w, b) in enumerate(zip(below[::2], below[1::2], strict=True), start=1):
        spikes = leaky(spikes @ w.T + b, beta, threshold)
        if number == code:
            u, total = 0, 0
            for s in spikes:
                u = beta * u + s
                total = total + u
            spikes = (total / steps).expand(steps, *total.shape)
    u, total = 0, 0
    for s in spikes:
        u = beta * u + s @ last.T + last_bias
        total = total + u
    return total / steps


def doubles(plugin):
    return [part.detach().double() for part in weights(plugin)]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("settings", ["beta=0.5", "beta=0.9,threshold=0.4,steps=7"])
def test_a_prediction_is_the_equations(make_problem, fit, task, settings):
    problem = make_problem(task)
    plugin = fit(f"snn[{settings}]", problem)
    options = {"beta": 0.9, "threshold": 0.4} if "0.9" in settings else {}
    shown = problem.inputs.flatten(1).double().expand(7 if options else 4, -1, -1)
    expected = answer(doubles(plugin), shown, **options)
    found = predict(plugin, problem.spec, problem.inputs).flatten(1)
    assert expected.std() > 0.01
    torch.testing.assert_close(found, expected.float(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("depth", "code"), [(2, 2), (3, 2), (4, 3)])
def test_the_code_of_a_deep_network_is_a_constant_current_for_the_layers_above(
    make_problem, fit, depth, code
):
    problem = make_problem(Reconstruction, hidden=9, code=5)
    plugin = fit(f"snn[hidden_layers={depth},threshold=0.2]", problem)
    widths = [9] * depth
    widths[code - 1] = 5
    assert [len(b) for b in weights(plugin)[1::2]] == [*widths, 64]
    shown = problem.inputs.flatten(1).double().expand(4, -1, -1)
    expected = answer(doubles(plugin), shown, code=code if code < depth else None, threshold=0.2)
    found = predict(plugin, problem.spec, problem.inputs).flatten(1)
    torch.testing.assert_close(found, expected.float(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("coding", ["current", "bernoulli"])
def test_steps_are_those_of_autograd_and_adamw_by_hand(make_problem, build, task, coding):
    problem = make_problem(task)
    plugin = build(f"snn[lr=0.02,weight_decay=0.3,threshold=0.3,coding={coding}]", problem)
    parts = [part.requires_grad_() for part in doubles(plugin)]
    first, second = ([torch.zeros_like(part) for part in parts] for _ in range(2))
    for step, (inputs, targets) in enumerate(problem.budget().batches(), start=1):
        shown = inputs.double().flatten(1).expand(4, -1, -1)
        if coding == "bernoulli":
            draws = torch.Generator()
            draws.set_state(plugin.coding.generator.get_state())
            shown = (torch.rand(4, *inputs.shape, generator=draws) < inputs).double().flatten(2)
        plugin.step(inputs, targets)
        y = answer(parts, shown, threshold=0.3)
        if task is Classification:
            loss = (torch.logsumexp(y, dim=1) - (y * targets).sum(dim=1)).mean()
        else:
            loss = ((y - targets.flatten(1)) ** 2).mean()
        gradients = torch.autograd.grad(loss, parts)
        with torch.no_grad():
            for part, gradient, m, v in zip(parts, gradients, first, second, strict=True):
                part *= 1 - 0.02 * 0.3
                m += (1 - 0.9) * (gradient - m)
                v += (1 - 0.999) * (gradient**2 - v)
                part -= 0.02 * (m / (1 - 0.9**step)) / ((v / (1 - 0.999**step)).sqrt() + 1e-8)
    for ours, theirs in zip(weights(plugin), parts, strict=True):
        torch.testing.assert_close(ours.detach(), theirs.detach().float(), atol=1e-4, rtol=1e-3)


def test_the_neurons_are_snntorch_s_and_learn_neither_threshold_nor_decay(make_problem, fit):
    problem = make_problem(Classification)
    plugin = fit("snn[beta=0.8,threshold=0.6,hidden_layers=2]", problem)
    neurons = [module for module in plugin.net.modules() if isinstance(module, snntorch.Leaky)]
    assert len(neurons) == 2
    for neuron in neurons:
        assert neuron.beta.item() == pytest.approx(0.8)
        assert neuron.threshold.item() == pytest.approx(0.6)
        assert neuron.reset_mechanism == "subtract"
        assert not list(neuron.parameters())


@pytest.mark.parametrize(("task", "width"), [(Reconstruction, 5), (Colorization, 6), (Classification, 6)])
def test_it_learns_as_many_parameters_as_an_mlp(make_problem, build, task, width):
    problem = make_problem(task, hidden=6, code=5)
    learned = sum(part.numel() for part in build("snn", problem).net.parameters())
    n_in, n_out = math.prod(problem.spec.input_shape), math.prod(problem.spec.output_shape)
    assert learned == width * (n_in + 1) + n_out * (width + 1)
    assert learned == sum(part.numel() for part in build("mlp", problem).state().values())


def test_bernoulli_pixels_are_drawn_in_training_and_fixed_in_prediction(make_problem, fit):
    problem = make_problem(Classification)
    plugin = fit("snn[coding=bernoulli,threshold=0.3]", problem)
    fixed = (plugin.coding.thresholds[:, None] < problem.inputs).double().flatten(2)
    found = predict(plugin, problem.spec, problem.inputs)
    torch.testing.assert_close(
        found, answer(doubles(plugin), fixed, threshold=0.3).float(), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("snn[steps=0]", "steps must be at least 1, got 0"),
        ("snn[steps=-1]", "steps must be at least 1, got -1"),
        ("snn[steps=1.5]", "steps must be a whole number, got '1.5'"),
        ("snn[steps=false]", "steps must be a whole number, got 'false'"),
        ("snn[hidden_layers=0]", "hidden_layers must be at least 1, got 0"),
        ("snn[threshold=0]", "threshold must be above 0, got '0'"),
        ("snn[threshold=-1]", "threshold must be above 0, got '-1'"),
        ("snn[coding=latency]", "latency"),
        ("snn[alpha=2]", "alpha"),
    ],
)
def test_a_wrong_setting_is_told(registry, spec, message):
    with pytest.raises(InputError, match=re.escape(message)):
        registry.row(spec).config()


@pytest.mark.parametrize("coding", ["current", "bernoulli"])
def test_time_steps_set_in_code_are_checked_as_well(registry, make_problem, coding):
    row = registry.row("snn")
    config = row.plugin.Config(steps=True, coding=coding)
    with pytest.raises(ValueError, match="T must be a whole number of at least 1, got True"):
        row.plugin().build(make_problem(Classification).spec, config, torch.Generator())
