import subprocess
import sys
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from zorbench.data import Dataset, Episode, batch_order, draw_episode, episodes, load, tuning_fifth
from zorbench.data.seeding import generator
from zorbench.errors import InputError


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits")


@pytest.fixture(scope="module")
def mnist5k() -> Dataset:
    return load("mnist5k")


def draw(dataset: Dataset, **changes) -> Episode:
    if "images" not in changes:
        changes.setdefault("shots", 5)
    return draw_episode(dataset, **{"validation": 100, "test": 50, "seed": 3, **changes})


# what is drawn


def test_a_draw_is_what_its_description_says_step_by_step(digits: Dataset) -> None:
    labels = digits.train_labels().tolist()
    reserved = set(tuning_fifth(digits).tolist())
    pool = [i for i in range(digits.n_train) if i not in reserved]
    order = generator("digits", "pool", 3).permutation(np.array(pool)).tolist()
    rest, validation = order[:-100], order[-100:]
    counts = dict.fromkeys(range(10), 0)
    shots = []
    for i in rest:
        if counts[labels[i]] < 5:
            counts[labels[i]] += 1
            shots.append(i)
    episode = draw(digits)
    assert episode.shots.tolist() == shots
    assert episode.validation.tolist() == validation
    assert draw(digits, images=42).shots.tolist() == rest[:42]


def test_shots_are_nested(mnist5k: Dataset) -> None:
    one, five, ten = (draw(mnist5k, shots=n).shots for n in (1, 5, 10))
    assert set(one) < set(five) < set(ten)
    assert len(one), len(ten) == (10, 100)


def test_images_are_nested_and_keep_their_order(mnist5k: Dataset) -> None:
    few, many = (draw(mnist5k, images=n).shots for n in (7, 300))
    assert many[:7].tolist() == few.tolist()


def test_there_are_as_many_shots_of_each_class_as_asked_for(mnist5k: Dataset) -> None:
    labels = mnist5k.train_labels()[draw(mnist5k, shots=7).shots]
    assert torch.bincount(labels).tolist() == [7] * 10


@pytest.mark.parametrize("seed", range(5))
def test_shots_validation_and_tuning_fifth_are_disjoint(mnist5k: Dataset, seed: int) -> None:
    episode = draw(mnist5k, shots=50, validation=1000, seed=seed)
    parts = (episode.shots, episode.validation, tuning_fifth(mnist5k))
    assert len(np.unique(np.concatenate(parts))) == sum(map(len, parts)) == 500 + 1000 + 800


def test_all_of_the_pool_can_be_drawn(digits: Dataset) -> None:
    left = digits.n_train - len(tuning_fifth(digits)) - 100
    episode = draw(digits, images=left)
    everything = np.concatenate([episode.shots, episode.validation, tuning_fifth(digits)])
    assert sorted(everything) == list(range(digits.n_train))


def test_the_tuning_fifth_is_a_fifth_of_each_class(mnist5k: Dataset) -> None:
    reserved = tuning_fifth(mnist5k)
    assert torch.bincount(mnist5k.train_labels()[reserved]).tolist() == [80] * 10
    assert np.array_equal(reserved, tuning_fifth(load("mnist5k")))
    assert tuning_fifth(load("iris")).size == tuning_fifth(load("xor")).size == 0


def test_the_test_is_the_beginning_of_one_permutation_for_all_seeds(mnist5k: Dataset) -> None:
    whole = draw(mnist5k, test=None).test
    assert sorted(whole) == list(range(1000))
    assert whole.tolist() != sorted(whole)
    assert draw(mnist5k, test=30, seed=99).test.tolist() == whole[:30].tolist()
    assert draw(mnist5k, test=5000, shots=1).test.tolist() == whole.tolist()


def test_neighbouring_seeds_draw_unrelated_shots(mnist5k: Dataset) -> None:
    draws = [set(draw(mnist5k, images=320, seed=seed).shots) for seed in range(40)]
    shared = [len(a & b) for a, b in pairwise(draws)]
    # two independent draws of 320 out of 3,200 share 32 with a standard deviation of about 5
    assert abs(np.mean(shared) - 32) < 4


def test_photos_are_drawn_from_the_training_photographs_only() -> None:
    photos = load("photos")
    labels = photos.train_labels()[draw(photos, shots=3).shots]
    assert torch.bincount(labels).tolist() == [3] * 4


# own splits


@pytest.mark.parametrize("seed", range(6))
def test_an_episode_of_iris_stays_in_its_fold(seed: int) -> None:
    iris = load("iris")
    assert iris.folds is not None
    train, test = iris.folds(seed)
    episode = draw_episode(iris, shots=20, validation=30, seed=seed)
    assert set(episode.test) == set(test)
    assert set(episode.shots) | set(episode.validation) <= set(train)
    assert not set(episode.shots) & set(episode.validation)
    assert draw_episode(iris, images=120, validation=0, seed=seed).validation.size == 0


def test_xor_learns_validates_and_tests_on_all_four_points() -> None:
    episode = draw_episode(load("xor"), shots=2, validation=4, seed=0)
    assert sorted(episode.shots) == sorted(episode.validation) == sorted(episode.test) == [0, 1, 2, 3]
    assert draw_episode(load("xor"), shots=2, validation=0, seed=0).validation.size == 0


# what is refused


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shots": 0}, "digits: shots=0; it must be at least 1"),
        ({"shots": -1}, "digits: shots=-1; it must be at least 1"),
        ({"images": 0}, "digits: images=0; it must be at least 1"),
        ({"validation": 0}, "digits: validation=0; it must be at least 1"),
        ({"validation": -5}, "digits: validation=-5; it must be at least 1"),
        ({"test": 0}, "digits: test=0; it must be at least 1"),
        ({"seed": -1}, "digits: seed=-1; it must be at least 0"),
        ({"validation": 1151}, "digits: validation=1151 of a pool of 1151; at most 1150"),
        ({"images": 1052}, "digits: images=1052, but 1051 are left of a pool of 1151 with validation=100"),
        ({"shots": 5, "images": 5}, "digits: give either shots"),
        ({"shots": None}, "digits: give either shots"),
    ],
)
def test_impossible_numbers_are_refused(digits: Dataset, changes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        draw(digits, **changes)


def test_too_many_shots_name_the_class_and_what_it_has_left(digits: Dataset) -> None:
    order = generator("digits", "pool", 3).permutation(
        np.setdiff1d(np.arange(digits.n_train), tuning_fifth(digits))
    )
    left = torch.bincount(digits.train_labels()[order[:-100]])
    scarce = int(torch.nonzero(left < 110)[0])
    with pytest.raises(InputError, match=f"digits: shots=110, but class {scarce} has {left[scarce]} left"):
        draw(digits, shots=110)


# purity


def test_the_same_arguments_draw_the_same_episode(digits: Dataset) -> None:
    first = draw(digits)
    np.random.seed(1)
    torch.manual_seed(1)
    second = draw(load("digits"))
    assert first == second
    assert hash(first) == hash(second)
    for part in ("shots", "validation", "test"):
        assert np.array_equal(getattr(first, part), getattr(second, part))
    assert first.order_seed == second.order_seed


def test_another_process_draws_the_same_episode(digits: Dataset) -> None:
    drawn = "draw_episode(load('digits'), shots=5, validation=100, test=50, seed=3)"
    code = f"from zorbench.data import draw_episode, load\nprint({drawn}.sha256)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == draw(digits).sha256


def test_drawing_leaves_global_randomness_alone(digits: Dataset) -> None:
    before = np.random.get_state()[1].copy(), torch.get_rng_state()
    draw(digits)
    next(batch_order(10, 3, 0))
    assert np.array_equal(np.random.get_state()[1], before[0])
    assert torch.equal(torch.get_rng_state(), before[1])


def test_the_sha_changes_with_every_argument_and_the_contents(digits: Dataset) -> None:
    changes = [
        {},
        {"shots": 6},
        {"images": 50},
        {"validation": 99},
        {"test": 49},
        {"test": None},
        {"seed": 4},
    ]
    shas = {draw(digits, **change).sha256 for change in changes}
    shas.add(draw(replace(digits, fingerprint="0" * 64)).sha256)
    assert len(shas) == len(changes) + 1
    assert draw(digits) != draw(digits, seed=4)


def test_a_folder_draws_the_same_wherever_it_lies(digits: Dataset) -> None:
    here, there = (draw(replace(digits, name=f"folder:{place}")) for place in ("/a", "/b"))
    assert here == there


def test_order_seeds_differ_between_seeds_and_not_between_shots(digits: Dataset) -> None:
    assert draw(digits, shots=1).order_seed == draw(digits, shots=10).order_seed
    assert len({draw(digits, seed=seed).order_seed for seed in range(20)}) == 20


def test_drawing_reads_no_test_file(mnist5k: Dataset, tmp_path: Path) -> None:
    for part in ("train_labels", "train_inputs"):
        (tmp_path / f"{part}.npy").symlink_to(mnist5k.folder / f"{part}.npy")
    blind = replace(mnist5k, folder=tmp_path)
    assert draw(blind) == draw(mnist5k)


# the order of presentation


@given(n=st.integers(1, 60), batch=st.integers(1, 70), seed=st.integers(0, 2**63 - 1))
def test_every_epoch_is_a_permutation_cut_into_minibatches(n: int, batch: int, seed: int) -> None:
    sizes = [min(batch, n - start) for start in range(0, n, batch)]
    order = batch_order(n, batch, seed)
    for _ in range(4):
        epoch = list(islice(order, len(sizes)))
        assert [len(part) for part in epoch] == sizes
        assert all(part.dtype == torch.int64 for part in epoch)
        assert sorted(torch.cat(epoch).tolist()) == list(range(n))


@pytest.mark.parametrize("n", [3, 10, 999])
@pytest.mark.parametrize("block", [1, 7, 100_000])
def test_the_order_does_not_depend_on_how_much_is_drawn_at_once(monkeypatch, n: int, block: int) -> None:
    wanted = torch.cat(list(islice(batch_order(n, n, 5), 50)))
    monkeypatch.setattr(episodes, "_BLOCK", block)
    assert torch.equal(torch.cat(list(islice(batch_order(n, n, 5), 50))), wanted)


def test_the_order_does_not_depend_on_the_batch() -> None:
    whole, cut = (
        torch.cat(list(islice(batch_order(12, batch, 1), count))) for batch, count in ((12, 9), (4, 27))
    )
    assert torch.equal(whole, cut)


def test_epochs_and_seeds_differ() -> None:
    first, second = islice(batch_order(50, 50, 1), 2)
    assert not torch.equal(first, second)
    assert not torch.equal(first, next(batch_order(50, 50, 2)))


def test_all_permutations_are_equally_likely() -> None:
    epochs = 60_000
    counts: dict[tuple[int, ...], int] = {}
    for part in islice(batch_order(3, 3, 11), epochs):
        key = tuple(part.tolist())
        counts[key] = counts.get(key, 0) + 1
    expected = epochs / 6
    chi2 = sum((count - expected) ** 2 / expected for count in counts.values())
    assert len(counts) == 6
    assert chi2 < 25.7  # the 1 − 10⁻⁴ quantile with 5 degrees of freedom


def test_nothing_to_cut_is_refused_at_once() -> None:
    for n, batch in ((0, 1), (5, 0)):
        with pytest.raises(InputError, match="both numbers must be positive"):
            batch_order(n, batch, 0)
