"""What the product p W gains where most units are closed: the live ones picked out, or p as a sparse matrix.

Units are closed for the whole batch, or in every row by themselves. Picking out includes the search for the
live units (p ≠ 0), the sparse matrix its making; that one is left out where half the units are closed, since
it then took at least the dense time, and up to 28 times that. What came out, and the rule made of it
(zorbench/zor/sparse.py): docs/speed.md.
"""

from collections.abc import Iterator

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor

from .conftest import Findings
from .race import Race
from .steps import Step

pytestmark = [
    pytest.mark.perf,
    pytest.mark.filterwarnings("ignore:Sparse (CSR|invariant):UserWarning"),
]

CLOSED = (0.5, 0.9, 0.99)
WEIGHTS = [(784, 128), (3072, 728), (4096, 4096)]

TITLE = (
    "The product p W, float32: picking out live units / dense, and (sparse matrix / dense), by the share of "
    "units closed."
)
HEAD = (
    "W, batch",
    "threads",
    "dense µs",
    *(f"{c:.0%} of all" for c in CLOSED),
    *(f"{c:.0%} a row" for c in CLOSED),
)


def picked(p: Tensor, w: Tensor) -> Step:
    def step() -> Tensor:
        live = p.abs().sum(0).nonzero().squeeze(1)
        return p.index_select(1, live) @ w.index_select(0, live)

    return step


def sparse(p: Tensor, w: Tensor) -> Step:
    return lambda: p.to_sparse_csr() @ w


def closures(batch: int, n_in: int) -> Iterator[tuple[str, float, Tensor]]:
    """p with units closed, for the whole batch and then row by row."""
    for kind, rows in (("of all", 1), ("a row", batch)):
        for closed in CLOSED:
            open_ = (torch.rand(rows, n_in) > closed).float()
            yield f"{closed:.0%} {kind}", closed, (0.1 + torch.rand(batch, n_in)) * open_


@pytest.mark.parametrize("threads", [1, 2], indirect=True, ids=["one thread", "two threads"])
@pytest.mark.parametrize("batch", [1, 10, 512])
@pytest.mark.parametrize(("n_in", "n_out"), WEIGHTS)
def test_product(
    benchmark: BenchmarkFixture, findings: Findings, threads: int, n_in: int, n_out: int, batch: int
) -> None:
    work = batch * n_in * n_out
    steps = max(1, min(20, 10**8 // work))
    benchmark.group = f"turns of {steps} products with {n_in}×{n_out}"
    w = torch.randn(n_in, n_out)
    full = torch.rand(batch, n_in)
    contenders: dict[str, Step] = {"dense": lambda: full @ w}
    names = []
    for name, closed, p in closures(batch, n_in):
        names.append(name)
        contenders[f"picked, {name}"] = picked(p, w)
        if closed > 0.5:
            contenders[f"sparse, {name}"] = sparse(p, w)
        torch.testing.assert_close(picked(p, w)(), p @ w, rtol=1e-4, atol=1e-2)
    race = Race(benchmark, contenders, steps=steps, seconds=4)
    if "dense" in race:
        row = (f"{n_in}×{n_out}, {batch}", str(threads), f"{race.microseconds('dense'):,.0f}")
        findings.add_row(TITLE, HEAD, (*row, *(cell(race, name) for name in names)))


def cell(race: Race, name: str) -> str:
    text = f"{race.ratio(f'picked, {name}', 'dense'):.2f}"
    matrix = f"sparse, {name}"
    return f"{text} ({race.ratio(matrix, 'dense'):.2f})" if matrix in race else text
