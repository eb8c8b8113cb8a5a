"""Digits through the published networks: the learner against the oracle, and what a short schedule teaches.

Both learn a sample from the same weights. Where winners differ, they must be a tie of float32.
"""

import os

import pytest
import torch
import torch.nn.functional as F

from tests.spiking import oracle
from tests.spiking.ties import first_difference, grazes, is_a_tie
from zorbench.data import load
from zorbench.spiking import learner
from zorbench.spiking.filters import digit_bank
from zorbench.spiking.first_spikes import encode, padded, to_wave
from zorbench.spiking.learner import OneSpikeNet
from zorbench.spiking.networks import NETWORKS, network
from zorbench.spiking.reinforced import learn_jointly
from zorbench.spiking.stdp import STDP, Doubling
from zorbench.spiking.votes import majority

T = 15


def digits(count: int, skip: int = 0, name: str = "mnist5k", **options):
    """First-spike times and labels."""
    data = load(name, **options)
    order = torch.randperm(len(data.train_labels()), generator=torch.Generator().manual_seed(0))
    chosen = order[skip : skip + count]
    return encode(data.train_inputs(chosen.tolist()), digit_bank()), data.train_labels()[chosen]


def trained_below(described, times, every: int = 40) -> OneSpikeNet:
    """A network whose layers have each seen all samples once, at rates that double soon."""
    net = OneSpikeNet(described, classes=10, generator=torch.Generator().manual_seed(1))
    before, learner.DOUBLING = learner.DOUBLING, Doubling(every=every)
    try:
        for stage in net.stages[:-1]:
            net.learn_layer(stage, net.features(times, stage))
    finally:
        learner.DOUBLING = before
    return net


def wave_of(times: torch.Tensor, margin: int) -> torch.Tensor:
    return to_wave(padded(times, margin, T), T).float()[0]


def listed(found: torch.Tensor) -> list[tuple[int, ...]]:
    return [tuple(row) for row in found.tolist() if row[0] >= 0]


def follow_jointly(net: OneSpikeNet, cached, labels) -> int:
    """One batch of joint training, sample by sample; the number of ties that went two ways."""
    layer, ties = net.network.layers[-1], 0
    both = net.weights["layer3"], net.weights["decision"]
    rules, options = (net.rules("layer3"), net.rules("decision")), {"steps": T}
    for sample, label in enumerate(labels.tolist()):
        one, befores = cached[sample : sample + 1], [weight.contiguous() for weight in both]
        expected = [weight.clone() for weight in befores]
        said = learn_jointly(
            layer,
            net.network.decision,
            both,
            rules,
            one,
            labels[sample : sample + 1],
            torch.tensor([0]),
            **options,
        )
        ours, our_decision = listed(said.below[0]), listed(said.winners[0])[0]
        wave = wave_of(one, layer.padding)
        theirs, their_decision, middle = oracle.jointly(*expected, wave, label, net.map_classes, layer, rules)
        if (ours, our_decision) == (theirs, their_decision):
            assert all(torch.equal(weight, other) for weight, other in zip(both, expected, strict=True))
            continue
        if our_decision != their_decision:
            assert is_a_tie(befores[1], middle, None, our_decision, their_decision), sample
        else:
            pair = first_difference(ours, theirs)
            assert is_a_tie(befores[0], wave, layer.threshold, *pair), sample
        for weight, other in zip(both, expected, strict=True):
            weight.copy_(other)
        ties += 1
    return ties


def test_joint_training_is_the_oracles():
    times, labels = digits(230)
    net = trained_below("deepr2024", times[:200])
    cached = net.features(times[200:], "decision")
    before = {name: weight.contiguous() for name, weight in net.weights.items()}
    ties = follow_jointly(net, cached, labels[200:])
    assert ties <= 2
    assert all(not torch.equal(net.weights[name], before[name]) for name in ("layer3", "decision"))

    # A batch of the learner is all its samples, one after the other.
    whole = trained_below("deepr2024", times[:200])
    whole.learn_to_decide(cached, labels[200:])
    if not ties:
        assert all(torch.equal(whole.weights[name], net.weights[name]) for name in net.weights)


@pytest.mark.parametrize("judge", ["branch", "ensemble"])
def test_three_branches_are_the_oracles(judge):
    times, labels = digits(230 if judge == "branch" else 210)
    net = trained_below(network("majority2024", judge=judge), times[:200])
    cached, labels, ties = net.features(times[200:], "decision"), labels[200:], 0
    for sample, label in enumerate(labels.tolist()):
        net.shares["decision"] = 1.0, 1.0
        wave, befores = wave_of(cached[sample : sample + 1], 2), {}
        reward, punishment = net.rules("decision")
        theirs, spikes = {}, {}
        for name in net.network.deciders:
            befores[name] = net.weights[name].contiguous()
            theirs[name], spikes[name] = oracle.decision(befores[name], wave)
        votes = torch.tensor([[int(net.map_classes[won[0]]) for won in theirs.values()]])
        said = net.learn_to_decide(cached, labels, torch.tensor([sample]))
        for branch, (name, before) in enumerate(befores.items()):
            expected, judged = before.clone(), votes[0, branch] if judge == "branch" else majority(votes)
            rule = reward if int(judged) == label else punishment
            oracle.stdp(expected, wave, spikes[name], [theirs[name]], rule)
            ours = tuple(said.winners[0, branch].tolist())
            if ours == theirs[name] and torch.equal(said.votes, votes):
                assert torch.equal(net.weights[name], expected)
            else:
                assert ours == theirs[name] or is_a_tie(before, wave, None, ours, theirs[name]), sample
                net.weights[name].copy_(expected)
                ties += ours != theirs[name]
    assert ties <= 3


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_each_network_learns_digits(name, monkeypatch):
    times, labels = digits(500)
    net = OneSpikeNet(name, classes=10, generator=torch.Generator().manual_seed(1))
    monkeypatch.setattr(learner, "DOUBLING", Doubling(every=100))
    generator = torch.Generator().manual_seed(2)
    for stage in net.stages[:-1]:
        cached = net.features(times[:200], stage)
        for _ in range(12):
            net.learn_layer(stage, cached, torch.randperm(200, generator=generator))
    cached = net.features(times[:200], "decision")
    for epoch in range(30):
        for order in torch.randperm(200, generator=generator).split(50):
            net.learn_to_decide(cached, labels[:200], order, epoch=epoch)
    decided = net.decide(net.features(times[200:], "decision"))
    assert float((decided == labels[200:]).float().mean()) > 0.35, "chance is a tenth"


def follow_layer(net: OneSpikeNet, stage: str, cached) -> int:
    """Train a layer sample by sample, and a copy by the oracle; the number of ties that went two ways."""
    level, layer = net.network.layer(stage)
    rates, ties, weight = learner.DOUBLING.rates(layer.rule, 0, len(cached)), 0, net.weights[stage]
    for sample, (plus, minus) in enumerate(rates.tolist()):
        before, wave = weight.contiguous(), wave_of(cached[sample : sample + 1], layer.padding)
        ours = listed(net.learn_layer(stage, cached, torch.tensor([sample]))[0])
        expected, rule = before.clone(), STDP(plus, minus, layer.rule.stabilised)
        theirs = oracle.unsupervised(expected, wave, layer.threshold, layer.k, layer.radius, rule)
        if ours == theirs:
            assert torch.equal(weight, expected)
        else:
            assert is_a_tie(before, wave, layer.threshold, *first_difference(ours, theirs)), sample
            weight.copy_(expected)
            ties += 1
    assert net.since[level] == len(cached) % learner.DOUBLING.every
    return ties


def follow_decision(net: OneSpikeNet, cached, labels) -> int:
    """The same of a decision layer, at the rates of a first batch."""
    weight, ties = net.weights["decision"], 0
    for sample, label in enumerate(labels.tolist()):
        net.shares["decision"] = 1.0, 1.0
        expected, wave = weight.contiguous(), wave_of(cached[sample : sample + 1], 2)
        before = expected.clone()
        said = net.learn_to_decide(cached, labels, torch.tensor([sample]))
        ours = tuple(said.winners[0, 0].tolist())
        theirs = oracle.reinforced(
            expected,
            wave,
            label,
            net.map_classes,
            net.network.decision.reward,
            net.network.decision.punishment,
        )
        if ours == theirs:
            assert torch.equal(weight, expected)
        else:
            assert is_a_tie(before, wave, None, ours, theirs), sample
            weight.copy_(expected)
            ties += 1
    return ties


def fires_alike(net: OneSpikeNet, stage: str, cached, above) -> None:
    """Pooled first-spike times are the oracle's, but for neurons on the threshold."""
    layer = net.network.layer(stage)[1]
    for sample in range(len(cached)):
        wave = wave_of(cached[sample : sample + 1], layer.padding)
        spikes = oracle.fire(F.conv2d(wave, net.weights[stage]), layer.threshold)[0]
        different = oracle.pool(spikes, layer.pool) != to_wave(above[sample : sample + 1], T)[0]
        for f, y, x in different.any(dim=0).nonzero().tolist():
            places = [
                (f, y * layer.pool + v, x * layer.pool + u)
                for v in range(layer.pool)
                for u in range(layer.pool)
            ]
            assert any(grazes(net.weights[stage], wave, layer.threshold, place) for place in places)


@pytest.mark.slow
def test_five_hundred_digits_through_mozafari2018_and_a_joint_batch(monkeypatch):
    root = os.environ.get("ZORBENCH_DATA")
    times, labels = digits(500, name="mnist", data_root=root) if root else digits(500)
    monkeypatch.setattr(learner, "DOUBLING", Doubling(every=75))
    net = OneSpikeNet("mozafari2018", classes=10, generator=torch.Generator().manual_seed(1))
    ties = follow_layer(net, "layer1", times)
    second = net.features(times, "layer2")
    fires_alike(net, "layer1", times[:60], second)
    ties += follow_layer(net, "layer2", second)
    third = net.features(second, "decision", start="layer2")
    fires_alike(net, "layer2", second[:60], third)
    ties += follow_decision(net, third, labels)
    assert ties <= 30

    net = trained_below("deepr2024", times, every=75)
    cached = net.features(times[:100], "decision")
    assert follow_jointly(net, cached, labels[:100]) <= 8
