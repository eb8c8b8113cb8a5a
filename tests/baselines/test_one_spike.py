"""One-spike networks as baselines: what they are, what they spend, how they decide and are read out."""

import re

import pytest
import torch

from zorbench import Classification, Colorization, Reconstruction
from zorbench.errors import InputError
from zorbench.predict import predict
from zorbench.registry import Registry
from zorbench.spiking.filters import digit_bank
from zorbench.spiking.first_spikes import encode
from zorbench.spiking.networks import NETWORKS

SHAPE = (1, 28, 28)
STEPS = 15
IMAGES = (Reconstruction, Colorization)


@pytest.fixture
def digit_problem(make_problem, digits):
    def problem(task=Classification, samples=300, **options):
        items, labels = digits[:2]
        return make_problem(task, items=items, labels=labels, n_classes=10, samples=samples, **options)

    return problem


@pytest.mark.parametrize("name", NETWORKS)
def test_each_published_network_is_a_row_with_as_many_weights_as_published(make_problem, build, name):
    weights = {
        "mozafari2018": 1_322_000,
        "deep2024": 1_632_500,
        "deepr2024": 1_632_500,
        "deepr2024_2": 1_632_500,
        "inception2024": 2_147_250,
        "majority2024": 4_222_000,
    }
    problem = make_problem(Classification, SHAPE, n_classes=10)
    state = build(name, problem).state()
    assert sum(part.numel() for part in state.values()) == weights[name]


def test_only_the_first_network_runs_without_being_named():
    rows = [row for row in Registry().rows() if row.ref.path.stem == "one_spike"]
    assert [row.label for row in rows if not row.only_named] == ["mozafari2018"]
    assert {row.label for row in rows} == {*NETWORKS, "random_conv", "stdp_ridge"}


@pytest.mark.parametrize("name", [*NETWORKS, "random_conv"])
def test_it_decides_as_its_network_does_and_spends_the_whole_budget(digit_problem, build, name):
    problem = digit_problem()
    plugin, budget = build(name, problem), problem.budget()
    before = {stage: weight.clone() for stage, weight in plugin.net.weights.items()}
    plugin.fit(budget)
    assert budget.seen == 300
    moved = {stage for stage, weight in plugin.net.weights.items() if not torch.equal(weight, before[stage])}
    layers = {stage for stage in before if stage.startswith("layer")}
    assert moved & layers == (set() if name == "random_conv" else layers)
    assert moved - layers
    scores = predict(plugin, problem.spec, problem.inputs)
    cached = plugin.net.features(encode(problem.inputs, digit_bank()), "decision")
    decided = plugin.net.decide(cached)
    assert (decided >= 0).any()
    for row, choice in zip(scores, decided.tolist(), strict=True):
        tops = (row == row.max()).nonzero().flatten().tolist()
        assert tops == [choice] if choice >= 0 else len(tops) == 10


@pytest.mark.parametrize("right", [True, False])
def test_update_is_what_the_decision_learns_by(digit_problem, build, right):
    """One sample's winner, its window cut out by hand, with its reward or punishment for a signal."""
    problem = digit_problem()
    plugin = build("mozafari2018", problem)
    net = plugin.net
    cached = net.features(plugin._times(problem.inputs[:1]), "decision")
    before = net.weights["decision"].clone()
    decided = int(net.decide(cached)[0])
    assert decided >= 0
    label = decided if right else (decided + 1) % 10
    said = net.learn_to_decide(cached, torch.tensor([label]))
    ((unit, row, column),) = said.winners[0].tolist()

    maps, _, height, width = before.shape
    pad = net.network.decision.padding
    framed = torch.nn.functional.pad(cached.float(), (pad,) * 4, value=STEPS)
    window = framed[0, :, row : row + height, column : column + width].flatten()
    pre, post, signal = (STEPS - window)[None] / STEPS, torch.zeros(1, maps), torch.zeros(1, maps)
    post[0, unit], signal[0, unit] = 1 / STEPS, 1.0 if right else -1.0  # a decision falls at T − 1
    build_again = build("mozafari2018", problem)  # whose rates have not followed this batch
    change = build_again.update(pre, post, signal, before.flatten(1).T)
    moved = (net.weights["decision"] - before).flatten(1).T
    assert moved.any()
    torch.testing.assert_close(change, moved, atol=1e-7, rtol=0)


def test_layers_learn_in_equal_shares_of_the_unsupervised_part(digit_problem, build, monkeypatch):
    problem = digit_problem(samples=1000)
    plugin = build("mozafari2018[unsupervised=0.4]", problem)
    spent, learn = {}, plugin.net.learn_layer

    def watched(stage, cached, order):
        spent[stage] = spent.get(stage, 0) + len(order)
        return learn(stage, cached, order)

    monkeypatch.setattr(plugin.net, "learn_layer", watched)
    plugin.fit(problem.budget())
    # Of the 900 that are left once the 100 shots are handed out.
    assert spent == {"layer1": 180, "layer2": 180}


def test_rates_double_as_often_in_a_layer_s_share_as_is_said(digit_problem, build):
    problem = digit_problem(samples=1000)
    plugin = build("mozafari2018[unsupervised=0.4,doublings=10,rate=2]", problem)
    assert plugin.net.doubling.every == 18  # 180 presentations of a layer, ten times
    reward, punishment = plugin.net.rules("decision")
    assert (reward.plus, reward.minus) == pytest.approx((0.008, -0.006))
    assert (punishment.plus, punishment.minus) == pytest.approx((-0.008, 0.001))
    assert (reward.low, reward.high) == (0.2, 0.8)


def test_what_mozafari2018_declares_is_a_count_spike_by_spike(digit_problem, build):
    problem = digit_problem()
    plugin = build("mozafari2018", problem)
    inputs = problem.inputs[:2]
    found = plugin.operations(inputs)
    net, pairs, silent = plugin.net, 0, []
    times = encode(inputs, digit_bank())
    for stage, size, margin, side in (("layer1", 5, 2, 28), ("layer2", 3, 1, 14), ("decision", 5, 2, 4)):
        reaching = net.features(times, stage)
        for _, _, y, x in (reaching < 15).nonzero().tolist():
            reached = [
                (u, v)
                for u in range(y + margin - size + 1, y + margin + 1)
                for v in range(x + margin - size + 1, x + margin + 1)
                if 0 <= u < side and 0 <= v < side
            ]
            pairs += len(reached) * len(net.weights[stage])
        silent.append(float((reaching == 15).float().mean()))
    assert found["acs"] == pytest.approx(pairs / 2)
    assert found["macs"] == 6 * 13 * 13 * 28 * 28
    assert found["activation_sparsity"] == pytest.approx(sum(silent[1:]) / 2)
    # 52.9 M, 198.5 M and 300 M multiply-accumulates for all 15 steps, as published.
    layers = [4500 * 28 * 28, 67500 * 14 * 14, 1250000 * 4 * 4]
    assert found["dense"] == 15 * sum(layers) + found["macs"]
    assert found["update_macs"] == 5 * 150 + 8 * 270 + 6250
    assert found["transport_macs"] == 0


@pytest.mark.parametrize("task", IMAGES)
def test_images_are_read_out_by_ridge_from_what_the_layers_give(make_problem, fit, task):
    problem = make_problem(task, SHAPE, n=9, samples=60, code=4)
    plugin = fit("stdp_ridge[alpha=1e-4]", problem)
    times = plugin.net.features(encode(problem.inputs, digit_bank()), "decision")
    features = ((15 - times.double()) / 15).flatten(1)
    x, y = features - features.mean(dim=0), problem.targets.flatten(1).double()
    y = y - y.mean(dim=0)
    penalty = 1e-4 * x.square().sum(dim=1).mean() * torch.eye(9)
    fitted = x @ x.T @ torch.linalg.solve(x @ x.T + penalty, y)
    if task is Reconstruction:
        assert plugin.encode(problem.inputs).shape == (9, 4)
        # Of rank 4: the leading directions of yᵀ ŷ, which for ridge are those of a smoothed y.
        gram = y.T @ fitted
        top = torch.linalg.eigh((gram + gram.T) / 2).eigenvectors[:, -4:]
        fitted = fitted @ top @ top.T
    answers = predict(plugin, problem.spec, problem.inputs).flatten(1).double()
    expected = fitted + problem.targets.flatten(1).double().mean(dim=0)
    torch.testing.assert_close(answers, expected, atol=1e-3, rtol=1e-3)


@pytest.mark.slow
def test_a_hundred_digits_are_learned(digit_shots, fit, unseen_digits):
    problem = digit_shots(Classification, samples=20000)
    plugin = fit("mozafari2018", problem)
    inputs, labels = unseen_digits
    right = float((predict(plugin, problem.spec, inputs).argmax(dim=1) == labels).float().mean())
    assert right > 0.3, "chance is a tenth"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("mozafari2018[network=mozafari]", "mozafari2018, deep2024"),
        ("mozafari2018[schedule=greedy]", "only networks that learn jointly have a schedule"),
        ("mozafari2018[adaptation=0]", "adaptation must be at least 1, got 0"),
        ("mozafari2018[unsupervised=1]", "unsupervised must be between 0 and 1, got 1.0"),
        ("deepr2024_2[schedule=never]", "never"),
    ],
)
def test_a_wrong_setting_is_told(registry, spec, message):
    with pytest.raises(InputError, match=re.escape(message)):
        registry.row(spec).config()


def test_images_that_are_too_small_are_told(make_problem, build):
    with pytest.raises(ValueError, match="images of 8×8 are too small for deep2024"):
        build("deep2024", make_problem(Classification, (1, 8, 8)))
