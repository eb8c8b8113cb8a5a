"""Work in ranges: each place once, and errors are heard of."""

import threading

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from zorbench.spiking.threads import parts, share_out


@given(st.integers(0, 3000), st.integers(1, 400), st.integers(1, 100), st.integers(1, 2))
def test_ranges_hold_every_place_once_in_order_and_no_more_than_a_block(size, block, least, threads):
    torch.set_num_threads(threads)
    ranges = parts(size, block, least)
    assert [place for low, high in ranges for place in range(low, high)] == list(range(size))
    assert all(0 < high - low <= block for low, high in ranges)


@pytest.mark.parametrize(("size", "count"), [(63, 1), (127, 1), (128, 2), (500, 2)])
def test_each_thread_has_a_range_if_it_is_worth_it(size, count):
    torch.set_num_threads(2)
    assert len(parts(size, 1000, 64)) == count
    torch.set_num_threads(1)
    assert len(parts(size, 1000, 64)) == 1


def test_nothing_to_do_is_no_range():
    assert parts(0, 256) == []
    share_out([], lambda low, high: pytest.fail("called"))


@pytest.mark.parametrize("threads", [1, 2])
def test_all_ranges_are_worked_on_before_it_returns(threads):
    torch.set_num_threads(threads)
    done, workers = torch.zeros(100), set()

    def work(low, high):
        workers.add(threading.current_thread().name)
        done[low:high] += 1

    share_out([(0, 10), (10, 60), (60, 61), (61, 100)], work)
    assert (done == 1).all()
    assert (threading.main_thread().name in workers) == (threads == 1)


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_in_one_range_is_raised(threads):
    torch.set_num_threads(threads)

    def work(low, high):
        if low:
            raise ArithmeticError("here")

    with pytest.raises(ArithmeticError, match="here"):
        share_out([(0, 1), (1, 2), (2, 3)], work)
