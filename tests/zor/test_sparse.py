"""Products over live units alone: the same figures, and only where the rule says so."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from zorbench.zor import Layer, Zor
from zorbench.zor.sparse import product

N_IN, N_OUT = 2048, 512  # 2²⁰ weights, the fewest that are searched
MOST = 256  # live units, an eighth


class Selections(TorchDispatchMode):
    """Counts how often rows or columns are picked out."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += func.overloadpacket is torch.ops.aten.index_select
        return func(*args, **(kwargs or {}))


def activity(live: int, batch: int = 3, n_in: int = N_IN) -> torch.Tensor:
    """`live` units, spread over all, that are not zero."""
    draw = torch.Generator().manual_seed(live)
    p = torch.zeros(batch, n_in)
    units = torch.randperm(n_in, generator=draw)[:live]
    p[:, units] = torch.randn(batch, live, generator=draw)
    return p


def weights(*shape: int, **options) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1), **options)


@pytest.mark.parametrize("live", [0, 1, MOST - 1, MOST, MOST + 1, N_IN])
@pytest.mark.parametrize("batch", [1, 3])
def test_the_product_is_that_of_all_units_to_rounding(live, batch):
    p, w = activity(live, batch), weights(N_IN, N_OUT)
    expected = (p.double() @ w.double()).float()
    torch.testing.assert_close(product(p, w), expected, rtol=1e-5, atol=1e-3)


def test_a_unit_counts_in_the_rows_where_it_is_live_also_where_these_sum_to_zero():
    p, w = torch.zeros(4, N_IN), weights(N_IN, N_OUT)
    p[1, 7], p[2, 7], p[3, N_IN - 1] = 2.0, -2.0, -1.0
    expected = torch.stack([torch.zeros(N_OUT), 2 * w[7], -2 * w[7], -w[-1]])
    torch.testing.assert_close(product(p, w), expected)


@pytest.mark.parametrize(
    ("live", "n_out", "selections"),
    [(MOST, N_OUT, 2), (MOST + 1, N_OUT, 0), (MOST, N_OUT - 1, 0), (N_IN, N_OUT, 0)],
    ids=["an eighth live", "one more", "fewer weights", "all live"],
)
def test_live_units_are_picked_out_where_they_are_few_and_the_weights_many_and_nowhere_else(
    live, n_out, selections
):
    p, w = activity(live), weights(N_IN, n_out)
    with Selections() as seen:
        result = product(p, w)
    assert seen.count == selections
    if not selections:
        assert torch.equal(result, p @ w)


def test_one_nearly_silent_row_does_not_decide_for_the_others():
    p, w = activity(N_IN), weights(N_IN, N_OUT)
    p[0] = 0
    with Selections() as seen:
        result = product(p, w)
    assert seen.count == 0
    assert torch.equal(result, p @ w)


def test_an_ensemble_s_products_are_left_as_they_are():
    p, w = activity(1)[None].expand(64, -1, -1), weights(64, N_IN, 8)
    with Selections() as seen:
        assert torch.equal(product(p, w), p @ w)
    assert seen.count == 0


def test_a_compiled_step_is_not_cut(monkeypatch):
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    with Selections() as seen:
        product(activity(1), weights(N_IN, N_OUT))
    assert seen.count == 0


def test_no_value_is_read_elsewhere_than_on_a_cpu():
    p, w = torch.empty(3, N_IN, device="meta"), torch.empty(N_IN, N_OUT, device="meta")  # without any values
    assert product(p, w).shape == (3, N_OUT)


@pytest.mark.parametrize("parts", [[1] * 6, [2, 4], [5, 1]])
def test_prediction_through_few_live_units_does_not_depend_on_how_a_batch_is_split(parts):
    zor = Zor([Layer(N_IN, threshold=2.0), Layer(N_OUT, "relu", threshold=0.0), Layer(5)], seed=0)
    x = torch.randn(6, N_IN, generator=torch.Generator().manual_seed(2))
    x[1] += 1  # of which every row has too many live units by itself
    with Selections() as seen:
        whole = zor.predict(x)
        split = torch.cat([zor.predict(part) for part in x.split(parts)])
    assert seen.count > 0
    torch.testing.assert_close(split, whole, rtol=1e-5, atol=1e-6)
