"""Plugins of installed packages: a fake distribution in a folder that Python imports from."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from zorbench import registry
from zorbench.errors import InputError
from zorbench.registry import Registry, source_hash

RULE = '''
import torch
from zorbench import Classification, StepBaseline


class Rule(StepBaseline):
    """Says 0."""
    name = "far_rule"
    tasks = {Classification}

    def step(self, inputs, targets):
        pass

    def predict(self, inputs):
        return torch.eye(10)[torch.zeros(len(inputs), dtype=torch.long)]
'''
PACKAGE = {"far_rules/__init__.py": "", "far_rules/rule.py": RULE}

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """`install({name: value}, files)` → the folder where a distribution of these entry points now is."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    before = set(sys.modules)

    def make(points: dict[str, str], files: dict[str, str] = PACKAGE, name: str = "far-rules") -> Path:
        info = site / f"{name.replace('-', '_')}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        lines = [f"{point} = {value}" for point, value in points.items()]
        (info / "entry_points.txt").write_text("\n".join(["[zorbench.baselines]", *lines, ""]))
        for file, text in files.items():
            path = site / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return site

    yield make
    for module in set(sys.modules) - before:
        if str(getattr(sys.modules[module], "__file__", None)).startswith(str(site)):
            del sys.modules[module]


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No bundled baselines but a floor."""
    folder = tmp_path / "bundled"
    folder.mkdir()
    (folder / "nothing.py").write_text(
        "from zorbench import Baseline, Classification\n\n"
        "class Nothing(Baseline):\n    name = 'nothing'\n    role = 'floor'\n    tasks = {Classification}\n"
    )
    monkeypatch.setattr(registry, "bundled", lambda name: folder)


def labels() -> list[str]:
    return [row.label for row in Registry().rows()]


# Found


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("value", ["far_rules.rule", "far_rules.rule:Rule"], ids=["module", "class"])
def test_an_entry_point_names_a_module_or_a_class(install: Install, value: str):
    site = install({"x": value})
    row = Registry().row("far_rule")
    assert (row.ref.path, row.ref.module) == (site / "far_rules" / "rule.py", "far_rules.rule")
    assert row.ref.distribution == "far-rules 1.2"
    assert row.ref.load() is row.plugin
    assert labels() == ["far_rule", "nothing"]


@pytest.mark.usefixtures("alone")
def test_a_package_hands_on_the_plugins_of_its_modules_but_no_others(install: Install):
    init = "from zorbench import StepBaseline\nfrom far_rules.rule import Rule\n"
    install({"x": "far_rules"}, {**PACKAGE, "far_rules/__init__.py": init})
    assert labels() == ["far_rule", "nothing"]
    assert Registry().row("far_rule").ref.module == "far_rules.rule"


@pytest.mark.usefixtures("alone")
def test_a_class_that_two_entry_points_name_is_one_plugin(install: Install):
    install({"a": "far_rules.rule:Rule", "b": "far_rules.rule"})
    assert labels() == ["far_rule", "nothing"]


@pytest.mark.usefixtures("alone")
def test_a_module_may_import_relatively(install: Install):
    rule = RULE.replace("import torch", "import torch\nfrom . import helper\nfrom .helper import x", 1)
    install({"x": "far_rules.rule"}, {**PACKAGE, "far_rules/rule.py": rule, "far_rules/helper.py": "x = 1"})
    assert "far_rule" in labels()


# Two of one name


@pytest.mark.usefixtures("alone")
def test_two_of_one_name_are_an_error_that_names_both_places(install: Install, tmp_path: Path):
    install({"x": "far_rules.rule"})
    (tmp_path / "mine.py").write_text(RULE.replace("class Rule", "class Mine"))
    with pytest.raises(InputError) as caught:
        Registry([tmp_path / "mine.py"])
    assert str(caught.value) == (
        "two baselines are named 'far_rule': Rule in far_rules.rule of far-rules 1.2 "
        f"and Mine in {tmp_path / 'mine.py'}"
    )


@pytest.mark.usefixtures("alone")
def test_two_distributions_with_one_name_for_a_rule_are_both_named(install: Install):
    install({"x": "far_rules.rule"})
    install({"y": "near_rules"}, {"near_rules.py": RULE.replace("class Rule", "class Near")}, "near-rules")
    with pytest.raises(InputError, match=r"Rule in far_rules\.rule of far-rules 1\.2 and Near in near_rules"):
        Registry()


# Broken


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    ("value", "source", "reason"),
    [
        (
            "far_rules.rule",
            "import nothing_of_this_name",
            "far_rules.rule cannot be imported: ModuleNotFound",
        ),
        ("far_rules.rule", "raise SystemExit(3)", "far_rules.rule cannot be imported: SystemExit: 3"),
        ("far_rules.rule", "def (", "far_rules.rule cannot be imported: SyntaxError"),
        ("far_rules.gone", RULE, "far_rules.gone cannot be imported: ModuleNotFoundError"),
        ("far_rules.rule:Gone", RULE, "far_rules.rule has no Gone"),
        ("far_rules.rule:torch", RULE, "far_rules.rule:torch is no class derived from zorbench.Baseline"),
        ("far_rules.rule", "x = 1", "far_rules.rule holds no plugin"),
        ("far_rules.rule", RULE.replace("tasks = {Classification}", ""), "Rule declares no tasks"),
    ],
)
def test_a_broken_one_is_told_and_breaks_nothing_else(install: Install, value: str, source: str, reason: str):
    install({"far_rule": value}, {**PACKAGE, "far_rules/rule.py": source})
    found = Registry()
    assert [row.label for row in found.rows()] == ["nothing"]
    (broken,) = found.broken
    assert broken.distribution == "far-rules 1.2"
    assert reason in str(broken)
    assert "\n" not in str(broken)
    with pytest.raises(
        InputError, match="baseline 'far_rule' cannot be had: entry point 'far_rule' of far-r"
    ):
        found.row("far_rule")
    with pytest.raises(InputError, match=r"unknown baseline 'x'; valid: nothing; not to be had: entry point"):
        found.row("x")
    assert found.row("nothing").label == "nothing"


# What decides a result


def test_the_hash_covers_the_package_and_nothing_else_of_the_site(install: Install):
    site = install({"x": "far_rules.rule"}, {**PACKAGE, "far_rules/deep/__init__.py": "", "torch.py": ""})
    path = site / "far_rules" / "rule.py"
    before = source_hash(path)
    (site / "torch.py").write_text("x = 2")  # beside the package, and imported by name
    assert source_hash(path) == before
    (site / "far_rules" / "deep" / "__init__.py").write_text("x = 2")
    assert source_hash(path) != before


def test_the_hash_of_a_module_among_installed_packages_is_that_of_the_module(install: Install):
    site = install({"x": "far"}, {"far.py": RULE, "torch.py": ""})
    before = source_hash(site / "far.py")
    (site / "torch.py").write_text("x = 2")
    assert source_hash(site / "far.py") == before
    (site / "far.py").write_text(RULE + "\n")
    assert source_hash(site / "far.py") != before


# From end to end


def test_a_cell_s_process_finds_it(install: Install, make_cell, tmp_path: Path):
    from zorbench.executors import run_local

    site = install({"x": "far_rules.rule"})
    ref = Registry().row("far_rule").ref
    cell = make_cell(site / "far_rules" / "rule.py", ref=ref)
    (outcome,) = [one.outcome for one in run_local([cell], 1, tmp_path / "log") if one.outcome]
    assert (outcome.status, outcome.reason) == ("ok", "")
    assert outcome.seconds["import"] > 0
