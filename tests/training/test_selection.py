"""Which epoch is the model's, and that the record says what it was chosen on."""

import numpy as np
import pytest
import torch

from zorbench.errors import InputError
from zorbench.spiking.filters import digit_bank
from zorbench.spiking.first_spikes import encode
from zorbench.spiking.learner import OneSpikeNet
from zorbench.training import Progress, Settings, Training, train
from zorbench.training.folder import Folder
from zorbench.training.history import Row, as_csv, given_up, selected, shares
from zorbench.training.samples import order_of, split

QUIET = Progress(None)
pytestmark = pytest.mark.usefixtures("without_figures")


def rows(*right: float, test: tuple[float, ...] = ()) -> list[Row]:
    tests = test or (None,) * len(right)
    decided = [
        Row("decision", k, 1.0, validation_right=share, test_right=tested)
        for k, (share, tested) in enumerate(zip(right, tests, strict=True), 1)
    ]
    return [Row("layer1", 1, 1.0), Row("layer1", 2, 1.0), *decided]


def test_the_best_on_validation_counts_of_equal_ones_the_last():
    history = rows(0.5, 0.8, 0.7, 0.8, 0.6, test=(0.1, 0.2, 0.9, 0.3, 0.4))
    assert selected(history, "validation").epoch == 4
    assert selected(history, "test").epoch == 3
    assert selected(history, "last").epoch == 5
    assert selected(history[:2], "validation") is None


def test_patience_counts_the_epochs_since_the_best():
    settings = Settings("mozafari2018", (2, 4, 20), patience=2)
    assert not given_up(rows(0.5), settings)
    assert not given_up(rows(0.5, 0.4, 0.4), settings)  # 2 epochs: as much as there is
    assert given_up(rows(0.5, 0.4, 0.4, 0.4), settings)
    assert not given_up(rows(0.5, 0.4, 0.4, 0.5), settings)
    assert not given_up(rows(0.5, 0.4)[:2], settings)
    assert not given_up(rows(*[0.5, *[0.4] * 9]), Settings("mozafari2018", (2, 4, 20)))


def test_shares_are_of_all_images():
    assert shares(torch.tensor([1, 2, -1, 1]), torch.tensor([1, 1, 1, 1])) == (0.5, 0.25, 0.25)


def test_what_nobody_looked_at_is_empty_in_the_table():
    table = as_csv([Row("layer1", 1, 0.5, convergence=0.25)]).splitlines()
    assert table[0].startswith("stage,epoch,seconds,convergence,right,wrong,silent,validation_right")
    assert table[1] == "layer1,1,0.5,0.25" + "," * 9


def test_held_out_images_are_not_learned_from(few):
    parts = split(few(60, 10), 20, seed=1)
    both = np.concatenate([parts.training.indices, parts.validation.indices])
    assert sorted(both.tolist()) == list(range(60))
    assert (len(parts.training), len(parts.validation), len(parts.test)) == (40, 20, 10)
    assert torch.equal(parts.validation.labels, few(60, 11).train_labels()[parts.validation.indices])
    assert split(few(60, 12), 20, seed=2).validation.indices.tolist() != parts.validation.indices.tolist()
    with pytest.raises(InputError, match="60 training and 13 test images are too few to hold 60 out"):
        split(few(60, 13), 60, seed=1)


def test_orders_are_functions_of_seed_stage_and_epoch():
    first = order_of(0, "layer1", 1, 50)
    assert sorted(first.tolist()) == list(range(50))
    assert torch.equal(first, order_of(0, "layer1", 1, 50))
    for other in (order_of(1, "layer1", 1, 50), order_of(0, "layer2", 1, 50), order_of(0, "layer1", 2, 50)):
        assert not torch.equal(first, other)


def test_the_record_s_figures_are_those_of_the_selected_weights(few, tmp_path):
    data, settings = few(150, 60), Settings("mozafari2018", (1, 1, 4), batch=20, validation=30)
    result = train(settings, data, tmp_path / "out", say=QUIET)
    training = Training(settings, data)
    with Folder(tmp_path / "out", training.record()) as folder:
        noted = [row.validation_right for row in folder.rows if row.stage == "decision"]
        best = max(range(4), key=lambda k: (noted[k], k)) + 1
        assert result["selected_epoch"] == best
        state = folder.load(next(row for row in folder.rows if row.label == f"decision-{best}"))
    net = OneSpikeNet("mozafari2018", classes=10)
    net.load(state)

    def share(images: torch.Tensor, labels: torch.Tensor) -> float:
        decided = net.decide(net.features(encode(images, digit_bank()), "decision"))
        return float((decided == labels).double().mean())

    held_out = training.parts.validation
    assert share(data.train_inputs(held_out.indices), held_out.labels) == noted[best - 1]
    accuracy = share(data.test_inputs(range(60)), data.test_labels(range(60)))
    assert result["test"]["selected"]["accuracy"] == pytest.approx(accuracy)
    assert result["selected_on"] == "validation"
    assert result["images"] == {"training": 120, "validation": 30, "test": 60}


def test_selection_on_the_test_images_is_marked_and_looks_at_them_each_epoch(few, tmp_path):
    settings = Settings("mozafari2018", (1, 1, 2), select_on="test")
    result = train(settings, few(50, 20), tmp_path / "out", say=QUIET)
    assert result["selected_on"] == "test"
    assert result["images"]["validation"] == 0
    history = (tmp_path / "out" / "history.csv").read_text().splitlines()
    names = history[0].split(",")
    tested = [float(line.split(",")[names.index("test_right")]) for line in history[-2:]]
    assert result["test"]["selected"]["accuracy"] == pytest.approx(max(tested))


def test_test_images_are_not_read_before_the_end(few, tmp_path, monkeypatch):
    data, read = few(40, 20), []
    training = Training(Settings("mozafari2018", (1, 1, 2), validation=10), data)
    look = Training._reaching
    monkeypatch.setattr(
        Training, "_reaching", lambda self, part, say: (read.append(part), look(self, part, say))[1]
    )
    with Folder(tmp_path / "out", training.record()) as folder:
        training.run(folder, QUIET)
    assert read[:2] == ["validation"] * 2
    assert set(read[2:]) == {"test"}
