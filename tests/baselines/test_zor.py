"""The two Zor rules as rows: what is asked of the core, the curriculum, and what is kept."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from zorbench import Classification, Colorization, Reconstruction
from zorbench.diagnostics import diagnostics
from zorbench.errors import InputError
from zorbench.predict import predict
from zorbench.zor import Layer, NoveltyLayer, NoveltyZor, Zor, diagnose

TASKS = (Reconstruction, Colorization, Classification)
ROWS = ("zor", "zor_novelty")


def sizes(problem):
    spec = problem.spec
    hidden = spec.code if spec.task is Reconstruction else spec.hidden
    return math.prod(spec.input_shape), hidden, math.prod(spec.output_shape)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("row", [*ROWS, "zor[output=sigmoid,stateless=true]"])
def test_decoding_the_code_is_the_prediction_of_the_network(make_problem, fit, row, task):
    problem = make_problem(task)
    plugin = fit(row, problem)
    whole = plugin.net.predict(problem.inputs.flatten(1)).view(problem.targets.shape)
    assert torch.equal(plugin.decode(plugin.encode(problem.inputs)), whole)
    torch.testing.assert_close(predict(plugin, problem.spec, problem.inputs), whole)
    assert plugin.encode(problem.inputs).shape == (12, sizes(problem)[1])


@pytest.mark.parametrize("row", ROWS)
def test_a_prediction_is_the_published_forward_pass_from_rest(make_problem, fit, row):
    """a = x ⊙ 1[x > θ] below, y = f(x) at the output; θ = −2, or each unit's own."""
    problem = make_problem(Reconstruction, samples=60)
    plugin = fit(row, problem)
    w0, w1 = (weight.double().numpy() for weight in plugin.net.weights)
    bars = [t.double().numpy() for t in plugin.net.thresholds[:2]] if row == "zor_novelty" else [-2.0, -2.0]
    x = problem.inputs.flatten(1).double().numpy()
    hidden = (x * (x > bars[0])) @ w0
    y = (hidden * (hidden > bars[1])) @ w1
    expected = 1 / (1 + np.exp(-y)) if row == "zor_novelty" else y
    np.testing.assert_allclose(plugin.predict(problem.inputs).flatten(1).numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("task", TASKS)
def test_zor_has_the_published_constants_and_learns_what_the_core_learns(make_problem, build, task):
    problem = make_problem(task)
    plugin = build("zor", problem, seed=3)
    n_in, hidden, n_out = sizes(problem)
    core = Zor(
        [Layer(n_in, max_weight=1.0), Layer(hidden, max_weight=1.0), Layer(n_out)],
        lr=1e-3,
        weight_decay=0.01,
        generator=torch.Generator().manual_seed(3),
    )
    for inputs, targets in problem.budget().batches():
        plugin.step(inputs, targets)
        core.train_batch(inputs.flatten(1), targets.flatten(1))
    assert all(torch.equal(a, b) for a, b in zip(plugin.net.weights, core.weights, strict=True))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(
    "row", ["zor", "zor[lr=0.03,weight_decay=0.2,output=sigmoid,stateless=true,max_weight=0.1]"]
)
def test_seeds_learned_at_once_learn_what_each_learns_alone(make_problem, registry, build, row, task):
    found = registry.row(row)
    problems = [make_problem(task, seed=seed) for seed in range(3)]
    many = found.plugin()
    rngs = [torch.Generator().manual_seed(seed) for seed in range(3)]
    many.build_many(problems[0].spec, found.config(), rngs)
    alone = [build(row, problem, seed) for seed, problem in enumerate(problems)]
    for index, rule in enumerate(alone):
        drawn = zip(many.member(index).net.weights, rule.net.weights, strict=True)
        assert all(torch.equal(a, b) for a, b in drawn)
    for batches in zip(*(problem.budget().batches() for problem in problems), strict=True):
        inputs, targets = (torch.stack(parts) for parts in zip(*batches, strict=True))
        many.step_many(inputs, targets)
        for rule, (x, t) in zip(alone, batches, strict=True):
            rule.step(x, t)
    for index, (rule, problem) in enumerate(zip(alone, problems, strict=True)):
        member = many.member(index)
        assert {name: part.shape for name, part in member.state().items()} == {
            name: part.shape for name, part in rule.state().items()
        }
        for a, b in zip(member.net.weights, rule.net.weights, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
        expected = predict(rule, problem.spec, problem.inputs)
        torch.testing.assert_close(
            predict(member, problem.spec, problem.inputs), expected, atol=1e-4, rtol=1e-4
        )


def test_a_copy_that_was_taken_out_learns_no_more(make_problem, registry):
    problem = make_problem(Reconstruction)
    found = registry.row("zor")
    many = found.plugin()
    many.build_many(problem.spec, found.config(), [torch.Generator().manual_seed(seed) for seed in range(2)])
    member = many.member(1)
    before = [weight.clone() for weight in member.net.weights]
    many.step_many(*(torch.stack([part, part]) for part in (problem.inputs, problem.targets)))
    assert all(torch.equal(a, b) for a, b in zip(member.net.weights, before, strict=True))
    assert not torch.equal(many.member(1).net.weights[1], before[1])


def test_the_settings_of_zor_reach_its_layers(make_problem, build):
    problem = make_problem(Reconstruction)
    row = "zor[lr=0.03,weight_decay=0.2,output=sigmoid,stateless=true,max_weight=0.5]"
    net = build(row, problem).net
    assert (net.lr, net.weight_decay) == (0.03, 0.2)
    assert [layer.stateless for layer in net.layers] == [True, True, True]
    assert [layer.max_weight for layer in net.layers[:2]] == [0.5, 0.5]
    assert [layer.activation for layer in net.layers] == [None, None, "sigmoid"]


@pytest.mark.parametrize("task", TASKS)
def test_zor_novelty_has_the_constants_of_its_published_example(make_problem, build, task):
    """ρ = 1, 1, 0.2; R = 0.9, 1, 1; η = 0.5; ν = −0.99, −0.1, −0.1; β = w_max = 0.2; κ = 0; sigmoid out."""
    problem = make_problem(task)
    plugin = build("zor_novelty", problem, seed=3)
    common = {"threshold_step": 0.5, "memory": 0.2, "max_weight": 0.2, "threshold_inhibition": 0.0}
    settings = zip(sizes(problem), (1.0, 1.0, 0.2), (0.9, 1.0, 1.0), (-0.99, -0.1, -0.1), strict=True)
    layers = [
        NoveltyLayer(n, "sigmoid" if index == 2 else None, rho, learning_range=reach, novelty=nu, **common)
        for index, (n, rho, reach, nu) in enumerate(settings)
    ]
    assert plugin.net.layers == tuple(layers)
    core = NoveltyZor(layers, generator=torch.Generator().manual_seed(3))
    assert all(torch.equal(a, b) for a, b in zip(plugin.net.weights, core.weights, strict=True))


# Several hidden layers


MIDDLE = {1: [5], 2: [6, 5], 3: [6, 5, 6], 4: [6, 6, 5, 6], 5: [6, 6, 5, 6, 6]}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("depth", MIDDLE)
@pytest.mark.parametrize("row", ["zor[hidden_layers={}]", "zor_deep[hidden_layers={}]"])
def test_hidden_layers_are_as_many_as_set_with_the_code_in_the_middle(make_problem, fit, row, task, depth):
    problem = make_problem(task, hidden=6, code=5)
    plugin = fit(row.format(depth), problem)
    n_in, _, n_out = sizes(problem)
    hidden = MIDDLE[depth] if task is Reconstruction else [6] * depth
    widths = [n_in, *hidden, n_out]
    shapes = [tuple(weight.shape) for weight in plugin.state().values()]
    assert shapes == list(itertools.pairwise(widths))
    codes = plugin.encode(problem.inputs)
    assert codes.shape == (12, 5 if task is Reconstruction else 6)
    whole = plugin.net.predict(problem.inputs.flatten(1)).view(problem.targets.shape)
    assert torch.equal(plugin.decode(codes), whole)


def test_zor_deep_has_ten_hidden_layers_and_theta0_deep_four(make_problem, build):
    shapes = build("zor_deep", make_problem(Reconstruction)).net.shapes
    assert [n for (n,) in shapes] == [64, 6, 6, 6, 6, 6, 5, 6, 6, 6, 6, 64]
    shapes = build("zor_theta0_deep", make_problem(Classification)).net.shapes
    assert [n for (n,) in shapes] == [64, 6, 6, 6, 6, 3]


@pytest.mark.parametrize("row", ["zor", "zor_deep", "zor_theta0", "zor_theta0_deep"])
@pytest.mark.parametrize("depth", [1, 2, 16])
def test_the_depth_that_an_entry_asks_for_comes_before_the_row_s_own(make_problem, build, row, depth):
    problem = make_problem(Classification)
    asked = replace(problem, spec=replace(problem.spec, depth=depth))
    assert len(build(row, asked).net.weights) == depth + 1


@pytest.mark.parametrize("row", ["zor", "zor_theta0", "mlp"])
def test_a_network_has_at_least_one_hidden_layer(make_problem, build, row):
    told = f"^--baseline {row}: hidden_layers must be at least 1, got 0$"
    with pytest.raises(InputError, match=told):
        build(f"{row}[hidden_layers=0]", make_problem(Classification))


@pytest.mark.parametrize("task", [Reconstruction, Classification])
def test_zor_deep_begins_orthogonal_and_is_gated_below_its_output_alone(make_problem, build, task):
    net = build("zor_deep", make_problem(task)).net
    for weight in net.weights:
        small = weight if weight.shape[0] <= weight.shape[1] else weight.T
        torch.testing.assert_close(small @ small.T, torch.eye(len(small)), atol=1e-5, rtol=0)
    assert [layer.threshold for layer in net.layers] == [-2.0] * 11 + [-math.inf]
    assert all(layer.stateless for layer in net.layers)


@pytest.mark.parametrize(("gate", "learns"), [("true", False), ("false", True)])
def test_an_output_far_below_the_threshold_learns_where_it_is_not_gated(make_problem, build, gate, learns):
    """Charges of −4 aim at 0: the weights grow; a silent unit's only decay, here by nothing."""
    problem = make_problem(Classification, items=torch.ones(4, 2), n_classes=3)
    plugin = build(f"zor[stateless=true,weight_decay=1e-9,output_gate={gate}]", problem)
    for weight, value in zip(plugin.net.weights, (1 / 2, -4 / 6), strict=True):
        weight.fill_(value)
    before = plugin.net.weights[1].clone()
    torch.testing.assert_close(plugin.predict(problem.inputs), torch.full((4, 3), -4.0))
    plugin.step(problem.inputs, torch.zeros(4, 3))
    moved = plugin.net.weights[1] - before
    assert bool((moved > 5e-4).all()) if learns else float(moved.abs().max()) < 1e-6


@pytest.mark.parametrize("row", ["zor_deep", "zor_deep[hidden_layers=16]"])
@pytest.mark.parametrize("seed", [0, 1])
def test_deep_networks_stay_alive_and_give_their_shots_back(digit_shots, fit, living, row, seed):
    """500 steps on 100 digits; a network that answers with their mean would err by their variance."""
    problem = digit_shots(Reconstruction, samples=5000)
    plugin = fit(row, problem, seed)
    assert min(living(plugin.net, problem.inputs.flatten(1))) > 0.9
    assert all(torch.isfinite(weight).all() for weight in plugin.net.weights)
    error = float((plugin.predict(problem.inputs) - problem.targets).square().mean())
    assert error < 0.65 * float(problem.targets.var(dim=0, correction=0).mean())


@pytest.mark.slow
@pytest.mark.parametrize("depth", [10, 16])
def test_deep_networks_are_still_alive_after_2000_steps(digit_shots, fit, living, depth):
    """With steps of full length nearly all units of some layer have fallen silent by then."""
    problem = digit_shots(Reconstruction, samples=20000)
    variance = float(problem.targets.var(dim=0, correction=0).mean())
    alive, dead = (
        fit(f"zor_deep[hidden_layers={depth},lr_by_depth={scaled}]", problem) for scaled in ("true", "false")
    )
    assert min(living(alive.net, problem.inputs.flatten(1))) > 0.5
    assert float((alive.predict(problem.inputs) - problem.targets).square().mean()) < 0.6 * variance
    assert min(living(dead.net, problem.inputs.flatten(1))) < 0.1


@pytest.mark.parametrize("depth", [10, 16])
def test_deep_networks_name_unseen_digits(digit_shots, fit, unseen_digits, depth):
    items, labels = unseen_digits
    plugin = fit(f"zor_deep[hidden_layers={depth}]", digit_shots(Classification))
    accuracy = float((plugin.predict(items).argmax(dim=1) == labels).float().mean())
    assert accuracy > 0.5  # of ten classes with as many items each


# Zor as a classifier


THETA0 = ("zor_theta0", "zor_signed", "zor_softmax", "zor_theta0_deep")


def relu_network(weights, items):
    """The charges of the output, in double precision, and the share of hidden units that are silent."""
    *below, last = (weight.double().numpy() for weight in weights)
    x, silent = np.maximum(items.flatten(1).double().numpy(), 0), []
    for weight in below:
        x = np.maximum(x @ weight, 0)
        silent.append((x == 0).mean())
    return x @ last, silent


@pytest.mark.parametrize("row", THETA0)
def test_at_theta_0_the_network_is_one_of_relus(make_problem, fit, row):
    items = torch.randn(12, 64, generator=torch.Generator().manual_seed(2))  # inputs below 0 are gated, too
    problem = make_problem(Classification, items=items, hidden=20, samples=60)
    plugin = fit(row, problem)
    charges, silent = relu_network(plugin.state().values(), problem.inputs)
    assert 0.1 < min(silent) <= max(silent) < 0.9
    if row == "zor_softmax":
        powers = np.exp(charges - charges.max(axis=1, keepdims=True))
        charges = powers / powers.sum(axis=1, keepdims=True)
    answers = predict(plugin, problem.spec, problem.inputs).numpy()
    np.testing.assert_allclose(answers, charges, atol=1e-5)


def test_softmax_answers_are_shares_in_the_order_of_the_charges(make_problem, fit):
    problem = make_problem(Classification, samples=60)
    plugin = fit("zor_softmax", problem)
    answers = plugin.predict(problem.inputs)
    torch.testing.assert_close(answers.sum(dim=1), torch.ones(12))
    assert float(answers.min()) >= 0
    charges, _ = relu_network(plugin.net.weights, problem.inputs)
    assert np.array_equal(answers.argsort(dim=1).numpy(), charges.argsort(axis=1))


@pytest.mark.parametrize(
    ("row", "task", "low"),
    [
        ("zor_signed", Classification, -1.0),
        ("zor[targets=signed]", Classification, -1.0),
        ("zor_theta0", Classification, 0.0),
        ("zor", Classification, 0.0),
        ("zor[targets=signed]", Reconstruction, None),
    ],
)
def test_classes_are_aimed_at_as_0_and_1_or_signed_and_images_as_they_are(
    make_problem, build, monkeypatch, row, task, low
):
    problem = make_problem(task)
    plugin = build(row, problem)
    seen = []
    monkeypatch.setattr(plugin.net, "train_batch", lambda x, t: seen.append((x, t)))
    plugin.step(problem.inputs, problem.targets)
    ((inputs, aims),) = seen
    assert torch.equal(inputs, problem.inputs.flatten(1))
    if low is None:
        assert torch.equal(aims, problem.targets.flatten(1))
    else:
        for place, aim in enumerate(aims.tolist()):
            assert aim == [1.0 if place % 3 == label else low for label in range(3)]


@pytest.mark.parametrize(
    ("row", "settings"),
    [
        ("zor_theta0", {}),
        ("zor_signed", {}),
        ("zor_softmax", {"gain": 1.0}),
        ("zor_theta0_deep", {"init": "orthogonal", "gain": 1.0, "lr": 1e-3 / 2}),
    ],
)
def test_zor_theta0_learns_what_the_core_learns_at_theta_0(make_problem, build, row, settings):
    problem = make_problem(Classification)
    plugin = build(row, problem, seed=3)
    hidden = [6] * (4 if row == "zor_theta0_deep" else 1)
    layers = [Layer(n, stateless=True, threshold=0.0) for n in (64, *hidden)]
    top = Layer(3, "softmax" if row == "zor_softmax" else None, True, threshold=-math.inf)
    core = Zor([*layers, top], generator=torch.Generator().manual_seed(3), **settings)
    for inputs, targets in problem.budget().batches():
        plugin.step(inputs, targets)
        core.train_batch(inputs.flatten(1), 2 * targets - 1 if row == "zor_signed" else targets)
    assert all(torch.equal(a, b) for a, b in zip(plugin.net.weights, core.weights, strict=True))


@pytest.mark.parametrize("row", THETA0)
def test_a_classifier_names_unseen_digits(digit_shots, fit, unseen_digits, row):
    items, labels = unseen_digits
    accuracy = (fit(row, digit_shots(Classification)).predict(items).argmax(dim=1) == labels).float().mean()
    assert float(accuracy) > 0.6  # of ten classes with as many items each


# The curriculum, and what is kept


@pytest.mark.parametrize(("n", "curriculum"), [(8, 50), (60, 50), (60, 7)], ids=str)
def test_each_step_of_the_curriculum_takes_the_shots_of_the_largest_running_error(
    make_problem, build, monkeypatch, n, curriculum
):
    """q ← 0.9 q + 0.1·mean|t − y| for the shots of the step alone, q = 1 at first; made-up errors."""
    numbers = torch.arange(n).float().view(n, 1, 1, 1)
    items = numbers.expand(n, 1, 3, 3).contiguous()  # each holds its own number
    problem = make_problem(Reconstruction, items=items, samples=20 * min(n, curriculum) + 3)
    plugin = build(f"zor_novelty[curriculum={curriculum}]", problem)
    draw = torch.Generator().manual_seed(0)
    steps = []

    def train_batch(x, t):
        assert torch.equal(x, t)
        errors = 4 * torch.randn(t.shape, generator=draw)
        steps.append((x[:, 0].int().tolist(), errors.double().numpy()))
        return errors

    monkeypatch.setattr(plugin.net, "train_batch", train_batch)
    budget = problem.budget()
    plugin.fit(budget)

    q = np.ones(n)
    left = problem.spec.samples
    for chosen, errors in steps:
        assert len(chosen) == len(set(chosen)) == min(curriculum, n, left)
        others = np.delete(q, chosen)
        assert not others.size or q[chosen].min() >= others.max() - 1e-5
        q[chosen] = 0.9 * q[chosen] + 0.1 * np.abs(errors).mean(axis=1)
        left -= len(chosen)
    assert left == 0
    assert budget.seen == problem.spec.samples
    assert len(steps) == 21


def test_the_curriculum_moves_its_errors_by_what_the_network_answers(make_problem, build):
    """A shot that is answered well is left alone while another is worse."""
    items = torch.stack([torch.full((1, 4, 4), 0.5), torch.full((1, 4, 4), 5.0), torch.full((1, 4, 4), -5.0)])
    problem = make_problem(Reconstruction, items=items, samples=12)
    plugin = build("zor_novelty[curriculum=1]", problem)
    seen = []
    train_batch = plugin.net.train_batch
    plugin.net.train_batch = lambda x, t: (seen.append(float(t[0, 0])), train_batch(x, t))[1]
    plugin.fit(problem.budget())
    # The output lies in (0, 1): errors of 4 to 6 raise q above 1, one of at most 0.5 lowers it for good.
    assert seen.count(0.5) <= 1
    assert {5.0, -5.0} & set(seen)


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("samples", [12, 13, 59, 100])
def test_the_ceiling_is_met_exactly(make_problem, build, row, samples):
    problem = make_problem(Reconstruction, n=12, samples=samples)
    budget = problem.budget()
    build(row, problem).fit(budget)
    assert budget.seen == samples


@pytest.mark.parametrize("task", TASKS)
def test_the_state_is_the_weights_and_where_they_learn_the_thresholds(make_problem, fit, task):
    problem = make_problem(task)
    n_in, hidden, n_out = sizes(problem)
    matrices = {"w0": (n_in, hidden), "w1": (hidden, n_out)}
    bars = {"threshold0": (n_in,), "threshold1": (hidden,), "threshold2": (n_out,)}
    for row, expected in (("zor", matrices), ("zor_novelty", matrices | bars)):
        assert {name: tuple(part.shape) for name, part in fit(row, problem).state().items()} == expected


@pytest.mark.parametrize("row", ROWS)
def test_a_network_with_one_hidden_layer_tells_nothing_of_it(make_problem, fit, row):
    assert diagnostics(fit(row, make_problem(Reconstruction))) == {}


def test_a_deeper_network_tells_of_its_layers_as_they_learn_from_the_last_batch(make_problem, build):
    problem = make_problem(Reconstruction)
    plugin = build("zor", problem)
    n_in, hidden, n_out = sizes(problem)
    plugin.net = Zor([Layer(n_in), Layer(9), Layer(hidden), Layer(n_out)], seed=0)
    for inputs, targets in problem.budget().batches():
        plugin.step(inputs, targets)
    expected = diagnose(plugin.net, inputs.flatten(1), targets.flatten(1))._asdict()
    found = diagnostics(plugin)
    assert found == {name: pytest.approx(values, rel=1e-5) for name, values in expected.items()}
    assert [len(values) for values in found.values()] == [3, 3, 3, 3]
    assert set(plugin.state()) == {"w0", "w1", "w2"}
