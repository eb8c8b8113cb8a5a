"""Importing torchvision beside a build of torch that it was not compiled for."""

import importlib
import sys
from types import ModuleType

import torch

_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_kept: list[torch.library.Library] = []  # the declarations die with their Library object


def import_torchvision() -> ModuleType:
    """The package torchvision with `datasets` usable, whether or not its compiled operators load.

    PyPI's torchvision is compiled for CUDA builds of torch; beside a CPU build its operators are missing and
    the import fails at `torchvision::nms`. Declaring the two schemas that it registers Python code for lets
    the import pass; calling either operator still fails, and no data set does. A healthy torchvision declares
    them itself, and a second declaration would be an error: hence the plain import comes first.
    """
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::" not in str(error) or _kept:
            raise
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]  # modules of the failed import, which a second one would reuse half-made
    library = torch.library.Library("torchvision", "DEF")
    for operator in ("nms", "qnms"):
        library.define(operator + _SCHEMA)
    _kept.append(library)
    return importlib.import_module("torchvision")
