"""A step run, recorded and replayed: with a recorder that needs no CUDA device, and on one where there is."""

import copy
import pickle

import pytest
import torch

from zorbench.zor import ConvLayer, ConvTransposeLayer, Layer, Zor, ZorEnsemble
from zorbench.zor.graph import StepGraph, capture_cuda

from .traces import TRACES, Trace, follow, recorded_network


class Tape:
    """Records like CUDA: without doing it, and every replay writes to one and the same memory."""

    captured = replayed = 0

    def capture(self, run):
        self.captured += 1
        answer = torch.empty(0, dtype=torch.get_default_dtype())
        return Recording(self, run, answer), answer


class Recording:
    def __init__(self, tape, run, answer):
        self.tape, self.run, self.answer = tape, run, answer

    def replay(self):
        self.tape.replayed += 1
        result = self.run()
        self.answer.resize_(result.shape).copy_(result)


class Accumulator:
    """A step with a state: adds x to its weight and answers with weight + t."""

    def __init__(self, size=3):
        self.weight = torch.zeros(size)
        self.runs = 0
        self.arguments = []

    def step(self, x, t):
        self.runs += 1
        self.arguments.append((x, t))
        self.weight += x.sum(0)
        return self.weight + t

    def place(self):
        return self.weight.data_ptr()


@pytest.fixture
def tape():
    return Tape()


@pytest.fixture
def ask(tape):
    """`ask(rows, value)` → the answer's first number, of a step that must agree with plain addition."""
    state, graph = Accumulator(), StepGraph(tape.capture)
    expected = torch.zeros(3)

    def ask(rows, value=1.0):
        x, t = torch.full((rows, 3), value), torch.full((rows, 3), 10.0)
        expected.add_(x.sum(0))
        answer = graph(state.step, x, t, state.place)
        assert torch.equal(answer, expected + t)
        assert torch.equal(state.weight, expected)
        return answer

    ask.state, ask.graph = state, graph
    return ask


def test_the_first_call_runs_the_second_is_recorded_and_the_rest_are_replayed(tape, ask):
    counts = []
    for value in (1.0, 2.0, -3.0, 5.0):
        ask(2, value)
        counts.append((tape.captured, tape.replayed))
    assert counts == [(0, 0), (1, 1), (1, 2), (1, 3)]


def test_another_batch_size_runs_as_it_is_and_is_then_recorded_anew(tape, ask):
    counts = []
    for rows in (2, 2, 3, 3, 3, 2, 3, 2, 2):
        ask(rows)
        counts.append((tape.captured, tape.replayed))
    assert counts == [(0, 0), (1, 1), (1, 1), (2, 2), (2, 3), (2, 3), (2, 3), (2, 3), (3, 4)]


def test_targets_of_another_shape_run_as_they_are(tape):
    state, graph = Accumulator(), StepGraph(tape.capture)
    for shape in ((2, 3), (2, 3), (1, 3), (2, 3)):
        assert graph(state.step, torch.ones(2, 3), torch.zeros(shape), state.place).shape == shape
    assert (tape.captured, tape.replayed) == (1, 1)


def test_a_weight_that_was_replaced_runs_as_it_is(tape, ask):
    for _ in range(3):
        ask(2)
    ask.state.weight = ask.state.weight.clone()
    ask(2)
    assert (tape.captured, tape.replayed) == (1, 2)
    ask(2)
    ask(2)
    assert (tape.captured, tape.replayed) == (2, 4)


def test_memory_that_the_first_step_makes_is_part_of_the_place(tape):
    class Late(Accumulator):
        def step(self, x, t):
            if self.runs == 0:
                self.weight = self.weight.clone()
            return super().step(x, t)

    state, graph = Late(), StepGraph(tape.capture)
    for _ in range(3):
        answer = graph(state.step, torch.ones(1, 3), torch.zeros(1, 3), state.place)
    assert (tape.captured, tape.replayed) == (1, 2)
    assert answer.tolist() == [[3.0] * 3]


def test_answers_are_the_callers_own(ask):
    answers = [ask(2) for _ in range(4)]
    assert [answer[0, 0].item() for answer in answers] == [12.0, 14.0, 16.0, 18.0]
    assert len({answer.data_ptr() for answer in answers}) == 4
    answers[-1].fill_(0)
    ask(2)


def test_inputs_are_copied_to_the_recordings_own_memory(tape):
    state, graph = Accumulator(), StepGraph(tape.capture)
    x, t = torch.ones(2, 3), torch.zeros(2, 3)
    for _ in range(3):
        graph(state.step, x, t, state.place)
    assert state.arguments[0][0] is x
    assert state.arguments[1][0].data_ptr() == state.arguments[2][0].data_ptr() != x.data_ptr()
    assert state.arguments[1][1].data_ptr() == state.arguments[2][1].data_ptr() != t.data_ptr()
    assert (x == 1).all()
    assert (t == 0).all()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda graph: pickle.loads(pickle.dumps(graph))])
def test_a_copy_begins_without_a_recording(copied):
    tape, state, graph = Tape(), Accumulator(), StepGraph()
    graph._capture = capture_cuda  # what a real one has: it can be pickled, as a recording cannot
    graph._place, graph._recorded = (torch.Size([2, 3]), torch.Size([2, 3]), state.place()), object()
    twin = copied(graph)
    assert twin._capture is capture_cuda
    twin._capture = tape.capture
    twin(state.step, torch.ones(2, 3), torch.zeros(2, 3), state.place)
    assert (tape.captured, state.runs) == (0, 1)
    assert graph._recorded is not None


class Watched(Recording):
    """Fails where a step puts new memory in place of old, which a true recording would not notice."""

    def replay(self):
        before = self.tape.zor._place()
        super().replay()
        assert self.tape.zor._place() == before


class WatchedTape(Tape):
    def __init__(self, zor):
        self.zor = zor

    def capture(self, run):
        recording, answer = super().capture(run)
        return Watched(self, recording.run, answer), answer


@pytest.fixture
def as_on_a_device(monkeypatch):
    """`as_on_a_device(zor)` → the tape of a network on the host that trains as one on a CUDA device does."""
    monkeypatch.setattr(Zor, "_may_look", lambda self, current: False)

    def pretend(zor):
        tape = WatchedTape(zor)
        zor._rate, zor._graph = torch.zeros(()), StepGraph(tape.capture)
        return tape

    return pretend


@pytest.mark.parametrize(
    ("name", "replayed"),
    [(name, None) for name in TRACES if "varying" not in name] + [("zor_stateful_varying_batch", 3)],
)
def test_the_public_implementations_run_is_repeated_by_replays(golden, as_on_a_device, name, replayed):
    trace = Trace(golden / f"{name}.npz")
    zor = recorded_network(trace, seed=0)
    tape = as_on_a_device(zor)
    follow(trace, zor)
    assert tape.replayed == (len(trace.steps()) - 1 if replayed is None else replayed)


IMAGES = [
    Layer((1, 6, 5)),
    ConvLayer(3, 3, stride=2, stateless=True),
    ConvTransposeLayer(2, 3, stride=2, output_size=(6, 5), threshold=-0.5),
    Layer(4, "sigmoid"),
]
FLAT = [Layer(30), Layer(7, "tanh", threshold=-0.5), Layer(4)]


@pytest.mark.parametrize("layers", [IMAGES, FLAT], ids=["images", "dense"])
def test_replays_follow_a_schedule_and_calls_in_between(as_on_a_device, layers):
    plain, recorded = Zor(layers, seed=0), Zor(layers, seed=0)
    tape = as_on_a_device(recorded)
    draw = torch.Generator().manual_seed(1)
    shape = recorded.shapes[0]
    for step in range(24):
        rows = 3 if step in (10, 11, 17) else 4
        x, other = 4 * torch.randn(2, rows, *shape, generator=draw)
        t = torch.rand(rows, 4, generator=draw)
        for zor in (plain, recorded):
            zor.lr = 0.02 / (1 + step)
            zor.weight_decay = 0.1 if step < 20 else 0.5
        errors = recorded.train_batch(x, t)
        torch.testing.assert_close(errors, plain.train_batch(x, t), rtol=0, atol=1e-5)
        if step % 3 == 0:
            torch.testing.assert_close(recorded.forward(other), plain.forward(other), rtol=0, atol=1e-5)
            torch.testing.assert_close(recorded.predict(other), plain.predict(other), rtol=0, atol=1e-5)
        for a, b in zip(recorded.weights, plain.weights, strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=1e-5)
    assert tape.captured == 5  # at the start, after each change of size and after that of the decay
    assert tape.replayed > tape.captured


def test_a_new_rate_needs_no_new_recording_and_a_new_decay_does(as_on_a_device):
    zor = Zor(FLAT, seed=0)
    tape = as_on_a_device(zor)
    x, t = torch.rand(4, 30), torch.rand(4, 4)
    for _ in range(3):
        zor.train_batch(x, t)
    before = zor.weights[0].clone()
    zor.lr = 0.0
    zor.train_batch(x, t)
    assert torch.equal(zor.weights[0], before)
    assert (tape.captured, tape.replayed) == (1, 3)
    zor.weight_decay = 0.9
    zor.train_batch(x, t)
    assert (tape.captured, tape.replayed) == (1, 3)


@pytest.mark.parametrize("name", ["weights", "first_moments", "second_moments", "steps", "charges"])
def test_any_tensor_replaced_ends_a_recording(as_on_a_device, name):
    zor = Zor(FLAT, seed=0)
    tape = as_on_a_device(zor)
    x, t = torch.rand(4, 30), torch.rand(4, 4)
    for _ in range(3):
        zor.train_batch(x, t)
    kept = getattr(zor, name)
    setattr(zor, name, [*kept[:-1], kept[-1].clone()])
    zor.train_batch(x, t)
    assert (tape.captured, tape.replayed) == (1, 2)


def test_a_copy_of_a_recorded_network_learns_by_itself(as_on_a_device):
    zor = Zor(FLAT, seed=0)
    as_on_a_device(zor)
    x, t = torch.rand(4, 30), torch.rand(4, 4)
    for _ in range(3):
        zor.train_batch(x, t)
    zor._graph._capture = capture_cuda
    twin = copy.deepcopy(zor)
    kept = [weight.clone() for weight in zor.weights]
    tape = as_on_a_device(twin)
    for _ in range(3):
        twin.train_batch(x, t)
    assert tape.replayed == 2
    assert all(torch.equal(a, b) for a, b in zip(kept, zor.weights, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(twin.weights, zor.weights, strict=True))


needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@needs_cuda
@pytest.mark.parametrize("name", TRACES)
def test_a_cuda_device_repeats_the_public_implementations_run(golden, name):
    trace = Trace(golden / f"{name}.npz")
    zor = recorded_network(trace, seed=0, device="cuda")
    follow(trace, zor)
    if "varying" not in name:
        assert zor._graph._recorded is not None


@needs_cuda
@pytest.mark.parametrize("layers", [IMAGES, FLAT], ids=["images", "dense"])
def test_a_cuda_device_follows_a_schedule_as_the_host_does(layers):
    host, device = Zor(layers, seed=0), Zor(layers, seed=0, device="cuda")
    draw = torch.Generator().manual_seed(1)
    for step in range(12):
        rows = 3 if step in (6, 7) else 4
        x, t = torch.randn(rows, *host.shapes[0], generator=draw), torch.rand(rows, 4, generator=draw)
        for zor in (host, device):
            zor.lr = 0.02 / (1 + step)
        errors = device.train_batch(x.cuda(), t.cuda()).cpu()
        torch.testing.assert_close(errors, host.train_batch(x, t), rtol=0, atol=1e-4)


@needs_cuda
def test_copies_on_a_cuda_device_are_the_networks_of_their_seeds():
    together = ZorEnsemble(FLAT, seeds=[0, 1, 2], device="cuda")
    alone = [Zor(FLAT, seed=seed) for seed in range(3)]
    draw = torch.Generator().manual_seed(1)
    for _ in range(6):
        x, t = torch.randn(3, 4, 30, generator=draw), torch.rand(3, 4, 4, generator=draw)
        errors = together.train_batch(x.cuda(), t.cuda()).cpu()
        for index, zor in enumerate(alone):
            torch.testing.assert_close(errors[index], zor.train_batch(x[index], t[index]), rtol=0, atol=1e-5)
