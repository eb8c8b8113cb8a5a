"""Compiled loops on as many threads as torch has."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import torch


def parts(size: int, block: int, least: int = 1) -> list[tuple[int, int]]:
    """0 … size in ranges of at most `block`, and one for each of torch's threads if all hold `least`."""
    count = max(-(-size // block), min(torch.get_num_threads(), size // least))
    return list(pairwise(size * k // count for k in range(count + 1))) if count else []


def share_out(ranges: list[tuple[int, int]], work: Callable[[int, int], None]) -> None:
    """Do `work(low, high)` for every range. The loops let other threads run while they do."""
    threads = torch.get_num_threads()
    if threads == 1 or len(ranges) < 2:
        for low, high in ranges:
            work(low, high)
        return
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(work, low, high) for low, high in ranges]:
            done.result()
