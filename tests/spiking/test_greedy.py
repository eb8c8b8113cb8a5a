"""Training through cached samples is the same as one sample after the other."""

import pytest
import torch

from zorbench.spiking.firing import decide, fire, inhibited, winners
from zorbench.spiking.greedy import learn, learn_to_decide
from zorbench.spiking.rows import laid_out
from zorbench.spiking.stdp import PUNISHMENT, REWARD, STDP, Doubling, update

T = 7
LAYER = {"steps": T, "padding": 1}


def drawn(batch: int = 12, maps: int = 19, low: float = 0.0):
    generator = torch.Generator().manual_seed(3)
    times = torch.randint(0, 2 * T, (batch, 3, 7, 8), generator=generator).clamp_max(T).to(torch.uint8)
    times[4] = T  # blank
    return times, low + torch.rand(maps, 3, 3, 3, generator=generator)


@pytest.mark.parametrize("lexicographic", [False, True])
@pytest.mark.parametrize("layout", [laid_out, torch.clone])
def test_learning_is_firing_inhibition_winners_and_updates(lexicographic, layout):
    times, weight = drawn()
    rule, ours, theirs = STDP(0.05, -0.03), layout(weight), weight.clone()
    order = torch.tensor([3, 4, 0, 3, 11, 2])
    rates = Doubling(every=2).rates(rule, 1, len(order))
    options = {"threshold": 2.5, "k": 4, "radius": 1}
    found = learn(
        ours, times, rule, order=order, rates=rates, lexicographic=lexicographic, **options, **LAYER
    )
    for index, sample in enumerate(order):
        one = times[sample : sample + 1]
        fired = inhibited(fire(one, theirs, 2.5, **LAYER), T)
        won = winners(fired, 4, 1, steps=T, lexicographic=lexicographic)[0]
        assert torch.equal(found[index], won)
        posts = torch.stack([fired.times[0, f, y, x] for f, y, x in won])
        now = STDP(*rates[index].tolist())
        update(theirs, one, won, posts, now, **LAYER)
    assert torch.equal(ours, theirs)
    assert (found[1] == -1).all()


def test_the_first_of_equal_maps_learns():
    times, weight = drawn(maps=5)
    for one in times[:4].split(1):
        won = learn(weight.repeat(4, 1, 1, 1), one, STDP(), threshold=2.5, k=1, radius=1, **LAYER)
        assert 0 <= won[0, 0, 0] < 5


def test_two_calls_are_one():
    times, weight = drawn()
    once, twice = laid_out(weight), laid_out(weight)
    options = {"threshold": 2.5, "k": 4, "radius": 1, **LAYER}
    learn(once, times, STDP(), **options)
    for part in (range(5), range(5, 12)):
        learn(twice, times, STDP(), order=torch.tensor(part), **options)
    assert torch.equal(once, twice)


def test_a_blank_sample_still_puts_all_weights_into_the_bounds():
    times, weight = drawn(low=0.5)
    won = learn(weight, times[4:5], STDP(), threshold=2.5, k=4, radius=1, **LAYER)
    assert (won == -1).all()
    assert weight.max() == 1


@pytest.mark.parametrize("lexicographic", [False, True])
@pytest.mark.parametrize("layout", [laid_out, torch.clone])
def test_learning_to_decide_is_deciding_and_updates(lexicographic, layout):
    times, weight = drawn(maps=20)
    ours, theirs = layout(weight), weight.clone()
    classes, labels = torch.arange(20) // 5, torch.arange(12) % 4
    order = torch.tensor([4, 3, 0, 3, 11, 2, 7, 8, 9])
    said = learn_to_decide(
        ours, times, labels, classes, REWARD, PUNISHMENT, order=order, lexicographic=lexicographic, **LAYER
    )
    for index, sample in enumerate(order):
        one = times[sample : sample + 1]
        won = decide(one, theirs, lexicographic=lexicographic, **LAYER)
        assert torch.equal(said.winners[index], won[0])
        if won[0, 0] < 0:
            assert said.classes[index] == -1
            continue
        right = said.classes[index] == labels[sample]
        assert said.classes[index] == classes[won[0, 0]]
        update(theirs, one, won, torch.tensor([T - 1]), REWARD if right else PUNISHMENT, **LAYER)
    assert torch.equal(ours, theirs)
    assert {int(c) for c in said.classes} >= {-1}


def test_silence_changes_nothing():
    times, weight = drawn(maps=20, low=0.5)
    before = weight.clone()
    labels, classes = torch.zeros(12, dtype=torch.int64), torch.zeros(20, dtype=torch.int64)
    order = torch.tensor([4, 4])
    said = learn_to_decide(weight, times, labels, classes, REWARD, PUNISHMENT, order=order, **LAYER)
    assert said.classes.tolist() == [-1, -1]
    assert torch.equal(weight, before)


def test_what_is_refused():
    times, weight = drawn()
    options = {"threshold": 2.5, "k": 4, "radius": 1, **LAYER}
    with pytest.raises(ValueError, match="the order names samples outside of 0 … 11"):
        learn(weight, times, STDP(), order=torch.tensor([12]), **options)
    with pytest.raises(ValueError, match=r"rates are \[12, 2\], two for each sample, got \[3, 2\]"):
        learn(weight, times, STDP(), rates=torch.zeros(3, 2), **options)
    labels, classes = torch.zeros(11), torch.zeros(20)
    with pytest.raises(ValueError, match="12 samples need as many labels, 19 maps as many classes, got 11"):
        learn_to_decide(weight, times, labels, classes, REWARD, PUNISHMENT, **LAYER)
