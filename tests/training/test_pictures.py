"""What is drawn and shown: features, maps, progress, TensorBoard."""

import io
import sys
from types import SimpleNamespace

import pytest
import torch

from zorbench.errors import InputError
from zorbench.spiking.learner import OneSpikeNet
from zorbench.training import Progress, Settings, progress, train
from zorbench.training.maps import features_of, fired_on, mosaic
from zorbench.training.samples import GREY

SETTINGS = Settings("mozafari2018", (1, 1, 1), validation=5)


def test_a_feature_is_the_sum_of_what_lies_below_each_weight():
    net = OneSpikeNet("mozafari2018", classes=2, generator=torch.Generator().manual_seed(0))
    kernels = GREY.kernels()
    found = features_of(net, kernels)
    weight, wanted = net.weights["layer1"][3], torch.zeros(17, 17)
    for channel in range(6):
        for y in range(5):
            for x in range(5):
                wanted[y : y + 13, x : x + 13] += weight[channel, y, x] * kernels[channel, 0]
    torch.testing.assert_close(found["layer1"][3], wanted)
    weight, wanted = net.weights["layer2"][7], torch.zeros(21, 21)
    for channel in range(30):
        for y in range(3):
            for x in range(3):  # the layer below is pooled by 2
                wanted[2 * y : 2 * y + 17, 2 * x : 2 * x + 17] += (
                    weight[channel, y, x] * found["layer1"][channel]
                )
    torch.testing.assert_close(found["layer2"][7], wanted, rtol=1e-4, atol=1e-3)
    assert found["decision"].shape == (40, 45, 45)


@pytest.mark.parametrize("name", ["inception2024", "majority2024", "deepr2024"])
def test_all_layers_have_features_and_maps(few, name):
    net = OneSpikeNet(name, classes=2, generator=torch.Generator().manual_seed(0))
    assert list(features_of(net, GREY.kernels())) == [*list(net.weights)]
    times = GREY.encode(few(2, 1).train_inputs([0]))
    assert list(fired_on(net, times)) == list(net.stages[:-1])


def test_pictures_stand_side_by_side():
    sheet = mosaic(torch.arange(11.0)[:, None, None].expand(11, 3, 4))
    assert sheet.shape == (3 + 1 + 3, 10 * 5 - 1)
    assert sheet[0, :6].tolist()[:4] == [0] * 4
    assert sheet[0, 4].isnan()
    assert sheet[2, 45:].tolist() == [9] * 4
    assert sheet[4, :4].tolist() == [10] * 4
    assert sheet[3].isnan().all()
    assert sheet[4:, 4:].isnan().all()


def test_maps_are_drawn_when_asked_also_of_a_training_that_has_ended(few, tmp_path):
    data, out = few(20, 10), tmp_path / "out"
    train(SETTINGS, data, out, say=Progress(None))
    train(SETTINGS, data, out, say=Progress(None), maps=True)
    names = {path.name for path in (out / "maps").iterdir()}
    assert {f"layer2-features-{page}.png" for page in (1, 2, 3)} <= names
    assert {"layer1-features-1.png", "decision-features-2.png", "image-2-layer1-1.png"} <= names
    for path in out.glob("checkpoint*"):
        path.rename(tmp_path / path.name)
    with pytest.raises(InputError, match="holds a result without its weights"):
        train(SETTINGS, data, out, say=Progress(None), maps=True)


def test_progress_says_speed_and_time_left(monkeypatch):
    clock, stream = [0.0], io.StringIO()
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    say = Progress(stream)
    say.begin("layer1 epoch 1/2", 1000, 1000)
    for clock[0], done in ((1.0, 50), (20.0, 500), (21.0, 520)):
        say.at(done)
    assert stream.getvalue() == "layer1 epoch 1/2: 500/1,000 images, 25 a second, 60 s left\n"


def test_tensorboard_is_an_extra(few, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(InputError, match=r"pip install 'zorbench\[tensorboard\]'"):
        train(SETTINGS, few(20, 10), tmp_path / "out", say=Progress(None), tensorboard=True)


def test_epochs_become_scalars(few, tmp_path, monkeypatch):
    noted = {}

    class Writer:
        def __init__(self, folder: str) -> None: ...
        def flush(self) -> None: ...
        def close(self) -> None:
            noted["closed"] = 1

        def add_scalar(self, name: str, value: float, step: int) -> None:
            noted[name] = (value, step)

    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", SimpleNamespace(SummaryWriter=Writer))
    train(SETTINGS, few(20, 10), tmp_path / "out", say=Progress(None), tensorboard=True)
    assert {"layer1/convergence", "decision/right", "decision/validation_silent", "closed"} <= noted.keys()
    assert "decision/test_right" not in noted
    assert noted["decision/right"][1] == 1
