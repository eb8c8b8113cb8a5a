"""Firing times and causal sets, held against the membrane by definition, and sums against explicit masks."""

from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from zorbench.spiking import SILENT
from zorbench.spiking.causal import Fired, Spikes, fire, signal_below, weight_gradient

from .membrane import causal_mask, draw, normal, solved, stepped


def inputs(kind: str, batch: int, n: int, seed: int = 0) -> torch.Tensor:
    """Times z within [1, e]."""
    z = torch.exp(draw(batch, n, seed=seed))
    if kind == "ties":
        z = torch.exp((draw(batch, n, seed=seed) * 4).floor() / 4)
    elif kind == "silent inputs":
        z = z.where(draw(batch, n, seed=seed + 1) > 0.3, SILENT)
    elif kind == "simultaneous":
        z = z[:, :1].expand(batch, n).contiguous()
    elif kind == "black pixels":
        z = z.where(draw(batch, n, seed=seed + 1) > 0.6, torch.e)
    elif kind == "silent and late":
        z = z.where(draw(batch, n, seed=seed + 1) > 0.5, torch.e)
        z[0, 0] = SILENT  # a last tie, but not of all inputs
        z[1] = SILENT
    return z


KINDS = ["distinct", "ties", "silent inputs", "simultaneous", "black pixels", "silent and late"]
each_kind = pytest.mark.parametrize("kind", KINDS)


def weights(n: int, outputs: int, *, signs: bool, seed: int = 5) -> torch.Tensor:
    """Most neurons fire, some early, some late, some never."""
    if signs:
        return normal(n, outputs, seed=seed) * (2.5 / n**0.5) + 1.6 / n
    return draw(n, outputs, seed=seed) * torch.linspace(1, 30, outputs) / n


def in_order(spikes: Spikes, fired: Fired) -> torch.Tensor:
    """The mask [batch, in, out] that sizes of causal sets and the order of the spikes stand for."""
    masks = []
    for rows, members in zip(spikes.rows, fired.members, strict=True):
        mask = torch.zeros(spikes.n_inputs, len(members))
        for j, size in enumerate(members.tolist()):
            mask[rows[:size].long(), j] = 1
        masks.append(mask)
    return torch.stack(masks)


# When a neuron fires


@each_kind
@pytest.mark.parametrize("signs", [True, False], ids=["both signs", "positive"])
@pytest.mark.parametrize("n", [1, 7, 30])
def test_a_neuron_fires_when_its_stepped_potential_first_reaches_the_threshold(kind, signs, n):
    z, w = inputs(kind, 4, n), weights(n, 24, signs=signs)
    spikes = Spikes.of(z)
    fired = fire(spikes, w)
    ordered = in_order(spikes, fired)
    known = 0
    for b in range(len(z)):
        expected, sure = stepped(z[b], w)
        never = expected.isinf()
        assert torch.equal((fired.times[b] == SILENT)[sure], never[sure])
        assert torch.equal((fired.members[b] == 0)[sure], never[sure])
        both = sure & ~never
        torch.testing.assert_close(fired.times[b, both].double(), expected[both], rtol=2e-3, atol=0)
        usual = both & (expected < 50)  # rounding grows as Σ w comes near the threshold
        torch.testing.assert_close(fired.times[b, usual].double(), expected[usual], rtol=5e-5, atol=0)
        came = (z[b, :, None] <= expected) & (z[b] < SILENT)[:, None] & ~never
        assert torch.equal(ordered[b][:, sure].bool(), came[:, sure])
        known += int(sure.sum())
    assert known > 0.8 * fired.times.numel()


def test_the_cases_hold_neurons_that_fire_between_inputs_and_after_all_and_never():
    """So that the test above is about something."""
    for signs in (True, False):
        z = inputs("distinct", 4, 30)
        fired = fire(Spikes.of(z), weights(30, 24, signs=signs))
        sizes = set(fired.members.unique().tolist())
        assert {0, 30} <= sizes
        assert len(sizes) > 10


EIGHTHS = st.integers(-16, 24).map(lambda n: Fraction(n, 8))
QUARTERS = st.integers(4, 11).map(lambda n: Fraction(n, 4))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(QUARTERS, EIGHTHS), min_size=1, max_size=12))
def test_the_instant_is_exact_in_fractions_ties_and_thresholds_just_reached_included(pairs):
    """Sums of quarters times eighths are exact in float32: only the division rounds."""
    z, w = [a for a, _ in pairs], [b for _, b in pairs]
    spikes = Spikes.of(torch.tensor([[float(a) for a in z]]))
    fired = fire(spikes, torch.tensor([[float(b)] for b in w]))
    expected = solved(z, w)
    if expected is None:
        assert fired.times.item() == SILENT
        assert fired.members.item() == 0
    else:
        assert fired.times.item() == pytest.approx(float(expected), rel=3e-7)
        # The smallest set: an input that comes at that very instant has moved nothing yet.
        assert fired.members.item() == sum(a < expected for a in z)


def one(z, w, **options):
    fired = fire(Spikes.of(torch.tensor([z])), torch.tensor(w)[:, None], **options)
    return fired.times.item(), fired.members.item()


@pytest.mark.parametrize("exact", [True, False])
def test_weights_that_add_up_to_just_the_threshold_never_reach_it(exact):
    assert one([1.0, 1.5], [0.5, 0.5], exact=exact) == (SILENT, 0)
    assert one([1.0], [1.0], exact=exact) == (SILENT, 0)
    time, members = one([1.0, 1.5], [0.5, 0.625], exact=exact)
    assert members == 2
    assert time == pytest.approx((0.5 + 0.9375) / 0.125)


def test_a_neuron_that_would_fire_as_late_as_a_silent_one_is_silent():
    assert one([1.0], [1 + 2**-17]) == (SILENT, 0)  # at 131,073
    time, members = one([1.0], [1 + 2**-16])
    assert (time, members) == (65537, 1)


def test_simultaneous_inputs_enter_together():
    assert one([1.5] * 4, [2.0, -3.0, 4.0, -1.0]) == (3.0, 4)
    assert one([1.5] * 4, [2.0, -3.0, 4.0, -2.0]) == (SILENT, 0)


def test_an_inhibitory_input_that_comes_in_time_holds_a_neuron_back():
    z = [1.0, 1.5, 2.5]
    assert one(z, [2.0, -1.5, 3.0]) == (pytest.approx((2 - 2.25 + 7.5) / 2.5), 3)
    assert one(z, [2.0, 0.5, 3.0])[0] == pytest.approx(2.75 / 1.5)


def test_no_neuron_fires_before_the_last_of_its_inputs_even_by_rounding():
    """The second input comes within rounding of the instant at which the first makes a neuron fire."""
    first = 1.5 + draw(400)
    z = torch.ones(400, 2)
    z[:, 1] = (first.double() / (first.double() - 1)).float() * (
        1 + 6e-8 * (draw(400, seed=1) * 8 - 4).round()
    )
    fired = fire(Spikes.of(z), torch.stack([first, torch.full((400,), 5.0)]))
    times, members = fired.times.diagonal(), fired.members.diagonal()
    assert set(members.tolist()) == {1, 2}
    assert (times >= z[:, 1])[members == 2].all()
    torch.testing.assert_close(times, z[:, 1], rtol=1e-6, atol=0)


@pytest.mark.parametrize("n", [1, 3, 20, 64])
@pytest.mark.parametrize("silent_too", [False, True])
def test_both_modes_agree_on_positive_weights_without_ties(n, silent_too):
    z = inputs("silent inputs", 5, n)
    w = weights(n, 40, signs=False)
    exact = fire(Spikes.of(z), w)
    source = fire(Spikes.of(z, silent_too=silent_too), w, exact=False)
    torch.testing.assert_close(source.times, exact.times, rtol=2e-5, atol=0)
    assert torch.equal(source.members, exact.members)


def test_both_modes_agree_on_the_times_of_positive_weights_with_ties():
    for kind in ("ties", "simultaneous", "black pixels"):
        z, w = inputs(kind, 5, 20), weights(20, 40, signs=False)
        exact, source = fire(Spikes.of(z), w), fire(Spikes.of(z), w, exact=False)
        torch.testing.assert_close(source.times, exact.times, rtol=2e-5, atol=0)


def test_the_modes_differ_where_the_first_crossing_is_not_of_the_earliest_prefix_formula():
    """V reaches 1 only after the last input; the release takes a prefix that would, were it not for it.

    The prefix of the first input alone gives z = 3, later than the second input, which forbids it.
    """
    z, w = [1.0, 2.0, 2.5], [1.5, -0.5, 1.0]
    assert one(z, w, exact=False) == (3.0, 1)
    expected = (1.5 - 1.0 + 2.5) / 1.0
    assert one(z, w) == (expected, 3)
    z, w = [1.0, 2.0, 2.5], [1.5, -1.0, 1.0]
    assert one(z, w, exact=False) == (3.0, 1)
    assert one(z, w) == (pytest.approx((1.5 - 2 + 2.5) / 0.5), 3)


def by_prefixes(z, w):
    """The times of the release's prefixes, by size: those with Σ w > 1, no earlier than their last input."""
    order = sorted(range(len(z)), key=lambda i: (z[i], i))
    times = {}
    for size in range(1, len(z) + 1):
        mass = sum(w[i] for i in order[:size])
        if mass > 1:  # at 1, the time is infinite
            time = sum(w[i] * z[i] for i in order[:size]) / (mass - 1)
            if z[order[size - 1]] <= time:
                times[size] = time
    return times


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(QUARTERS, EIGHTHS), min_size=1, max_size=40))
def test_source_mode_is_the_earliest_of_all_prefixes(pairs):
    z, w = [a for a, _ in pairs], [b for _, b in pairs]
    times = by_prefixes(z, w)
    time, members = one([float(a) for a in z], [float(b) for b in w], exact=False)
    if not times:
        assert (time, members) == (SILENT, 0)
    else:
        assert time == pytest.approx(float(min(times.values())), rel=3e-7)
        assert times[members] == min(times.values())  # of several, any: the division rounds


def test_weights_for_another_number_of_inputs_are_refused():
    for n in (3, 5):
        with pytest.raises(ValueError, match=f"inputs have 4 numbers a sample; this layer takes {n}"):
            fire(Spikes.of(torch.ones(2, 4)), torch.ones(n, 2))


@pytest.mark.parametrize("exact", [True, False])
def test_no_input_no_spike(exact):
    w = torch.full((5, 3), 9.0)
    fired = fire(Spikes.of(torch.full((2, 5), SILENT)), w, exact=exact)
    assert (fired.times == SILENT).all()
    assert (fired.members == 0).all()
    grid = torch.ones(2, 3)
    spikes = Spikes.of(torch.full((2, 5), SILENT))
    assert not weight_gradient(spikes, fired, grid, grid).any()
    assert not signal_below(spikes, fired, w, grid).any()


def test_blocks_of_columns_do_not_show():
    z, w = inputs("black pixels", 3, 40), weights(40, 700, signs=True)
    whole = fire(Spikes.of(z), w)
    for low in range(0, 700, 100):
        part = fire(Spikes.of(z), w[:, low : low + 100].contiguous())
        torch.testing.assert_close(whole.times[:, low : low + 100], part.times, rtol=1e-4, atol=0)
        assert torch.equal(whole.members[:, low : low + 100], part.members)


# Spikes in order


@each_kind
def test_spikes_are_in_order_and_each_input_is_there_once(kind):
    z = inputs(kind, 4, 9)
    spikes = Spikes.of(z)
    for b in range(4):
        count = int(spikes.counts[b])
        assert count == int((z[b] < SILENT).sum())
        rows, times = spikes.rows[b, :count].long(), spikes.times[b, :count]
        assert torch.equal(z[b, rows], times)
        assert torch.equal(times, times.sort().values)
        assert len(rows.unique()) == count
        equal = times[1:] == times[:-1]
        assert (rows[1:] > rows[:-1])[equal].all()  # ties keep the order of the inputs


# Sums over causal sets


@each_kind
@pytest.mark.parametrize("signs", [True, False])
@pytest.mark.parametrize("n", [3, 24])
def test_a_weight_s_gradient_and_the_signal_below_are_sums_over_the_mask(kind, signs, n):
    z, w = inputs(kind, 6, n), weights(n, 70, signs=signs)
    spikes = Spikes.of(z)
    fired = fire(spikes, w)
    mask = causal_mask(z, fired.times).double()
    slopes, offsets = normal(6, 70, seed=1), normal(6, 70, seed=2)
    expected = torch.einsum("bio,bo,bi->io", mask, slopes.double(), z.double())
    expected -= torch.einsum("bio,bo->io", mask, offsets.double())
    actual = weight_gradient(spikes, fired, slopes, offsets)
    torch.testing.assert_close(actual.double(), expected, rtol=1e-5, atol=1e-5)
    below = torch.einsum("bo,bio,io->bi", slopes.double(), mask, w.double())
    actual = signal_below(spikes, fired, w, slopes)
    torch.testing.assert_close(actual.double(), below, rtol=1e-5, atol=1e-5)


def test_black_pixels_take_the_path_of_a_whole_tie_and_few_of_them_do_not():
    z = torch.exp(draw(3, 40))
    z[0, ::2] = z[0].max()
    z[1, :2] = z[1].max()
    heads = Spikes.of(z).heads.tolist()
    assert heads[0] < 21
    assert heads[1:] == [40, 40]


def test_a_tie_with_opposite_weights_is_as_exact_as_spike_by_spike():
    """The whole tie's sum is a difference: what is left over of it must stay small."""
    n = 784
    z = torch.exp(draw(2, n)).where(draw(2, n, seed=1) < 0.2, torch.e)
    w = normal(n, 16) * 0.2
    spikes = Spikes.of(z)
    assert (spikes.heads < n).all()
    fired = fire(spikes, w)
    for b in range(2):
        expected, sure = stepped(z[b], w)
        fires = sure & expected.isfinite()
        torch.testing.assert_close(fired.times[b, fires].double(), expected[fires], rtol=2e-3, atol=0)
        assert torch.equal((fired.members[b] > 0)[sure], expected.isfinite()[sure])


# Trains: several spikes an input


def trains(batch: int, n: int, most: int) -> torch.Tensor:
    z = torch.exp(draw(batch, n, most, seed=3))
    z = z.where(draw(batch, n, most, seed=4) > 0.4, SILENT)
    z[0, 1] = z[0, 0]  # ties of two inputs
    z[-1, 2] = SILENT
    return z


@pytest.mark.parametrize("exact", [True, False])
def test_a_train_is_as_many_inputs_that_share_a_weight(exact):
    z, w = trains(4, 6, 5), weights(6, 20, signs=False) / 2
    many, alone = Spikes.of_trains(z), Spikes.of(z.flatten(1))
    shared = w.repeat_interleave(5, dim=0)
    fired, expected = fire(many, w, exact=exact), fire(alone, shared, exact=exact)
    assert int((expected.members > 0).sum()) > 0
    torch.testing.assert_close(fired.times, expected.times)
    assert torch.equal(fired.members, expected.members)


@pytest.mark.parametrize("signs", [True, False])
def test_sums_over_trains_add_up_over_the_spikes_of_an_input(signs):
    z, w = trains(4, 6, 5), weights(6, 20, signs=signs)
    spikes = Spikes.of_trains(z)
    fired = fire(spikes, w)
    mask = causal_mask(z.flatten(1), fired.times).view(4, 6, 5, 20).double()
    slopes, offsets = normal(4, 20, seed=1), normal(4, 20, seed=2)
    expected = torch.einsum("bipo,bo,bip->io", mask, slopes.double(), z.double())
    expected -= torch.einsum("bipo,bo->io", mask, offsets.double())
    actual = weight_gradient(spikes, fired, slopes, offsets)
    torch.testing.assert_close(actual.double(), expected, rtol=1e-5, atol=1e-5)
    below = torch.einsum("bo,bipo,io->bi", slopes.double(), mask, w.double())
    torch.testing.assert_close(signal_below(spikes, fired, w, slopes).double(), below, rtol=1e-5, atol=1e-5)


def test_trains_fire_by_the_stepped_potential():
    z, w = trains(3, 6, 5), weights(6, 20, signs=True)
    fired = fire(Spikes.of_trains(z), w)
    for b in range(3):
        expected, sure = stepped(z[b].flatten(), w.repeat_interleave(5, dim=0))
        assert torch.equal((fired.members[b] == 0)[sure], expected.isinf()[sure])
        usual = sure & (expected < 50)
        torch.testing.assert_close(fired.times[b, usual].double(), expected[usual], rtol=5e-5, atol=0)


def test_a_sample_without_any_spike_is_silent_beside_others():
    z = trains(3, 6, 5)
    z[1] = SILENT
    spikes = Spikes.of_trains(z)
    assert spikes.counts[1] == 0
    assert (fire(spikes, torch.ones(6, 4)).times[1] == SILENT).all()
    nothing = Spikes.of_trains(torch.full((2, 6, 5), SILENT))
    assert (fire(nothing, torch.ones(6, 4)).times == SILENT).all()


# Threads


@pytest.mark.parametrize("kind", ["distinct", "black pixels", "trains"])
@pytest.mark.parametrize("exact", [True, False])
def test_one_thread_and_two_give_the_same_bits(kind, exact):
    w = weights(50, 300, signs=True)
    spikes = Spikes.of_trains(trains(33, 50, 4)) if kind == "trains" else Spikes.of(inputs(kind, 33, 50))
    slopes, offsets = normal(33, 300, seed=1), normal(33, 300, seed=2)
    found = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        fired = fire(spikes, w, exact=exact)
        sums = weight_gradient(spikes, fired, slopes, offsets), signal_below(spikes, fired, w, slopes)
        found.append((fired.times, fired.members, *sums))
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))
