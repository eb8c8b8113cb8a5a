import shutil
import sys
from pathlib import Path

import pytest

from zorbench import registry
from zorbench.errors import InputError
from zorbench.registry import PluginRef, Registry, load_module, source_hash
from zorbench.tasks import Classification, Reconstruction

RULE = """
class Rule(StepBaseline):
    "Learns."
    name = "rule"
    tasks = {Classification}

    @dataclass(frozen=True)
    class Config:
        lr: float = 0.1
        output: str = choice("linear", "sigmoid")
"""


@pytest.fixture(scope="module")
def bundled_rows():
    return {row.label: row for row in Registry().rows()}


@pytest.fixture
def alone(tmp_path, monkeypatch):
    """Registries of this test know one bundled plugin, the floor `nothing`."""
    folder = tmp_path / "bundled"
    folder.mkdir()
    (folder / "nothing.py").write_text(
        "from zorbench import Baseline, Classification\n\n"
        "class Nothing(Baseline):\n    name = 'nothing'\n    role = 'floor'\n    tasks = {Classification}\n"
    )
    monkeypatch.setattr(registry, "bundled", lambda name: folder)
    return folder


def labels(*paths):
    return [row.label for row in Registry(paths).rows()]


def problem(*paths):
    with pytest.raises(InputError) as caught:
        Registry(paths)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# What comes along


def test_the_bundled_baselines_are_there(bundled_rows):
    assert {"zor", "mlp", "mlp_sigmoid", "mean", "black", "pca", "one_nn", "class_mean"} <= set(bundled_rows)
    assert bundled_rows["mean"].plugin.role == "floor"
    assert bundled_rows["pca"].plugin.role == "reference"
    assert bundled_rows["zor"].plugin.role == "contender"


def test_every_task_has_a_floor_of_its_own(bundled_rows):
    floors = [row.plugin for row in bundled_rows.values() if row.plugin.role == "floor"]
    tasks = {task.name for plugin in floors for task in plugin.tasks}
    assert tasks == {"reconstruction", "colorization", "classification"}


def test_every_bundled_row_has_a_working_configuration_and_a_line_about_it(bundled_rows):
    for row in bundled_rows.values():
        row.config()
        assert row.plugin.__doc__, row.label


# Files and folders


def test_a_file_adds_its_rows_to_the_bundled_ones(alone, write_plugin):
    assert labels(write_plugin(RULE)) == ["nothing", "rule"]


def test_a_folder_adds_all_its_files_but_those_with_an_underscore(alone, write_plugin):
    write_plugin(RULE, "rules/a.py")
    write_plugin(RULE.replace('"rule"', '"other"'), "rules/b.py")
    helper = write_plugin(RULE.replace('"rule"', '"hidden"'), "rules/_c.py")
    write_plugin("CONSTANT = 1", "rules/d.py")
    assert labels(helper.parent) == ["nothing", "other", "rule"]


def test_a_path_that_is_not_there_is_named(tmp_path, alone):
    missing = tmp_path / "missing.py"
    assert problem(missing) == f"--plugin {missing}: no such file or folder"


def test_a_folder_without_plugins_is_named(tmp_path, alone):
    empty = tmp_path / "empty"
    empty.mkdir()
    assert problem(empty) == f"{empty}: this folder holds no plugin (*.py)"


def test_a_file_without_a_plugin_is_named(alone, write_plugin):
    path = write_plugin("class Rule:\n    name = 'rule'\n")
    assert problem(path) == f"{path}: holds no plugin (a class derived from zorbench.Baseline)"


def test_a_file_that_is_no_python_is_named(tmp_path, alone):
    path = tmp_path / "rule.txt"
    path.write_text("x = 1")
    assert problem(path) == f"{path}: not a Python file"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import nowhere_to_be_found", "ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        ("raise ValueError('one\\ntwo')", "ValueError: one two"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("def (", "SyntaxError: invalid syntax (rule.py, line 11)"),
    ],
)
def test_a_file_that_cannot_be_loaded_is_named_with_the_reason(alone, write_plugin, source, reason):
    path = write_plugin(source)
    Registry()
    before = set(sys.modules), list(sys.path)
    assert problem(path) == f"{path}: cannot be loaded: {reason}"
    assert (set(sys.modules), list(sys.path)) == before


# Declarations


def test_two_baselines_of_one_name_are_both_named(alone, write_plugin):
    one, two = write_plugin(RULE, "one.py"), write_plugin(RULE.replace("class Rule", "class Twin"), "two.py")
    assert problem(one, two) == f"two baselines are named 'rule': Rule in {one} and Twin in {two}"


def test_a_variant_may_not_have_the_name_of_another_row(alone, write_plugin):
    path = write_plugin(RULE + "    variants = {'nothing': {'lr': 1.0}}\n")
    assert problem(path).startswith("two baselines are named 'nothing': Nothing in ")


def test_a_class_with_two_names_in_its_file_is_one_plugin(alone, write_plugin):
    assert labels(write_plugin(RULE + "\nDefault = Rule\n")) == ["nothing", "rule"]


def test_a_class_that_is_imported_or_private_is_no_plugin_of_the_file(alone, write_plugin):
    write_plugin(RULE.replace("class Rule", "class Shared"), "rules/_shared.py")
    path = write_plugin(
        "from _shared import Shared\n\nclass _Base(Shared):\n    name = 'base'\n"
        "\nclass Rule(_Base):\n    name = 'derived'\n"
    )
    assert labels(path) == ["derived", "nothing"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "rule"', "", "has no name"),
        ('name = "rule"', "name = 7", "has no name"),
        ("tasks = {Classification}", "", "declares no tasks, e.g. tasks = {Classification}"),
        ("{Classification}", "set()", "has tasks = set(), which is no set of tasks"),
        ("{Classification}", "Classification", "which is no set of tasks, e.g. tasks = {Classification}"),
        ("{Classification}", "{'classification'}", "has tasks = {'classification'}"),
        (
            "tasks =",
            "role = 'judge'\n    tasks =",
            "unknown role 'judge'; valid: contender, floor, reference",
        ),
        ("tasks =", "tags = {'local': True}\n    tasks =", "tags must be Tags(...), got {'local': True}"),
        (
            "tasks =",
            "def build_many(self, entry, config, rngs): ...\n    tasks =",
            "Rule has build_many but no step_many and no member",
        ),
        (
            "tasks =",
            "build_many = step_many = lambda self, *given: None\n    tasks =",
            "Rule has build_many but no member",
        ),
        ("lr: float = 0.1", "lr: float", "Config must be a dataclass whose fields have defaults"),
        ("@dataclass(frozen=True)", "", "Config must be a dataclass whose fields have defaults"),
        (
            "lr: float = 0.1",
            "lr: float = float('inf')",
            "a setting must be a finite number, a text, true or false",
        ),
        (
            "lr: float = 0.1",
            "lr: object = torch.relu",
            "a setting must be a finite number, a text, true or false",
        ),
    ],
)
def test_a_wrong_declaration_is_told_with_the_file_and_class(alone, write_plugin, old, new, message):
    assert old in RULE
    path = write_plugin(RULE.replace(old, new, 1))
    told = problem(path)
    assert message in told
    assert told.startswith(f"{path}: ")


# Variants and settings


def test_variants_are_rows_with_their_configuration(alone, write_plugin):
    source = (
        RULE + "    variants = {'rule_fast': {'lr': 1.0}}\n    published = {'rule_fast': {Classification}}\n"
    )
    registry = Registry([write_plugin(source)])
    rows = {row.label: row for row in registry.rows()}
    assert (rows["rule"].config().lr, rows["rule"].config_source(Classification)) == (0.1, "default")
    assert (rows["rule_fast"].config().lr, rows["rule_fast"].config_source(Classification)) == (
        1.0,
        "published",
    )
    assert rows["rule_fast"].config_source(Reconstruction) == "default"
    assert registry.row("rule_fast[lr=0.5]").config_source(Classification) == "given"
    assert rows["rule_fast"].plugin is rows["rule"].plugin
    assert rows["rule_fast"].ref == rows["rule"].ref


def test_a_row_may_run_only_where_it_is_named(alone, write_plugin):
    variants = RULE + "    variants = {'large': {'lr': 1.0}}\n"
    registry = Registry([write_plugin(variants + "    only_named = {'large'}\n")])
    assert {row.label: row.only_named for row in registry.rows()} == {
        "nothing": False,
        "rule": False,
        "large": True,
    }
    assert registry.row("large").config().lr == 1.0
    path = write_plugin(variants + "    only_named = {'larg'}\n")
    told = "unknown row in only_named 'larg' (did you mean large?); valid: rule, large"
    assert problem(path) == f"{path}: Rule: {told}"


def test_a_variant_with_a_wrong_setting_is_told(alone, write_plugin):
    path = write_plugin(RULE + "    variants = {'rule_fast': {'outptu': 1.0}}\n")
    expected = "unknown setting 'outptu' (did you mean output?); valid: lr, output"
    assert problem(path) == f"{path}: rule_fast: {expected}"


def test_a_name_with_settings_is_a_row_of_its_own(alone, write_plugin):
    source = RULE + "    variants = {'squashed': {'output': 'sigmoid'}}\n"
    registry_ = Registry([write_plugin(source)])
    row = registry_.row("squashed[lr=0.5]")
    assert row.label == "squashed[lr=0.5]"
    assert (row.config().lr, row.config().output, row.given) == (0.5, "sigmoid", True)
    assert registry_.row("rule[output=sigmoid, lr=2]").label == "rule[lr=2,output=sigmoid]"
    assert [row.label for row in registry_.rows()] == ["nothing", "rule", "squashed"]
    assert not registry_.row("rule").given


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("rul", "unknown baseline 'rul' (did you mean rule?); valid: nothing, rule"),
        (
            "rule[outptu=1]",
            "--baseline rule: unknown setting 'outptu' (did you mean output?); valid: lr, output",
        ),
        ("rule[lr=x]", "--baseline rule: lr must be a number, got 'x'"),
        ("rule[output=tanh]", "--baseline rule: unknown value of output 'tanh'; valid: linear, sigmoid"),
    ],
)
def test_a_row_that_cannot_be_had_is_told(alone, write_plugin, spec, message):
    registry_ = Registry([write_plugin(RULE)])
    with pytest.raises(InputError) as caught:
        registry_.row(spec)
    assert str(caught.value) == message


# Loading


def test_what_a_module_keeps_does_not_outlive_a_load(write_plugin):
    write_plugin("kept = []", "rules/_helper.py")
    path = write_plugin(RULE + "    kept = []\n\nimport _helper\nRule.helper = _helper\n")
    ref = PluginRef(path, "Rule")
    first = ref.load()
    first.kept.append(1)
    first.helper.kept.append(1)
    second = ref.load()
    assert second.kept == second.helper.kept == []
    assert second is not first


def test_many_loads_leave_one_module_behind(write_plugin):
    ref = PluginRef(write_plugin(RULE), "Rule")
    ref.load()
    before = len(sys.modules)
    for _ in range(5):
        ref.load()
    assert len(sys.modules) == before


def test_helpers_of_one_name_in_two_folders_are_two(write_plugin):
    values = []
    for number in (1, 2):
        write_plugin(f"value = {number}", f"folder{number}/_helper.py")
        write_plugin("value = -1", f"folder{number}/tools/__init__.py")
        write_plugin(f"value = {10 * number}", f"folder{number}/tools/inner.py")
        source = "from _helper import value\nfrom tools.inner import value as inner"
        module = load_module(write_plugin(source, f"folder{number}/rule.py"))
        values.append((module.value, module.inner))
    assert values == [(1, 10), (2, 20)]
    assert not {"_helper", "tools", "tools.inner"} & set(sys.modules)


def test_what_a_plugin_imports_from_elsewhere_stays(write_plugin, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "some_library.py").write_text("x = 1")
    monkeypatch.syspath_prepend(tmp_path / "elsewhere")
    try:
        load_module(write_plugin("import some_library", "rule.py"))  # the plugin lies in a folder above
        assert "some_library" in sys.modules
    finally:
        sys.modules.pop("some_library", None)


# The hash of the source


@pytest.fixture
def harness(tmp_path, monkeypatch) -> Path:
    """A copy of the package's cores, to be changed; what the registry takes for its own package."""
    package = tmp_path / "copy" / "zorbench"
    shutil.copytree(Path(registry.__file__).parent / "zor", package / "zor")
    (package / "spiking").mkdir()
    (package / "spiking" / "lif.py").write_text("tau = 1")
    (package / "run.py").write_text("x = 1")
    monkeypatch.setattr(registry, "__file__", str(package / "registry.py"))
    return package


def append(path: Path) -> None:
    path.write_text(path.read_text() + "\n# changed\n")


def test_the_hash_changes_with_the_plugin_and_what_it_imports_from_beside(write_plugin, harness):
    write_plugin("from _deeper import x", "rules/_helper.py")
    write_plugin("x = 1", "rules/_deeper.py")
    write_plugin("", "rules/tools/__init__.py")
    write_plugin("from .inner import y", "rules/tools/outer.py")
    write_plugin("y = 1", "rules/tools/inner.py")
    path = write_plugin("import _helper\n\ndef f():\n    from tools.outer import y\n" + RULE)
    hashes = [source_hash(path)]
    for name in (
        "rule.py",
        "_helper.py",
        "_deeper.py",
        "tools/outer.py",
        "tools/inner.py",
        "tools/__init__.py",
    ):
        append(path.parent / name)
        hashes.append(source_hash(path))
    assert len(set(hashes)) == len(hashes)


def test_the_hash_does_not_change_with_anything_else(write_plugin, harness):
    write_plugin("x = 1", "rules/_unused.py")
    path = write_plugin(RULE)
    before = source_hash(path)
    append(path.parent / "_unused.py")
    append(harness / "run.py")
    append(harness / "zor" / "network.py")
    assert source_hash(path) == before


@pytest.mark.parametrize(
    ("statement", "core"),
    [
        ("from zorbench.zor import Zor", "zor"),
        ("from zorbench.zor.network import GatedNetwork", "zor"),
        ("from zorbench import zor", "zor"),
        ("import zorbench.zor", "zor"),
        ("from zorbench.spiking import lif", "spiking"),
    ],
)
def test_the_hash_changes_with_the_core_that_a_plugin_uses(write_plugin, harness, statement, core):
    path = write_plugin(statement + "\n" + RULE)
    other = {"zor": "spiking", "spiking": "zor"}[core]
    before = source_hash(path)
    append(next((harness / other).glob("*.py")))
    assert source_hash(path) == before
    for file in sorted((harness / core).glob("*.py")):
        append(file)
        after = source_hash(path)
        assert after != before, file.name
        before = after


def test_the_hash_is_the_same_wherever_the_same_sources_lie(write_plugin, harness):
    hashes = set()
    for folder in ("a", "z/deep"):
        write_plugin("x = 1", f"{folder}/_helper.py")
        write_plugin("x = 1", f"{folder}/_zz.py")
        hashes.add(
            source_hash(write_plugin("import _helper, _zz, zorbench.zor\n" + RULE, f"{folder}/rule.py"))
        )
    assert len(hashes) == 1


def test_a_plugin_beside_the_harness_itself_does_not_drag_it_in(write_plugin, tmp_path):
    write_plugin("x = 1", "zorbench/run.py")
    path = write_plugin(RULE, "rule.py")
    before = source_hash(path)
    append(tmp_path / "zorbench" / "run.py")
    assert source_hash(path) == before
    assert registry._beside(tmp_path, "zorbench") == []  # nor is it forgotten by a load
