"""PCA, ridge and logistic regression, against decompositions by hand and scikit-learn."""

import warnings
from itertools import pairwise

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.linear_model import Ridge as ScikitRidge

from zorbench import Classification, Colorization, Reconstruction
from zorbench.data import load
from zorbench.predict import predict


def rows(problem, n=10, seed=5):
    return torch.rand(n, *problem.spec.input_shape, generator=torch.Generator().manual_seed(seed))


def flat(values):
    return values.flatten(1).double().numpy()


# PCA


@pytest.mark.parametrize("shape", [(1, 4, 5), (1, 28, 28)])
@pytest.mark.parametrize(("n", "code"), [(8, 3), (8, 100), (40, 5), (2, 4)])
def test_pca_projects_on_the_leading_singular_vectors(make_problem, fit, shape, n, code):
    problem = make_problem(Reconstruction, shape, n=n, code=code)
    plugin = fit("pca", problem)
    asked = rows(problem)
    mean = flat(problem.inputs).mean(axis=0)
    leading = np.linalg.svd(flat(problem.inputs) - mean, full_matrices=False)[2][: min(code, n - 1)]
    expected = mean + (flat(asked) - mean) @ leading.T @ leading
    np.testing.assert_allclose(flat(predict(plugin, problem.spec, asked)), expected, atol=2e-5)
    assert plugin.encode(asked).shape == (10, min(code, n - 1, 784))


@pytest.mark.parametrize("n", [100, 900])
def test_pca_leaves_the_least_error_that_the_shots_allow(make_problem, fit, n):
    """‖X − X̂‖² is the sum of the squares of the singular values left out (Eckart & Young 1936)."""
    digits = load("mnist5k").train_inputs(range(n))
    problem = make_problem(Reconstruction, items=digits, code=64)
    error = flat(predict(fit("pca", problem), problem.spec, digits)) - flat(digits)
    singular = np.linalg.svd(flat(digits) - flat(digits).mean(axis=0), compute_uv=False)
    assert (error**2).sum() == pytest.approx((singular[64:] ** 2).sum(), rel=1e-4)


def test_pca_of_a_single_shot_is_that_shot(make_problem, fit):
    problem = make_problem(Reconstruction, n=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        answers = predict(fit("pca", problem), problem.spec, rows(problem))
    assert torch.equal(answers, problem.targets.expand(10, -1, -1, -1))


# Ridge


def penalty(problem, alpha):
    """λ: alpha × the mean squared norm of a centred shot."""
    x = flat(problem.inputs)
    return alpha * ((x - x.mean(axis=0)) ** 2).sum(axis=1).mean()


@pytest.mark.parametrize("task", [Reconstruction, Colorization, Classification])
@pytest.mark.parametrize("n", [2, 7, 30], ids=["two shots", "n < d", "n > d"])
@pytest.mark.parametrize("alpha", [1e-4, 0.1, 10.0])
def test_ridge_with_a_wide_enough_code_is_that_of_scikit_learn(make_problem, fit, task, n, alpha):
    problem = make_problem(task, (1, 4, 5), n=n, code=1000)
    asked = rows(problem)
    theirs = ScikitRidge(alpha=penalty(problem, alpha)).fit(flat(problem.inputs), flat(problem.targets))
    answers = predict(fit(f"ridge[alpha={alpha}]", problem), problem.spec, asked)
    np.testing.assert_allclose(flat(answers), theirs.predict(flat(asked)), atol=2e-5)


@pytest.mark.parametrize("task", [Colorization, Classification])
def test_the_code_of_reconstruction_does_not_limit_ridge_elsewhere(make_problem, fit, task):
    narrow, wide = (make_problem(task, (1, 4, 5), n=15, n_classes=5, code=code) for code in (1, 1000))
    asked = rows(narrow)
    assert torch.equal(fit("ridge", narrow).predict(asked), fit("ridge", wide).predict(asked))


@pytest.mark.parametrize("n", [7, 12, 60], ids=["n < m", "n < m too", "n > m"])
@pytest.mark.parametrize("rank", [1, 3, 6])
@pytest.mark.parametrize("alpha", [0.01, 1.0])
def test_reduced_rank_ridge_is_the_truncated_svd_of_the_augmented_fit(make_problem, fit, n, rank, alpha):
    """Mukherjee & Zhu 2011: with X* = [X; √λ I], W = W_λ V Vᵀ, V of the SVD of X* W_λ."""
    problem = make_problem(Reconstruction, (1, 4, 5), n=n, code=rank)
    x, y = flat(problem.inputs), flat(problem.targets)
    mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
    star = np.vstack([x - mean_x, np.sqrt(penalty(problem, alpha)) * np.eye(20)])
    w = np.linalg.lstsq(star, np.vstack([y - mean_y, np.zeros((20, 20))]), rcond=None)[0]
    leading = np.linalg.svd(star @ w, full_matrices=False)[2][:rank]
    asked = rows(problem)
    expected = mean_y + (flat(asked) - mean_x) @ w @ leading.T @ leading
    plugin = fit(f"ridge[alpha={alpha}]", problem)
    np.testing.assert_allclose(flat(predict(plugin, problem.spec, asked)), expected, atol=2e-5)
    assert plugin.encode(asked).shape == (10, rank)


@pytest.mark.parametrize("n", [7, 30])
def test_no_other_matrix_of_that_rank_has_a_lower_ridge_objective(make_problem, fit, n):
    rank, alpha = 2, 0.1
    problem = make_problem(Reconstruction, (1, 4, 5), n=n, code=rank)
    x, y = (flat(part) - flat(part).mean(axis=0) for part in (problem.inputs, problem.targets))

    def objective(w):
        return ((x @ w - y) ** 2).sum() + penalty(problem, alpha) * (w**2).sum()

    plugin = fit(f"ridge[alpha={alpha}]", problem)
    # The map is affine: its matrix is what unit vectors add to the answer at 0.
    probes = torch.cat([torch.zeros(1, 20), torch.eye(20)]).view(21, 1, 4, 5)
    answers = flat(plugin.predict(probes))
    w = answers[1:] - answers[0]
    left, values, right = np.linalg.svd(w)
    assert values[rank] < 1e-5 * values[0]
    least = objective(w)
    draw = np.random.default_rng(0)
    a, b = left[:, :rank] * values[:rank], right[:rank]
    for size in (0.01, 0.1, 1.0):
        for _ in range(50):
            other = (a + size * draw.normal(size=a.shape)) @ (b + size * draw.normal(size=b.shape))
            assert objective(other) > least


def test_ridge_of_a_single_shot_is_that_shot(make_problem, fit):
    problem = make_problem(Reconstruction, n=1)
    answers = predict(fit("ridge", problem), problem.spec, rows(problem))
    torch.testing.assert_close(answers, problem.targets.expand(10, -1, -1, -1))


@pytest.mark.parametrize("task", [Reconstruction, Colorization])
def test_ridge_solves_among_the_shots_when_they_are_fewer_than_the_pixels(
    make_problem, build, task, monkeypatch
):
    # An eigenproblem or a system of 3,072 pixels takes seconds; one of 20 shots takes none.
    sizes = []
    for name in ("eigh", "solve"):
        routine = getattr(torch.linalg, name)

        def watched(matrix, *others, routine=routine):
            sizes.append(len(matrix))
            return routine(matrix, *others)

        monkeypatch.setattr(torch.linalg, name, watched)
    problem = make_problem(task, (3, 32, 32), n=20, code=10)
    build("ridge", problem).fit(problem.budget())
    assert sizes
    assert max(sizes) <= 20


# Logistic regression


@pytest.mark.parametrize("c", [0.01, 1.0, 100.0])
def test_logistic_with_an_ample_budget_has_the_probabilities_of_scikit_learn(make_problem, fit, c):
    digits = load("digits")
    labels = digits.train_labels()
    chosen = torch.cat([torch.nonzero(labels == label)[:8, 0] for label in range(10)])
    problem = make_problem(
        Classification,
        items=digits.train_inputs(chosen),
        labels=labels[chosen],
        n_classes=10,
        samples=1000 * len(chosen),
    )
    asked = digits.test_inputs(range(100))
    theirs = LogisticRegression(C=c, tol=1e-10, max_iter=10**5).fit(
        flat(problem.inputs), labels[chosen].numpy()
    )
    answers = predict(fit(f"logistic[c={c}]", problem), problem.spec, asked).softmax(dim=1)
    np.testing.assert_allclose(answers.numpy(), theirs.predict_proba(flat(asked)), atol=1e-3)


def objective(plugin, problem, c=1.0):
    scores = plugin.predict(problem.inputs).double()
    fitted = torch.nn.functional.cross_entropy(scores, problem.targets.double(), reduction="sum")
    return float(fitted + plugin.weights.double().square().sum() / (2 * c))


@pytest.mark.parametrize("passes", [1, 2, 3, 5.5, 20])
def test_logistic_never_exceeds_its_ceiling(make_problem, build, passes):
    problem = make_problem(Classification, n=12, samples=int(12 * passes))
    budget = problem.budget()
    build("logistic", problem).fit(budget)
    assert 0 < budget.seen <= problem.spec.samples
    assert budget.seen % 12 == 0, "a pass over all shots is what is counted"


def test_more_passes_never_leave_logistic_with_worse_weights(make_problem, fit):
    reached = []
    for passes in range(1, 25):
        problem = make_problem(Classification, n=12, samples=12 * passes)
        reached.append(objective(fit("logistic", problem), problem))
    assert reached[0] == pytest.approx(12 * np.log(3)), "zero weights: every class is as likely"
    assert all(after <= before + 1e-6 for before, after in pairwise(reached))
    assert reached[-1] < 0.9 * reached[0]
