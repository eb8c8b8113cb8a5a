"""Linear references: PCA, reduced-rank ridge regression, logistic regression."""

import contextlib
from dataclasses import dataclass

import numpy as np
import torch
from _precise import double
from _ridge import leading, ridge_weights
from scipy.optimize import minimize
from scipy.special import log_softmax
from sklearn.decomposition import PCA as ScikitPCA
from torch import Tensor

from zorbench import Baseline, Budget, Classification, Colorization, EntrySpec, Reconstruction, Tags, search


class PCA(Baseline):
    """Principal components of the shots: ŷ = m + V Vᵀ(x − m), V the leading `code` right singular vectors.

    The best linear bottleneck on the shots themselves. By scikit-learn's exact solvers. With n shots there
    are at most n − 1 components: with one, ŷ = m.
    """

    name = "pca"
    role = "reference"
    tasks = {Reconstruction}
    unsupported = {
        Colorization: "its inputs and targets are the same image",
        Classification: "knows no labels",
    }
    tags = Tags(optimiser="closed form", output="linear")

    def build(self, entry: EntrySpec, config: Baseline.Config, rng: torch.Generator) -> None:
        self.code, self.shape, self.device = entry.code, entry.output_shape, entry.device

    def fit(self, budget: Budget) -> None:
        shots = budget.shots()[0].flatten(1)
        n, size = shots.shape
        if n == 1:  # nothing varies
            self.mean, self.components = shots[0], torch.zeros_like(shots)
            return
        # The solver that scikit-learn would choose is a randomised one, which is not quite the best.
        solver = "full" if n < size else "covariance_eigh"
        pca = ScikitPCA(min(self.code, n - 1, size), svd_solver=solver).fit(shots.cpu().numpy())
        self.mean = torch.from_numpy(pca.mean_).float().to(self.device)
        self.components = torch.from_numpy(pca.components_).float().to(self.device)

    def encode(self, inputs: Tensor) -> Tensor:
        return (inputs.flatten(1) - self.mean) @ self.components.T

    def decode(self, codes: Tensor) -> Tensor:
        return (self.mean + codes @ self.components).view(-1, *self.shape)


class Ridge(Baseline):
    """Ridge regression: min over W of ‖XW − Y‖² + λ‖W‖², centred; in reconstruction over W of rank ≤ `code`.

    Reduced rank: W = W_λ V Vᵀ with W_λ the ridge solution and V the leading eigenvectors of Yᵀ X W_λ.
    λ = `alpha` × the mean squared norm of a centred shot. Classes are regressed as one-hot. Source:
    Mukherjee & Zhu 2011.
    """

    name = "ridge"
    role = "reference"
    tasks = {Reconstruction, Colorization, Classification}
    tags = Tags(optimiser="closed form", output="linear")

    @dataclass(frozen=True)
    class Config:
        alpha: float = search(0.1, low=1e-4, high=1e2, log=True)  # penalty, in mean squared norms of a shot

    def build(self, entry: EntrySpec, config: Config, rng: torch.Generator) -> None:
        self.rank = entry.code if entry.task is Reconstruction else None
        self.shape, self.alpha, self.device = entry.output_shape, config.alpha, entry.device

    def fit(self, budget: Budget) -> None:
        inputs, targets = (double(part.flatten(1)) for part in budget.shots())
        self.input_mean, self.target_mean = self._keep(inputs.mean(dim=0)), self._keep(targets.mean(dim=0))
        x, y = inputs - inputs.mean(dim=0), targets - targets.mean(dim=0)
        weights = ridge_weights(x, y, self.alpha)
        if self.rank is None:
            self.weights = self._keep(weights)
            return
        kept = leading(y, x @ weights, self.rank)
        self.encoder, self.decoder = self._keep(weights @ kept), self._keep(kept.T)

    def predict(self, inputs: Tensor) -> Tensor:
        if self.rank is not None:
            return self.decode(self.encode(inputs))
        answer = self.target_mean + (inputs.flatten(1) - self.input_mean) @ self.weights
        return answer.view(-1, *self.shape)

    def encode(self, inputs: Tensor) -> Tensor:
        return (inputs.flatten(1) - self.input_mean) @ self.encoder

    def decode(self, codes: Tensor) -> Tensor:
        return (self.target_mean + codes @ self.decoder).view(-1, *self.shape)

    def _keep(self, values: Tensor) -> Tensor:
        return values.float().contiguous().to(self.device)


class Logistic(Baseline):
    """Multinomial logistic regression: min Σ −log softmax(Wx + b)[label] + ‖W‖² / (2C), by L-BFGS.

    Every evaluation of the loss is a pass over the shots and is counted as such, so that the solver stops
    at the ceiling. SciPy's L-BFGS-B from zero weights.
    """

    name = "logistic"
    role = "reference"
    tasks = {Classification}
    unsupported = {Reconstruction: "answers with a class", Colorization: "answers with a class"}
    tags = Tags(optimiser="L-BFGS", initialisation="zero", output="softmax")

    @dataclass(frozen=True)
    class Config:
        c: float = search(1.0, low=1e-3, high=1e3, log=True)  # inverse strength of the penalty

    def build(self, entry: EntrySpec, config: Config, rng: torch.Generator) -> None:
        self.c, self.device = config.c, entry.device
        self.size = int(np.prod(entry.input_shape))
        self._keep(np.zeros((self.size + 1, entry.n_classes)))

    def fit(self, budget: Budget) -> None:
        shape = (self.size + 1, self.weights.shape[1])

        def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
            theta = flat.reshape(shape)
            self._keep(theta)
            inputs, targets = (part.flatten(1).cpu().double().numpy() for part in budget.shots())
            log_p = log_softmax(inputs @ theta[:-1] + theta[-1], axis=1)
            residual = np.exp(log_p) - targets
            gradient = np.vstack([inputs.T @ residual + theta[:-1] / self.c, residual.sum(axis=0)])
            value = -(targets * log_p).sum() + (theta[:-1] ** 2).sum() / (2 * self.c)
            return float(value) / len(inputs), gradient.ravel() / len(inputs)

        best: tuple[float, np.ndarray] = (np.inf, np.zeros(shape))

        def counted(flat: np.ndarray) -> tuple[float, np.ndarray]:
            # SciPy looks at maxfun between line searches only, so the ceiling is kept here.
            nonlocal best
            if budget.remaining < budget.n_shots:
                raise _Spent
            value, gradient = loss(flat)
            if value < best[0]:
                best = value, flat.reshape(shape).copy()
            return value, gradient

        with contextlib.suppress(_Spent):
            minimize(counted, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B", options=_TO_THE_END)
        self._keep(best[1])

    def predict(self, inputs: Tensor) -> Tensor:
        return inputs.flatten(1) @ self.weights + self.bias

    def _keep(self, theta: np.ndarray) -> None:
        tensor = torch.from_numpy(theta.copy()).float().to(self.device)
        self.weights, self.bias = tensor[:-1], tensor[-1]


# SciPy's own tolerances stop well short of the minimum where the penalty is weak.
_TO_THE_END = {"maxfun": 10**9, "maxiter": 10**9, "gtol": 1e-8, "ftol": 64 * np.finfo(float).eps}


class _Spent(Exception):
    """The ceiling on presentations is reached in the middle of a solver."""
