"""The current rule costs about what an autograd step of the same shape costs."""

import statistics
import time

import pytest
import torch

from zorbench.zor import Layer, Zor

ALLOWED_RATIO = 1.7


def autograd_step(x: torch.Tensor):
    """One AdamW step of a 784-64-784 perceptron on the mean squared error."""
    linear = torch.nn.Linear
    model = torch.nn.Sequential(linear(784, 64), torch.nn.Sigmoid(), linear(64, 784), torch.nn.Sigmoid())
    optimiser = torch.optim.AdamW(model.parameters(), fused=True)

    def step() -> None:
        optimiser.zero_grad()
        torch.nn.functional.mse_loss(model(x), x).backward()
        optimiser.step()

    return step


def seconds(step, times: int = 50) -> float:
    start = time.perf_counter()
    for _ in range(times):
        step()
    return time.perf_counter() - start


@pytest.mark.perf
def test_a_step_takes_at_most_1_7_times_an_autograd_step():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        x = torch.rand(10, 784)
        zor = Zor([Layer(784), Layer(64), Layer(784, "sigmoid")], seed=0)
        reference = autograd_step(x)
        seconds(reference)
        seconds(lambda: zor.train_batch(x, x))
        ratios = [seconds(lambda: zor.train_batch(x, x)) / seconds(reference) for _ in range(20)]
    finally:
        torch.set_num_threads(threads)
    assert statistics.median(ratios) <= ALLOWED_RATIO
