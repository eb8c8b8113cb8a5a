"""Normalised signals and the correlation they drive, held against norms and sums taken one by one."""

import math

import pytest
import torch

from zorbench.zor.connection import Dense
from zorbench.zor.correlation import signal_scale


def normalise_signal(signal):
    return signal * signal_scale(signal)


def correlation(activity, signal, spikes):
    """The direction for a δ that is normalised already."""
    dense = Dense(activity.shape[1:], signal.shape[1:])
    return dense.direction(activity, signal, torch.ones(1, signal.shape[1]), spikes.to(signal.dtype))


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_every_column_becomes_a_unit_vector_along_itself(scale):
    signal = torch.randn(6, 4) * scale
    unit = normalise_signal(signal)
    torch.testing.assert_close(unit.norm(dim=0), torch.ones(4))
    torch.testing.assert_close(unit, signal / signal.norm(dim=0))


def test_a_single_row_becomes_its_sign():
    assert normalise_signal(torch.tensor([[-3.0, 0.0, 0.5]])).tolist() == [[-1.0, 0.0, 1.0]]


@pytest.mark.parametrize("tiny", [0.0, 1e-30, 1e-45])
def test_a_column_of_zeros_or_of_next_to_nothing_stays_finite_and_within_one(tiny):
    signal = torch.tensor([[tiny, 3.0], [tiny, 4.0]])
    unit = normalise_signal(signal)
    assert unit.isfinite().all()
    assert unit[:, 0].abs().max() <= 1
    assert unit[:, 1].tolist() == pytest.approx([0.6, 0.8])
    if tiny == 0.0:
        assert unit[:, 0].tolist() == [0.0, 0.0]


def test_the_correlation_is_the_sum_over_the_batch_of_normalised_columns():
    activity = torch.tensor([[3.0, 0.0], [4.0, 0.0], [0.0, 2.0]])
    signal = torch.tensor([[0.5, -0.25], [1.0, 0.5], [-1.0, 1.0]])
    spikes = torch.tensor([[True, False], [True, True], [False, True]])
    # p̂ columns: (3, 4, 0)/5 and (0, 0, 1); two spikes a column, so ŝ = 1/√2 where it fired.
    expected = torch.tensor([[0.6 * 0.5 + 0.8 * 1.0, 0.8 * 0.5], [0.0, 1.0]]) / math.sqrt(2)
    torch.testing.assert_close(correlation(activity, signal, spikes), expected)


def test_silent_units_take_no_part():
    activity = torch.tensor([[0.0, 1.0], [0.0, 2.0]])
    spikes = torch.tensor([[False, True], [False, True]])
    direction = correlation(activity, torch.ones(2, 2), spikes)
    assert direction.isfinite().all()
    assert direction[0].tolist() == [0.0, 0.0]
    assert direction[:, 0].tolist() == [0.0, 0.0]
    assert direction[1, 1] > 0


def test_the_small_number_in_the_norms_shrinks_faint_activity():
    # A norm of 1e-8 plus the 1e-8 that keeps a silent column finite halves p̂.
    direction = correlation(torch.tensor([[1e-8]]), torch.ones(1, 1), torch.ones(1, 1, dtype=torch.bool))
    assert direction.item() == pytest.approx(0.5, rel=1e-3)


def test_the_arguments_are_left_as_they_were():
    activity, signal, spikes = torch.randn(3, 2), torch.randn(3, 4), torch.rand(3, 4) > 0.5
    copies = activity.clone(), signal.clone(), spikes.clone()
    normalise_signal(signal)
    correlation(activity, signal, spikes)
    assert all(torch.equal(a, b) for a, b in zip((activity, signal, spikes), copies, strict=True))
