"""1-NN, against scikit-learn."""

import numpy as np
import torch
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import KNeighborsClassifier

from zorbench import Classification
from zorbench.predict import predict


def test_it_answers_as_the_neighbours_classifier_of_scikit_learn(classification_shots, fit):
    problem = classification_shots
    asked = torch.rand(200, 4, generator=torch.Generator().manual_seed(2)) * 1.75
    labels = problem.targets.argmax(dim=1).numpy()
    theirs = KNeighborsClassifier(1).fit(problem.inputs.numpy(), labels).predict(asked.numpy())
    ours = predict(fit("one_nn", problem), problem.spec, asked).argmax(dim=1).numpy()
    assert set(theirs) == {0, 1, 3}
    assert np.array_equal(ours, theirs)


def test_a_score_is_minus_the_distance_to_the_nearest_shot_of_the_class(make_problem, fit):
    problem = make_problem(Classification, (1, 9, 9), n=40)
    asked = torch.cat([problem.inputs, torch.rand(20, 1, 9, 9, generator=torch.Generator().manual_seed(2))])
    scores = predict(fit("one_nn", problem), problem.spec, asked).numpy()
    distances = pairwise_distances(
        asked.flatten(1).double().numpy(), problem.inputs.flatten(1).double().numpy()
    )
    labels = problem.targets.argmax(dim=1).numpy()
    expected = np.stack([-distances[:, labels == label].min(axis=1) for label in range(3)], axis=1)
    np.testing.assert_allclose(scores, expected, atol=1e-5)


def test_two_equal_shots_of_different_classes_leave_no_unique_maximum(make_problem, fit):
    items = torch.rand(30, 7)
    items[1] = items[0]
    problem = make_problem(Classification, items=items)
    scores = predict(fit("one_nn", problem), problem.spec, items[:1])[0]
    assert scores[0] == scores[1] > scores[2]
