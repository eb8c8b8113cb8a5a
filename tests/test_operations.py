"""What rules take, held against closed forms and against counts by hand."""

from functools import partial

import pytest
import torch
from torch import nn

from zorbench import Baseline, Classification, EntrySpec, Reconstruction, StepBaseline
from zorbench.clock import TrainingClock
from zorbench.operations import OneMinibatch, learning_operations, prediction_operations
from zorbench.predict import ContractError, predict
from zorbench.registry import Registry

N_IN, HIDDEN, CLASSES, BATCH = 36, 7, 5, 4


def spec(task=Classification, shape=(1, 6, 6), out=(CLASSES,), hidden=HIDDEN, batch=BATCH):
    return EntrySpec(task, shape, out, CLASSES, 20, 40, batch, hidden, code=hidden)


def images(n=8, shape=(1, 6, 6), seed=0):
    draw = torch.Generator().manual_seed(seed)
    values = torch.rand(n, *shape, generator=draw) + 1.5
    return values * (torch.rand(n, *shape, generator=draw) > 0.3)


def minibatch(inputs, targets, batch=BATCH):
    clock = TrainingClock(torch.device("cpu"))
    return OneMinibatch(inputs, targets, samples=batch, batch=batch, order_seed=0, clock=clock)


def built(row, about):
    found = Registry().row(row)
    rule = found.plugin()
    rule.build(about, found.config(), torch.Generator().manual_seed(0))
    return rule


def taken(rule, about, inputs=None):
    """What predicting and learning takes."""
    inputs = images(shape=about.input_shape) if inputs is None else inputs
    counts = prediction_operations(rule, about, inputs)
    targets = inputs if about.task is Reconstruction else torch.eye(CLASSES)[torch.arange(8) % CLASSES]
    return counts | learning_operations(rule, minibatch(inputs, targets, about.batch), counts)


def learned(counts):
    return tuple(counts[f"{name}_macs"] for name in ("forward", "update", "transport"))


# Closed forms


def test_an_mlp_takes_what_its_layers_say():
    about = spec()
    counts = taken(built("mlp", about), about)
    below, above = N_IN * HIDDEN, HIDDEN * CLASSES
    assert counts["dense"] == below + above
    assert learned(counts) == (below + above, below + above, above)
    assert counts["time_steps"] == 1


def test_an_mlp_s_effective_terms_are_those_of_active_pixels_and_units():
    about, inputs = spec(), images()
    rule = built("mlp", about)
    counts = prediction_operations(rule, about, inputs)
    units = rule.encode(inputs)
    lit, active = int((inputs != 0).sum()), int((units != 0).sum())
    assert 0 < active < units.numel()
    assert counts["macs"] == (lit * HIDDEN + active * CLASSES) / len(inputs)
    assert counts["acs"] == 0
    assert counts["activation_sparsity"] == pytest.approx(1 - active / units.numel())


@pytest.mark.parametrize("batch", [3, CLASSES, HIDDEN])
@pytest.mark.parametrize("row", ["zor", "zor_theta0"])
def test_zor_takes_what_its_layers_say(row, batch):
    """Also where a minibatch is as large as a layer, so that shapes alone do not tell what is what."""
    about = spec(batch=batch)
    counts = taken(built(row, about), about)
    below, above = N_IN * HIDDEN, HIDDEN * CLASSES
    assert counts["dense"] == below + above
    assert learned(counts) == (below + above, below + above, above)


def test_zor_learns_on_with_the_charges_that_it_kept():
    about = spec(batch=4)
    rule = built("zor", about)
    batch = images(4), torch.eye(CLASSES)[:4]
    rule.net.weights[1].mul_(100)  # currents far below −2, so that charge is kept
    rule.step(*batch)
    assert any(len(charge) for charge in rule.net.charges)
    assert taken(rule, about)["update_macs"] == N_IN * HIDDEN + HIDDEN * CLASSES


def test_zor_s_closed_gates_take_nothing():
    about, inputs = spec(), images()
    rule = built("zor_theta0", about)
    counts = prediction_operations(rule, about, inputs)
    charges = inputs.flatten(1) @ rule.net.weights[0]
    lit, opened = int((inputs != 0).sum()), int((charges > 0).sum())
    assert 0 < opened < charges.numel()
    assert counts["macs"] == (lit * HIDDEN + opened * CLASSES) / len(inputs)
    assert counts["activation_sparsity"] == pytest.approx(1 - opened / charges.numel())


def test_silent_units_that_zor_leaves_out_are_in_the_dense_count(monkeypatch):
    from zorbench.zor import sparse

    about, inputs = spec(), images() * (torch.arange(36) < 3).view(6, 6)
    rule = built("zor", about)
    usual = prediction_operations(rule, about, inputs)
    monkeypatch.setattr(sparse, "LEAST_WEIGHTS", 0)
    product = sparse._few_live(inputs.flatten(1), rule.net.weights[0])
    assert product is not None
    assert len(product) == 3
    assert prediction_operations(rule, about, inputs) == usual


def test_zor_s_novelty_rule_moves_weights_by_two_correlations():
    about = spec(Reconstruction, out=(1, 6, 6))
    below = above = N_IN * HIDDEN
    counts = taken(built("zor_novelty", about), about)
    assert learned(counts) == (below + above, 2 * (below + above), above)


def test_a_frozen_layer_costs_no_update_and_no_transport():
    about = spec()
    counts = taken(built("frozen_hidden", about), about)
    assert learned(counts) == (N_IN * HIDDEN + HIDDEN * CLASSES, HIDDEN * CLASSES, 0)


def inside(n, kernel=3, stride=1, padding=1):
    """In one direction: how often a window's place lies inside an image of n pixels."""
    places = range((n + 2 * padding - kernel) // stride + 1)
    return sum(0 <= place * stride - padding + tap < n for place in places for tap in range(kernel))


def test_a_cnn_takes_what_its_windows_say():
    about = spec()
    first = 1 * 8 * inside(6, stride=2) ** 2
    second = 8 * 16 * inside(3, stride=2) ** 2
    readout = 16 * 2 * 2 * CLASSES
    counts = taken(built("cnn", about), about)
    assert counts["dense"] == first + second + readout
    assert learned(counts) == (first + second + readout,) * 2 + (second + readout,)


def test_convolutional_zor_goes_back_through_all_windows_but_the_first():
    about = spec()
    first = 1 * 16 * inside(6, kernel=5, stride=2, padding=2) ** 2
    rest = 16 * 32 * inside(3, stride=2) ** 2 + 32 * 2 * 2 * HIDDEN + HIDDEN * CLASSES
    counts = taken(built("zor_conv", about), about)
    assert counts["dense"] == first + rest
    assert learned(counts) == (first + rest, first + rest, rest)


def test_nearest_neighbours_take_a_term_a_pixel_and_shot():
    about, shots = spec(), images(20, seed=1)
    rule = built("one_nn", about)
    rule.inputs, rule.labels, rule.n_classes = shots.flatten(1), torch.zeros(20).long(), CLASSES
    counts = prediction_operations(rule, about, images())
    assert counts["dense"] == 20 * N_IN
    assert "activation_sparsity" not in counts


# Rules of other kinds


class Rule(StepBaseline):
    """A layer of weights; tests replace what they are about."""

    def __init__(self, n_in=N_IN):
        self.w = torch.rand(n_in, CLASSES) + 2

    def predict(self, inputs):
        return inputs.flatten(1) @ self.w

    def step(self, inputs, targets):
        self.w += inputs.flatten(1).T @ (targets - self.predict(inputs))


def with_methods(**methods):
    return type("Changed", (Rule,), methods)()


class Joined(torch.autograd.Function):
    """s Wᵀ, with products of its own both ways."""

    @staticmethod
    def forward(ctx, spikes, weights):
        ctx.save_for_backward(spikes, weights)
        return spikes @ weights.T

    @staticmethod
    def backward(ctx, signal):
        spikes, weights = ctx.saved_tensors
        below = signal @ weights if ctx.needs_input_grad[0] else None
        return below, signal.T @ spikes


class Fire(torch.autograd.Function):
    """1[u > 0], and back as if it were u."""

    @staticmethod
    def forward(ctx, current):
        return (current > 0).float()

    @staticmethod
    def backward(ctx, signal):
        return signal


class Spiking(StepBaseline):
    """Two layers over T = 3 steps, in which spikes go up and a threshold lies between; no reset."""

    time_steps = 3

    def __init__(self):
        self.below = nn.Linear(N_IN, HIDDEN, bias=False)
        self.above = nn.Linear(HIDDEN, CLASSES, bias=False)

    def predict(self, inputs):
        total = 0
        for step in range(self.time_steps):
            spikes = (inputs.flatten(1) > 1.6 + 0.3 * step).float()
            fired = Fire.apply(Joined.apply(spikes, self.below.weight))
            total = total + Joined.apply(fired, self.above.weight)
        return total

    def step(self, inputs, targets):
        (self.predict(inputs) - targets).square().sum().backward()


def test_spikes_accumulate_over_all_time_steps():
    about, inputs = spec(), images()
    rule = Spiking()
    counts = prediction_operations(rule, about, inputs)
    expected = silent = 0
    for step in range(3):
        spikes = (inputs.flatten(1) > 1.6 + 0.3 * step).float()
        fired = spikes @ rule.below.weight.T > 0
        expected += int(spikes.sum()) * HIDDEN + int(fired.sum()) * CLASSES
        silent += int((~fired).sum())
    assert counts["acs"] == expected / len(inputs)
    assert counts["macs"] == 0
    assert counts["dense"] == 3 * (N_IN * HIDDEN + HIDDEN * CLASSES)
    assert counts["activation_sparsity"] == pytest.approx(silent / (3 * len(inputs) * HIDDEN))
    assert counts["time_steps"] == 3


def test_learning_through_time_is_seen_in_functions_of_a_rule_s_own():
    about = spec()
    below, above = N_IN * HIDDEN, HIDDEN * CLASSES
    assert learned(taken(Spiking(), about)) == (3 * (below + above), 3 * (below + above), 3 * above)


def one_by_one(self, inputs, targets):
    for x, t in zip(inputs.flatten(1), targets, strict=True):
        self.w += torch.outer(x, t - x @ self.w)


def with_traces(self, inputs, targets):
    """What units did is kept in attributes, in place."""
    self.trace.copy_(inputs.flatten(1))
    self.error.copy_(targets - self.trace @ self.w)
    self.w += self.trace.T @ self.error


@pytest.mark.parametrize("step", [Rule.step, one_by_one, with_traces])
@pytest.mark.parametrize("batch", [1, BATCH, CLASSES])
def test_a_delta_rule_costs_a_term_a_weight_however_it_is_written(step, batch):
    about = spec(batch=batch)
    rule = with_methods(step=step)
    if step is with_traces:
        rule.trace, rule.error = torch.zeros(batch, N_IN), torch.zeros(batch, CLASSES)
    assert learned(taken(rule, about)) == (N_IN * CLASSES, N_IN * CLASSES, 0)


def test_activities_that_are_shaped_like_weights_are_no_change_of_them():
    """Square weights above, as many samples as units, and weights that are made anew for each product."""

    def predict(self, inputs):
        return (inputs.flatten(1) @ (2 * self.w)) @ (2 * self.above)

    def step(self, inputs, targets):
        self.above += (inputs.flatten(1) @ (2 * self.w)).T @ (targets - self.predict(inputs))

    rule = with_methods(predict=predict, step=step)
    rule.above = torch.eye(CLASSES)
    below, above = N_IN * CLASSES, CLASSES**2
    assert learned(taken(rule, spec(batch=CLASSES))) == (below + above, above, below)  # below is taken twice


def test_a_rule_may_keep_its_samples_in_columns():
    def predict(self, inputs):
        return (self.rows @ inputs.flatten(1).T.contiguous()).T

    def step(self, inputs, targets):
        columns = inputs.flatten(1).T.contiguous()
        self.rows += (targets.T.contiguous() - self.rows @ columns) @ columns.T

    rule = with_methods(predict=predict, step=step)
    rule.rows = rule.w.T.contiguous()
    for batch in (1, BATCH, CLASSES):
        assert learned(taken(rule, spec(batch=batch))) == (N_IN * CLASSES, N_IN * CLASSES, 0)


def test_a_product_that_sums_over_units_is_no_change_of_weights():
    """The same shapes, but what is summed over are the units of a third layer."""

    def predict(self, inputs):
        return inputs.flatten(1) @ (self.w * 1)

    def step(self, inputs, targets):
        units = inputs.flatten(1)[:, :7].contiguous()
        self.w += 0 * ((2 * self.spread) @ units.T).sum()

    rule = with_methods(predict=predict, step=step)
    rule.spread = torch.ones(N_IN, 7)
    assert taken(rule, spec(batch=CLASSES))["update_macs"] == 0


def test_tied_weights_have_a_code_between_them():
    about = spec(Reconstruction, out=(1, 6, 6))
    encode = lambda self, inputs: (inputs.flatten(1) @ self.w - 160).relu()  # noqa: E731
    decode = lambda self, codes: (codes @ self.w.T).view(-1, 1, 6, 6)  # noqa: E731
    rule, inputs = with_methods(encode=encode, decode=decode, predict=Baseline.predict), images()
    rule.w = torch.rand(N_IN, HIDDEN) + torch.arange(HIDDEN)
    codes = rule.encode(inputs)
    assert 0 < (codes == 0).float().mean() < 1
    counts = prediction_operations(rule, about, inputs)
    assert counts["activation_sparsity"] == pytest.approx(float((codes == 0).double().mean()))


def solving(self, budget):
    inputs, targets = budget.shots()
    self.w = inputs.flatten(1).T @ targets


def in_numpy(self, inputs, targets):
    self.w += torch.from_numpy(inputs.flatten(1).numpy().T @ targets.numpy())


def refusing(self, budget):
    raise ValueError("once is enough")


@pytest.mark.parametrize("methods", [{"fit": solving}, {"step": in_numpy}, {"fit": refusing}])
def test_learning_that_cannot_be_seen_is_not_counted(methods):
    counts = taken(with_methods(**methods), spec())
    assert set(counts) == {"macs", "acs", "dense", "time_steps"}


def elsewhere(self, inputs):
    return torch.from_numpy(inputs.flatten(1).numpy() @ self.w.numpy())


def test_predicting_that_cannot_be_seen_is_not_counted_but_a_floor_s_is_nothing():
    rule = with_methods(predict=elsewhere)
    assert taken(rule, spec()) == {}
    type(rule).role = "floor"
    nothing = {"macs": 0, "acs": 0, "dense": 0, "time_steps": 1}
    assert prediction_operations(rule, spec(), images()) == nothing


def test_a_prediction_that_fails_only_when_watched_costs_nothing_but_its_count():
    def watched(self, inputs):
        from torch.utils._python_dispatch import is_in_torch_dispatch_mode

        if is_in_torch_dispatch_mode():
            raise ValueError("not in front of others")
        return Rule.predict(self, inputs)

    assert prediction_operations(with_methods(predict=watched), spec(), images()) == {}


def test_no_inputs_give_no_averages():
    assert prediction_operations(Rule(), spec(), images()[:0]) == {}


# Declarations

PREDICTED = {"macs": 10, "acs": 2.5, "dense": 20, "activation_sparsity": 0.5}
LEARNED = {"forward_macs": 20, "update_macs": 1, "transport_macs": 0}


def declaring(answer, **methods):
    return with_methods(operations=lambda self, inputs: answer, **methods)


def test_what_a_rule_declares_stands_for_itself():
    everything = PREDICTED | LEARNED
    assert taken(declaring(everything, predict=elsewhere), spec()) == everything | {"time_steps": 1}


def test_a_part_that_a_rule_does_not_declare_is_counted():
    seen = taken(Rule(), spec())
    assert taken(declaring(LEARNED), spec()) == seen | LEARNED
    counted = taken(declaring({"macs": 3, "dense": 2 * N_IN * CLASSES}), spec())
    assert (counted["macs"], counted["dense"]) == (3, 2 * N_IN * CLASSES)
    assert "acs" not in counted
    assert counted["update_macs"] == N_IN * CLASSES
    for nothing in (None, {}):
        assert taken(declaring(nothing), spec()) == seen


def test_a_rule_is_asked_with_the_inputs():
    asked = []
    rule = with_methods(operations=lambda self, inputs: asked.append(inputs.clone()))
    prediction_operations(rule, spec(), images())
    assert len(asked) == 1
    assert torch.equal(asked[0], images())


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ([1.0], "operations returned list; expected a mapping from names"),
        ({"flops": 1}, "operations returned the name 'flops'; valid: macs, acs, dense, activation_sparsity,"),
        ({"macs": -1}, "operations returned -1 for 'macs'; expected a number, 0 or more"),
        ({"macs": float("nan")}, "operations returned nan for 'macs'"),
        ({"macs": "many"}, "operations returned 'many' for 'macs'"),
        ({"macs": True}, "operations returned True for 'macs'"),
    ],
)
def test_a_wrong_declaration_is_told_with_what_was_expected(answer, message):
    with pytest.raises(ContractError) as caught:
        prediction_operations(declaring(answer), spec(), images())
    assert str(caught.value).startswith(message)


def test_declaring_must_change_nothing():
    rule = with_methods(operations=lambda self, inputs: {"macs": float(self.w.mul_(2).sum())})
    with pytest.raises(ContractError, match="operations changed the state of the rule"):
        prediction_operations(rule, spec(), images())


@pytest.mark.parametrize("steps", [0, -1, 2.5, "3"])
def test_time_steps_are_a_whole_number(steps):
    rule = Rule()
    rule.time_steps = steps
    with pytest.raises(ContractError, match="expected a whole number, 1 or more"):
        prediction_operations(rule, spec(), images())


# Counting leaves no trace


@pytest.mark.parametrize("row", ["mlp", "zor", "zor_novelty", "cnn"])
def test_counting_a_prediction_changes_no_bit_of_the_rule(row):
    task, out = (Reconstruction, (1, 6, 6)) if row == "zor_novelty" else (Classification, (CLASSES,))
    about = spec(task, out=out)
    rule, ask = built(row, about), partial(predict, spec=about, inputs=images())
    before, state = ask(rule), {name: tensor.clone() for name, tensor in rule.state().items()}
    prediction_operations(rule, about, images())
    assert torch.equal(ask(rule), before)
    assert all(torch.equal(tensor, state[name]) for name, tensor in rule.state().items())
