"""A training that was interrupted, wherever, ends with the bits of one that was not."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from zorbench.errors import InputError
from zorbench.training import Progress, Settings, folder, train

SETTINGS = Settings("mozafari2018", (2, 1, 2), seed=3, batch=30, validation=20)
QUIET = Progress(None)
pytestmark = pytest.mark.usefixtures("without_figures")


def history(out: Path) -> list[dict[str, Any]]:
    rows = json.loads((out / "checkpoint.json").read_text())["history"]
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def weights(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (out / "checkpoints").iterdir()}


def timeless(result: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in result.items() if name != "seconds"}


@pytest.mark.parametrize("weights_are_written", [False, True])
def test_killed_after_every_epoch_it_reaches_the_same_bits(few, tmp_path, monkeypatch, weights_are_written):
    data = few(80, 20)
    whole = train(SETTINGS, data, tmp_path / "whole", say=QUIET)
    budget = [0]
    write = folder._write

    def killed(path: Path, content: bytes) -> None:
        """A second checkpoint is never whole: its weights are, or not even they."""
        is_weights = path.suffix == ".safetensors"
        if budget[0] == 0 and is_weights != weights_are_written:
            raise KeyboardInterrupt
        budget[0] -= path.name == "checkpoint.json"
        write(path, content)

    monkeypatch.setattr(folder, "_write", killed)
    runs, result = 0, None
    while result is None:
        budget[0], runs = 1, runs + 1
        assert runs < 10
        try:
            result = train(SETTINGS, data, tmp_path / "parts", say=QUIET)
        except KeyboardInterrupt:
            assert len(history(tmp_path / "parts")) == runs
        if runs == sum(SETTINGS.epochs):  # all is learned: what is left is the test
            monkeypatch.setattr(folder, "_write", write)
    assert history(tmp_path / "parts") == history(tmp_path / "whole")
    kept = weights(tmp_path / "parts")
    assert kept == weights(tmp_path / "whole")
    assert {"layer1-2.safetensors", "layer2-1.safetensors", "decision-2.safetensors"} <= kept.keys()
    assert len(kept) <= 4
    assert timeless(result) == timeless(whole)
    lines = [(tmp_path / out / "history.csv").read_text().splitlines() for out in ("parts", "whole")]
    assert len(lines[0]) == len(lines[1]) == 1 + sum(SETTINGS.epochs)


def test_what_is_done_is_not_done_again(few, tmp_path, monkeypatch):
    data = few(40, 10)
    settings = replace(SETTINGS, epochs=(1, 1, 1), validation=10)
    first = train(settings, data, tmp_path / "out", say=QUIET)
    monkeypatch.setattr("zorbench.training.trainer.Training.run", None)
    assert train(settings, data, tmp_path / "out", say=QUIET) == first


@pytest.mark.parametrize("done", [True, False])
def test_other_settings_are_told_by_what_differs(few, tmp_path, done):
    data = few(40, 10)
    settings = replace(SETTINGS, epochs=(1, 1, 1), validation=10)
    train(settings, data, tmp_path / "out", say=QUIET)
    if not done:
        (tmp_path / "out" / "result.json").unlink()
    with pytest.raises(
        InputError, match=r"other settings: epochs is \[1, 1, 1\] there and \[1, 1, 2\] here; "
    ):
        train(replace(settings, epochs=(1, 1, 2)), data, tmp_path / "out", say=QUIET)
    with pytest.raises(InputError, match="other settings: dataset is 'few' there and 'others' here; fing"):
        train(settings, few(50, 10, name="others"), tmp_path / "out", say=QUIET)


def test_weights_that_are_gone_or_broken_are_told(few, tmp_path):
    data = few(40, 10)
    settings = replace(SETTINGS, epochs=(1, 1, 1), validation=10)
    train(settings, data, tmp_path / "out", say=QUIET)
    (tmp_path / "out" / "result.json").unlink()
    path = tmp_path / "out" / "checkpoints" / "decision-1.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(
        InputError, match=r"decision-1\.safetensors: the weights after decision epoch 1 cannot"
    ):
        train(settings, data, tmp_path / "out", say=QUIET)


def test_a_folder_is_written_by_one_training_at_a_time_and_only_by_this_version(tmp_path):
    with (
        folder.Folder(tmp_path / "out", {}),
        pytest.raises(InputError, match="another training is writing"),
        folder.Folder(tmp_path / "out", {}),
    ):
        pass
    (tmp_path / "out" / "checkpoint.json").write_text('{"format": 99}')
    with (
        pytest.raises(InputError, match=r"checkpoint\.json: was not written by this version"),
        folder.Folder(tmp_path / "out", {}),
    ):
        pass


def test_a_checkpoint_holds_the_learner_s_whole_state(few, tmp_path):
    train(replace(SETTINGS, epochs=(1, 1, 1)), few(120, 5), tmp_path / "out", say=QUIET)
    state = load_file(tmp_path / "out" / "checkpoints" / "decision-1.safetensors")
    assert {"layer1.weight", "decision.shares", "since", "layer2.doublings"} <= state.keys()
    assert int(state["batches"]) == 4  # 100 images by 30
