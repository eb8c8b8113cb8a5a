"""The convolutional network: shapes, sizes, and its first step."""

import math

import pytest
import torch
from torch.nn import functional

from zorbench import Classification, Colorization, Reconstruction
from zorbench.errors import InputError
from zorbench.predict import predict

TASKS = (Reconstruction, Colorization, Classification)
SHAPES = [(1, 8, 8), (1, 28, 28), (3, 32, 32), (1, 7, 9), (1, 5, 4), (1, 1, 1), (2, 3, 17)]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_answers_have_the_shape_of_the_targets_for_images_of_any_size(make_problem, fit, task, shape):
    problem = make_problem(task, shape, n=6)
    answers = predict(fit("cnn", problem), problem.spec, problem.inputs)
    assert answers.shape == problem.targets.shape


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("code", [1, 5])
def test_the_code_is_as_wide_as_the_entry_allows(make_problem, build, shape, code):
    problem = make_problem(Reconstruction, shape, code=code)
    with torch.no_grad():
        assert build("cnn", problem).encode(problem.inputs).shape == (12, code)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_it_has_the_parameters_of_its_layers_and_no_others(make_problem, build, task, shape):
    problem = make_problem(task, shape, code=5)
    plugin = build("cnn", problem)
    n_in, height, width = problem.spec.input_shape
    n_out, code = problem.spec.output_shape[0], 5

    def conv(a, b):
        return 9 * a * b + b

    encoder = conv(n_in, 8) + conv(8, 16)
    area = 16 * math.ceil(height / 4) * math.ceil(width / 4)
    expected = {
        Reconstruction: encoder + area * code + code + code * area + area + conv(16, 8) + conv(8, n_out),
        Classification: encoder + area * 3 + 3,
        Colorization: conv(n_in, 16) + conv(16, 16) + conv(16, n_out),
    }
    assert sum(part.numel() for part in plugin.state().values()) == expected[task]


def test_classification_is_two_strided_convolutions_and_an_affine_readout(make_problem, fit):
    problem = make_problem(Classification, (1, 7, 9))
    plugin = fit("cnn", problem)
    w1, b1, w2, b2, w3, b3 = (part.detach() for part in plugin.net.parameters())
    maps = torch.relu(functional.conv2d(problem.inputs, w1, b1, stride=2, padding=1))
    maps = torch.relu(functional.conv2d(maps, w2, b2, stride=2, padding=1))
    torch.testing.assert_close(
        predict(plugin, problem.spec, problem.inputs), maps.flatten(1) @ w3.T + b3, atol=1e-5, rtol=1e-5
    )


@pytest.mark.parametrize("task", TASKS)
def test_a_step_is_that_of_adamw_on_the_loss_of_the_task(make_problem, build, task):
    problem = make_problem(task)
    plugin, twin = (build("cnn[lr=0.01,weight_decay=0.3]", problem) for _ in range(2))
    optimiser = torch.optim.AdamW(twin.net.parameters(), lr=0.01, weight_decay=0.3, foreach=False)
    for inputs, targets in problem.budget().batches():
        plugin.step(inputs, targets)
        optimiser.zero_grad()
        y = twin.net(inputs)
        if task is Classification:
            loss = -(torch.log_softmax(y, dim=1) * targets).sum(dim=1).mean()
        else:
            loss = ((y - targets) ** 2).mean()
        loss.backward()
        optimiser.step()
    for ours, theirs in zip(plugin.net.parameters(), twin.net.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, atol=2e-5, rtol=1e-4)


def test_what_is_no_image_is_refused_beforehand_and_by_the_network_itself(registry, make_problem, build):
    assert registry.row("cnn").plugin.needs_images
    with pytest.raises(ValueError, match="unpack"):
        build("cnn", make_problem(Classification, (4,)))


def test_the_setting_of_channels_is_the_number_of_maps(make_problem, build):
    net = build("cnn[channels=3]", make_problem(Reconstruction)).net
    convolutions = [module for module in net.modules() if isinstance(module, torch.nn.Conv2d)]
    assert [convolution.out_channels for convolution in convolutions] == [3, 6, 3, 1]


def test_a_setting_that_there_is_not_is_an_error(build, make_problem):
    with pytest.raises(InputError, match="channels"):
        build("cnn[chanels=3]", make_problem(Reconstruction))
