"""Ridge regression, of full and of reduced rank, from centred inputs and targets in float64."""

import torch
from torch import Tensor


def ridge_weights(x: Tensor, y: Tensor, alpha: float) -> Tensor:
    """argmin ‖xW − y‖² + λ‖W‖² for x [n, p], y [n, m]; λ = `alpha` × the mean squared norm of a row of x."""
    penalty = alpha * float(x.square().sum(dim=1).mean()) + 1e-12
    if len(x) < x.shape[1]:  # fewer shots than inputs: solve among the shots
        return x.T @ torch.linalg.solve(x @ x.T + penalty * eye(len(x), x), y)
    return torch.linalg.solve(x.T @ x + penalty * eye(x.shape[1], x), x.T @ y)


def leading(y: Tensor, fitted: Tensor, rank: int) -> Tensor:
    """The leading eigenvectors V [m, k] of Yᵀ Ŷ (symmetric and positive for ridge), k = min(rank, n, m).

    W_λ V Vᵀ is the ridge solution among all W of that rank.
    """
    n, m = y.shape
    keep = min(rank, n, m)
    if keep == m:  # no reduction
        return eye(m, y)
    if m <= n:
        return _top(y.T @ fitted, keep)
    # They lie in the row space of Y, which has fewer dimensions than outputs if there are fewer samples.
    basis = torch.linalg.svd(y, full_matrices=False).Vh.T
    return basis @ _top((y @ basis).T @ (fitted @ basis), keep)


def eye(size: int, like: Tensor) -> Tensor:
    return torch.eye(size, dtype=like.dtype, device=like.device)


def _top(gram: Tensor, keep: int) -> Tensor:
    """The `keep` leading eigenvectors, as columns, of a matrix that is symmetric but for rounding."""
    return torch.linalg.eigh((gram + gram.T) / 2).eigenvectors[:, -keep:]
