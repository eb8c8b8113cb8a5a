"""tca against its definition: occurrences are drawn again and looked for in the spikes."""

from pathlib import Path

import numpy as np
import pytest
import torch

from zorbench.data import Dataset, draw_episode, load, tca, tuning_fifth
from zorbench.data.seeding import generator
from zorbench.data.tca import Spikes, Trial

TRIAL, FEATURE = 2_000_000, 50_000  # µs
RATE = 4.4e-6  # a µs
REWARDS = [1, 2, 3, 4, 5, 0, 0, 0, 0]


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load("tca")


@pytest.fixture(scope="module")
def inputs(data: Dataset) -> np.ndarray:
    """Of all trials, the training part first."""
    return torch.cat([data.train_inputs(range(200)), data.test_inputs(range(50))]).numpy()


@pytest.fixture(scope="module")
def patterns() -> list[Spikes]:
    return tca.draw_patterns()


@pytest.fixture(scope="module")
def trials(patterns: list[Spikes]) -> list[Trial]:
    """What `inputs` shows."""
    return tca.draw_part(patterns, "train", 200)[0] + tca.draw_part(patterns, "test", 50)[0]


def coded(spikes: Spikes) -> np.ndarray:
    """One number a spike."""
    return spikes.synapses * TRIAL + spikes.times


# the format


def test_inputs_are_500_synapses_by_as_many_spikes_as_the_busiest_has(data: Dataset, inputs) -> None:
    assert (data.n_train, data.n_test, len(data.class_names)) == (200, 50, 22)
    assert data.shape == inputs.shape[1:]
    assert data.shape[0] == 500
    assert data.shape[1] == np.count_nonzero(inputs, axis=2).max()
    assert inputs.dtype == np.float32
    assert inputs.min() == 0
    assert inputs.max() <= 1


def test_a_synapse_s_spikes_come_in_order_and_nothing_comes_after_them(inputs) -> None:
    earlier, later = inputs[..., :-1], inputs[..., 1:]
    assert np.all((earlier > later) | (later == 0))


def test_every_spike_can_be_read_from_the_inputs_to_the_microsecond(inputs, trials) -> None:
    for values, trial in zip(inputs, trials, strict=True):
        synapses, slots = np.nonzero(values)
        times = np.rint((1 - values[synapses, slots].astype(float)) * TRIAL).astype(np.int64)
        assert np.array_equal(synapses * TRIAL + times, coded(trial.spikes))


@pytest.mark.parametrize("time", [0, 1, TRIAL - 2, TRIAL - 1])
def test_the_first_and_last_spikes_possible_are_neither_alike_nor_absent(time: int) -> None:
    values = tca.as_input(Spikes(np.array([3, 499]), np.array([time, time])))
    assert np.count_nonzero(values) == 2
    assert values[3, 0] == values[499, 0] == np.float32((TRIAL - time) / TRIAL) > 0
    other = tca.as_input(Spikes(np.array([3]), np.array([time ^ 1])))
    assert other[3, 0] != values[3, 0]


# features and rewards


def test_labels_are_the_sum_of_the_rewards_of_what_occurs(data: Dataset, trials) -> None:
    labels = torch.cat([data.train_labels(), data.test_labels(range(50))]).tolist()
    assert labels == [sum(REWARDS[feature] for feature in trial.features) for trial in trials]


def test_classes_are_as_even_as_can_be(data: Dataset) -> None:
    for labels, least in ((data.train_labels(), 9), (data.test_labels(range(50)), 2)):
        assert set(torch.bincount(labels, minlength=22).tolist()) == {least, least + 1}
        assert labels.tolist() != (torch.arange(len(labels)) % 22).tolist()


def test_features_occur_at_most_twice_apart_and_inside_the_trial(trials) -> None:
    counts = np.array([np.bincount(trial.features, minlength=9) for trial in trials])
    assert set(np.unique(counts)) == {0, 1, 2}
    assert np.all((counts == 0).any(0) & (counts == 1).any(0) & (counts == 2).any(0))
    for trial in trials:
        assert np.all(np.diff(trial.onsets) >= FEATURE)
        assert np.all((trial.onsets >= 0) & (trial.onsets <= TRIAL - FEATURE))


def test_a_feature_lies_in_a_trial_exactly_where_it_occurs(patterns, trials) -> None:
    for trial in trials[::5]:
        spikes = set(coded(trial.spikes).tolist())
        for feature, pattern in enumerate(patterns):
            codes = coded(pattern)
            shifts = trial.spikes.times[trial.spikes.synapses == pattern.synapses[0]] - pattern.times[0]
            found = [shift for shift in shifts if spikes.issuperset((codes + shift).tolist())]
            assert found == trial.onsets[trial.features == feature].tolist()


def test_no_background_is_left_where_a_feature_occurs(patterns, trials) -> None:
    for trial in trials:
        for feature, onset in zip(trial.features, trial.onsets, strict=True):
            inside = (trial.spikes.times >= onset) & (trial.spikes.times < onset + FEATURE)
            assert np.array_equal(coded(trial.spikes)[inside], coded(patterns[feature]) + onset)


def test_features_are_nine_patterns_of_50_ms_at_the_background_s_rate(patterns) -> None:
    assert len(patterns) == 9
    assert all(pattern.times.min() >= 0 and pattern.times.max() < FEATURE for pattern in patterns)
    assert len({coded(pattern).tobytes() for pattern in patterns}) == 9
    total, expected = sum(len(pattern.times) for pattern in patterns), 9 * 500 * RATE * FEATURE
    assert abs(total - expected) < 4 * expected**0.5
    times = np.concatenate([pattern.times for pattern in patterns])
    assert abs(times.mean() - FEATURE / 2) < 4 * FEATURE / (12 * total) ** 0.5


@pytest.mark.parametrize("label", [0, 2, 21])
def test_all_combinations_worth_the_label_are_as_likely(label: int) -> None:
    rng = generator("test", "combinations", label)
    counts = np.array([np.bincount(tca.draw_occurrences(label, rng)[0], minlength=9) for _ in range(600)])
    assert np.all(counts @ REWARDS == label)
    # nothing holds the four that are worth nothing: 0, 1 or 2 of each with probability 1/3
    unrewarded = np.bincount(counts[:, 5:].ravel(), minlength=3) / 2400
    assert np.abs(unrewarded - 1 / 3).max() < 4 * (2 / 9 / 2400) ** 0.5
    combinations = {
        0: [[0] * 5],
        2: [[2, 0, 0, 0, 0], [0, 1, 0, 0, 0]],
        21: [c for c in np.ndindex(3, 3, 3, 3, 3) if np.dot(c, [1, 2, 3, 4, 5]) == 21],
    }[label]
    shares = [(counts[:, :5] == combination).all(1).mean() for combination in combinations]
    p = 1 / len(combinations)
    assert np.abs(np.array(shares) - p).max() < 4 * (p * (1 - p) / 600) ** 0.5 + 1e-9


def test_onsets_are_spread_evenly_over_the_trial() -> None:
    rng = generator("test", "onsets")
    drawn = [tca.draw_occurrences(10, rng) for _ in range(500)]
    onsets = np.concatenate([onsets for _, onsets in drawn])
    # by symmetry the mean middle is that of the trial; onsets of one trial push each other apart
    assert abs(onsets.mean() + FEATURE / 2 - TRIAL / 2) < 4 * TRIAL / (12 * len(onsets)) ** 0.5
    assert onsets.min() < FEATURE / 10
    assert onsets.max() > TRIAL - FEATURE * 1.1
    first = np.array([features[0] for features, _ in drawn if len(features)])
    assert np.bincount(first, minlength=9).min() > 0.05 * len(first)  # order says nothing about which


# spikes


def test_a_trial_has_as_many_spikes_as_rates_and_features_make_expect(patterns, trials) -> None:
    sizes = np.array([len(pattern.times) for pattern in patterns])
    counts = np.array([len(trial.spikes.times) for trial in trials])
    occurring = np.array([len(trial.features) for trial in trials])
    fixed = np.array([sizes[trial.features].sum() for trial in trials])
    expected = 500 * RATE * (TRIAL - FEATURE * occurring)
    # Outside of features the count is Poisson but for what whole cycles lose there, which widens it a little.
    deviations = (counts - fixed - expected) / expected**0.5
    assert np.abs(deviations).max() < 5
    assert abs(deviations.mean()) < 4 / len(trials) ** 0.5
    assert 0.8 < deviations.std() < 1.3
    luck = fixed - 110 * occurring  # of the one draw of the features
    assert abs((counts - luck).mean() - 4400) < 4 * (4400 / len(trials)) ** 0.5


def test_the_background_s_rate_swings_smoothly_about_its_mean() -> None:
    """Counts of two bins covary as their rates do: r²/2 · cos(2πc·lag) · sinc²(c·bin), averaged over c."""
    bins, n = 16, 200
    rng = generator("test", "background")
    counts = np.zeros((n, 500, bins))
    for table in counts:
        spikes = tca.draw_background(rng)
        np.add.at(table, (spikes.synapses, spikes.times * bins // TRIAL), 1)
    mean = RATE * TRIAL / bins
    assert abs(counts.mean() - mean) < 4 * (mean / counts.size) ** 0.5
    assert np.abs(counts.mean((0, 1)) - mean).max() < 5 * (1.3 * mean / (n * 500)) ** 0.5
    cycles = np.arange(1, 5)
    for lag in (0, 1, 2, 8, 15):
        expected = (
            mean**2 / 2 * np.mean(np.cos(2 * np.pi * cycles * lag / bins) * np.sinc(cycles / bins) ** 2)
        )
        product = (counts[..., : bins - lag] - mean) * (counts[..., lag:] - mean)
        spread = 4 * product.std() / (n * 500) ** 0.5  # as if the bins of one trial were one observation
        assert abs(product.mean() - expected - (mean if lag == 0 else 0)) < spread
    # over whole cycles the swing evens out: a trial's count is Poisson
    whole = counts.sum(2)
    assert abs(whole.var() / whole.mean() - 1) < 4 * (2 / whole.size) ** 0.5


def test_training_and_test_trials_share_features_and_nothing_else(inputs, trials) -> None:
    assert len({values.tobytes() for values in inputs}) == 250
    synapses = [np.concatenate([t.spikes.synapses for t in part]) for part in (trials[:200], trials[200:])]
    train, test = (np.concatenate([coded(t.spikes) for t in part]) for part in (trials[:200], trials[200:]))
    # spikes of the same synapse in the same µs, by chance
    chance = np.prod([np.bincount(s, minlength=500) for s in synapses], axis=0).sum() / TRIAL
    assert np.isin(train, test).sum() < chance + 6 * chance**0.5


def test_a_trial_that_an_input_cannot_hold_is_drawn_again(monkeypatch, patterns) -> None:
    def busiest(name: int) -> int:
        trial = tca.draw_trial(patterns, 7, generator("test", "busy", name))
        assert sum(REWARDS[feature] for feature in trial.features) == 7
        return int(np.bincount(trial.spikes.synapses).max())

    assert max(busiest(name) for name in range(20)) > 19
    monkeypatch.setattr(tca, "SHAPE", (500, 19))
    assert max(busiest(name) for name in range(20)) <= 19


# in use


def test_generated_twice_it_is_the_same_to_the_bit(data: Dataset, own_cache: Path) -> None:
    again = load("tca")
    assert own_cache in again.folder.parents
    assert again.fingerprint == data.fingerprint


@pytest.mark.parametrize("seed", range(3))
def test_an_episode_learns_from_all_training_trials_and_is_tested_on_the_others(
    data: Dataset, seed: int
) -> None:
    assert tuning_fifth(data).size == 0
    episode = draw_episode(data, images=180, validation=20, seed=seed)
    assert (len(episode.shots), len(episode.validation)) == (180, 20)
    assert sorted([*episode.shots, *episode.validation]) == list(range(200))
    assert sorted(episode.test) == list(range(50))
    everything = draw_episode(data, images=200, validation=0, seed=seed)
    assert sorted(everything.shots) == list(range(200))
    assert everything != draw_episode(data, images=200, validation=0, seed=seed + 1)


def test_there_are_five_shots_of_every_class(data: Dataset) -> None:
    episode = draw_episode(data, shots=5, validation=20, seed=0)
    assert torch.bincount(data.train_labels()[episode.shots]).tolist() == [5] * 22
