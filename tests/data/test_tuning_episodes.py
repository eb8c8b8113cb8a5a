"""Episodes that settings are chosen on: of the tuning fifth alone, which no other episode touches."""

from dataclasses import replace

import numpy as np
import pytest

from zorbench.data import Dataset, Episode, draw_episode, draw_tuning_episode, load, tuning_fifth
from zorbench.data.seeding import generator
from zorbench.errors import InputError
from zorbench.tuning import TUNING_SEEDS


@pytest.fixture(scope="module", params=["digits", "mnist5k", "photos"])
def dataset(request: pytest.FixtureRequest) -> Dataset:
    return load(request.param)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits")


def draw(dataset: Dataset, **changes) -> Episode:
    if "images" not in changes and "shots" not in changes:
        changes["images"] = 20
    return draw_tuning_episode(dataset, **{"validation": 50, "seed": TUNING_SEEDS[0], **changes})


@pytest.mark.parametrize("seed", TUNING_SEEDS)
def test_trials_and_evaluation_share_no_image(dataset: Dataset, seed: int) -> None:
    fifth = set(tuning_fifth(dataset).tolist())
    tuned = draw(dataset, images=10**6, validation=1000, seed=seed)
    used = set(tuned.shots.tolist()) | set(tuned.validation.tolist())
    assert used == fifth  # as much as there is
    assert not set(tuned.shots.tolist()) & set(tuned.validation.tolist())
    assert len(tuned.test) == 0
    for evaluated in range(8):
        most = dataset.n_train - len(fifth) - 300
        episode = draw_episode(dataset, images=most, validation=300, test=50, seed=evaluated)
        assert not used & (set(episode.shots.tolist()) | set(episode.validation.tolist()))


def test_the_fifth_is_a_fifth_of_each_class(digits: Dataset) -> None:
    labels = digits.train_labels().numpy()
    counts, reserved = np.bincount(labels), np.bincount(labels[tuning_fifth(digits)])
    assert np.abs(reserved - counts / 5).max() <= 1


def test_a_draw_is_what_its_description_says_step_by_step(digits: Dataset) -> None:
    labels = digits.train_labels().tolist()
    pool = generator("digits", "tuning", 7).permutation(tuning_fifth(digits)).tolist()
    validation, rest = pool[:50], pool[50:]
    counts = dict.fromkeys(range(10), 0)
    shots = []
    for i in rest:
        if counts[labels[i]] < 3:
            counts[labels[i]] += 1
            shots.append(i)
    episode = draw(digits, shots=3, seed=7)
    assert (episode.shots.tolist(), episode.validation.tolist()) == (shots, validation)
    assert draw(digits, images=42, seed=7).shots.tolist() == rest[:42]


def test_where_the_fifth_is_small_there_are_fewer_shots_and_as_many_of_each_class(digits: Dataset) -> None:
    labels = digits.train_labels().numpy()
    fifth = tuning_fifth(digits)
    episode = draw(digits, shots=1000, validation=1000)
    assert len(episode.validation) == len(fifth) // 2  # half of the fifth at most
    rest = sorted(set(fifth.tolist()) - set(episode.validation.tolist()))
    fewest = np.bincount(labels[rest], minlength=10).min()
    assert 0 < fewest < 1000
    assert np.bincount(labels[episode.shots], minlength=10).tolist() == [fewest] * 10
    enough = draw(digits, shots=fewest - 1, validation=1000)
    assert np.bincount(labels[enough.shots]).tolist() == [fewest - 1] * 10


def test_the_same_seed_draws_the_same_and_another_something_else(digits: Dataset) -> None:
    first, again, other = (draw(digits, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first.sha256 != other.sha256
    assert first.shots.tolist() != other.shots.tolist()
    assert first.order_seed != other.order_seed
    assert len({draw(digits, seed=seed).sha256 for seed in TUNING_SEEDS}) == len(TUNING_SEEDS)


def test_other_data_are_another_episode(digits: Dataset) -> None:
    assert draw(replace(digits, fingerprint="other")).sha256 != draw(digits).sha256


@pytest.mark.parametrize("name", ["iris", "xor", "tca"])
def test_data_with_splits_of_their_own_keep_nothing_for_tuning(name: str) -> None:
    with pytest.raises(InputError, match=f"^{name}: brings its own splits, so no part of it is kept"):
        draw(load(name), images=5, validation=1)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"shots": 0}, "shots=0; it must be at least 1"),
        ({"images": 0}, "images=0; it must be at least 1"),
        ({"validation": 0}, "validation=0; it must be at least 1"),
        ({"seed": -1}, "seed=-1; it must be at least 0"),
        ({"shots": 1, "images": 1}, "give either shots"),
    ],
)
def test_numbers_that_make_no_sense_are_told(digits: Dataset, changes: dict[str, int], told: str) -> None:
    with pytest.raises(InputError, match=told):
        draw(digits, **changes)
