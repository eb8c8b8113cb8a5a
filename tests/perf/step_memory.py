"""In a process of its own: prints the bytes a network and its training steps needed at their peak."""

import sys

import torch

from zorbench.memory import PeakMemory
from zorbench.zor import Layer, Zor


def main(n_in: int, hidden: int, n_out: int, batch: int) -> None:
    torch.set_num_threads(2)
    steps(4, 3, 4, 2)  # what libraries take at their first use is not the step's
    memory = PeakMemory(torch.device("cpu"))
    memory.start()
    steps(n_in, hidden, n_out, batch)
    print(memory.read())


def steps(n_in: int, hidden: int, n_out: int, batch: int) -> None:
    net = Zor([Layer(n_in), Layer(hidden), Layer(n_out)], seed=0)
    for _ in range(3):
        net.train_batch(torch.rand(batch, n_in), torch.rand(batch, n_out))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
