import io

import numpy as np
import pytest
import torch
from PIL import Image

from zorbench import session
from zorbench.data import draw_episode, load

from .rules import NEAREST, failing

RECONSTRUCTION = {"task": "reconstruction", "shots": 1, "samples": 20, "code": 64}


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


STASH = """
    KEPT = []

    class Rule(Baseline):
        name = "rule"
        tasks = {Reconstruction}
        def build(self, entry, config, rng):
            self.kept = []
        def fit(self, budget):
            self.mean = budget.shots()[0].mean(dim=0)
        def encode(self, inputs):
            kept.extend(inputs.clone())
            return inputs.new_zeros(len(inputs), 1)
        def decode(self, codes):
            answer, kept[:] = kept[: len(codes)], kept[len(codes) :]
            return torch.stack(answer)
"""


def test_keeping_inputs_aside_is_an_error(run_rule):
    outcome = run_rule(
        STASH.replace("kept.", "self.kept.").replace(" kept[", " self.kept["), **RECONSTRUCTION
    )
    assert outcome.status == "error"
    assert outcome.reason.startswith("encode changed the state of the rule (kept.0")


HIDDEN = STASH.replace("kept.ext", "KEPT.ext").replace(" kept[", " KEPT[")
HONEST = (
    HIDDEN[: HIDDEN.index("        answer, KEPT")] + "        return self.mean.expand(len(codes), 1, 8, 8)\n"
)


def test_keeping_inputs_aside_where_nobody_looks_is_an_error(run_rule):
    """Of a single image the stash gives back the right one, of many the wrong ones: that tells it."""
    outcome = run_rule(HIDDEN, **RECONSTRUCTION)
    assert outcome.status == "error"
    assert outcome.reason.startswith("asked for test items one by one, the rule answers")


def test_keeping_inputs_aside_does_not_win_even_if_nobody_asks_again(run_rule, monkeypatch):
    monkeypatch.setattr(session, "ASKED_AGAIN", 0)
    stashed, mean = run_rule(HIDDEN, **RECONSTRUCTION), run_rule(HONEST, **RECONSTRUCTION)
    assert stashed.status == mean.status == "ok"
    assert stashed.metrics["clean"]["error"] > mean.metrics["clean"]["error"]


def test_statistics_that_learn_while_predicting_are_an_error(run_rule):
    outcome = run_rule("""
        class Rule(StepBaseline):
            name = "rule"
            tasks = {Classification}
            def build(self, entry, config, rng):
                self.net = torch.nn.Sequential(torch.nn.BatchNorm1d(64), torch.nn.Linear(64, entry.n_classes))
            def step(self, inputs, targets):
                pass
            def predict(self, inputs):
                return self.net(inputs.flatten(1))
    """)
    assert outcome.status == "error"
    assert "predict changed the state of the rule (net.0." in outcome.reason
    assert "training mode" in outcome.reason


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
