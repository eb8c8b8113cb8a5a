"""STDP, its rates and the layout of weights: figures of the specification, and the oracle."""

import pytest
import torch
import torch.nn.functional as F

from tests.spiking import oracle
from zorbench.spiking.firing import fire, inhibited, winners
from zorbench.spiking.first_spikes import padded, to_wave
from zorbench.spiking.rows import is_laid_out, laid_out, rows_of
from zorbench.spiking.stdp import PUNISHMENT, REWARD, STDP, Doubling, update

ADDITIVE = STDP(0.1, -0.05, stabilised=False, low=0.25, high=0.85)
STABILISED = STDP(0.1, -0.05)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [(STABILISED, [[0.525, 0.216], [0.8955, 0.388]]), (ADDITIVE, [[0.60, 0.30], [0.85, 0.35]])],
)
def test_the_specifications_example(rule, expected):
    times = torch.tensor([[[[0, 1], [2, 3]]]], dtype=torch.uint8)
    weight = torch.stack([torch.tensor([[0.5, 0.2], [0.9, 0.4]]), torch.full((2, 2), 0.3)])[:, None]
    fired = fire(times, weight, 0.65, steps=3)
    assert fired.times.flatten().tolist() == [1, 2]
    torch.testing.assert_close(fired.potentials.flatten(), torch.tensor([0.7, 0.9]))
    won = winners(inhibited(fired, 3), 5, 0, steps=3)[0]
    assert won[0].tolist() == [0, 0, 0]
    assert (won[1:] == -1).all()
    update(weight, times, won, torch.tensor([1, 0, 0, 0, 0]), rule, steps=3)
    torch.testing.assert_close(weight[0, 0], torch.tensor(expected))
    torch.testing.assert_close(weight[1, 0], torch.full((2, 2), 0.3))


@pytest.mark.parametrize("rule", [STABILISED, ADDITIVE, REWARD, PUNISHMENT])
@pytest.mark.parametrize("layout", [laid_out, torch.clone])
def test_updates_are_the_bits_of_the_oracles(rule, layout):
    generator = torch.Generator().manual_seed(0)
    times = torch.randint(0, 9, (1, 4, 7, 6), generator=generator).clamp_max(5).to(torch.uint8)
    weight = layout(torch.rand(9, 4, 3, 3, generator=generator))
    expected = weight.clone()
    wave = to_wave(padded(times, 1, 5), 5)[0].float()
    spikes, passed = oracle.fire(F.conv2d(wave, expected), 0.5)
    won = [(3, 0, 0), (8, 6, 5), (0, 3, 2)]
    posts = (5 - spikes.sum(dim=0))[tuple(zip(*won, strict=True))].long()
    assert (posts < 5).all()
    oracle.stdp(expected, wave, passed, won, rule)
    update(
        weight, times, torch.tensor([*won, (-1, -1, -1)]), torch.tensor([*posts, 0]), rule, steps=5, padding=1
    )
    assert torch.equal(weight, expected)


def test_only_winners_are_clamped_where_that_is_enough():
    weight = torch.full((2, 1, 1, 1), 0.9)
    times = torch.zeros(1, 1, 1, 1, dtype=torch.uint8)
    update(weight, times, torch.tensor([[0, 0, 0]]), torch.tensor([0]), REWARD, steps=1, clamp=False)
    torch.testing.assert_close(weight.flatten(), torch.tensor([0.8, 0.9]))
    update(weight, times, torch.tensor([[-1, -1, -1]]), torch.tensor([0]), REWARD, steps=1)
    torch.testing.assert_close(weight.flatten(), torch.tensor([0.8, 0.8]))


def test_rates_double_every_500_samples_up_to_a_bound():
    rates = Doubling().rates(STDP(), 0, 4000)
    plus, minus = rates.T
    for sample, expected in [
        (1, 0.004),
        (499, 0.004),
        (500, 0.008),
        (1000, 0.016),
        (2500, 0.128),
        (3000, 0.15),
    ]:
        assert plus[sample - 1] == torch.tensor(expected)
    torch.testing.assert_close(minus[:499], torch.full((499,), -0.003))
    assert torch.equal(minus[499:], -0.75 * plus[499:])
    assert plus[-1] == torch.tensor(0.15)
    parts = [Doubling().rates(STDP(), seen, 1000) for seen in range(0, 4000, 1000)]
    assert torch.equal(torch.cat(parts), rates)
    assert torch.isfinite(Doubling().rates(STDP(), 10**9, 2)).all()


def test_rewards_are_scaled_from_the_rates_at_the_beginning():
    scaled = REWARD.scaled(0.25)
    assert (scaled.plus, scaled.minus) == (0.001, -0.00075)
    assert (scaled.low, scaled.high, scaled.stabilised) == (0.2, 0.8, False)
    shallow = PUNISHMENT.scaled(0.5, least=0.2, span=0.8)
    assert shallow.plus == pytest.approx(-0.0024)
    assert shallow.minus == pytest.approx(0.0003)


def test_bounds_have_an_order():
    with pytest.raises(ValueError, match=r"the lower bound must be below the upper, got 1.0 and 0.0"):
        STDP(low=1.0, high=0.0)


def test_a_layout_changes_no_value():
    weight = torch.rand(21, 3, 2, 5)
    mine = laid_out(weight)
    assert torch.equal(mine, weight)
    assert is_laid_out(mine)
    assert not is_laid_out(weight)
    assert not is_laid_out(mine.clone(memory_format=torch.contiguous_format))
    rows = rows_of(mine)
    assert rows.shape == (30, 32)
    rows[(1 * 5 + 2) * 3 + 1, 20] = 7
    assert mine[20, 1, 1, 2] == 7
    assert torch.equal(torch.from_numpy(rows_of(mine.clone())), torch.from_numpy(rows))
