"""tca: temporal credit assignment, spike trains with hidden features that are worth something. Always there.

Gütig, Science 351, aab4113, 2016, asks a neuron that is told only the sum of a trial's rewards which features
earned them. The file of trials that others have learned from cannot be had: rates, rewards and how often
features occur are choices of ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int64
from numpy import ndarray
from numpy.random import Generator

from zorbench.data.cache import Content, cached
from zorbench.data.dataset import Dataset, tasks_of
from zorbench.data.seeding import generator

SYNAPSES = 500
TRIAL = 2_000_000  # µs; spike times are whole µs
FEATURE = 50_000  # µs
RATE = 4.4e-6  # spikes a µs: 4.4 Hz
CYCLES = 4  # of a rate in a trial, at most
REWARDS = (1, 2, 3, 4, 5, 0, 0, 0, 0)  # of one occurrence of each feature
MOST = 2  # occurrences of a feature in a trial
CLASSES = 22
N_TRAIN, N_TEST = 200, 50
SHAPE = (SYNAPSES, 27)  # the most spikes of a synapse in any of the trials


@dataclass(frozen=True)
class Spikes:
    """Spikes sorted by synapse, then time; no two alike."""

    synapses: Int64[ndarray, "n"]
    times: Int64[ndarray, "n"]  # µs


@dataclass(frozen=True)
class Trial:
    """One trial and what is hidden in it: feature `features[k]` starts at `onsets[k]`."""

    spikes: Spikes
    features: Int64[ndarray, "m"]
    onsets: Int64[ndarray, "m"]  # µs, ascending


def tca() -> Dataset:
    """200 training and 50 test trials of 2 s on 500 synapses; a trial's class is its reward, 0 to 21.

    Nine features are spike patterns of 50 ms over all synapses, drawn once and the same in both parts; five
    of them are worth 1, 2, 3, 4 and 5, four nothing. Each occurs 0, 1 or 2 times in a trial, in place of the
    background. Classes are as even as can be: 9 or 10 training trials each, 2 or 3 test trials.

    An input is [synapse, spike]: the k-th spike of a synapse at time t is 1 − t/(2 s), so early is bright and
    a row descends; 0, which no spike comes to, fills it up. In float32 every µs is a number of its own.

    It brings its own split, the same for every seed: episodes may draw on all training trials.
    """

    def build(_: Path) -> Content:
        patterns = draw_patterns()
        (train, rewards), (test, test_rewards) = (
            _part(patterns, name, count) for name, count in (("train", N_TRAIN), ("test", N_TEST))
        )
        names = tuple(map(str, range(CLASSES)))
        tasks = tasks_of(SHAPE, classes=True)
        return Content("tca", "generated", train, rewards, test, test_rewards, names, tasks)

    choices = (SYNAPSES, TRIAL, FEATURE, RATE, CYCLES, REWARDS, MOST, CLASSES, N_TRAIN, N_TEST, SHAPE)
    return cached("tca", ["numpy", version("numpy"), *choices], build, folds=_own_split)


def _own_split(seed: int) -> tuple[ndarray, ndarray]:
    return np.arange(N_TRAIN), np.arange(N_TEST)


def _part(patterns: Sequence[Spikes], name: str, count: int) -> tuple[ndarray, ndarray]:
    trials, labels = draw_part(patterns, name, count)
    return np.stack([as_input(trial.spikes) for trial in trials]), labels


def draw_part(
    patterns: Sequence[Spikes], name: str, count: int
) -> tuple[list[Trial], Int64[ndarray, "count"]]:
    """`count` trials, each with random numbers of its own, and their classes: every one in turn, shuffled."""
    labels = generator("tca", name, "labels").permutation(np.arange(count) % CLASSES)
    trials = [
        draw_trial(patterns, label, generator("tca", name, index)) for index, label in enumerate(labels)
    ]
    return trials, labels


def draw_patterns() -> list[Spikes]:
    """The features: Poisson spikes at the background's mean rate, 500 · 4.4 Hz · 50 ms = 110 expected."""
    patterns = []
    for feature in range(len(REWARDS)):
        rng = generator("tca", "feature", feature)
        synapses = np.repeat(np.arange(SYNAPSES), rng.poisson(RATE * FEATURE, SYNAPSES))
        patterns.append(_sorted(synapses, rng.integers(0, FEATURE, len(synapses))))
    return patterns


def draw_trial(patterns: Sequence[Spikes], label: int, rng: Generator) -> Trial:
    """A trial worth `label`: background, with features in its place where they occur.

    How often each feature occurs is drawn from all combinations of 0 to 2 occurrences that are worth `label`,
    each as likely; their order and times are drawn from all in which no two overlap. A feature clears its
    50 ms of background spikes and puts its own there, as many on average. So a trial is expected to have
    500 · 4.4 Hz · 2 s = 4,400 spikes, whatever occurs in it (over the draw of the features, too).

    A trial in which a synapse has more spikes than an input holds is drawn again.
    """
    features, onsets = draw_occurrences(label, rng)
    background = draw_background(rng)
    keep = np.ones(len(background.times), dtype=bool)
    for onset in onsets:
        keep &= (background.times < onset) | (background.times >= onset + FEATURE)
    synapses = [background.synapses[keep], *(patterns[feature].synapses for feature in features)]
    shifted = (patterns[feature].times + onset for feature, onset in zip(features, onsets, strict=True))
    spikes = _sorted(np.concatenate(synapses), np.concatenate([background.times[keep], *shifted]))
    if np.bincount(spikes.synapses).max() > SHAPE[1]:
        return draw_trial(patterns, label, rng)
    return Trial(spikes, features, onsets)


def draw_occurrences(label: int, rng: Generator) -> tuple[Int64[ndarray, "m"], Int64[ndarray, "m"]]:
    """Features in the order of their occurrence and their onsets in µs, see `draw_trial`."""
    counts = np.indices([MOST + 1] * len(REWARDS)).reshape(len(REWARDS), -1).T
    worth = counts[counts @ REWARDS == label]
    features = rng.permutation(np.repeat(np.arange(len(REWARDS)), worth[rng.integers(len(worth))]))
    # Points in the time that no feature takes up, moved apart by the features before them.
    free = TRIAL - FEATURE * len(features)
    onsets = np.sort(rng.integers(0, free + 1, len(features))) + FEATURE * np.arange(len(features))
    return features, onsets


def draw_background(rng: Generator) -> Spikes:
    """Inhomogeneous Poisson spikes: a synapse's rate at time t is 4.4 Hz · (1 + sin(2π(c·t/(2 s) + φ))).

    Each synapse and trial has its own c, a whole number of cycles from 1 to 4 (0.5 to 2 Hz), and phase φ.
    Made by thinning a process of twice the mean rate, which the rate never exceeds. The few spikes that fall
    on one µs of one synapse, about one in 300,000, are one spike.
    """
    cycles, phase = rng.integers(1, CYCLES + 1, SYNAPSES), rng.random(SYNAPSES)
    synapses = np.repeat(np.arange(SYNAPSES), rng.poisson(2 * RATE * TRIAL, SYNAPSES))
    times = rng.integers(0, TRIAL, len(synapses))
    modulation = 1 + np.sin(2 * np.pi * (cycles[synapses] * times / TRIAL + phase[synapses]))
    keep = 2 * rng.random(len(synapses)) < modulation
    return _sorted(synapses[keep], times[keep])


def _sorted(synapses: ndarray, times: ndarray) -> Spikes:
    return Spikes(*np.divmod(np.unique(synapses * TRIAL + times), TRIAL))


def as_input(spikes: Spikes) -> Float32[ndarray, "synapses slots"]:
    """1 − t/(2 s) of each spike in its synapse's row, in order; the rest of a row is 0."""
    values = np.zeros(SHAPE, dtype=np.float32)
    firsts = np.searchsorted(spikes.synapses, np.arange(SYNAPSES))
    slots = np.arange(len(spikes.times)) - firsts[spikes.synapses]
    values[spikes.synapses, slots] = 1 - spikes.times / TRIAL
    return values
