"""Watch whether a learning signal goes back through the weights that predictions go forward through."""

from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from zorbench.baseline import Baseline
from zorbench.products import MatrixProduct, Product, Windows, WindowsBack, products
from zorbench.state import find_tensors

Use = tuple[str, object]
"""Weights by name, and how they are used: the stride of the axis summed over, or which convolution."""


class WeightUses(TorchDispatchMode):
    """Sees which of a rule's weights torch multiplies an activity with, and along which axis.

    Seen are products of torch with the weights themselves, whole or a view of them: not with copies, and
    nothing in NumPy or in compiled loops.
    """

    def __init__(self, plugin: Baseline) -> None:
        super().__init__()
        self.plugin = plugin
        self.found: set[Use] = set()

    def __torch_dispatch__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        found = products(function.overloadpacket, args)
        if found:
            names = {_memory(tensor): name for name, tensor in find_tensors(self.plugin).items()}
            self.found.update(use for product in found for use in _uses(product, names))
        return function(*args, **(kwargs or {}))

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Asked by torch. If so, it would load its compiler, a second, only to leave this alone."""
        return False


def turned_round(forward: set[Use], learning: set[Use]) -> list[str]:
    """The weights that predictions use one way only, and learning the other way as well."""
    ways: dict[str, set[object]] = {}
    for name, way in forward:
        ways.setdefault(name, set()).add(way)
    return sorted({name for name, way in learning if name in ways and way not in ways[name]})


def _uses(product: Product, names: dict[int, str]) -> list[Use]:
    if isinstance(product, Windows):
        return _named(product.right, names, product.settings[3])
    if isinstance(product, WindowsBack):
        forward = product.forward
        return [] if product.moves else _named(forward.right, names, not forward.settings[3])
    if not isinstance(product, MatrixProduct):
        return []
    left, right = (names.get(_memory(factor)) for factor in (product.left, product.right))
    if (left is None) == (right is None):
        return []  # activities alone, or weights alone
    if left is not None:
        kept, summed = product.left.stride()[-2:]
        name = left
    else:
        summed, kept = product.right.stride()[-2:]
        name = str(right)
    return [] if summed == kept else [(name, summed)]  # a single row or column has no direction


def _named(weights: Tensor, names: dict[int, str], way: object) -> list[Use]:
    name = names.get(_memory(weights))
    return [] if name is None else [(name, bool(way))]


def _memory(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
