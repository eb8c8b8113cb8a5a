"""Digits through the published networks: the learner against the oracle, and what a short schedule teaches.

The oracle adds up potentials in the order of the compiled loops. All winners, weights and spikes are equal.
"""

import os

import pytest
import torch

from tests.spiking import oracle
from tests.spiking.sums import by_fours, spike_by_spike
from zorbench.data import load
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


def seeded(described, every: int) -> OneSpikeNet:
    """A network whose layers' rates double after `every` samples."""
    generator = torch.Generator().manual_seed(1)
    return OneSpikeNet(described, classes=10, generator=generator, doubling=Doubling(every=every))


def trained_below(described, times, every: int = 40) -> OneSpikeNet:
    """A network whose layers have each seen all samples once, at rates that double soon."""
    net = seeded(described, every)
    for stage in net.stages[:-1]:
        net.learn_layer(stage, net.features(times, stage))
    return net


def wave_of(times: torch.Tensor, margin: int) -> torch.Tensor:
    return to_wave(padded(times, margin, T), T).float()[0]


def listed(found: torch.Tensor) -> list[tuple[int, ...]]:
    return [tuple(row) for row in found.tolist() if row[0] >= 0]


def follow_jointly(net: OneSpikeNet, cached, labels) -> None:
    """One batch of joint training, sample by sample."""
    layer, both = net.network.layers[-1], (net.weights["layer3"], net.weights["decision"])
    rules, options = (net.rules("layer3"), net.rules("decision")), {"steps": T}
    expected, order = [weight.contiguous() for weight in both], (spike_by_spike, by_fours)
    for sample, label in enumerate(labels.tolist()):
        one = cached[sample : sample + 1]
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
        ours = listed(said.below[0]), listed(said.winners[0])[0]
        wave = wave_of(one, layer.padding)
        assert ours == oracle.jointly(
            *expected, wave, label, net.map_classes, layer, rules, convolve=order
        ), sample
        assert all(torch.equal(weight, other) for weight, other in zip(both, expected, strict=True)), sample


def test_joint_training_is_the_oracles():
    times, labels = digits(230)
    net = trained_below("deepr2024", times[:200])
    cached = net.features(times[200:], "decision")
    before = {name: weight.contiguous() for name, weight in net.weights.items()}
    follow_jointly(net, cached, labels[200:])
    assert all(not torch.equal(net.weights[name], before[name]) for name in ("layer3", "decision"))

    # A batch of the learner is all its samples, one after the other.
    whole = trained_below("deepr2024", times[:200])
    whole.learn_to_decide(cached, labels[200:])
    assert all(torch.equal(whole.weights[name], net.weights[name]) for name in net.weights)


@pytest.mark.parametrize("judge", ["branch", "ensemble"])
def test_three_branches_are_the_oracles(judge):
    times, labels = digits(230 if judge == "branch" else 210)
    net = trained_below(network("majority2024", judge=judge), times[:200])
    cached, labels = net.features(times[200:], "decision"), labels[200:]
    expected = {name: net.weights[name].contiguous() for name in net.network.deciders}
    for sample, label in enumerate(labels.tolist()):
        net.shares["decision"] = 1.0, 1.0
        wave = wave_of(cached[sample : sample + 1], 2)
        reward, punishment = net.rules("decision")
        theirs, passed = {}, {}
        for name, weight in expected.items():
            theirs[name], passed[name] = oracle.decision(weight, wave, convolve=by_fours)
        votes = torch.tensor([[int(net.map_classes[won[0]]) for won in theirs.values()]])
        said = net.learn_to_decide(cached, labels, torch.tensor([sample]))
        assert torch.equal(said.votes, votes), sample
        for branch, (name, weight) in enumerate(expected.items()):
            judged = votes[0, branch] if judge == "branch" else majority(votes)
            rule = reward if int(judged) == label else punishment
            oracle.stdp(weight, wave, passed[name], [theirs[name]], rule)
            assert tuple(said.winners[0, branch].tolist()) == theirs[name], sample
            assert torch.equal(net.weights[name], weight), sample


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_each_network_learns_digits(name):
    times, labels = digits(500)
    net = seeded(name, 100)
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


def follow_layer(net: OneSpikeNet, stage: str, cached) -> None:
    """Train a layer sample by sample, and a copy by the oracle."""
    level, layer = net.network.layer(stage)
    rates, weight = net.doubling.rates(layer.rule, 0, len(cached)), net.weights[stage]
    expected, options = weight.contiguous(), {"convolve": spike_by_spike}
    for sample, (plus, minus) in enumerate(rates.tolist()):
        rule, wave = (
            STDP(plus, minus, layer.rule.stabilised),
            wave_of(cached[sample : sample + 1], layer.padding),
        )
        ours = listed(net.learn_layer(stage, cached, torch.tensor([sample]))[0])
        theirs = oracle.unsupervised(expected, wave, layer.threshold, layer.k, layer.radius, rule, **options)
        assert ours == theirs, sample
        assert torch.equal(weight, expected), sample
    assert net.since[level] == len(cached) % net.doubling.every


def follow_decision(net: OneSpikeNet, cached, labels) -> None:
    """The same of a decision layer, at the rates of a first batch."""
    weight, described = net.weights["decision"], net.network.decision
    expected, rules = weight.contiguous(), (described.reward, described.punishment)
    for sample, label in enumerate(labels.tolist()):
        net.shares["decision"] = 1.0, 1.0
        wave = wave_of(cached[sample : sample + 1], 2)
        said = net.learn_to_decide(cached, labels, torch.tensor([sample]))
        theirs = oracle.reinforced(expected, wave, label, net.map_classes, *rules, convolve=by_fours)
        assert tuple(said.winners[0, 0].tolist()) == theirs, sample
        assert torch.equal(weight, expected), sample


def fires_alike(net: OneSpikeNet, stage: str, cached, above) -> None:
    """Pooled first-spike times are the oracle's."""
    layer = net.network.layer(stage)[1]
    for sample in range(len(cached)):
        wave = wave_of(cached[sample : sample + 1], layer.padding)
        spikes = oracle.fire(spike_by_spike(wave, net.weights[stage]), layer.threshold)[0]
        ours = to_wave(above[sample : sample + 1], T)[0]
        assert torch.equal(oracle.pool(spikes, layer.pool), ours.float()), sample


@pytest.mark.slow
def test_five_hundred_digits_through_mozafari2018_and_a_joint_batch():
    root = os.environ.get("ZORBENCH_DATA")
    times, labels = digits(500, name="mnist", data_root=root) if root else digits(500)
    net = seeded("mozafari2018", 75)
    follow_layer(net, "layer1", times)
    second = net.features(times, "layer2")
    fires_alike(net, "layer1", times, second)
    follow_layer(net, "layer2", second)
    third = net.features(second, "decision", start="layer2")
    fires_alike(net, "layer2", second, third)
    follow_decision(net, third, labels)

    net = trained_below("deepr2024", times, every=75)
    follow_jointly(net, net.features(times[:100], "decision"), labels[:100])
