"""What holds for every bundled row in every task that it declares."""

import inspect
import random

import numpy as np
import pytest
import torch

from zorbench import Baseline, Classification, Colorization, Reconstruction
from zorbench.data import load
from zorbench.predict import check_bottleneck, predict
from zorbench.registry import Registry

TASKS = (Reconstruction, Colorization, Classification)
ROWS = Registry().rows()
PAIRS = [(row.label, task) for row in ROWS for task in TASKS if task in row.plugin.tasks]
RANDOM = {  # initial weights
    row.label
    for row in ROWS
    if row.label.startswith(
        (
            "zor",
            "mlp",
            "cnn",
            "linear_ae",
            "frozen_hidden",
            "stl",
            "snn",
            "shifting",
            "mozafari",
            "random_conv",
        )
    )
}


def each(pairs):
    return pytest.mark.parametrize(("row", "task"), pairs, ids=[f"{row}-{task.name}" for row, task in pairs])


every_pair = each(PAIRS)

# Networks that pool three times: for nothing smaller.
NEED_ROOM = {row.label for row in ROWS if row.ref.path.stem == "one_spike"}


@pytest.fixture
def make_problem(make_problem, request):
    """Problems of the row that is tested: small images, but for those rows that need larger ones."""
    row = request.node.callspec.params["row"]

    def make(task, **options):
        if row in NEED_ROOM and "items" not in options:
            options["shape"] = (1, 28, 28)
        return make_problem(task, **options)

    return make


every_row = pytest.mark.parametrize("row", [row.label for row in ROWS])


def copied(plugin):
    return {name: part.clone() for name, part in plugin.state().items()}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def queries(problem, n=30):
    """Items that were never shown, then the shots themselves."""
    draw = torch.Generator().manual_seed(11)
    return torch.cat([torch.rand(n, *problem.spec.input_shape, generator=draw), problem.inputs])


def global_states():
    return random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()


@every_row
def test_a_row_does_each_task_or_says_why_not(registry, row):
    plugin = registry.row(row).plugin
    assert set(plugin.tasks) | set(plugin.unsupported) == set(TASKS)
    assert not set(plugin.tasks) & set(plugin.unsupported)
    assert all(reason.strip() for reason in plugin.unsupported.values())


@every_row
def test_every_docstring_begins_with_a_line_of_its_own(registry, row):
    plugin = registry.row(row).plugin
    documented = [plugin, inspect.getmodule(plugin)]
    for item in documented:
        first = (inspect.getdoc(item) or "").splitlines()[0]
        assert first.strip().endswith((".", "]", ":")) or ". " in first, f"{item}: {first!r}"
    assert plugin.__doc__ != Baseline.__doc__


@every_pair
def test_it_fits_within_its_ceiling_and_answers_in_the_shape_of_the_targets(make_problem, build, row, task):
    problem = make_problem(task, n=11, samples=37)
    plugin = build(row, problem)
    check_bottleneck(plugin, problem.spec)
    budget = problem.budget()
    plugin.fit(budget)
    assert budget.seen <= 37
    for inputs in (problem.inputs, problem.inputs[:1]):
        answers = predict(plugin, problem.spec, inputs)  # checks codes, kinds, and that all is finite
        assert answers.shape == (len(inputs), *problem.spec.output_shape)
        assert answers.dtype == torch.float32
    assert all(torch.isfinite(part).all() for part in plugin.state().values())


@every_pair
def test_one_shot_in_all_is_enough(make_problem, fit, row, task):
    problem = make_problem(task, n=1, samples=5)
    answers = predict(fit(row, problem), problem.spec, queries(problem, 4))
    assert answers.shape == (5, *problem.spec.output_shape)


@every_pair
def test_predicting_is_pure(make_problem, fit, row, task):
    problem = make_problem(task)
    plugin = fit(row, problem)
    state, outside = copied(plugin), global_states()
    asked = queries(problem)
    kept = asked.clone()
    with torch.no_grad():
        first = plugin.predict(asked).clone()
        plugin.predict(queries(problem, 3))
        again = plugin.predict(asked)
    assert torch.equal(first, again)
    assert same(state, plugin.state())
    assert torch.equal(asked, kept), "it wrote into its inputs"
    assert outside == global_states()


@every_pair
def test_predictions_do_not_depend_on_how_the_inputs_are_split(make_problem, fit, row, task):
    problem = make_problem(task, n=28)
    plugin = fit(row, problem)
    asked = queries(problem)
    with torch.no_grad():
        at_once = plugin.predict(asked)
        one_by_one = torch.cat([plugin.predict(item) for item in asked.split(1)])
        backwards = plugin.predict(asked.flip(0)).flip(0)
    torch.testing.assert_close(one_by_one, at_once, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(backwards, at_once, atol=1e-5, rtol=1e-5)


@every_pair
def test_training_leaves_the_shots_as_they_were(make_problem, build, row, task):
    problem = make_problem(task)
    budget = problem.budget()
    build(row, problem).fit(budget)
    inputs, targets = budget._inputs, budget._targets
    assert torch.equal(inputs, problem.inputs)
    assert torch.equal(targets, problem.targets)


@every_pair
def test_a_seed_decides_every_bit_and_the_global_generators_are_left_alone(make_problem, fit, row, task):
    problem = make_problem(task)
    outside = global_states()
    first = fit(row, problem, seed=5)
    assert outside == global_states()
    torch.rand(3)
    second = fit(row, problem, seed=5)
    assert same(first.state(), second.state())
    assert torch.equal(
        predict(first, problem.spec, queries(problem)), predict(second, problem.spec, queries(problem))
    )


@each([(row, task) for row, task in PAIRS if row in RANDOM])
def test_another_seed_is_another_beginning(make_problem, build, row, task):
    problem = make_problem(task)
    first, second = (build(row, problem, seed).state() for seed in (5, 6))
    weights = [name for name, part in first.items() if len(part.unique()) > 1]  # others begin alike
    assert weights
    assert not any(torch.equal(first[name], second[name]) for name in weights)


CONTENDERS = {row.label for row in ROWS if row.plugin.role == "contender" and not row.only_named} - NEED_ROOM
LARGE = {row.label for row in ROWS if row.only_named} - NEED_ROOM


@pytest.mark.slow
@each([(row, task) for row, task in PAIRS if row in LARGE])
def test_a_large_contender_learns(make_problem, build, row, task):
    test_a_contender_learns(make_problem, build, row, task)


@each([(row, task) for row, task in PAIRS if row in CONTENDERS])
def test_a_contender_learns(make_problem, build, row, task):
    """On unseen images it errs less than its untrained copies do, three of each together."""
    dataset = load("photos" if task is Colorization else "digits")
    items, labels = dataset.train_inputs(range(500)), dataset.train_labels()[:500]
    problem = make_problem(
        task,
        items=items[:100],
        labels=labels[:100],
        n_classes=len(dataset.class_names),
        samples=1000 if task is Colorization else 2000,  # convolutions at full size take long
        batch=10,
        hidden=32,
        code=16,
    )
    unseen = task.inputs(items[100:])
    wanted = task.targets(items[100:], labels[100:], len(dataset.class_names))

    def error(plugin):
        answers = predict(plugin, problem.spec, unseen)
        return task.error(answers.clamp(0, 1) if task.images_out else answers, wanted)

    plugins = [build(row, problem, seed) for seed in range(3)]
    untrained = sum(map(error, plugins))
    for plugin in plugins:
        plugin.fit(problem.budget())
    assert sum(map(error, plugins)) < untrained
