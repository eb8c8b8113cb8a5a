import builtins
import io
import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from zorbench import clock, protocol, run
from zorbench.data import Dataset, draw_episode, load
from zorbench.run import run_cell

NEAREST = """
class Rule(StepBaseline):
    name = "rule"
    tasks = {Classification}

    def build(self, entry, config, rng):
        self.w = torch.randn(64, entry.n_classes, generator=rng) * 0.01

    def step(self, inputs, targets):
        x = inputs.flatten(1)
        self.w += 0.1 * x.T @ (targets - torch.softmax(x @ self.w, dim=1)) / len(x)

    def predict(self, inputs):
        return inputs.flatten(1) @ self.w
"""

# Draws from every global generator at every occasion, and predicts from what it drew.
GAMBLER = """
LUCK = torch.rand(())

def noise():
    return random.random() + np.random.rand() + torch.rand(())

class Rule(StepBaseline):
    name = "rule"
    tasks = {Classification}

    def __init__(self):
        self.luck = noise()

    def build(self, entry, config, rng):
        self.w = LUCK + self.luck + noise() + torch.randn(64, entry.n_classes)

    def step(self, inputs, targets):
        self.w += 0.1 * noise() * torch.randn(self.w.shape)

    def predict(self, inputs):
        return inputs.flatten(1) @ self.w + torch.rand(len(inputs), 10) * noise()

    def state(self):
        return {"w": self.w * torch.rand(())}
"""

FLOATING = "expected a floating-point tensor"

RECONSTRUCTION = {"task": "reconstruction", "shots": 1, "samples": 20, "code": 64}


def result(outcome):
    """What must be the same for the same seed: all but times and memory."""
    assert outcome.status == "ok", outcome.reason
    curve = [{key: value for key, value in point.items() if key != "seconds"} for point in outcome.curve]
    return outcome.metrics, curve, outcome.cost, outcome.images


# A good cell


def test_a_cell_gives_scores_a_curve_times_and_costs(run_rule):
    outcome = run_rule(NEAREST)
    assert outcome.status == "ok"
    clean = outcome.metrics["clean"]
    assert clean["accuracy"] > 0.5
    assert clean["error"] == pytest.approx(1 - clean["accuracy"])
    assert np.sum(clean["confusion"]) == 30
    assert [point["samples"] for point in outcome.curve][-1] == 200
    assert outcome.metrics["validation"]["error"] == outcome.curve[-1]["error"]
    assert outcome.curve[-1]["error"] < outcome.curve[0]["error"]
    assert set(outcome.seconds) == {"build", "first_step", "train", "predict"}
    assert 0 < outcome.seconds["first_step"] < outcome.seconds["train"]
    assert outcome.curve[-1]["seconds"] == outcome.seconds["train"]
    assert outcome.cost == {"parameters": 640, "state_bytes": 2560, "samples": 200, "updates": 20}
    assert outcome.images == {}


def test_scores_are_those_of_the_episode_computed_by_hand(run_rule):
    """A rule without learning, whose answer is known: the class is the brightest of ten pixels."""
    outcome = run_rule("""
        class Rule(Baseline):
            name = "rule"
            tasks = {Classification}
            def fit(self, budget):
                pass
            def predict(self, inputs):
                return inputs.flatten(1)[:, 20:30]
    """)
    data = load("digits")
    episode = draw_episode(data, shots=2, validation=20, test=30, seed=0)

    def error(inputs, labels):
        scores = inputs.flatten(1)[:, 20:30]
        top = scores.max(dim=1, keepdim=True).values
        right = (scores.argmax(dim=1) == labels) & ((scores == top).sum(dim=1) == 1)
        return 1 - float(right.double().mean())

    test_error = error(data.test_inputs(episode.test), data.test_labels(episode.test))
    validation = (
        data.train_inputs(episode.validation),
        data.train_labels()[torch.as_tensor(episode.validation)],
    )
    assert outcome.metrics["clean"]["error"] == pytest.approx(test_error)
    assert outcome.metrics["validation"]["error"] == pytest.approx(error(*validation))
    assert outcome.cost["samples"] == outcome.cost["updates"] == 0
    assert len(outcome.curve) == 1


def test_a_rule_is_told_the_entry_and_gets_its_settings(run_rule, monkeypatch):
    told = []
    monkeypatch.setattr(builtins, "told", told, raising=False)
    source = NEAREST.replace(
        "    def build(self, entry, config, rng):",
        "    @dataclass(frozen=True)\n    class Config:\n        lr: float = 0.5\n\n"
        "    def build(self, entry, config, rng):\n        builtins.told += [entry, config.lr]",
    )
    run_rule(source, hidden=7, code=5, settings={"lr": "0.25"})
    spec, lr = told
    assert (spec.input_shape, spec.output_shape, spec.n_classes) == ((1, 8, 8), (10,), 10)
    assert (spec.n_shots, spec.samples, spec.batch, spec.hidden, spec.code) == (20, 200, 10, 7, 5)
    assert spec.device == torch.device("cpu")
    assert lr == 0.25


# What is read when


@pytest.mark.parametrize(
    ("task", "dataset"),
    [("classification", "digits"), ("reconstruction", "digits"), ("colorization", "photos")],
)
def test_test_inputs_are_read_after_fit_and_test_labels_after_the_last_call(
    run_rule, monkeypatch, task, dataset
):
    calls = []
    monkeypatch.setattr(builtins, "calls", calls, raising=False)

    def spied(name, original):
        return lambda self, *arguments: calls.append(name) or original(self, *arguments)

    for name in ("train_inputs", "train_labels", "test_inputs", "test_labels"):
        monkeypatch.setattr(Dataset, name, spied(name, getattr(Dataset, name)))
    outcome = run_rule(
        """
        class Rule(Baseline):
            name = "rule"
            tasks = {Classification, Reconstruction, Colorization}
            def build(self, entry, config, rng):
                builtins.calls.append("build")
                self.shape = entry.output_shape
            def fit(self, budget):
                builtins.calls.append("fit")
                for _ in budget.batches():
                    builtins.calls.append("step")
                builtins.calls.append("fitted")
            def predict(self, inputs):
                builtins.calls.append("predict")
                return torch.rand(len(inputs), *self.shape)
            def encode(self, inputs):
                builtins.calls.append("encode")
                return inputs.flatten(1)[:, :1].contiguous()
            def decode(self, codes):
                builtins.calls.append("decode")
                return torch.zeros(len(codes), *self.shape)
            def state(self):
                builtins.calls.append("state")
                return {}
        """,
        task=task,
        dataset=dataset,
        **({"shots": 1} if dataset == "digits" else {"shots": None, "images": 10}),
    )
    assert outcome.status == "ok", outcome.reason
    fitted = calls.index("fitted")
    own = {"build", "fit", "step", "fitted", "predict", "encode", "decode", "state"}
    last_own = max(place for place, call in enumerate(calls) if call in own)
    assert not {"test_inputs", "test_labels"} & set(calls[:fitted])
    assert calls.index("test_labels") > last_own
    assert calls.count("test_labels") == 1
    asked = calls[fitted:last_own]
    assert "test_inputs" in asked
    final = ["encode", "decode"] if task == "reconstruction" else ["predict"]
    assert calls[last_own + 1 - len(final) : last_own + 1] == final  # the test items, predicted once
    assert calls[last_own - len(final)] == "test_inputs"


# Randomness


def test_the_same_seed_gives_the_same_bits(run_rule):
    assert result(run_rule(NEAREST)) == result(run_rule(NEAREST))
    assert result(run_rule(NEAREST)) != result(run_rule(NEAREST, seed=1))


def test_the_same_seed_gives_the_same_bits_to_users_of_global_generators(run_rule):
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    first = result(run_rule(GAMBLER))
    random.seed(2), np.random.seed(2), torch.manual_seed(2)
    assert result(run_rule(GAMBLER)) == first
    assert result(run_rule(GAMBLER, seed=1)) != first


@pytest.mark.parametrize("ending", ["", "        raise ValueError('in the middle')\n"])
def test_the_global_generators_of_the_caller_are_untouched(run_rule, ending):
    source = GAMBLER.replace("LUCK =", "torch.manual_seed(0), random.seed(0), np.random.seed(0)\nLUCK =")
    source = source.replace("torch.randn(self.w.shape)\n", "torch.randn(self.w.shape)\n" + ending)
    load("digits")
    random.seed(3), np.random.seed(3), torch.manual_seed(3)
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    outcome = run_rule(source)
    assert outcome.status == ("error" if ending else "ok")
    assert (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()) == before


@pytest.mark.parametrize("source", [NEAREST, GAMBLER])
def test_looking_at_a_rule_changes_nothing_of_how_it_learns(run_rule, monkeypatch, source):
    monkeypatch.setattr(protocol, "checkpoint_samples", lambda samples, batch: [])
    unseen = run_rule(source)
    monkeypatch.setattr(protocol, "checkpoint_samples", lambda samples, batch: list(range(10, 201, 10)))
    watched = run_rule(source)
    assert (len(unseen.curve), len(watched.curve)) == (1, 20)
    assert watched.metrics == unseen.metrics
    assert result(watched)[1][-1] == result(unseen)[1][-1]


def test_settings_of_torch_end_with_the_cell_that_changed_them(run_rule, monkeypatch):
    found = []
    monkeypatch.setattr(builtins, "found", found, raising=False)
    threads = torch.get_num_threads()
    settings = "torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_num_threads()"
    note = NEAREST.replace(
        "    def build(self, entry, config, rng):",
        f"    def build(self, entry, config, rng):\n        builtins.found.append(({settings}))",
    )
    vandalism = (
        "torch.set_default_dtype(torch.float64), torch.set_grad_enabled(False), torch.set_num_threads(2)"
    )
    run_rule(f"{note}\n{vandalism}\n")
    left = torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_num_threads()
    assert left == (torch.float32, True, threads)
    with torch.no_grad():
        assert run_rule(note).status == "ok"
        assert not torch.is_grad_enabled()
    assert found == [(torch.float64, False, 2), (torch.float32, True, 1)]


# The learning curve


def test_the_curve_has_one_point_a_checkpoint_and_ends_where_fit_ended(run_rule):
    due = protocol.checkpoint_samples(200, 10)
    steps = range(10, 201, 10)
    expected = sorted({min(seen for seen in steps if seen >= at) for at in due})
    outcome = run_rule(NEAREST)
    assert [point["samples"] for point in outcome.curve] == expected
    seconds = [point["seconds"] for point in outcome.curve]
    assert seconds == sorted(seconds)


def test_a_fit_that_ends_at_a_checkpoint_gives_one_point_there(run_rule):
    source = (
        NEAREST
        + """
    def fit(self, budget):
        for inputs, targets in budget.batches(until=0.05):
            self.step(inputs, targets)
"""
    )
    outcome = run_rule(source)
    assert outcome.cost["samples"] == 10
    assert [point["samples"] for point in outcome.curve] == [10]


# Time


def test_only_learning_is_training_time(run_rule, monkeypatch):
    time = SimpleNamespace(now=0.0)
    fake = SimpleNamespace(perf_counter=lambda: time.now)
    monkeypatch.setattr(clock, "time", fake)
    monkeypatch.setattr(run, "time", fake)
    monkeypatch.setattr(builtins, "time_", time, raising=False)
    source = """
        class Rule(StepBaseline):
            name = "rule"
            tasks = {Classification}
            steps = 0
            def __init__(self):
                builtins.time_.now += 1e9
            def build(self, entry, config, rng):
                builtins.time_.now += 3
                self.n = entry.n_classes
            def step(self, inputs, targets):
                builtins.time_.now += 1 if self.steps else 8
                self.steps += 1
            def predict(self, inputs):
                builtins.time_.now += 1e6
                return torch.zeros(len(inputs), self.n)
            def state(self):
                builtins.time_.now += 1e9
                return {}
    """
    outcome = run_rule(source)
    assert outcome.seconds == {"build": 3, "first_step": 8, "train": 8 + 19, "predict": 1e6}
    assert [point["seconds"] for point in outcome.curve] == [
        point["samples"] / 10 + 7 for point in outcome.curve
    ]


def test_a_rule_with_one_hand_out_has_all_its_training_in_the_first_step(run_rule):
    source = NEAREST + "\n    def fit(self, budget):\n        budget.shots()\n        self.w + 1\n"
    outcome = run_rule(source)
    assert outcome.seconds["first_step"] == outcome.seconds["train"] > 0
    assert outcome.cost["samples"] == 20


# Failures


def failing(method, statement):
    """The source of `NEAREST` with a statement at the head of a method, and the line it comes to stand on."""
    head = next(line for line in NEAREST.splitlines() if line.startswith(f"    def {method}("))
    source = NEAREST.replace(head, f"{head}\n        {statement}", 1)
    return source, statement


def line_of(path, statement):
    return path.read_text().splitlines().index(f"        {statement}") + 1


@pytest.mark.parametrize("method", ["build", "step", "predict"])
@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("raise ValueError('bad\\n luck')", "ValueError: bad luck"),
        ("raise RuntimeError", "RuntimeError: no message"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise MemoryError", "out of memory"),
        ("np.empty(2**55)", "out of memory"),
        ("torch.empty(2**50)", "out of memory"),
        ("[][1]", "IndexError: list index out of range"),
    ],
)
def test_what_a_rule_raises_is_the_reason_with_its_place(write_plugin, make_cell, method, statement, reason):
    source, statement = failing(method, statement)
    path = write_plugin(source)
    outcome = run_cell(make_cell(path))
    assert outcome.status == "error"
    assert outcome.reason == f"{reason} (rule.py:{line_of(path, statement)} in {method})"
    assert outcome.metrics == outcome.seconds == outcome.cost == {}
    assert outcome.curve == []


def test_the_place_is_the_innermost_in_the_file_of_the_rule(write_plugin, make_cell):
    write_plugin("def fail():\n    raise KeyError('k')\n", "rules/_helper.py")
    source = failing("step", "outer()")[0] + "\nimport _helper\n\ndef outer():\n    _helper.fail()\n"
    path = write_plugin(source)
    outcome = run_cell(make_cell(path))
    place = path.read_text().splitlines().index("    _helper.fail()") + 1
    assert outcome.reason == f"KeyError: 'k' (rule.py:{place} in outer)"


def test_a_file_that_cannot_be_loaded_is_the_reason(run_rule):
    outcome = run_rule("import nowhere_to_be_found")
    assert outcome.status == "error"
    assert "cannot be loaded: ModuleNotFoundError: No module named 'nowhere_to_be_found'" in outcome.reason


def test_an_interruption_is_passed_on(run_rule):
    with pytest.raises(KeyboardInterrupt):
        run_rule(failing("step", "raise KeyboardInterrupt")[0])


def test_asking_for_too_much_is_an_error_with_its_place(run_rule):
    source = NEAREST + "\n    def fit(self, budget):\n        while True:\n            budget.shots()\n"
    outcome = run_rule(source)
    assert outcome.status == "error"
    assert "BudgetExceeded: asked for 20 presentations with 0 of 200 left (rule.py:" in outcome.reason


@pytest.mark.parametrize("when", ["early", "at the end"])
def test_predictions_that_are_no_numbers_are_divergence(run_rule, when):
    condition = "True" if when == "early" else "len(inputs) == 30"  # the test items
    source = failing("predict", f"if {condition}: return inputs.new_full((len(inputs), 10), float('nan'))")[0]
    outcome = run_rule(source)
    assert (outcome.status, outcome.reason) == ("diverged", "predict returned NaN or infinity")
    assert outcome.metrics == {}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("inputs.flatten(1)[:, :9]", "predict returned shape [20, 9]; expected [20, 10]"),
        ("inputs.flatten(1)[:, :10].long()", f"predict returned a tensor of torch.int64; {FLOATING}"),
        ("None", f"predict returned NoneType; {FLOATING}"),
    ],
)
def test_a_wrong_answer_is_an_error_that_says_what_was_expected(run_rule, answer, reason):
    outcome = run_rule(failing("predict", f"return {answer}")[0])
    assert (outcome.status, outcome.reason) == ("error", reason)


def test_data_that_changed_since_planning_are_noticed(write_plugin, make_cell):
    outcome = run_cell(make_cell(write_plugin(NEAREST), episode_sha256="0" * 64))
    assert outcome.status == "error"
    assert "changed between planning and running" in outcome.reason


# Reconstruction


IMAGES = """
class Rule(Baseline):
    name = "rule"
    tasks = {Reconstruction}

    def fit(self, budget):
        budget.shots()

    def encode(self, inputs):
        return inputs.flatten(1)

    def decode(self, codes):
        return codes.view(-1, 1, 8, 8)
"""
IDENTITY = (
    IMAGES[: IMAGES.index("    def encode")] + "    def predict(self, inputs):\n        return inputs\n"
)


def test_a_code_as_wide_as_allowed_is_fine_and_a_wider_one_an_error(run_rule):
    outcome = run_rule(IMAGES, **RECONSTRUCTION)
    assert outcome.metrics["clean"]["error"] == 0
    outcome = run_rule(IMAGES, **{**RECONSTRUCTION, "code": 63})
    expected = "encode returned [20, 64] for 20 images; expected [20, k] with 1 <= k <= 63"
    assert (outcome.status, outcome.reason) == ("error", expected)


@pytest.mark.parametrize("missing", ["encode", "decode"])
def test_a_missing_half_of_the_bottleneck_is_an_error_that_says_so(run_rule, missing):
    outcome = run_rule(IMAGES.replace(f"def {missing}", f"def not_{missing}"), **RECONSTRUCTION)
    assert outcome.status == "error"
    assert "Rule needs encode and decode, or Tags(bottleneck=False)" in outcome.reason


def test_giving_back_the_input_is_refused_before_anything_is_learned(run_rule):
    source = IDENTITY.replace("        budget.shots()", "        raise SystemExit('was asked to learn')")
    outcome = run_rule(source, **RECONSTRUCTION)
    assert outcome.status == "error"
    assert outcome.reason.startswith("reconstruction goes through a bottleneck: Rule needs encode and decode")


def test_giving_back_the_input_is_scored_where_it_is_tagged(run_rule):
    source = IDENTITY.replace("tasks =", "tags = Tags(bottleneck=False)\n    tasks =")
    outcome = run_rule(source, **RECONSTRUCTION)
    assert outcome.status == "ok"
    assert outcome.metrics["clean"]["error"] == 0


def test_keeping_inputs_aside_does_not_win(run_rule):
    source = """
        class Rule(Baseline):
            name = "rule"
            tasks = {Reconstruction}
            def build(self, entry, config, rng):
                self.kept = []
            def fit(self, budget):
                self.mean = budget.shots()[0].mean(dim=0)
            def encode(self, inputs):
                self.kept.extend(inputs.clone())
                return inputs.new_zeros(len(inputs), 1)
            def decode(self, codes):
                answer, self.kept = self.kept[: len(codes)], self.kept[len(codes) :]
                return torch.stack(answer)
    """
    honest = (
        source[: source.index("                answer")]
        + "                return self.mean.expand(len(codes), 1, 8, 8)\n"
    )
    stashed, mean = run_rule(source, **RECONSTRUCTION), run_rule(honest, **RECONSTRUCTION)
    assert stashed.status == mean.status == "ok"
    assert stashed.metrics["clean"]["error"] > mean.metrics["clean"]["error"]


def test_predictions_are_clipped_and_the_clipped_share_is_told(run_rule):
    source = IMAGES.replace(
        "        return codes.view(-1, 1, 8, 8)",
        "        answer = torch.full((len(codes), 64), 0.5)\n"
        "        answer[:, :16], answer[:, 16:24] = -3.0, 1.5\n"
        "        answer[:, 24:32], answer[:, 32:40] = 0.0, 1.0  # on the bounds is inside\n"
        "        return answer.view(-1, 1, 8, 8)",
    )
    outcome = run_rule(source, **RECONSTRUCTION)
    data = load("digits")
    episode = draw_episode(data, shots=1, validation=20, test=30, seed=0)
    target = data.test_inputs(episode.test).flatten(1).double()
    clipped = torch.full((64,), 0.5).double()
    clipped[:16], clipped[16:24], clipped[24:32], clipped[32:40] = 0, 1, 0, 1
    assert outcome.metrics["clean"]["clipped"] == pytest.approx(24 / 64)
    assert outcome.metrics["clean"]["error"] == pytest.approx(float((clipped - target).square().mean()))
    shown = data.train_inputs(episode.validation).flatten(1).double()
    assert outcome.curve[-1]["error"] == pytest.approx(float((clipped - shown).square().mean()))


def test_twelve_test_images_are_kept_with_their_predictions(run_rule):
    outcome = run_rule(IMAGES, **RECONSTRUCTION)
    assert set(outcome.images) == {"input", "target", "prediction"}
    pictures = {role: np.asarray(Image.open(io.BytesIO(png))) for role, png in outcome.images.items()}
    data = load("digits")
    episode = draw_episode(data, shots=1, validation=20, test=30, seed=0)
    first = (data.test_inputs(episode.test[:12])[:, 0] * 255).round().byte().numpy()
    assert (pictures["input"] == np.concatenate(list(first), axis=1)).all()
    assert (pictures["prediction"] == pictures["target"]).all()


def test_colorization_shows_grey_and_asks_for_colour(run_rule):
    source = """
        class Rule(Baseline):
            name = "rule"
            tasks = {Colorization}
            def fit(self, budget):
                inputs, targets = budget.shots()
                assert inputs.shape == (10, 1, 32, 32) and targets.shape == (10, 3, 32, 32)
            def predict(self, inputs):
                return inputs.expand(-1, 3, -1, -1)
    """
    outcome = run_rule(source, dataset="photos", task="colorization", shots=None, images=10)
    assert outcome.status == "ok", outcome.reason
    data = load("photos")
    episode = draw_episode(data, images=10, validation=20, test=30, seed=0)
    colours = data.test_inputs(episode.test)
    grey = (colours * torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)).sum(dim=1, keepdim=True)
    assert outcome.metrics["clean"]["error"] == pytest.approx(
        float((grey - colours).square().mean()), rel=1e-5
    )


# Classification


def test_ties_are_abstentions_which_are_wrong(run_rule):
    outcome = run_rule(failing("predict", "return torch.zeros(len(inputs), 10)")[0])
    clean = outcome.metrics["clean"]
    assert (clean["error"], clean["accuracy"], clean["abstained"]) == (1.0, 0.0, 1.0)
    assert [row[10] for row in clean["confusion"]] == [sum(row) for row in clean["confusion"]]
    assert outcome.metrics["validation"]["error"] == 1.0


def test_data_with_splits_of_their_own_can_be_run(run_rule):
    for dataset, settings in {
        "xor": {"shots": 2, "validation": 4, "test": 4},
        "iris": {"validation": 20},
    }.items():
        size = {"xor": 2, "iris": 4}[dataset]
        outcome = run_rule(NEAREST.replace("64", str(size)), dataset=dataset, **settings)
        assert outcome.status == "ok", outcome.reason


# Costs


def test_costs_count_what_was_used(run_rule):
    source = (
        NEAREST
        + """
    def fit(self, budget):
        budget.shots()
        budget.take([1, 2, 3])
        self.half = torch.zeros(5, dtype=torch.float16)
        self.optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1000))])
"""
    )
    outcome = run_rule(source)
    assert outcome.cost == {"parameters": 640 + 5, "state_bytes": 2560 + 10, "samples": 23, "updates": 2}


def test_a_plugin_may_say_itself_what_its_state_is(run_rule):
    source = NEAREST + "\n    def state(self):\n        return {'w': self.w[:1]}\n"
    assert run_rule(source).cost["parameters"] == 10


def test_peak_memory_is_what_the_rule_needed(run_rule):
    source = failing("build", "self.big = torch.ones(16 * 2**20)")[0]  # 64 MiB
    outcome = run_rule(source)
    if outcome.peak_memory is None:
        pytest.skip("peak memory is unknown on this machine")
    assert 60 * 2**20 < outcome.peak_memory < 110 * 2**20
