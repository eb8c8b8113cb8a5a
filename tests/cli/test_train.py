"""`zorbench train`: what it prints and leaves, and how it answers mistakes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

TRAIN = ("train", "mozafari2018", "--dataset", "digits")


def test_it_trains_prints_and_leaves_a_result(zorbench):
    answer = zorbench(*TRAIN, "--epochs", "1,0,2", "--seed", "4", "--batch", "500")
    assert answer.status == 0
    assert "selected epoch" in answer.out
    assert "result: results/mozafari2018-digits/result.json" in answer.out
    assert "optimistic" not in answer.out
    assert "decision epoch 2/2: " in answer.err
    result = json.loads(Path("results/mozafari2018-digits/result.json").read_text())
    assert result["settings"]["seed"] == 4
    assert result["settings"]["epochs"] == [1, 0, 2]
    assert result["settings"]["validation"] == 143
    assert zorbench(*TRAIN, "--epochs", "1,0,2", "--seed", "4", "--batch", "500").out == answer.out
    other = zorbench(*TRAIN, "--epochs", "1", "--epochs", "0", "--epochs", "2")
    assert other.status == 2
    assert "other settings: seed is 4 there and 0 here; batch is 500 there and 1000 here" in other.err


def test_selecting_on_the_test_images_is_said_to_be_optimistic(zorbench):
    answer = zorbench(*TRAIN, "--epochs", "0,0,1", "--select-on", "test", "--out", "out")
    assert answer.status == 0
    assert "selected on the test images, as the sources do: its accuracy is optimistic" in answer.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "mozafari", "--epochs", "1"), "unknown network 'mozafari' (did you mean mozafari2018?)"),
        ((*TRAIN, "--epochs", "1,2"), "mozafari2018 is trained in 3 stages (layer1, layer2, decision)"),
        (TRAIN, "--epochs is missing"),
        ((*TRAIN, "--epochs", "-1,2,3"), "--epochs -1,2,3: must be 0 or more"),
        ((*TRAIN, "--epochs", "1,1,1", "--validation", "5000"), "too few to hold 5000 out"),
        ((*TRAIN, "--epochs", "1,1,1", "--threads", "0"), "--threads 0: must be at least 1"),
        ((*TRAIN[:2], "--dataset", "xor", "--epochs", "1,1,1"), "xor: inputs of 2 are no images"),
        ((*TRAIN[:2], "--epochs", "1,1,1"), "mnist: no data root is given"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_and_writes_nothing(zorbench, arguments, message):
    answer = zorbench(*arguments)
    assert answer.status == 2
    assert message in answer.err
    assert answer.err.count("\n") == 1
    assert not Path("results").exists()


@pytest.mark.slow
def test_a_killed_process_is_gone_on_from(zorbench, tmp_path):
    options = ["train", "mozafari2018", "--dataset", "mnist5k", "--epochs", "1,1,4", "--out"]
    place = Path("parts") / "checkpoint.json"
    process = subprocess.Popen(
        [sys.executable, "-m", "zorbench", *options, "parts"], stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while not (place.exists() and '"decision"' in place.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not Path("parts/result.json").exists()
    assert "goes on after decision epoch" in zorbench(*options, "parts").err
    assert zorbench(*options, "whole").status == 0
    results = [json.loads(Path(out, "result.json").read_text()) for out in ("parts", "whole")]
    assert results[0]["test"] == results[1]["test"]
    last = [Path(out, "checkpoints", "decision-4.safetensors").read_bytes() for out in ("parts", "whole")]
    assert last[0] == last[1]
