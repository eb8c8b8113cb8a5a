from types import SimpleNamespace

import pytest
import torch

from zorbench import clock as clock_module
from zorbench import protocol
from zorbench.clock import TrainingClock
from zorbench.data import batch_order
from zorbench.protocol import Budget, BudgetExceeded, checkpoint_samples, checkpoint_seconds

CPU = torch.device("cpu")


def make_budget(n=25, samples=100, batch=10, order_seed=1, **more):
    """A budget whose shot i is the number i, with target 100 + i."""
    inputs = torch.arange(n, dtype=torch.float32)[:, None]
    more.setdefault("clock", TrainingClock(CPU))
    return Budget(inputs, inputs + 100, samples=samples, batch=batch, order_seed=order_seed, **more)


def handed_out(batches):
    return [inputs.flatten().int().tolist() for inputs, _ in batches]


def flat(lists):
    return [value for part in lists for value in part]


@pytest.fixture
def time(monkeypatch):
    """A time that passes only when told to: `time.now += 1`."""
    time = SimpleNamespace(now=0.0)
    monkeypatch.setattr(clock_module, "time", SimpleNamespace(perf_counter=lambda: time.now))
    return time


# The ceiling


def test_the_ceiling_is_met_exactly_with_a_cut_last_batch():
    budget = make_budget(n=25, samples=23, batch=10)
    sizes = [len(part) for part in handed_out(budget.batches())]
    assert sizes == [10, 10, 3]
    assert (budget.seen, budget.updates, budget.remaining, budget.progress) == (23, 3, 0, 1.0)


def test_presentations_are_counted_before_the_batch_is_used_and_progress_after():
    budget = make_budget(n=25, samples=30, batch=10)
    seen = [(budget.seen, budget.remaining, budget.progress) for _ in budget.batches()]
    assert seen == [
        (10, 20, 0.0),
        (20, 10, pytest.approx(1 / 3)),
        (25, 5, pytest.approx(2 / 3)),
        (30, 0, pytest.approx(5 / 6)),
    ]
    assert budget.progress == 1.0


def test_progress_is_what_was_spent_before_whatever_way_shots_are_handed_out():
    budget = make_budget(n=5, samples=20)
    assert budget.progress == 0.0
    found = []
    for ask in (budget.shots, lambda: budget.take([1, 2]), budget.shots, lambda: budget.take(range(5))):
        ask()
        found.append(budget.progress)
    assert found == pytest.approx([0.0, 5 / 20, 7 / 20, 12 / 20])
    with pytest.raises(BudgetExceeded):
        budget.shots()
    assert budget.progress == pytest.approx(17 / 20)


@pytest.mark.parametrize("name", ["n_shots", "batch", "samples", "seconds", "seen", "updates", "progress"])
def test_nothing_of_a_budget_can_be_set(name):
    with pytest.raises(AttributeError):
        setattr(make_budget(), name, 0)


def test_partial_batches_are_kept_and_every_epoch_shows_every_shot():
    parts = handed_out(make_budget(n=7, samples=21, batch=3).batches())
    assert [len(part) for part in parts] == [3, 3, 1] * 3
    for epoch in range(3):
        assert sorted(flat(parts[3 * epoch : 3 * epoch + 3])) == list(range(7))


def test_a_spent_budget_gives_no_more_batches():
    budget = make_budget(samples=20)
    list(budget.batches())
    assert handed_out(budget.batches()) == []
    assert budget.seen == 20


def test_targets_go_with_their_inputs():
    for inputs, targets in make_budget().batches():
        assert torch.equal(targets, inputs + 100)


# The order


def test_the_order_is_that_of_the_episode():
    order = batch_order(25, 10, 1)
    expected = [next(order).tolist() for _ in range(7)]
    assert handed_out(make_budget(n=25, samples=25 + 25 + 10, batch=10).batches()) == expected


def test_two_budgets_show_the_same_in_the_same_order():
    assert handed_out(make_budget().batches()) == handed_out(make_budget().batches())
    assert handed_out(make_budget().batches()) != handed_out(make_budget(order_seed=2).batches())


def test_a_smaller_ceiling_shows_the_beginning_of_the_same_order():
    small = flat(handed_out(make_budget(samples=33).batches()))
    large = flat(handed_out(make_budget(samples=99).batches()))
    assert large[:33] == small


@pytest.mark.parametrize("stages", [(0.5, 1.0), (0.13, 0.57, 0.6, 1.0)])
def test_stages_meet_their_shares_and_leave_the_order_as_it_is(stages):
    budget = make_budget(samples=100, batch=10)
    shown = []
    for until in stages:
        shown += handed_out(budget.batches(until))
        assert budget.seen == round(100 * until)
        assert budget.progress == pytest.approx(until)
    assert flat(shown) == flat(handed_out(make_budget(samples=100, batch=10).batches()))


def test_a_stage_that_is_over_already_gives_nothing():
    budget = make_budget(samples=100)
    list(budget.batches(0.5))
    assert handed_out(budget.batches(0.5)) == []
    assert handed_out(budget.batches(0.2)) == []
    assert budget.seen == 50


@pytest.mark.parametrize("until", [0.0, -0.1, 1.5])
def test_a_stage_ends_within_the_ceiling(until):
    with pytest.raises(ValueError, match=r"until must be in \(0, 1\]"):
        next(make_budget().batches(until))


# take and shots


def test_take_hands_out_the_chosen_shots_and_counts_each():
    budget = make_budget(n=5, samples=10)
    inputs, targets = budget.take(torch.tensor([3, 3, 0]))
    assert inputs.flatten().tolist() == [3, 3, 0]
    assert targets.flatten().tolist() == [103, 103, 100]
    assert (budget.seen, budget.updates) == (3, 1)


@pytest.mark.parametrize(
    "indices", [[4, 1], (4, 1), torch.tensor([4, 1]), torch.tensor([4, 1], dtype=torch.int32)]
)
def test_take_takes_any_list_of_whole_numbers(indices):
    budget = make_budget(n=5, samples=10)
    assert budget.take(indices)[0].flatten().tolist() == [4, 1]
    assert budget.seen == 2


@pytest.mark.parametrize(
    "indices",
    [torch.arange(4)[None], [[0, 1], [2, 3]], torch.ones(5, dtype=torch.bool), [0.5], torch.tensor(1)],
)
def test_take_refuses_what_it_could_not_count(indices):
    budget = make_budget(n=5, samples=10)
    with pytest.raises(ValueError, match="expected a list of whole numbers"):
        budget.take(indices)
    assert budget.seen == 0


def test_take_and_shots_never_exceed_the_ceiling():
    budget = make_budget(n=5, samples=12)
    budget.shots()
    budget.shots()
    with pytest.raises(BudgetExceeded, match="asked for 5 presentations with 2 of 12 left"):
        budget.shots()
    with pytest.raises(BudgetExceeded, match="asked for 3 presentations with 2 of 12 left"):
        budget.take([0, 1, 2])
    assert (budget.seen, budget.updates) == (10, 2)
    budget.take([0, 1])
    assert budget.remaining == 0


def test_a_shot_that_does_not_exist_is_not_counted():
    budget = make_budget(n=5, samples=12)
    with pytest.raises(IndexError):
        budget.take([5])
    assert (budget.seen, budget.updates) == (0, 0)


def test_every_call_of_shots_counts_all_of_them():
    budget = make_budget(n=5, samples=12)
    inputs, targets = budget.shots()
    assert inputs.flatten().tolist() == [0, 1, 2, 3, 4]
    assert targets.flatten().tolist() == [100, 101, 102, 103, 104]
    assert (budget.seen, budget.updates) == (5, 1)
    budget.shots()
    assert (budget.seen, budget.updates) == (10, 2)


def test_take_and_batches_draw_on_one_ceiling():
    budget = make_budget(n=25, samples=30, batch=10)
    budget.take(range(12))
    assert [len(part) for part in handed_out(budget.batches())] == [10, 8]


def test_writing_into_what_is_handed_out_changes_no_shot():
    images = torch.rand(6, 3)
    budget = Budget(images, images, samples=100, batch=6, order_seed=0, clock=TrainingClock(CPU))
    before = images.clone()
    for inputs, targets in (budget.shots(), budget.take([0, 1, 2, 3, 4, 5]), next(budget.batches())):
        kept = targets.clone()
        inputs.fill_(-1)
        assert torch.equal(targets, kept)  # nor the targets, where both are the same images
        targets.fill_(-1)
    assert torch.equal(images, before)


# Checkpoints


def test_checkpoints_are_evenly_spaced_in_the_logarithm():
    expected = sorted({round(10 * 500 ** (k / 9)) for k in range(10)})
    assert checkpoint_samples(5000, 10) == expected
    assert len(expected) == 10


@pytest.mark.parametrize(("samples", "batch"), [(1, 1), (5, 10), (10, 10), (12, 10), (7, 3)])
def test_checkpoints_lie_between_the_first_batch_and_the_ceiling(samples, batch):
    due = checkpoint_samples(samples, batch)
    assert due[0] == min(batch, samples)
    assert due[-1] == samples
    assert due == sorted(set(due))


def test_checkpoints_fire_between_steps_at_the_first_chance_and_never_after_the_ceiling():
    events = []
    budget = make_budget(n=25, samples=400, batch=10, checkpoint=lambda seen: events.append(("check", seen)))
    for _ in budget.batches():
        events.append(("step", budget.seen))
    due = checkpoint_samples(400, 10)
    steps = [seen for kind, seen in events if kind == "step"]
    expected = sorted({min(seen for seen in steps if seen >= at) for at in due} - {400})
    assert [seen for kind, seen in events if kind == "check"] == expected
    assert len(expected) >= 5
    for place, (kind, seen) in enumerate(events):
        if kind == "check":
            assert events[place - 1] == ("step", seen)


def test_the_first_checkpoint_comes_after_one_full_round_of_few_shots():
    checks = []
    budget = make_budget(n=4, samples=100, batch=10, checkpoint=checks.append)
    list(budget.batches())
    assert checks[0] == 4


def test_shots_and_take_fire_checkpoints_too():
    checks = []
    budget = make_budget(n=5, samples=20, batch=5, checkpoint=checks.append)
    budget.shots()
    assert checks == []
    budget.shots()
    budget.take([0, 1, 2, 3, 4])
    budget.take([0, 1, 2, 3, 4])
    assert checks == [5, 10, 15]


def test_without_a_checkpoint_nothing_is_due():
    assert len(handed_out(make_budget(samples=30, batch=10).batches())) == 4


# The clock


def test_the_clock_counts_the_steps_and_not_the_harness(time, monkeypatch):
    def slow_order(n, batch, seed):
        for chosen in batch_order(n, batch, seed):
            time.now += 1000
            yield chosen

    def check(seen):
        assert clock.seconds == seen / 10  # one second a step, and stopped now
        time.now += 1_000_000

    monkeypatch.setattr(protocol, "batch_order", slow_order)
    clock = TrainingClock(CPU)
    budget = make_budget(n=20, samples=200, batch=10, clock=clock, checkpoint=check)
    clock.resume()
    for _ in budget.batches():
        time.now += 1
    time.now += 0.5  # what a rule does after its last batch is training, too
    clock.pause()
    assert time.now > 1_000_000
    assert clock.seconds == pytest.approx(20.5)


def test_the_clock_goes_on_after_a_refusal(time):
    clock = TrainingClock(CPU)
    budget = make_budget(n=5, samples=4, clock=clock)
    clock.resume()
    with pytest.raises(BudgetExceeded):
        budget.shots()
    time.now += 3
    with pytest.raises(IndexError):
        budget.take([99])
    time.now += 2
    clock.pause()
    assert clock.seconds == 5


def test_the_first_step_is_timed_apart_with_what_comes_before_it(time):
    clock = TrainingClock(CPU)
    budget = make_budget(n=20, samples=60, batch=10, clock=clock)
    clock.resume()
    time.now += 7  # compilation
    cost = iter([5, 1, 1, 1, 1, 1])
    for _ in budget.batches():
        time.now += next(cost)
    clock.pause()
    assert clock.first_step == 12
    assert clock.seconds == 17


def test_a_single_hand_out_has_no_first_step_of_its_own(time):
    clock = TrainingClock(CPU)
    budget = make_budget(n=20, samples=60, clock=clock)
    clock.resume()
    budget.shots()
    time.now += 3
    clock.pause()
    assert clock.first_step is None
    assert clock.seconds == 3


# A ceiling on time


@pytest.fixture
def timed(time):
    """`timed(seconds)` → a budget whose ceiling is on time, and its clock, running."""

    def make(seconds, **more):
        clock = TrainingClock(CPU)
        budget = make_budget(samples=None, seconds=seconds, clock=clock, **more)
        clock.resume()
        return budget, clock

    return make


def test_training_stops_at_the_first_minibatch_past_the_limit(time, timed):
    budget, clock = timed(10.0)
    begun = []
    for _ in budget.batches():
        begun.append(clock.seconds)
        time.now += 3
    assert begun == [0, 3, 6, 9]
    clock.pause()
    assert clock.seconds == 12  # past it by one minibatch's time at most
    assert (budget.updates, budget.seen) == (4, 10 + 10 + 5 + 10)
    assert (budget.samples, budget.seconds, budget.progress) == (None, 10.0, 1.0)


def test_a_limit_met_exactly_is_over(time, timed):
    budget, _ = timed(9.0)
    for _ in budget.batches():
        time.now += 3
    assert budget.updates == 3


def test_no_hand_out_begins_after_the_limit(time, timed):
    budget, clock = timed(10.0, n=5)
    budget.shots()
    budget.take([0, 1])
    time.now += 10
    for ask in (budget.shots, lambda: budget.take([0])):
        with pytest.raises(BudgetExceeded, match="presentations with none of 10 training seconds left"):
            ask()
    assert handed_out(budget.batches()) == []
    assert (budget.remaining, budget.seen, budget.updates) == (0, 7, 2)
    time.now += 1
    clock.pause()
    assert clock.seconds == 11  # the clock went on after the refusals


def test_as_many_presentations_as_one_likes_fit_into_the_time(time, timed):
    budget, _ = timed(1.0, n=5)
    for _ in range(1000):
        budget.shots()
    time.now += 0.999
    assert budget.remaining > 10**9
    budget.take([0] * 100)
    assert budget.seen == 5100


def test_progress_is_the_share_of_the_time_that_was_spent_before_the_minibatch_in_hand(time, timed):
    budget, _ = timed(10.0)
    found = []
    for _ in budget.batches():
        found.append(budget.progress)
        time.now += 2.5
        assert budget.progress == found[-1]  # the same throughout a step
    assert found == [0.0, 0.25, 0.5, 0.75]
    assert budget.progress == 1.0


def test_what_the_harness_does_between_two_minibatches_is_not_on_the_limit(time, timed):
    def check(seen):
        time.now += 1e6

    budget, clock = timed(10.0, checkpoint=check)
    for _ in budget.batches():
        time.now += 1
    assert time.now > 1e6
    assert (budget.updates, clock.seconds) == (10, 10)


def test_what_a_rule_does_before_its_first_minibatch_is_on_the_limit(time, timed):
    budget, clock = timed(10.0)
    time.now += 7  # compilation
    for _ in budget.batches():
        time.now += 1
    assert (budget.updates, clock.first_step) == (3, 8)


def test_seconds_of_checkpoints_are_evenly_spaced_in_the_logarithm_over_two_decades():
    assert checkpoint_seconds(10.0) == pytest.approx([0.1 * 100 ** (k / 9) for k in range(10)])


def test_checkpoints_fire_at_the_first_minibatch_past_their_seconds_and_not_at_the_limit(time, timed):
    fired = []
    budget, clock = timed(10.0, checkpoint=lambda seen: fired.append(clock.seconds))
    for _ in budget.batches():
        time.now += 0.25
    ends = [0.25 * (k + 1) for k in range(40)]
    due = [0.1 * 100 ** (k / 9) for k in range(10)]
    expected = sorted({next(end for end in ends if end >= at - 1e-9) for at in due} - {10.0})
    assert fired == pytest.approx(expected)
    assert len(fired) >= 5


def test_stages_end_at_their_share_of_the_time_and_leave_the_order_as_it_is(time, timed):
    budget, clock = timed(10.0)
    shown, ended = [], []
    for until in (0.3, 0.35, 1.0):
        for inputs, _ in budget.batches(until):
            shown += inputs.flatten().int().tolist()
            time.now += 1.25
        ended.append(clock.seconds)
    assert ended == [3.75, 3.75, 10]  # the second was over already
    order = batch_order(25, 10, 1)
    assert shown == flat(next(order).tolist() for _ in range(8))


@pytest.mark.parametrize("ceilings", [{"samples": None, "seconds": None}, {"samples": 10, "seconds": 1.0}])
def test_there_is_one_ceiling(ceilings):
    with pytest.raises(ValueError, match="a ceiling either on samples or on seconds"):
        make_budget(**ceilings)


@pytest.mark.parametrize(
    ("ceiling", "updates"), [({"samples": None, "seconds": 10.0}, 3), ({"samples": 100}, 12)]
)
def test_where_time_is_the_limit_a_device_is_waited_for_between_two_minibatches(
    time, monkeypatch, ceiling, updates
):
    """What it was asked to do is done within the limit, not after it."""
    queued = []

    def wait(device):
        time.now += sum(queued)
        queued.clear()

    monkeypatch.setattr(clock_module, "synchronise", wait)
    clock = TrainingClock(torch.device("cuda"))
    budget = make_budget(clock=clock, **ceiling)
    clock.resume()
    for _ in budget.batches():
        queued.append(4)
        assert budget.updates <= updates
    assert budget.updates == updates
