"""A step of Zor beside an autograd step of the same shape, in one run of `make perf`, on one thread."""

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from zorbench.zor import Layer, Zor

pytestmark = [pytest.mark.perf, pytest.mark.benchmark(group="a training step of 784-64-784, batch 10")]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def test_zor_step(benchmark: BenchmarkFixture) -> None:
    x = torch.rand(10, 784)
    net = Zor([Layer(784), Layer(64), Layer(784)], seed=0)
    errors = benchmark(net.train_batch, x, x)
    assert errors.shape == x.shape


def test_autograd_mlp_step(benchmark: BenchmarkFixture) -> None:
    x = torch.rand(10, 784)
    net = torch.nn.Sequential(torch.nn.Linear(784, 64), torch.nn.ReLU(), torch.nn.Linear(64, 784))
    optimiser = torch.optim.AdamW(net.parameters(), fused=True)

    def step() -> torch.Tensor:
        optimiser.zero_grad()
        loss = torch.nn.functional.mse_loss(net(x), x)
        loss.backward()
        optimiser.step()
        return loss

    assert torch.isfinite(benchmark(step))
