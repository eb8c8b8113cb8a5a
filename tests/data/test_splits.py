import numpy as np
import pytest

from zorbench.data.seeding import derived_seed, generator
from zorbench.data.splits import stratified_choice, stratified_fold, without

LABELS = np.array([0, 1, 0, 2, 1, 0, 0, 0, 1, 0, 0, 1, 0, 1, 0])  # 9, 5 and 1 of a class


def test_a_choice_takes_the_share_of_each_class_rounded_half_up() -> None:
    chosen = stratified_choice(LABELS, 0.2, "key")
    assert np.bincount(LABELS[chosen], minlength=3).tolist() == [2, 1, 0]  # 1.8, 1.0, 0.2
    assert np.bincount(LABELS[stratified_choice(LABELS, 0.5, "key")]).tolist() == [5, 3, 1]  # 4.5, 2.5, 0.5


def test_a_choice_takes_at_least_what_it_is_told() -> None:
    chosen = stratified_choice(LABELS, 0.2, "key", least=1)
    assert np.bincount(LABELS[chosen]).tolist() == [2, 1, 1]


def test_a_choice_is_sorted_and_depends_on_its_key_only() -> None:
    labels = np.repeat(np.arange(5), 40)
    chosen = stratified_choice(labels, 0.2, "key")
    assert np.all(np.diff(chosen) > 0)
    assert np.array_equal(chosen, stratified_choice(labels, 0.2, "key"))
    assert not np.array_equal(chosen, stratified_choice(labels, 0.2, "another key"))


def test_the_rest_and_the_choice_make_the_whole() -> None:
    assert without(6, np.array([4, 1])).tolist() == [0, 2, 3, 5]


@pytest.mark.parametrize("shuffle", [0, 1, 7])
def test_the_folds_of_a_shuffle_test_each_index_once_and_are_stratified(shuffle: int) -> None:
    labels = np.repeat(np.arange(3), 50)
    tested = []
    for fold in range(5):
        train, test = stratified_fold(labels, 5, "set", 5 * shuffle + fold)
        assert np.bincount(labels[test]).tolist() == [10, 10, 10]
        assert np.array_equal(np.sort(np.concatenate([train, test])), np.arange(150))
        tested.append(test)
    assert np.array_equal(np.sort(np.concatenate(tested)), np.arange(150))


def test_another_shuffle_makes_other_folds() -> None:
    labels = np.repeat(np.arange(3), 50)
    first, second = (stratified_fold(labels, 5, "set", seed)[1] for seed in (0, 5))
    assert not np.array_equal(first, second)


def test_generators_of_one_text_agree_and_of_neighbouring_seeds_do_not() -> None:
    assert generator("a", 1).random() == generator("a", 1).random()
    numbers = np.array([[generator("a", seed).random() for seed in range(k, k + 500)] for k in (0, 1)])
    assert abs(np.corrcoef(numbers)[0, 1]) < 0.2  # 500 pairs (seed, seed + 1): four standard errors
    assert abs(numbers.mean() - 0.5) < 0.06


def test_the_parts_of_a_text_do_not_run_together() -> None:
    assert derived_seed("ab", "c") != derived_seed("a", "bc")
    assert derived_seed("1", 2) == derived_seed(1, "2")
    assert 0 <= derived_seed("x") < 2**63
