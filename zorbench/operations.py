"""How much arithmetic a rule does: to predict for one sample, and to learn from one presentation.

Predicting is counted as NeuroBench counts synaptic operations: `dense` terms of all products between
activities and weights; of those the effective ones, without a zero for a factor, as `macs`
(multiply-accumulate) or, where a factor holds only −1, 0 and 1 as spikes do, as `acs` (accumulate). All are
sums over the `time_steps` of a sample. `activation_sparsity` is the share of zeros among what reaches the
products above the first layer.

Learning is counted densely: `forward_macs`, as many as a dense prediction takes, `update_macs` in products
that are themselves a change of weights, `transport_macs` in the rest, which carries the signal to learn from.

Source: Yik et al. 2025, NeuroBench. Differs from it in that products are counted wherever torch computes
them, not in modules alone, and in that weights of −1, 0 and 1 need no multiplication either.
"""

import math
from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from zorbench.baseline import Baseline, EntrySpec
from zorbench.predict import ContractError, predict, unchanged
from zorbench.products import MatrixProduct, Product, aten, outer, products
from zorbench.protocol import Budget, BudgetExceeded
from zorbench.state import find_tensors

PREDICTION = ("macs", "acs", "dense", "activation_sparsity")
LEARNING = ("forward_macs", "update_macs", "transport_macs")
MOST = 100
"""Inputs that are enough for averages."""

Counts = dict[str, float]


class OneMinibatch(Budget):
    """A budget of one minibatch, which hands out no set of shots: a solver has no cost of a presentation."""

    def shots(self) -> tuple[Tensor, Tensor]:
        raise BudgetExceeded("here is one minibatch, to count what learning from it takes")


def prediction_operations(plugin: Baseline, spec: EntrySpec, inputs: Tensor) -> Counts:
    """What one of `inputs` takes on average, and whatever else the rule declares; empty if it is not known.

    Not known is also what a rule takes that is no floor and computes no product in torch: it works elsewhere.
    Raises `ContractError` on a wrong declaration. What is raised while torch is watched is the watching's.
    """
    if not len(inputs):
        return {}
    counts = _declared(plugin, inputs.to(spec.device, copy=True))
    if not counts.keys() & set(PREDICTION):
        watch = _Prediction(plugin)
        try:
            with watch:
                predict(plugin, spec, inputs)
        except Exception:
            return counts
        if watch.dense or plugin.role == "floor":
            counts |= watch.counts(len(inputs))
    return counts | {"time_steps": plugin.time_steps} if counts else {}


def learning_operations(plugin: Baseline, budget: OneMinibatch, known: Mapping[str, float]) -> Counts:
    """What one presentation takes in learning, by letting the rule learn on: to be asked of it last.

    `known` is what prediction takes. Empty if the rule declared what learning takes, computes no product in
    torch, or does not learn from minibatches.
    """
    if known.keys() & set(LEARNING) or "dense" not in known:
        return {}
    watch = _Learning(plugin, budget)
    try:
        with watch:
            plugin.fit(budget)
    except Exception:
        return {}
    if not budget.seen or not watch.dense:
        return {}
    others = (watch.dense - watch.updates) / budget.seen
    forward = min(known["dense"], others)
    counted = (forward, watch.updates / budget.seen, others - forward)
    return dict(zip(LEARNING, counted, strict=True))


class _Watch(TorchDispatchMode):
    """Sees every operation of torch inside."""

    def __init__(self, plugin: Baseline) -> None:
        super().__init__()
        self.dense = 0
        self._held = {_memory(tensor) for tensor in find_tensors(plugin).values()}
        self._picked: dict[int, tuple[Tensor, int]] = {}  # rows of weights taken out, and of how many

    def __torch_dispatch__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        operation = function.overloadpacket
        for product in self.look(operation, args):
            self.dense += self._full(product)
            self.note(product)
        result = function(*args, **(kwargs or {}))
        if operation is aten.index_select and args[1] == 0 and self.holds(args[0]):
            self._picked[result.data_ptr()] = result, len(args[0])  # kept, so that no other takes its place
        return result

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Asked by torch. If so, it would load its compiler, a second, only to leave this alone."""
        return False

    def look(self, operation: Any, arguments: tuple[Any, ...]) -> list[Product]:
        return products(operation, arguments)

    def note(self, product: Product) -> None:
        """Count what else there is to count."""

    def holds(self, factor: Tensor) -> bool:
        """Whether a factor is the rule's own, whole or a view of it."""
        return _memory(factor) in self._held

    def _full(self, product: Product) -> int:
        """All terms, also of units that a rule leaves out of a product because they are silent."""
        dense = product.dense()
        if isinstance(product, MatrixProduct) and product.right.data_ptr() in self._picked:
            return dense * self._picked[product.right.data_ptr()][1] // max(product.terms, 1)
        return dense


class _Prediction(_Watch):
    """Counts effective terms and silent activities."""

    def __init__(self, plugin: Baseline) -> None:
        super().__init__(plugin)
        self.macs = self.acs = self.activities = self.silent = 0
        self._first: tuple[int, ...] | None = None  # where the weights of the first layer lie, and how

    def note(self, product: Product) -> None:
        effective = product.effective()
        if product.accumulates():
            self.acs += effective
        else:
            self.macs += effective
        turned = self.holds(product.left)
        if turned and self.holds(product.right):
            return  # nothing of it comes from the inputs
        activity, weights = product.left, product.right
        if turned:
            activity, weights = weights, activity
        place = (weights.data_ptr(), *weights.stride())
        if self._first is None or (place == self._first and self.holds(weights)):
            self._first = place  # again and again in rules that run in time
            return
        self.activities += activity.numel()
        self.silent += activity.numel() - int(activity.count_nonzero())

    def counts(self, samples: int) -> Counts:
        """An average sample's."""
        found = {name: getattr(self, name) / samples for name in ("macs", "acs", "dense")}
        return found | ({"activation_sparsity": self.silent / self.activities} if self.activities else {})


class _Learning(_Watch):
    """Counts the terms of products that are a change of weights: pᵀ δ, summed over the batch."""

    def __init__(self, plugin: Baseline, budget: Budget) -> None:
        super().__init__(plugin)
        self.updates = 0
        self._budget = budget
        self._shapes = set(_matrices(plugin.state().values()))

    def look(self, operation: Any, arguments: tuple[Any, ...]) -> list[Product]:
        product = outer(operation, arguments)
        if product is not None:
            return [product] if self._changes_weights(product) else []
        return products(operation, arguments)

    def note(self, product: Product) -> None:
        if self._changes_weights(product):
            self.updates += product.dense()

    def _changes_weights(self, product: Product) -> bool:
        """What comes out is shaped like weights, with the batch summed up, and no weights go in.

        The batch is summed in pᵀ δ, of which both factors have it in front, or in p δᵀ, where both have it
        behind, as weights may have what is summed over in a forward pass. What a rule holds may be weights,
        or traces of its units.
        """
        if not isinstance(product, MatrixProduct):
            return bool(product.moves)
        if product.result not in self._shapes:
            return False
        if product.terms == 1:
            return True
        batch = max(self._budget.seen // max(self._budget.updates, 1), 1)
        held = self.holds(product.left) or self.holds(product.right)
        left, right = product.sums_over_first()
        return product.terms % batch == 0 and left == right and (left or not held)


def _declared(plugin: Baseline, inputs: Tensor) -> Counts:
    """What the rule itself says, checked."""
    if not isinstance(plugin.time_steps, int) or plugin.time_steps < 1:
        raise ContractError(f"time_steps is {plugin.time_steps!r}; expected a whole number, 1 or more")
    if type(plugin).operations is Baseline.operations:
        return {}
    with unchanged(plugin, "operations"), torch.no_grad():
        answer = plugin.operations(inputs)
    if answer is None:
        return {}
    if not isinstance(answer, Mapping):
        raise ContractError(f"operations returned {type(answer).__name__}; expected a mapping from names")
    return {_name(name): _number(name, value) for name, value in answer.items()}


def _name(name: object) -> str:
    valid = (*PREDICTION, *LEARNING)
    if name not in valid:
        raise ContractError(f"operations returned the name {name!r}; valid: {', '.join(valid)}")
    return str(name)


def _number(name: str, value: object) -> float:
    if not isinstance(value, Real) or isinstance(value, bool) or not 0 <= float(value) < math.inf:
        raise ContractError(f"operations returned {value!r} for {name!r}; expected a number, 0 or more")
    return float(value)


def _matrices(tensors: Iterable[Tensor]) -> Iterable[tuple[int, int]]:
    """Rows and columns of the tensors, as they are and transposed; of copies, and of windows laid flat."""
    for tensor in tensors:
        if tensor.dim() > 1:
            for rows, columns in (tensor.shape[-2:], tensor.flatten(1).shape):
                yield from ((rows, columns), (columns, rows))


def _memory(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr() if tensor.layout == torch.strided else id(tensor)
