"""Small problems to fit the bundled baselines on, within a budget as the harness makes one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from zorbench import Baseline, Budget, Classification, Colorization, EntrySpec, Task
from zorbench.clock import TrainingClock
from zorbench.data import load
from zorbench.registry import Registry
from zorbench.zor import Zor


@dataclass(frozen=True)
class Problem:
    """The shots of an entry, and what a plugin is told of it."""

    spec: EntrySpec
    inputs: Tensor
    targets: Tensor

    def budget(self) -> Budget:
        return Budget(
            self.inputs.clone(),
            self.targets.clone(),
            samples=self.spec.samples,
            batch=self.spec.batch,
            order_seed=7,
            clock=TrainingClock(torch.device("cpu")),
        )


def random_problem(
    task: type[Task],
    shape: tuple[int, ...] = (1, 8, 8),
    n: int = 12,
    *,
    items: Tensor | None = None,
    labels: Tensor | None = None,
    n_classes: int = 3,
    samples: int | None = None,
    batch: int = 4,
    hidden: int = 6,
    code: int = 5,
    seed: int = 0,
) -> Problem:
    """`n` uniform random items of `shape` with labels 0, 1, 2, 0, …, or the items and labels given."""
    if items is None:
        if task is Colorization:
            shape = (3, *shape[1:])
        items = torch.rand(n, *shape, generator=torch.Generator().manual_seed(seed))
    if labels is None:
        labels = torch.arange(len(items)) % n_classes
    inputs, targets = task.inputs(items), task.targets(items, labels, n_classes)
    spec = EntrySpec(
        task=task,
        input_shape=tuple(inputs.shape[1:]),
        output_shape=tuple(targets.shape[1:]),
        n_classes=n_classes,
        n_shots=len(items),
        samples=samples or 3 * len(items),
        batch=batch,
        hidden=hidden,
        code=code,
    )
    return Problem(spec, inputs, targets)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As cells run: small steps wait for one another on more."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def registry() -> Registry:
    return Registry()


@pytest.fixture
def make_problem() -> Callable[..., Problem]:
    return random_problem


@pytest.fixture
def build(registry: Registry) -> Callable[..., Any]:
    """`build("mlp[lr=0.1]", problem, seed)`: the untrained plugin of that row."""

    def build(row: str, problem: Problem, seed: int = 0) -> Baseline:
        found = registry.row(row)
        plugin = found.plugin()
        plugin.build(problem.spec, found.config(), torch.Generator().manual_seed(seed))
        return plugin

    return build


@pytest.fixture
def fit(build: Callable[..., Any]) -> Callable[..., Any]:
    """`fit("mlp[lr=0.1]", problem, seed)`: that plugin, trained with the problem's budget."""

    def fit(row: str, problem: Problem, seed: int = 0) -> Baseline:
        plugin = build(row, problem, seed)
        plugin.fit(problem.budget())
        return plugin

    return fit


@pytest.fixture
def classification_shots(make_problem: Callable[..., Problem]) -> Problem:
    """30 items in 4 dimensions; of the classes 0 … 3, 0 has one shot and 2 has none."""
    draw = torch.Generator().manual_seed(1)
    labels = torch.tensor([1, 3])[torch.randint(2, (30,), generator=draw)]
    labels[11] = 0
    items = torch.rand(30, 4, generator=draw) + labels[:, None] / 4
    return make_problem(Classification, items=items, labels=labels, n_classes=4)


@pytest.fixture(scope="session")
def digits() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """10 handwritten digits of each class with their labels, then 30 others of each."""
    dataset = load("mnist5k")
    labels = dataset.train_labels()
    places = [torch.where(labels == label)[0] for label in range(10)]
    shots, others = (torch.cat([part[a:b] for part in places]) for a, b in ((0, 10), (10, 40)))
    return (
        dataset.train_inputs(shots.tolist()),
        labels[shots],
        dataset.train_inputs(others.tolist()),
        labels[others],
    )


@pytest.fixture
def digit_shots(digits: tuple[Tensor, ...]) -> Callable[..., Problem]:
    """`digit_shots(task, samples=2000)`: a problem of 100 digits, 28×28, in minibatches of 10."""

    def shots(task: type[Task], samples: int = 2000) -> Problem:
        items, labels = digits[:2]
        sizes = {"n_classes": 10, "batch": 10, "hidden": 64, "code": 64}
        return random_problem(task, items=items, labels=labels, samples=samples, **sizes)

    return shots


@pytest.fixture
def unseen_digits(digits: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    """300 digits that are no shots, and their labels."""
    return digits[2], digits[3]


@pytest.fixture
def living() -> Callable[[Zor, Tensor], list[float]]:
    """`living(net, inputs)`: of every hidden layer, the share of units that fire and tell inputs apart."""

    def living(net: Zor, inputs: Tensor) -> list[float]:
        shares = []
        for layer in range(1, len(net.weights)):
            activity = net.encode(inputs, layer).flatten(1)
            charge = net.connections[layer - 1].current(net.encode(inputs, layer - 1), net.weights[layer - 1])
            fires = (charge.flatten(1) > net.layers[layer].threshold).any(dim=0)
            shares.append(float((fires & (activity.std(dim=0) > 1e-4)).float().mean()))
        return shares

    return living
