"""Convolutional Zor: its layers, its answers against torch's own convolutions, and that it learns."""

import math

import pytest
import torch
from torch.nn import functional

from zorbench import Classification, Colorization, Reconstruction
from zorbench.data import load
from zorbench.entry import Entry
from zorbench.errors import InputError
from zorbench.plan import Request, make_plan
from zorbench.predict import predict
from zorbench.registry import Registry
from zorbench.zor import ConvLayer, ConvTransposeLayer, Layer, Zor

TASKS = (Reconstruction, Colorization, Classification)
OPEN = -math.inf

# Shape of an image → heights and widths of half and a quarter, and the windows of the decoder.
SIZES = {
    (1, 28, 28): ((14, 14), (7, 7), (4, 4)),
    (3, 32, 32): ((16, 16), (8, 8), (4, 4)),
    (1, 8, 8): ((4, 4), (2, 2), (4, 4)),
    (3, 13, 13): ((7, 7), (4, 4), (3, 3)),
    (1, 7, 9): ((4, 5), (2, 3), (3, 3)),
    (2, 6, 10): ((3, 5), (2, 3), (3, 4)),
    (1, 5, 4): ((3, 2), (2, 1), (3, 3)),
    (1, 1, 1): ((1, 1), (1, 1), (3, 3)),
}
SHAPES = list(SIZES)
MIDDLE = {Reconstruction: 0.0, Colorization: 0.0, Classification: 0.5}  # what is taken off every pixel


def answer(weights, problem, theta):
    """The network's answer by torch's own convolutions, and the share of hidden units that are silent."""
    shape, task = problem.spec.output_shape, problem.spec.task
    silent = []

    def gate(charge):
        fires = (charge > theta).double()
        silent.append(1 - float(fires.mean()))
        return charge * fires

    def widen(maps, weight, size):
        # All that the windows reach, less the rim of 1 above and on the left.
        full = functional.conv_transpose2d(maps, weight, stride=2)
        return full[..., 1 : 1 + size[0], 1 : 1 + size[1]]

    w = [weight.double() for weight in weights]
    x = problem.inputs.double() - MIDDLE[task]
    if task is Colorization:
        for weight in w[:-1]:
            x = gate(functional.conv2d(x, weight, padding=1))
        return functional.conv2d(x, w[-1], padding=1), silent
    x = gate(functional.conv2d(x, w[0], stride=2, padding=2))
    half = x.shape[2:]
    x = gate(functional.conv2d(x, w[1], stride=2, padding=1))
    maps = x.shape[1:]
    x = gate(x.flatten(1) @ w[2])
    if task is Classification:
        return x @ w[3], silent
    x = gate((x @ w[3]).view(-1, *maps))
    x = gate(widen(x, w[4], half))
    return widen(x, w[5], shape[1:]), silent


# Layers


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_reconstruction_halves_twice_and_widens_back_around_the_code(make_problem, build, shape):
    plugin = build("zor_conv", make_problem(Reconstruction, shape, code=5))
    half, quarter, (low, high) = SIZES[shape]
    maps = (32, *quarter)
    assert plugin.net.shapes == (shape, (16, *half), maps, (5,), maps, (16, *half), shape)
    channels, area = shape[0], 32 * math.prod(quarter)
    assert {name: tuple(weight.shape) for name, weight in plugin.state().items()} == {
        "w0": (16, channels, 5, 5),
        "w1": (32, 16, 3, 3),
        "w2": (area, 5),
        "w3": (5, area),
        "w4": (32, 16, low, low),
        "w5": (16, channels, high, high),
    }


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_classification_has_the_same_encoder_a_hidden_layer_and_the_classes(make_problem, build, shape):
    plugin = build("zor_conv", make_problem(Classification, shape, hidden=6))
    half, quarter, _ = SIZES[shape]
    assert plugin.net.shapes == (shape, (16, *half), (32, *quarter), (6,), (3,))
    sizes = [tuple(weight.shape) for weight in plugin.state().values()]
    assert sizes == [(16, shape[0], 5, 5), (32, 16, 3, 3), (32 * math.prod(quarter), 6), (6, 3)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_colorization_keeps_the_size(make_problem, build, shape):
    plugin = build("zor_conv", make_problem(Colorization, shape))
    size = shape[1:]
    assert plugin.net.shapes == ((1, *size), (16, *size), (16, *size), (3, *size))
    sizes = [tuple(weight.shape) for weight in plugin.state().values()]
    assert sizes == [(16, 1, 3, 3), (16, 16, 3, 3), (3, 16, 3, 3)]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_answers_have_the_shape_of_the_targets_for_images_of_any_size(make_problem, fit, task, shape):
    problem = make_problem(task, shape, n=6)
    answers = predict(fit("zor_conv", problem), problem.spec, problem.inputs)
    assert answers.shape == problem.targets.shape


def test_the_setting_of_channels_is_the_number_of_maps(make_problem, build):
    shapes = build("zor_conv[channels=3]", make_problem(Reconstruction)).net.shapes
    assert [shape[0] for shape in shapes] == [1, 3, 6, 5, 6, 3, 1]
    with pytest.raises(InputError, match=r"^--baseline zor_conv: channels must be at least 1, got 0$"):
        build("zor_conv[channels=0]", make_problem(Reconstruction))


def test_only_images_are_asked_for_and_the_reason_is_told():
    entry = Entry(
        suite="s",
        dataset="iris",
        task="classification",
        samples=100,
        batch=10,
        hidden=4,
        code=4,
        validation=5,
        shots=2,
    )
    cells = make_plan(Request(entries=[entry], seeds=[0], baselines=["zor", "zor_conv"]), Registry())
    why = {cell.label: cell.unsupported for cell in cells}
    assert why["zor_conv"] == "needs images; items of iris have shape [4]"
    assert why["zor"] == ""


# Answers


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("code", [1, 5])
def test_decoding_the_code_is_the_prediction_of_the_whole_network(make_problem, fit, shape, code):
    problem = make_problem(Reconstruction, shape, code=code)
    plugin = fit("zor_conv", problem)
    codes = plugin.encode(problem.inputs)
    assert codes.shape == (12, code)
    whole = plugin.net.predict(problem.inputs)
    assert torch.equal(plugin.decode(codes), whole)
    assert torch.equal(plugin.predict(problem.inputs), whole)


DEFAULT = {Reconstruction: -2.0, Colorization: 0.0, Classification: 0.0}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 13, 13), (1, 7, 9), (2, 6, 10)], ids=str)
@pytest.mark.parametrize("theta", [None, 0.0, -0.05], ids=str)
def test_a_prediction_is_a_forward_pass_of_torch_s_convolutions(make_problem, fit, task, shape, theta):
    """Inputs around zero, a ⊙ 1[a > θ] in every hidden layer, the output as it is."""
    problem = make_problem(task, shape, samples=60)
    plugin = fit(f"zor_conv[threshold={theta},gain=2,max_weight=9]", problem)
    used = DEFAULT[task] if theta is None else theta
    expected, silent = answer(plugin.state().values(), problem, used)
    if used > -2:
        assert 0.02 < max(silent) < 0.98, "the gate decides nothing"
    answers = predict(plugin, problem.spec, problem.inputs)
    torch.testing.assert_close(answers, expected.float(), atol=1e-4, rtol=1e-4)


def test_at_the_published_threshold_charge_below_it_does_not_pass(make_problem, build):
    problem = make_problem(Reconstruction)
    plugin = build("zor_conv", problem)
    for weight in plugin.net.weights:
        weight *= 3  # charges on both sides of −2
    expected, silent = answer(plugin.state().values(), problem, -2.0)
    assert max(silent) > 0.1
    torch.testing.assert_close(plugin.predict(problem.inputs), expected.float(), atol=1e-3, rtol=1e-4)


# Learning


def written_out(task):
    """The layers of an 8×8 problem, with settings other than the defaults."""
    common = {"stateless": True, "max_weight": 0.3}
    hidden = {**common, "threshold": -0.5}
    if task is Colorization:
        return [
            Layer((1, 8, 8), threshold=OPEN, **common),
            ConvLayer(4, 3, **hidden),
            ConvLayer(4, 3, **hidden),
            ConvLayer(3, 3, threshold=OPEN, **common),
        ]
    encoder = [
        Layer((1, 8, 8), threshold=OPEN, **common),
        ConvLayer(4, 5, 2, **hidden),
        ConvLayer(8, 3, 2, **hidden),
    ]
    if task is Classification:
        return [*encoder, Layer(6, **hidden), Layer(3, threshold=OPEN, **common)]
    return [
        *encoder,
        Layer(5, **hidden),
        Layer((8, 2, 2), **hidden),
        ConvTransposeLayer(4, 4, 2, **hidden),
        ConvTransposeLayer(1, 4, 2, threshold=OPEN, **common),
    ]


@pytest.mark.parametrize("task", TASKS)
def test_hidden_units_alone_are_gated_and_no_charge_lasts(make_problem, build, task):
    layers = build("zor_conv", make_problem(task)).net.layers
    hidden = [DEFAULT[task]] * (len(layers) - 2)
    assert [layer.threshold for layer in layers] == [OPEN, *hidden, OPEN]
    assert all(layer.stateless for layer in layers)


@pytest.mark.parametrize("task", TASKS)
def test_it_learns_what_the_core_learns_and_for_classes_from_centred_inputs(make_problem, build, task):
    problem = make_problem(task, samples=60)
    row = "zor_conv[lr=0.02,weight_decay=0.3,channels=4,threshold=-0.5,gain=1.5,max_weight=0.3]"
    plugin = build(row, problem, seed=3)
    core = Zor(
        written_out(task),
        lr=0.02,
        weight_decay=0.3,
        gain=1.5,
        generator=torch.Generator().manual_seed(3),
    )
    for inputs, targets in problem.budget().batches():
        plugin.step(inputs, targets)
        core.train_batch(inputs - MIDDLE[task], targets)
    assert all(torch.equal(a, b) for a, b in zip(plugin.net.weights, core.weights, strict=True))
    assert max(float(weight.abs().max()) for weight in core.weights) == pytest.approx(0.3)


def test_a_linear_schedule_falls_to_zero_over_the_budget(make_problem, fit, build):
    """Of S samples in batches of 4, the k-th step has lr · (1 − 4k/S)."""
    problem = make_problem(Classification, samples=40)
    plugin = fit("zor_conv[schedule=linear,lr=0.02]", problem, seed=2)
    by_hand = build("zor_conv[lr=0.02]", problem, seed=2)
    for step, (inputs, targets) in enumerate(problem.budget().batches()):
        by_hand.net.lr = 0.02 * (1 - 4 * step / 40)
        by_hand.step(inputs, targets)
    assert step == 9
    for weight, expected in zip(plugin.net.weights, by_hand.net.weights, strict=True):
        torch.testing.assert_close(weight, expected)


def test_colours_are_nearer_than_the_grey_image_copied(make_problem, fit):
    photos = load("photos")
    items = photos.train_inputs(range(24))
    problem = make_problem(Colorization, items=items, samples=2400, batch=8)
    answers = fit("zor_conv", problem).predict(problem.inputs)
    grey = problem.inputs.expand(-1, 3, -1, -1)
    error, copied = ((image - problem.targets).square().mean() for image in (answers, grey))
    assert error < 0.9 * copied


def test_every_layer_stays_alive_and_the_shots_are_given_back(digit_shots, fit, living):
    """200 steps on 100 digits; a network that answers with their mean would err by their variance."""
    problem = digit_shots(Reconstruction)
    plugin = fit("zor_conv", problem)
    assert min(living(plugin.net, problem.inputs)) > 0.5
    error = float((plugin.predict(problem.inputs) - problem.targets).square().mean())
    assert error < 0.4 * float(problem.targets.var(dim=0, correction=0).mean())


def test_classification_beats_the_majority_class_on_unseen_digits(digit_shots, fit, unseen_digits, living):
    problem = digit_shots(Classification)
    plugin = fit("zor_conv", problem)
    assert min(living(plugin.net, problem.inputs - 0.5)) > 0.3
    items, labels = unseen_digits
    majority = float(labels.bincount().max()) / len(labels)
    accuracy = float((plugin.predict(items).argmax(dim=1) == labels).float().mean())
    assert accuracy > majority + 0.4


def test_it_tells_of_its_layers(make_problem, fit):
    for task, layers in ((Reconstruction, 6), (Colorization, 3), (Classification, 4)):
        told = fit("zor_conv", make_problem(task)).diagnostics()
        assert {len(values) for values in told.values()} == {layers}
        assert set(told) >= {"activation_rate", "signal_norm", "alignment"}
