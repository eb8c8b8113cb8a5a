"""Every network is trained from images to a result; settings and data sets that do not fit are told."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import precision_score, recall_score

from zorbench.data import load
from zorbench.errors import InputError
from zorbench.spiking.filters import digit_bank
from zorbench.spiking.networks import NETWORKS
from zorbench.training import Progress, Settings, Training, parse_epochs, train
from zorbench.training.progress import duration
from zorbench.training.samples import COLOUR, GREY, public_name
from zorbench.training.scores import macro

QUIET = Progress(None)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_goes_through_its_stages(few, tmp_path, name, without_figures):
    stages = NETWORKS[name].stages
    settings = Settings(name, (1,) * len(stages), batch=10, validation=5)
    result = train(settings, few(25, 10), tmp_path / "out", say=QUIET)
    assert list(result["seconds"]) == list(stages)
    assert all(seconds > 0 for seconds in result["seconds"].values())
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {
        "history.csv", "result.json", "checkpoint.json", "checkpoints"
    }  # fmt: skip
    assert not (tmp_path / "out" / "maps").exists()
    scores = result["test"]["selected"]
    assert np.array(scores["confusion"]).shape == (10, 11)
    assert np.array(scores["confusion"]).sum() == 10
    written = json.loads((tmp_path / "out" / "result.json").read_text())
    assert written == result
    assert str(tmp_path) not in json.dumps(written)


def test_colour_images_are_encoded_as_the_source_encodes_them(few, tmp_path):
    data = few(25, 10, colours=True)
    training = Training(Settings("mozafari2018", (1, 1, 1), validation=5), data)
    times = COLOUR.encode(data.train_inputs([0, 1]))
    assert times.shape == (2, 18, *COLOUR.sides(28, 28)) == (2, 18, 30, 30)
    assert COLOUR.sides(32, 32) == (34, 34)
    assert training.net.steps == COLOUR.steps == 20
    result = train(training.settings, data, tmp_path / "out", say=QUIET)
    assert {"history.png", "confusion.png"} <= {path.name for path in (tmp_path / "out").iterdir()}
    assert result["coding"]["copies"] == 3


def test_grey_images_are_encoded_as_digits():
    assert GREY.kernels().equal(digit_bank())
    assert GREY.sides(28, 28) == (28, 28)


def test_without_epochs_a_layer_stays_as_it_was_drawn(few, tmp_path):
    settings = Settings("mozafari2018", (0, 0, 1), validation=5)
    result = train(settings, few(25, 10), tmp_path / "out", say=QUIET)
    assert result["seconds"]["layer1"] == 0


def test_silence_and_classes_never_decided_for_count_as_wrong():
    rng = np.random.default_rng(0)
    labels, decided = (
        rng.integers(0, 4, 60),
        rng.choice([0, 1, 2, 5], 60),
    )  # 5: silent; 3 is never decided for
    decided[decided == 5] = 4
    confusion = np.zeros((4, 5), dtype=int)
    np.add.at(confusion, (labels, decided), 1)
    options = {"labels": range(4), "average": "macro", "zero_division": 0}
    assert macro(confusion) == pytest.approx(
        (precision_score(labels, decided, **options), recall_score(labels, decided, **options))
    )


def test_a_folder_s_place_stays_out_of_records(few):
    assert public_name(replace(few(3, 1), name="folder:/home/someone/flowers.zip")) == "folder:flowers.zip"
    assert public_name(load("digits")) == "digits"


WRONG = {
    "network": ({"network": "mozafari2019"}, "unknown network 'mozafari2019' .did you mean mozafari2018"),
    "few stages": ({"epochs": (2, 4)}, r"--epochs 2,4: .* in 3 stages \(layer1, layer2, decision\).*2,4,20"),
    "no epochs": ({"epochs": ()}, "--epochs is missing: mozafari2018 is trained in 3 stages"),
    "negative": ({"epochs": (2, -4, 1)}, "--epochs 2,-4,1: must be 0 or more"),
    "no decision": ({"epochs": (2, 4, 0)}, "at least 1 for the decision"),
    "choice": ({"select_on": "luck"}, "--select-on: unknown choice 'luck'; valid: validation, test, last"),
    "batch": ({"batch": 0}, "--batch 0: must be at least 1"),
    "seed": ({"seed": -1}, "--seed -1: must be 0 or more"),
    "validation": ({"validation": -5}, "--validation -5: must be 0 or more"),
    "nothing": ({"validation": 0}, "--validation 0: nothing to select on"),
    "patience": ({"patience": -1}, "--patience -1: must be 0 or more"),
    "last": ({"patience": 3, "select_on": "last"}, "--patience: with --select-on last no epoch is the best"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_settings_that_mean_nothing_are_told(case):
    changed, message = WRONG[case]
    with pytest.raises(InputError, match=message):
        Settings(**{"network": "mozafari2018", "epochs": (2, 4, 20), **changed})


@pytest.mark.parametrize(
    ("name", "network", "message"),
    [
        ("photos", "mozafari2018", "photos: has no labels"),
        ("iris", "mozafari2018", "iris: inputs of 4 are no images"),
        ("digits", "deep2024", "digits: images of 8×8 are too small for deep2024: layer 3 has no output"),
    ],
)
def test_data_sets_that_do_not_fit_are_told(name, network, message):
    settings = Settings(network, (1,) * len(NETWORKS[network].stages))
    with pytest.raises(InputError, match=message):
        Training(settings, load(name))


def test_epochs_come_with_commas_or_repeated():
    assert (
        parse_epochs(["2,4,20"])
        == parse_epochs(["2", "4", "20"])
        == parse_epochs(["2, 4", "20"])
        == (2, 4, 20)
    )
    with pytest.raises(InputError, match="--epochs 2,many: must be whole numbers"):
        parse_epochs(["2,many"])


def test_held_out_by_default_are_a_tenth_at_most_5000_where_they_are_selected_on():
    settings = Settings("mozafari2018", (2, 4, 20))
    assert [settings.held_out(n) for n in (60_000, 50_000, 4000)] == [5000, 5000, 400]
    assert replace(settings, select_on="test").held_out(60_000) == 0
    assert replace(settings, validation=7).held_out(60_000) == 7


def test_durations_are_short():
    assert [duration(s) for s in (0.4, 90, 600, 3 * 3600 + 120)] == ["0 s", "90 s", "10 min", "3 h 02 min"]
