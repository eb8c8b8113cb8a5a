"""The products of tensors that torch computes: how many terms they add up, and how many of these can matter.

A term is one multiplication of two numbers and its addition to a sum. Biases, activation functions and other
work that is done once a unit are no terms.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Shaped
from torch import Tensor

aten = torch.ops.aten


class Product(ABC):
    """A product of two factors, one of which may be weights.

    moves: the shape of the weights that this product alone can be a change of, () if it is another's.
    """

    moves: tuple[int, ...] = ()

    def __init__(self, left: Tensor, right: Tensor) -> None:
        self.left, self.right = left, right

    @abstractmethod
    def dense(self) -> int:
        """All terms."""

    @abstractmethod
    def effective(self) -> int:
        """The terms of which no factor is zero: the others change no sum."""

    def accumulates(self) -> bool:
        """Whether one factor holds nothing but −1, 0 and 1, so that terms need no multiplication."""
        return _ternary(self.left) or _ternary(self.right)


class MatrixProduct(Product):
    """[*, n, k] × [*, k, m], with the same leading axes."""

    def __init__(self, left: Shaped[Tensor, "*copies n k"], right: Shaped[Tensor, "*copies k m"]) -> None:
        super().__init__(_strided(left), _strided(right))

    @property
    def terms(self) -> int:
        """How many are added up to one number, k."""
        return self.left.shape[-1]

    @property
    def result(self) -> tuple[int, int]:
        """Rows and columns of what comes out."""
        return self.left.shape[-2], self.right.shape[-1]

    def sums_over_first(self) -> tuple[bool, bool]:
        """Of each factor, as it lies in memory: whether its first axis is summed over. In aᵀ b both are."""
        (n, k), (down, across) = self.left.stride()[-2:], self.right.stride()[-2:]
        return k >= n, down >= across

    def dense(self) -> int:
        return self.left.numel() * self.right.shape[-1]

    def effective(self) -> int:
        """Σ over k of the non-zeros in column k of the one times those in row k of the other."""
        return int((self.left.count_nonzero(-2) * self.right.count_nonzero(-1)).sum())


class Distances(Product):
    """Σ (a − b)² between the rows of [*, n, k] and of [*, m, k]; a term is zero where both numbers are."""

    def dense(self) -> int:
        return self.left.numel() * self.right.shape[-2]

    def effective(self) -> int:
        zeros = [part.shape[-2] - part.count_nonzero(-2) for part in (self.left, self.right)]
        return self.dense() - int((zeros[0] * zeros[1]).sum())

    def accumulates(self) -> bool:
        return False


class Windows(Product):
    """A convolution, or a transposed one, of images with weights; the zeros around an image are no terms.

    `settings`: stride, padding, dilation, whether transposed, output padding, groups.
    """

    def __init__(
        self,
        images: Shaped[Tensor, "batch channels *size"],
        weights: Shaped[Tensor, "out in *kernel"],
        settings: Sequence[Any],
    ) -> None:
        super().__init__(images, weights)
        self.settings = settings

    def dense(self) -> int:
        images = torch.full(self.left.shape[1:], len(self.left), dtype=torch.float64)
        return self._pairs(images, torch.ones(self.right.shape, dtype=torch.float64))

    def effective(self) -> int:
        return self._pairs(self.left.count_nonzero(0).cpu().double(), (self.right != 0).cpu().double())

    def _pairs(self, images: Tensor, weights: Tensor) -> int:
        """How many pixels meet how many weights, from the numbers of both that count.

        The same convolution adds them up: sums over the batch and over output maps may be taken before it.
        """
        transposed, groups = self.settings[3], self.settings[5]
        weights = weights.sum(1, keepdim=True) if transposed else weights.unflatten(0, (groups, -1)).sum(1)
        return round(float(aten.convolution(images[None], weights, None, *self.settings).sum()))


class WindowsBack(Product):
    """One half of going back through a convolution: what reaches the images, or how its weights move."""

    def __init__(self, signal: Tensor, forward: Windows, to_weights: bool) -> None:
        super().__init__(signal, forward.left if to_weights else forward.right)
        self.forward = forward
        self.moves = tuple(forward.right.shape) if to_weights else ()

    def dense(self) -> int:
        """A signal, a pixel and a weight meet as often as pixel and weight did."""
        return self.forward.dense()

    def effective(self) -> int:
        return self.dense()


def products(operation: Any, arguments: Sequence[Any]) -> list[Product]:
    """The products that an operation of torch (a packet of `torch.ops.aten`) computes; mostly none."""
    if operation in _MATRIX:
        return [MatrixProduct(*_MATRIX[operation](*arguments[:3]))]
    if operation in (aten._cdist_forward, aten._euclidean_dist):
        return [Distances(*arguments[:2])]
    if operation is aten.convolution:
        return [Windows(arguments[0], arguments[1], arguments[3:9])]
    if operation is aten.convolution_backward:
        signal, images, weights, _, *settings, mask = arguments
        forward = Windows(images, weights, settings)
        return [WindowsBack(signal, forward, part == 1) for part in (0, 1) if mask[part]]
    return []


Factors = tuple[Tensor, Tensor]

_MATRIX: dict[Any, Callable[..., Factors]] = {
    **dict.fromkeys((aten.mm, aten.bmm), lambda a, b: (a, b)),
    **dict.fromkeys(
        (aten.addmm, aten.addmm_, aten.baddbmm, aten.baddbmm_, aten.addbmm, aten.addbmm_, aten._sparse_addmm),
        lambda added, a, b: (a, b),
    ),
    aten.mv: lambda a, x: (a, x[:, None]),
    **dict.fromkeys((aten.addmv, aten.addmv_), lambda added, a, x: (a, x[:, None])),
    **dict.fromkeys((aten.dot, aten.vdot), lambda x, y: (x[None], y[:, None])),
    **dict.fromkeys((aten.addr, aten.addr_), lambda added, x, y: (x[:, None], y[None])),
    aten.linear: lambda x, weights, bias=None: (x.reshape(-1, x.shape[-1]), weights.mT),
}


def outer(operation: Any, arguments: Sequence[Any]) -> MatrixProduct | None:
    """The outer product that an elementwise multiplication of a column with a row is, as in `torch.outer`."""
    if operation is not aten.mul or not all(isinstance(part, Tensor) for part in arguments[:2]):
        return None
    x, y = arguments[:2]
    if x.dim() == 2 and x.shape[1] == 1 and y.shape in ((y.numel(),), (1, y.numel())):
        return MatrixProduct(x, y.view(1, -1))
    return None


def _strided(factor: Tensor) -> Tensor:
    return factor if factor.layout == torch.strided else factor.to_dense()


def _ternary(values: Tensor) -> bool:
    if values.numel() == 0 or not _all_ternary(values[0]):  # mostly not, and a part tells it
        return False
    return _all_ternary(values)


def _all_ternary(values: Tensor) -> bool:
    return bool(((values == 0) | (values.abs() == 1)).all())
