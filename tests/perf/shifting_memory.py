"""In a process of its own: prints the bytes that a network and its steps needed at their peak."""

import sys

import torch

from tests.perf.spiking_steps import shifting_step
from zorbench.memory import PeakMemory


def main(n_in: int, hidden: int, n_out: int, batch: int) -> None:
    torch.set_num_threads(2)
    shifting_step((4, 3, 2), 2)()  # what is loaded and compiled at first use is not the step's
    memory = PeakMemory(torch.device("cpu"))
    memory.start()
    step = shifting_step((n_in, hidden, n_out), batch)
    for _ in range(3):
        step()
    print(memory.read())


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
