"""The trivial methods, against NumPy and plain loops."""

import numpy as np
import pytest
import torch

from zorbench import Classification, Colorization, Reconstruction
from zorbench.predict import predict

IMAGES = (Reconstruction, Colorization)


def queries(problem, n=40, seed=9):
    return torch.rand(n, *problem.spec.input_shape, generator=torch.Generator().manual_seed(seed))


def nearest(points, query):
    """Index of the point at the least Euclidean distance, by a loop in float64."""
    query = query.double().numpy()
    return min(range(len(points)), key=lambda i: np.linalg.norm(points[i].double().numpy() - query))


@pytest.mark.parametrize("task", IMAGES)
@pytest.mark.parametrize("n", [1, 7, 8])
@pytest.mark.parametrize(
    ("row", "summary"),
    [
        ("black", lambda shots: np.zeros_like(shots[0])),
        ("mean", lambda shots: shots.mean(axis=0)),
        ("pixel_median", lambda shots: np.median(shots, axis=0)),
    ],
)
def test_a_constant_is_its_summary_of_the_shots_for_every_input(make_problem, fit, row, summary, task, n):
    problem = make_problem(task, n=n)
    answers = predict(fit(row, problem), problem.spec, queries(problem, 3))
    expected = summary(problem.targets.double().numpy())
    np.testing.assert_allclose(answers.numpy(), np.stack([expected] * 3), atol=1e-6)


@pytest.mark.parametrize("n", [7, 8])
@pytest.mark.parametrize(
    ("row", "loss"), [("mean", torch.square), ("pixel_median", torch.abs)], ids=["mean", "median"]
)
def test_no_other_constant_has_less_of_the_loss_that_it_minimises(make_problem, fit, row, loss, n):
    problem = make_problem(Colorization, n=n)
    constant = fit(row, problem).predict(problem.inputs[:1])[0].double()
    targets = problem.targets.double()
    least = float(loss(targets - constant).mean())
    draw = torch.Generator().manual_seed(3)
    others = [*targets, torch.zeros_like(constant), torch.full_like(constant, 0.5)]
    for size in (1e-3, 1e-2, 0.1, 1.0):
        noise = torch.randn(10, *constant.shape, generator=draw, dtype=torch.float64)
        others.extend(constant + size * noise)
    others.append(targets.mean(dim=0) if row == "pixel_median" else targets.median(dim=0).values)
    # An even number of shots leaves an interval of medians, all of them the best.
    assert all(float(loss(targets - other).mean()) >= least * (1 - 1e-9) for other in others)


@pytest.mark.parametrize("task", IMAGES)
@pytest.mark.parametrize("n", [1, 30])
def test_nearest_shot_is_the_target_of_the_nearest_input(make_problem, fit, task, n):
    problem = make_problem(task, n=n, code=1)
    asked = torch.cat([queries(problem), problem.inputs])
    expected = torch.stack([problem.targets[nearest(problem.inputs, query)] for query in asked])
    assert torch.equal(predict(fit("nearest_shot", problem), problem.spec, asked), expected)


@pytest.mark.parametrize(("task", "channels"), [(Reconstruction, 1), (Colorization, 1 + 3)])
def test_nearest_shot_keeps_each_image_once(make_problem, fit, task, channels):
    state = fit("nearest_shot", make_problem(task, n=9)).state()
    assert sum(part.numel() for part in state.values()) == 9 * channels * 8 * 8


def test_nearest_shot_tells_bright_images_apart_that_differ_by_little(make_problem, fit):
    """Where ‖a‖² + ‖b‖² − 2 a·b in float32 is all rounding: ‖a‖ is 55 and the distances are below 0.02."""
    items = torch.ones(40, 3, 32, 32)
    items[:, 0, 0, 0] -= torch.arange(40) / 2000
    problem = make_problem(Reconstruction, items=items)
    assert torch.equal(predict(fit("nearest_shot", problem), problem.spec, items), items)


def test_luma_copy_is_the_grey_image_in_three_channels(make_problem, fit):
    problem = make_problem(Colorization, n=4)
    grey = problem.inputs.numpy()
    answers = predict(fit("luma_copy", problem), problem.spec, problem.inputs)
    assert np.array_equal(answers.numpy(), np.concatenate([grey, grey, grey], axis=1))


@pytest.mark.parametrize(
    "labels",
    [[0, 1, 1, 2], [2, 2, 0, 1, 0, 2], [2, 1, 2, 1], [3]],
    ids=["clear", "unsorted", "tie", "one shot"],
)
def test_majority_class_is_the_first_of_the_most_frequent(make_problem, fit, labels):
    problem = make_problem(
        Classification, items=torch.rand(len(labels), 5), labels=torch.tensor(labels), n_classes=4
    )
    answers = predict(fit("majority_class", problem), problem.spec, torch.rand(3, 5))
    most = max(set(labels), key=lambda label: (labels.count(label), -label))
    assert answers.argmax(dim=1).tolist() == [most] * 3
    assert (answers == answers.max()).sum(dim=1).tolist() == [1, 1, 1], "a tie would be an abstention"


def test_class_mean_scores_by_the_distance_to_the_mean_of_the_class(classification_shots, fit):
    problem = classification_shots
    asked = queries(problem)
    scores = predict(fit("class_mean", problem), problem.spec, asked).numpy()
    labels = problem.targets.argmax(dim=1)
    for label in (0, 1, 3):
        mean = problem.inputs[labels == label].double().numpy().mean(axis=0)
        distances = np.linalg.norm(asked.double().numpy() - mean, axis=1)
        np.testing.assert_allclose(scores[:, label], -distances, atol=1e-5)


@pytest.mark.parametrize("row", ["class_mean", "one_nn"])
@pytest.mark.parametrize("scale", [1.0, 1e6])
def test_a_class_without_a_shot_never_wins_and_its_score_is_finite(classification_shots, fit, row, scale):
    problem = classification_shots
    scores = predict(fit(row, problem), problem.spec, scale * queries(problem))
    assert torch.isfinite(scores).all()
    assert (scores[:, 2] < scores[:, [0, 1, 3]].min(dim=1).values).all()
