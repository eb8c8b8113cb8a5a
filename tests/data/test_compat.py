"""torchvision can be imported beside any build of torch. Each case runs in a Python of its own."""

import os
import subprocess
import sys
from pathlib import Path

HEALTHY = "value = 1"
# register_fake on an operator that nobody declared fails in torch itself
BROKEN = """
import torch
from . import half
@torch.library.register_fake("torchvision::nms")
def nms(dets, scores, threshold):
    return dets
@torch.library.register_fake("torchvision::qnms")
def qnms(dets, scores, threshold):
    return dets
value = half.value
"""
HEAVY = """
import sys
print(sorted({"torchvision", "sklearn", "skimage", "mlxtend", "PIL", "pandas"} & sys.modules.keys()))
"""
SICK = "raise RuntimeError('no disk')"


def run(code: str, path: Path | None = None) -> str:
    house = str(Path(__file__).resolve().parents[2])
    paths = ([str(path)] if path is not None else []) + [house]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def fake(folder: Path, text: str) -> Path:
    package = folder / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text(text)
    (package / "half.py").write_text("value = 1")
    return folder


IMPORT = "from zorbench.data.compat import import_torchvision, _kept\nm = import_torchvision()\n"


def test_the_installed_torchvision_reads_data_sets() -> None:
    assert run(IMPORT + "print(m.datasets.MNIST.__name__)") == "MNIST"


def test_importing_twice_gives_the_same_module() -> None:
    assert run(IMPORT + "import torchvision\nprint(m is import_torchvision() is torchvision)") == "True"


def test_a_healthy_torchvision_is_left_alone(tmp_path: Path) -> None:
    assert run(IMPORT + "print(m.value, len(_kept))", fake(tmp_path, HEALTHY)) == "1 0"


def test_a_torchvision_without_its_operators_gets_them_declared(tmp_path: Path) -> None:
    assert run(IMPORT + "print(m.value, len(_kept))", fake(tmp_path, BROKEN)) == "1 1"


def test_any_other_failure_of_torchvision_is_passed_on(tmp_path: Path) -> None:
    code = "from zorbench.data.compat import import_torchvision\ntry:\n  import_torchvision()\n"
    code += "except RuntimeError as error:\n  print(error)"
    assert run(code, fake(tmp_path, SICK)) == "no disk"


def test_importing_the_data_layer_imports_no_data_library() -> None:
    assert run("import zorbench.data\n" + HEAVY) == "[]"


def test_a_second_load_imports_no_data_library() -> None:
    code = "from zorbench.data import load\nload('mnist5k'); load('photos'); load('iris')\n"
    run(code)
    assert run(code + HEAVY) == "[]"
