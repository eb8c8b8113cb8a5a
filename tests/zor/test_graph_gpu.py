"""The public implementation's runs, repeated through a recording on a CUDA device."""

from pathlib import Path

import pytest
import torch

from zorbench.zor import Layer, Zor

from .traces import Trace


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("name", ["zor_stateful_3layer", "zor_stateless_3layer"])
def test_the_public_implementations_run_is_repeated_through_the_recording(golden: Path, name: str) -> None:
    trace = Trace(golden / f"{name}.npz")
    options = {"stateless": trace.setting("stateless"), "max_weight": trace.setting("max_weight")}
    layers = [Layer(size, **options) for size in trace.sizes()]
    rates = {"lr": trace.setting("lr"), "weight_decay": trace.setting("weight_decay")}
    assert trace.setting("output_activation") == "none"
    net = Zor(layers, seed=0, device="cuda", **rates)
    for index, weight in enumerate(net.weights):
        weight.copy_(trace.tensor(f"w{index}_init"))
    for step in trace.steps():
        x, t = trace.tensor(f"x{step}").cuda(), trace.tensor(f"t{step}").cuda()
        trace.agrees(f"err{step}", net.train_batch(x, t).cpu())
        for index, weight in enumerate(net.weights):
            trace.agrees(f"w{index}_step{step}", weight.cpu())
    assert net._graph._recorded is not None
    trace.agrees("y_eval", net.forward(trace.tensor("x_eval").cuda()).cpu())
    assert not trace.unread
