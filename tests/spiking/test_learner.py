"""The one learner of all networks: rates, schedules, votes, scores, and going on from a state."""

import pytest
import torch
import torch.nn.functional as F

from tests.spiking import oracle
from zorbench.data import load
from zorbench.spiking import learner
from zorbench.spiking.filters import digit_bank
from zorbench.spiking.first_spikes import encode, from_wave, to_wave
from zorbench.spiking.learner import OneSpikeNet
from zorbench.spiking.networks import NETWORKS, network
from zorbench.spiking.stdp import Doubling
from zorbench.spiking.votes import majority, scores

T = 15


@pytest.fixture(scope="module")
def digits():
    """First-spike times and labels of 60 digits."""
    data, chosen = load("mnist5k"), torch.randperm(4000, generator=torch.Generator().manual_seed(0))[:60]
    return encode(data.train_inputs(chosen.tolist()), digit_bank()), data.train_labels()[chosen]


def seeded(described, **options) -> OneSpikeNet:
    options = {"classes": 10, "generator": torch.Generator().manual_seed(3)} | options
    return OneSpikeNet(described, **options)


# Stages


@pytest.mark.parametrize("name", NETWORKS)
def test_what_reaches_each_stage_has_the_shape_of_the_source(name, digits):
    net, times = seeded(name), digits[0][:3]
    shapes = net.network.shapes(6, 28, 28)
    for stage in net.stages:
        assert net.features(times, stage).shape == (3, *shapes[net.network.level(stage)])
    assert all(
        0.79 < weight.mean() < 0.81 and 0.045 < weight.std() < 0.055 for weight in net.weights.values()
    )


def test_features_from_an_earlier_stage(digits):
    net, times = seeded("inception2024"), digits[0][:5]
    second = net.features(times, "layer2")
    whole = net.features(times, "decision")
    assert torch.equal(net.features(second, "decision", start="layer2"), whole)
    third = net.features(second, "layer3a", start="layer2")
    assert torch.equal(net.features(third, "layer3c", start="layer3a"), third)
    assert torch.equal(net.features(third, "decision", start="layer3b"), whole)


def test_many_samples_go_through_in_chunks(digits, monkeypatch):
    net = seeded("mozafari2018")
    whole = net.features(digits[0][:10], "decision")
    votes, rated = net.decide(whole), net.scores(whole)
    monkeypatch.setattr("zorbench.spiking.wired.CHUNK", 3)
    assert torch.equal(net.features(digits[0][:10], "decision"), whole)
    assert torch.equal(net.decide(whole), votes)
    assert torch.equal(net.scores(whole), rated)


def test_the_branches_of_inception_by_explicit_waves(digits):
    net = seeded("inception2024")
    second = net.features(digits[0][:4], "layer3a")
    found = net.features(second, "decision", start="layer3a")
    for wave, ours in zip(to_wave(second, T).float(), found, strict=True):
        wave = oracle.pad(wave, 1)
        fired = [oracle.fire(F.conv2d(wave, net.weights[f"layer3{letter}"]), 50)[0] for letter in "abc"]
        assert [one.shape[1:] for one in fired] == [(100, 7, 7), (100, 5, 5), (100, 3, 3)]
        fired = [oracle.pad(one, frame) for one, frame in zip(fired, (0, 1, 2), strict=True)]
        expected = oracle.pool(torch.cat(fired, dim=1), 3)
        assert torch.equal(ours, from_wave(expected[None])[0])


# Rates


@pytest.fixture
def rates(monkeypatch):
    """Rates that layers are asked to learn with; nothing is learned."""
    asked = []

    def learn(weight, times, rule, *, rates, **options):
        asked.append(rates[:, 0])
        return torch.empty(len(rates), 1, 3)

    monkeypatch.setattr(learner.greedy, "learn", learn)
    return asked


def test_rates_double_every_500_samples_across_calls(rates, digits):
    net, times = seeded("mozafari2018"), digits[0][:1]
    for count in (300, 1000, 2300):
        net.learn_layer("layer1", times, torch.zeros(count, dtype=torch.int64))
    plus = torch.cat(rates)
    at = [1, 499, 500, 999, 1000, 1500, 2000, 2500, 2999, 3000, 3600]
    expected = [0.004, 0.004, 0.008, 0.008, 0.016, 0.032, 0.064, 0.128, 0.128, 0.15, 0.15]
    assert [float(plus[sample - 1]) for sample in at] == pytest.approx(expected)
    net.learn_layer("layer2", torch.zeros(1, 30, 14, 14, dtype=torch.uint8))
    assert float(rates[-1][0]) == pytest.approx(0.004)


def test_branches_share_the_counter_but_not_the_rates(rates):
    net, times = seeded("inception2024"), torch.zeros(1, 75, 7, 7, dtype=torch.uint8)
    for stage, count in [("layer3a", 700), ("layer3b", 400), ("layer3a", 500)]:
        net.learn_layer(stage, times, torch.zeros(count, dtype=torch.int64))
    assert rates[1][298:300].tolist() == pytest.approx([0.004, 0.008])  # b's 300th sample is the 1000th
    assert float(rates[2][0]) == pytest.approx(0.008)  # a has doubled once itself
    assert rates[2][398:400].tolist() == pytest.approx([0.008, 0.016])
    assert net.doublings["layer3b"] == 1
    assert net.since == [0, 0, 100]


def shares(verdicts, labels) -> tuple[float, float]:
    right = float((verdicts.classes == labels).double().mean())
    return 1 - right - float((verdicts.classes == -1).double().mean()), right


@pytest.mark.parametrize("name", ["mozafari2018", "deepr2024", "majority2024"])
def test_reward_follows_the_shares_of_the_batch_before(name, digits):
    net, labels = seeded(name), digits[1][:12]
    cached = net.features(digits[0][:12], "decision").clone()
    cached[5] = T  # silence counts among all
    assert net.rules("decision")[0].plus == 0.004
    for _ in range(2):
        verdicts = net.learn_to_decide(cached, labels)
        assert verdicts.classes[5] == -1
        wrong, right = shares(verdicts, labels)
        reward, punishment = net.rules("decision")
        expected = [0.004 * wrong, -0.003 * wrong, -0.004 * right, 0.0005 * right]
        assert [reward.plus, reward.minus, punishment.plus, punishment.minus] == pytest.approx(expected)
        if name == "deepr2024":
            reward, punishment = net.rules("layer3")
            expected = [0.001 * wrong, -0.00075 * wrong, -0.001 * right, 0.000125 * right]
            assert [reward.plus, reward.minus, punishment.plus, punishment.minus] == pytest.approx(expected)


SCHEDULES = {
    # Of each batch of epochs 0 and 1: which of the two changed; and whose rates were scaled after it.
    "together": (["ld", "ld", "ld", "ld", "ld", "ld"], ["ld", "ld", "ld", "ld", "ld", "ld"]),
    "source": (["l", "d", "l", "d", "d", "d"], ["d", "l", "d", "d", "d", "d"]),
    "alternate": (["l", "d", "l", "l", "d", "l"], ["d", "l", "d", "d", "l", "d"]),
    "greedy": (["l", "l", "l", "d", "d", "d"], ["l", "l", "l", "d", "d", "d"]),
}


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_who_learns_in_which_batch(schedule, digits):
    net, names = seeded(network("deepr2024_2", schedule=schedule)), {"layer3": "l", "decision": "d"}
    net.learn_layer("layer3", net.features(digits[0][:6], "layer3"))
    for weight in net.weights.values():  # into the bounds, which the first update would do
        weight.clamp_(0.2, 0.8)
    cached = net.features(digits[0][:6], "decision")
    changed, scaled = [], []
    for batch in range(6):
        before = {name: weight.clone() for name, weight in net.weights.items()}
        for stage in names:
            net.shares[stage] = (2.0, 2.0)
        net.learn_to_decide(cached, digits[1][:6], epoch=batch // 3)
        same = {name: torch.equal(weight, before[name]) for name, weight in net.weights.items()}
        assert same["layer1"]
        assert same["layer2"]
        changed.append("".join(letter for stage, letter in names.items() if not same[stage]))
        scaled.append("".join(letter for stage, letter in names.items() if net.shares[stage] != (2.0, 2.0)))
    assert (changed, scaled) == SCHEDULES[schedule]


# Votes and scores


@pytest.mark.parametrize(
    ("votes", "decided"),
    [
        ((1, 1, 1), 1),
        ((1, 1, 2), 1),
        ((1, 2, 1), 1),
        ((2, 1, 1), 1),
        ((0, 0, 5), 0),
        ((3, 1, 2), 1),
        ((1, 0, 3), 0),
        ((-1, -1, -1), -1),
        ((-1, 4, -1), 4),
        ((4, -1, -1), -1),
        ((4, -1, 4), 4),
        ((4, 5, -1), 5),
        ((4, -1, 5), -1),
    ],
)
def test_majority(votes, decided):
    assert majority(torch.tensor([votes, (7, 7, 7)])).tolist() == [decided, 7]


def test_scores_of_one_branch():
    potentials = torch.tensor([[[1.0, 3.0], [4.0, 4.0], [0.0, 0.0]]])
    decided = torch.tensor([1, 1, -1])
    found = scores(potentials, decided[:, None], decided)
    torch.testing.assert_close(found, torch.tensor([[0.25, 0.75], [0.5, 0.5], [0.0, 0.0]]))
    assert found[:2].argmax(dim=1).tolist() == [1, 1]
    assert found[1, 1] > found[1, 0]


def test_scores_of_three_branches():
    potentials = torch.tensor([[[1.0, 1, 2]] * 3, [[0.0, 4, 0]] * 3, [[3.0, 1, 0]] * 3])
    votes = torch.tensor([[2, 1, 0], [2, 2, 0], [0, 2, 1]])
    decided = majority(votes)
    found = scores(potentials, votes, decided)
    mean = torch.tensor([(0.25 + 0 + 0.75) / 3, (0.25 + 1 + 0.25) / 3, 0.5 / 3])
    torch.testing.assert_close(found[0], (1 + mean) / 4)
    torch.testing.assert_close(found[1], (torch.tensor([1.0, 0, 2]) + mean) / 4)
    assert found.argmax(dim=1).tolist() == decided.tolist() == [1, 2, 2]
    assert found.sum(dim=1).tolist() == pytest.approx([1, 1, 1])


@pytest.mark.parametrize("name", NETWORKS)
def test_the_largest_score_is_the_decision(name, digits):
    net = seeded(name)
    cached = net.features(digits[0], "decision").clone()
    net.learn_to_decide(cached, digits[1])
    cached[7] = T
    found, decided = net.scores(cached), net.decide(cached)
    assert decided[7] == -1
    assert not found[7].any()
    spoke = decided >= 0
    assert torch.equal(found[spoke].argmax(dim=1), decided[spoke])
    torch.testing.assert_close(found[spoke].sum(dim=1), torch.ones(int(spoke.sum())))


def test_few_classes(digits):
    net = seeded("mozafari2018", classes=2)
    assert net.weights["decision"].shape == (40, 250, 5, 5)
    cached = net.features(digits[0], "decision")
    labels = digits[1] % 2
    assert set(net.learn_to_decide(cached, labels).classes.tolist()) <= {0, 1}
    assert set(net.decide(cached).tolist()) <= {0, 1}


# Going on


@pytest.mark.parametrize("name", NETWORKS)
def test_going_on_from_a_state_is_as_never_stopped(name, digits):
    soon = Doubling(every=7)

    def train(net: OneSpikeNet, part: int) -> None:
        half = torch.arange(10 * part, 10 * part + 10)
        for stage in net.stages[:-1]:
            net.learn_layer(stage, cached[stage], half)
        net.learn_to_decide(cached["decision"], digits[1], half, epoch=0)

    whole = seeded(name, doubling=soon)
    cached = {stage: whole.features(digits[0], stage) for stage in whole.stages}
    train(whole, 0)
    state = whole.state()
    resumed = seeded(name, generator=torch.Generator().manual_seed(9), doubling=soon)
    resumed.load(state)
    for part in (1, 2):
        train(whole, part)
        train(resumed, part)
    ours, theirs, deciders = whole.state(), resumed.state(), whole.network.deciders
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    assert any(not torch.equal(ours[f"{one}.weight"], state[f"{one}.weight"]) for one in deciders)


def test_a_batch_in_two_calls_learns_the_same(digits):
    nets = [seeded("mozafari2018") for _ in range(2)]
    nets[0].learn_layer("layer1", digits[0][:20])
    nets[1].learn_layer("layer1", digits[0], torch.arange(12))
    nets[1].learn_layer("layer1", digits[0], torch.arange(12, 20))
    assert torch.equal(nets[0].weights["layer1"], nets[1].weights["layer1"])
    assert nets[0].since == nets[1].since == [20, 0]


# Bad input


def wrong_state(net):
    return {**net.state(), "batches": torch.zeros(2)}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda net, times: OneSpikeNet("mozafari", classes=10), "mozafari2018, deep2024"),
        (lambda net, times: OneSpikeNet("deep2024", classes=1), "at least 2 classes"),
        (lambda net, times: OneSpikeNet("deep2024", classes=10, steps=300), "at most 255"),
        (lambda net, times: net.features(times[:, :4], "layer2"), "6, height, width"),
        (lambda net, times: net.features(times.float(), "layer2"), "uint8"),
        (lambda net, times: net.features(times[..., :5, :5], "decision"), "too small"),
        (lambda net, times: net.features(times, "layer9"), "layer1, layer2, decision"),
        (lambda net, times: net.features(times, "layer1", start="layer2"), "no way back"),
        (lambda net, times: net.learn_layer("decision", times), "no layer 'decision'"),
        (lambda net, times: net.learn_layer("layer2", times), "30, height, width"),
        (lambda net, times: net.rules("layer1"), "does not learn by reward"),
        (lambda net, times: net.decide(times), "250, height, width"),
        (lambda net, times: net.load({}), "no state of mozafari2018"),
        (lambda net, times: net.load(wrong_state(net)), "batches"),
    ],
)
def test_what_is_refused(wrong, says, digits):
    with pytest.raises(ValueError, match=says):
        wrong(seeded("mozafari2018"), digits[0])


@pytest.mark.parametrize(
    ("labels", "order", "says"),
    [
        ([0, 10], None, "from 0 to 9"),
        ([0, -1], None, "from 0 to 9"),
        ([0.0, 1.0], None, "whole numbers"),
        ([0], None, "as many labels"),
        ([0, 1], [2], "outside of 0 … 1"),
        ([0, 1], [], "at least one sample"),
    ],
)
def test_labels_and_orders_that_are_refused(labels, order, says, digits):
    net = seeded("deepr2024")
    cached = net.features(digits[0][:2], "decision")
    order = None if order is None else torch.tensor(order, dtype=torch.int64)
    with pytest.raises(ValueError, match=says):
        net.learn_to_decide(cached, torch.tensor(labels), order)
