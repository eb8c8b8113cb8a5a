"""The shape of the house: which part may import which, and what the harness must not know."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import zorbench
from zorbench.registry import Registry
from zorbench.suite import bundled_suites
from zorbench.tasks import TASKS

PACKAGE = Path(zorbench.__file__).parent
BASELINES = PACKAGE.parent / "baselines"

# A part may import only from those above it.
LEVELS = [
    ["errors", "conditions", "entry"],
    ["zor", "spiking"],
    ["data"],
    ["metrics", "tasks", "noise"],
    ["clock", "protocol", "state", "baseline", "config", "paths", "installed", "declaration", "registry"],
    ["tuning", "probes", "machine"],
    ["randomness", "memory", "cell", "predict", "products", "operations", "diagnostics", "strips"],
    ["session"],
    ["run", "together"],
    ["suite", "own", "lanes", "plan", "store", "environment"],
    ["executors"],
    ["stats"],
    ["claims"],
    ["report"],
    ["compare", "frames", "export", "pack"],
    ["beside"],
    ["training"],
    ["check"],
    ["cli"],
]
ORDER = [part for level in LEVELS for part in level]

# Parts that may import less than what is above them.
ONLY = {
    "zor": set(),
    "spiking": set(),
    "metrics": set(),
    "data": {"errors"},
    "entry": set(),
    "tuning": set(),
    "probes": set(),
    "machine": set(),
    "stats": {"errors"},
    "frames": {"report", "store", "errors"},
    "export": {"frames", "store", "errors"},
    "pack": {"report", "store", "errors"},
    "compare": {"stats", "report", "errors"},
    "claims": {"errors", "entry", "config", "paths", "suite", "stats"},
    "report": {"conditions", "stats", "claims", "store", "errors"},
    "training": {"spiking", "data", "metrics", "environment", "errors"},
}

CORES = {"zor", "spiking"}
CORE_LIBRARIES = {"torch", "jaxtyping", "safetensors", "numpy", "numba"} | set(sys.stdlib_module_names)


def imported(file: Path) -> Iterator[str]:
    """The dotted names that a file imports, at its head or later: `a.b` also for `from a import b`."""
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def part_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


FILES = [file for file in sorted(PACKAGE.rglob("*.py")) if not part_of(file).startswith("_")]
PARTS = sorted({part_of(file) for file in FILES})


def parts_imported(file: Path) -> set[str]:
    names = (name.split(".") for name in imported(file))
    return {name[1] for name in names if name[0] == "zorbench" and len(name) > 1 and name[1] in PARTS}


def test_every_part_has_its_place_in_the_order():
    assert set(PARTS) <= set(ORDER), "a new part: give it its place in ORDER"


@pytest.mark.parametrize("part", PARTS)
def test_imports_run_one_way(part):
    above = set(ORDER[: ORDER.index(part)]) & ONLY.get(part, set(ORDER))
    for file in FILES:
        if part_of(file) == part:
            wrong = parts_imported(file) - above - {part}
            assert not wrong, f"{file.relative_to(PACKAGE)} imports {', '.join(sorted(wrong))}"


def test_the_guard_sees_imports():
    assert "data" in parts_imported(PACKAGE / "protocol.py")
    assert {"plan", "store", "report"} <= parts_imported(PACKAGE / "cli" / "run.py")  # inside functions, too


@pytest.mark.parametrize("core", sorted(CORES & set(PARTS)))
def test_a_core_knows_torch_and_no_harness(core):
    for file in sorted((PACKAGE / core).rglob("*.py")):
        libraries = {name.split(".")[0] for name in imported(file)} - {"zorbench"}
        assert libraries <= CORE_LIBRARIES, file.name


# Plugins


@pytest.mark.parametrize("file", sorted(BASELINES.glob("*.py")), ids=lambda file: file.name)
def test_a_plugin_imports_only_the_public_face(file):
    face = {f"zorbench.{name}" for name in zorbench.__all__}
    for name in imported(file):
        if name.split(".")[0] == "zorbench" and name != "zorbench":
            in_core = name.split(".")[1] in CORES
            assert name in face or in_core, f"{file.name} imports {name}"


def test_the_public_face_is_all_there():
    for name in zorbench.__all__:
        assert getattr(zorbench, name).__name__ == name
    assert set(zorbench.__all__) <= set(dir(zorbench))
    with pytest.raises(AttributeError, match="'zorbench' has no attribute 'Nonsense'; it has: Baseline, "):
        _ = zorbench.Nonsense


# What the harness must not know

# English words and colours which the report uses as such.
WORDS = {"mean", "black"}


def constants(file: Path) -> set[str]:
    nodes = ast.walk(ast.parse(file.read_bytes()))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_the_harness_names_no_baseline_and_no_suite():
    rows = Registry().rows()
    names = {row.label for row in rows} | {row.plugin.name for row in rows} | set(bundled_suites())
    # `zor` and the tasks are also parts of the harness: a folder, and what a suite may ask for.
    names -= WORDS | set(TASKS) | CORES
    assert len(names) > 10
    for file in FILES:
        if (
            part_of(file) not in CORES
        ):  # a core is no harness: it describes published networks, by their names
            assert not constants(file) & names, file.relative_to(PACKAGE)


# The command line answers at once


def test_help_waits_for_no_heavy_library():
    code = (
        "import sys, zorbench.cli.app;"
        "heavy = {'torch', 'numpy', 'pandas', 'matplotlib', 'scipy', 'sklearn', 'PIL'} & set(sys.modules);"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.strip() == ""
    assert done.returncode == 0
