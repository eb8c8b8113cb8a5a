"""Backprop through one hidden layer, against autograd and AdamW written out by hand."""

import itertools
import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from zorbench import Classification, Colorization, Reconstruction
from zorbench.predict import predict

TASKS = (Reconstruction, Colorization, Classification)


def weights(plugin):
    """Copies of W₁, b₁, W₂, b₂, …"""
    layers = (*plugin.below, *plugin.above, plugin.readout)
    return [part.detach().clone() for layer in layers for part in (layer.weight, layer.bias)]


def answer(parts, inputs, *, activation="relu", output="linear"):
    """y = g(W₂ f(W₁ x + b₁) + b₂), with more of f in between in a deeper network."""
    *below, last, last_bias = parts
    hidden = inputs.flatten(1)
    for weight, bias in zip(below[::2], below[1::2], strict=True):
        hidden = hidden @ weight.T + bias
        if activation == "relu":
            hidden = hidden * (hidden > 0)
    read = hidden @ last.T + last_bias
    return 1 / (1 + torch.exp(-read)) if output == "sigmoid" else read


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("activation", ["relu", "identity"])
@pytest.mark.parametrize("output", ["linear", "sigmoid"])
@pytest.mark.parametrize("train_hidden", [True, False])
@pytest.mark.parametrize("depth", [1, 3])
def test_steps_are_those_of_autograd_and_adamw_by_hand(
    make_problem, build, task, activation, output, train_hidden, depth
):
    problem = make_problem(task)
    settings = f"activation={activation},output={output},train_hidden={train_hidden},hidden_layers={depth}"
    plugin = build(f"mlp[lr=0.02,weight_decay=0.3,{settings}]", problem)
    parts = [part.requires_grad_() for part in weights(plugin)]
    assert len(parts) == 2 * (depth + 1)
    learned = parts if train_hidden else parts[-2:]
    first, second = ([torch.zeros_like(part) for part in learned] for _ in range(2))
    for step, (inputs, targets) in enumerate(problem.budget().batches(), start=1):
        plugin.step(inputs, targets)
        y = answer(parts, inputs, activation=activation, output=output)
        if task is Classification and output == "linear":
            loss = (torch.logsumexp(y, dim=1) - (y * targets).sum(dim=1)).mean()
        else:
            loss = ((y - targets.flatten(1)) ** 2).mean()
        gradients = torch.autograd.grad(loss, learned)
        with torch.no_grad():
            for part, gradient, m, v in zip(learned, gradients, first, second, strict=True):
                part *= 1 - 0.02 * 0.3
                m += (1 - 0.9) * (gradient - m)
                v += (1 - 0.999) * (gradient**2 - v)
                part -= 0.02 * (m / (1 - 0.9**step)) / ((v / (1 - 0.999**step)).sqrt() + 1e-8)
    for ours, theirs in zip(weights(plugin), parts, strict=True):
        torch.testing.assert_close(ours, theirs.detach(), atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(
    ("row", "form"),
    [
        ("mlp", {}),
        ("mlp_deep", {}),
        ("mlp_sigmoid", {"output": "sigmoid"}),
        ("linear_ae", {"activation": "identity"}),
    ],
)
def test_a_prediction_is_the_equation(make_problem, fit, task, row, form):
    problem = make_problem(task)
    plugin = fit(row, problem)
    expected = answer(weights(plugin), problem.inputs, **form).view(-1, *problem.spec.output_shape)
    torch.testing.assert_close(predict(plugin, problem.spec, problem.inputs), expected)


def test_the_identity_activation_leaves_the_product_of_two_matrices(make_problem, fit):
    problem = make_problem(Reconstruction)
    plugin = fit("linear_ae", problem)
    w1, b1, w2, b2 = weights(plugin)
    expected = problem.inputs.flatten(1) @ (w2 @ w1).T + (w2 @ b1 + b2)
    answers = predict(plugin, problem.spec, problem.inputs).flatten(1)
    torch.testing.assert_close(answers, expected)
    assert torch.linalg.matrix_rank(answers - (w2 @ b1 + b2), atol=1e-4) == problem.spec.code


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("depth", [1, 3])
def test_frozen_hidden_weights_do_not_move_and_the_readout_does(make_problem, build, task, depth):
    problem = make_problem(task)
    plugin = build(f"frozen_hidden[hidden_layers={depth}]", problem)
    before = weights(plugin)
    plugin.fit(problem.budget())
    moved = [not torch.equal(a, b) for a, b in zip(before, weights(plugin), strict=True)]
    assert moved == [False, False] * depth + [True, True]


@pytest.mark.parametrize(("task", "width"), [(Reconstruction, 5), (Colorization, 6), (Classification, 6)])
def test_the_hidden_layer_has_the_width_of_the_code_in_reconstruction_and_else_its_own(
    make_problem, build, task, width
):
    problem = make_problem(task, hidden=6, code=5)
    plugin = build("mlp", problem)
    n_in, n_out = math.prod(problem.spec.input_shape), math.prod(problem.spec.output_shape)
    shapes = [tuple(part.shape) for part in weights(plugin)]
    assert shapes == [(width, n_in), (width,), (n_out, width), (n_out,)]
    assert sum(part.numel() for part in plugin.state().values()) == width * (n_in + n_out + 1) + n_out


MIDDLE = {1: [5], 2: [6, 5], 3: [6, 5, 6], 4: [6, 6, 5, 6], 5: [6, 6, 5, 6, 6]}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("depth", MIDDLE)
def test_hidden_layers_are_as_many_as_set_with_the_code_in_the_middle(make_problem, fit, task, depth):
    problem = make_problem(task, hidden=6, code=5)
    plugin = fit(f"mlp[hidden_layers={depth}]", problem)
    hidden = MIDDLE[depth] if task is Reconstruction else [6] * depth
    widths = [math.prod(problem.spec.input_shape), *hidden, math.prod(problem.spec.output_shape)]
    matrices = weights(plugin)[::2]
    assert [tuple(matrix.T.shape) for matrix in matrices] == list(itertools.pairwise(widths))
    with torch.no_grad():
        codes = plugin.encode(problem.inputs)
        assert codes.shape == (12, 5 if task is Reconstruction else 6)
        expected = answer(weights(plugin), problem.inputs).view(problem.targets.shape)
        torch.testing.assert_close(plugin.decode(codes), expected)
    biases = sum(widths[1:])
    assert sum(part.numel() for part in plugin.state().values()) == biases + sum(
        a * b for a, b in itertools.pairwise(widths)
    )


def test_ten_hidden_layers_or_as_many_as_the_entry_asks_for(make_problem, build):
    problem = make_problem(Reconstruction)
    assert [len(bias) for bias in weights(build("mlp_deep", problem))[1::2]] == [6] * 5 + [5] + [6] * 4 + [64]
    for row in ("mlp", "mlp_deep"):
        asked = replace(problem, spec=replace(problem.spec, depth=2))
        assert [len(bias) for bias in weights(build(row, asked))[1::2]] == [6, 5, 64]


@pytest.mark.parametrize("widths", [[64, 5, 64], [64, 6, 5, 6, 64]], ids=str)
def test_weights_are_drawn_from_the_bottom_up_each_layer_s_matrix_before_its_bias(
    make_problem, build, widths
):
    problem = make_problem(Reconstruction)
    plugin = build(f"mlp[hidden_layers={len(widths) - 2}]", problem, seed=3)
    draws = torch.Generator().manual_seed(3)
    expected = []
    for n_in, n_out in itertools.pairwise(widths):
        for count in (n_out * n_in, n_out):
            expected.append((2 * torch.rand(count, generator=draws) - 1) / math.sqrt(n_in))
    for ours, drawn in zip(weights(plugin), expected, strict=True):
        torch.testing.assert_close(ours.flatten(), drawn)


def test_initial_weights_are_uniform_within_one_over_the_root_of_the_fan_in(make_problem, build):
    problem = make_problem(Reconstruction, (1, 20, 20), code=100)
    w1, b1, w2, b2 = weights(build("mlp", problem))
    for part, fan_in in ((w1, 400), (b1, 400), (w2, 100), (b2, 100)):
        bound = fan_in**-0.5
        assert float(part.abs().max()) <= bound
        assert float(part.std()) == pytest.approx(bound / math.sqrt(3), rel=0.2)


def test_sigmoid_answers_of_classes_learn_by_squared_error_without_a_softmax(make_problem, build):
    problem = make_problem(Classification)
    assert build("mlp_sigmoid", problem).loss is functional.mse_loss
    assert build("mlp", problem).loss is functional.cross_entropy
