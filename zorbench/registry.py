"""How plugins are found, and the rows they make in a table."""

import ast
import hashlib
import importlib.util
import inspect
import json
import sys
from collections.abc import Iterable, Set
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from zorbench.baseline import Baseline, StepBaseline, Tags, offers_many
from zorbench.config import config_values, make_config, parse_spec
from zorbench.errors import InputError, unknown
from zorbench.paths import bundled
from zorbench.tasks import Task

_CORES = ("zor", "spiking")
_ROLES = ("contender", "floor", "reference")


@dataclass(frozen=True)
class PluginRef:
    """Where a plugin class is: what a cell's process needs to load it."""

    path: Path
    class_name: str

    def load(self) -> type[Baseline]:
        """The class, from a module executed anew: nothing a former cell left in it survives."""
        plugin: type[Baseline] = getattr(load_module(self.path), self.class_name)
        return plugin


@dataclass(frozen=True)
class Row:
    """A baseline as one row of the tables: a plugin under one of its names, with one configuration."""

    label: str
    ref: PluginRef
    plugin: type[Baseline]
    settings: dict[str, Any]
    given: bool = False  # settings from the command line, beside the row's own

    @property
    def only_named(self) -> bool:
        """Whether it runs only where it is asked for by name."""
        return self.label in self.plugin.only_named

    def config(self) -> Any:
        return make_config(self.plugin.Config, self.settings, self.label)

    def config_source(self, task: type[Task]) -> str:
        """Where the configuration comes from: given, published (for this very task), or default."""
        if self.given:
            return "given"
        return "published" if task in self.plugin.published.get(self.label, ()) else "default"


class Registry:
    """All plugins known to a run, by name."""

    def __init__(self, plugins: Iterable[Path] = ()) -> None:
        """The bundled baselines, and those in `plugins` (files, or folders of files)."""
        self._rows: dict[str, Row] = {}
        for path in [bundled("baselines"), *plugins]:
            for file in _plugin_files(path):
                if not self._register(file) and path.is_file():
                    raise InputError(f"{path}: holds no plugin (a class derived from zorbench.Baseline)")

    def rows(self) -> list[Row]:
        """Every registered row, by name."""
        return [self._rows[label] for label in sorted(self._rows)]

    def row(self, spec: str) -> Row:
        """The row of `NAME` or `NAME[key=value,...]`; the latter is a row of its own."""
        name, settings = parse_spec(spec)
        if name not in self._rows:
            raise unknown("baseline", name, sorted(self._rows))
        row = self._rows[name]
        if not settings:
            return row
        make_config(row.plugin.Config, settings, f"--baseline {name}")
        changed = ",".join(f"{key}={value}" for key, value in sorted(settings.items()))
        return Row(f"{name}[{changed}]", row.ref, row.plugin, {**row.settings, **settings}, given=True)

    def _register(self, file: Path) -> int:
        """Add the rows of a file's plugins; how many plugins it holds."""
        module = load_module(file)
        # A class that has two names in its module is one plugin.
        plugins = {id(value): value for value in vars(module).values() if _is_plugin(value, module)}
        for plugin in plugins.values():
            _check_declaration(plugin, file)
            ref = PluginRef(file, plugin.__name__)
            for label, settings in {plugin.name: {}, **plugin.variants}.items():
                if label in self._rows:
                    other = self._rows[label].ref
                    raise InputError(
                        f"two baselines are named '{label}': {other.class_name} in {other.path} "
                        f"and {plugin.__name__} in {file}"
                    )
                where = f"{file}: {label}"
                _check_recordable(make_config(plugin.Config, settings, where), where)
                self._rows[label] = Row(label, ref, plugin, dict(settings))
        return len(plugins)


def load_module(path: Path) -> ModuleType:
    """Execute a plugin file anew, as a module of its own; what lies beside it can be imported by its name.

    What it imports from beside it is forgotten again: it is executed anew the next time, and its name is free
    for a file of another folder. Raises `InputError` naming the file when it cannot be executed.
    """
    name = f"zorbench_plugin_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    sys.path.insert(0, str(path.parent))
    known = set(sys.modules)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: cannot be loaded: {type(error).__name__}: {reason}") from error
    finally:
        sys.path.remove(str(path.parent))
        for other in set(sys.modules) - known:
            file = getattr(sys.modules[other], "__file__", None)
            if file and Path(file) in _beside(path.parent, other.partition(".")[0]):
                del sys.modules[other]
    return module


def source_hash(path: Path) -> str:
    """SHA-256 of a plugin's file and of the local modules it imports.

    Local: files and packages beside it, and the packages `zorbench.zor` and `zorbench.spiking`, whose code
    decides results as much as the plugin's own. The rest of the harness is covered by the record format.
    """
    digest = hashlib.sha256()
    for file in _local_sources(path):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _local_sources(path: Path) -> list[Path]:
    package = Path(__file__).resolve().parent
    found = [path]
    for file in found:  # grows while it is gone through
        if package in file.parents and file != path:
            continue  # a core imports nothing local but itself, and that is all there
        for module in _imported_modules(file):
            top, _, inner = module.partition(".")
            if top == package.name:
                core = inner.partition(".")[0]
                sources = list((package / core).glob("*.py")) if core in _CORES else []
            else:
                sources = _beside(path.parent, top)
            found.extend(source for source in sources if source not in found)
    # By name, not by place: the same sources elsewhere have the same hash.
    return [path, *sorted(found[1:], key=lambda file: (file.parent.name, file.name))]


def _beside(folder: Path, name: str) -> list[Path]:
    """The sources of the module or package `name` of a plugin's folder; none if it comes from elsewhere."""
    if name == __package__:
        return []
    file = folder / f"{name}.py"
    return [file] if file.is_file() else list((folder / name).rglob("*.py"))


def _imported_modules(file: Path) -> list[str]:
    names: list[str] = []
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            names.extend(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
            names.extend(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def _plugin_files(path: Path) -> list[Path]:
    """The plugin files at `path`; in a folder, files that begin with an underscore are helpers."""
    if path.is_dir():
        files = sorted(file for file in path.glob("*.py") if not file.name.startswith("_"))
        if not files:
            raise InputError(f"{path}: this folder holds no plugin (*.py)")
        return [file.resolve() for file in files]
    if path.is_file():
        return [path.resolve()]
    raise InputError(f"--plugin {path}: no such file or folder")


def _is_plugin(value: object, module: ModuleType) -> bool:
    return (
        inspect.isclass(value)
        and issubclass(value, Baseline)
        and value.__module__ == module.__name__
        and not value.__name__.startswith("_")
    )


def _check_declaration(plugin: type[Baseline], file: Path) -> None:
    where = f"{file}: {plugin.__name__}"
    if not isinstance(getattr(plugin, "name", None), str):
        raise InputError(f"{where} has no name (a text, the row's name in the tables)")
    tasks = getattr(plugin, "tasks", None)
    if not (isinstance(tasks, Set) and tasks and all(map(_is_task, tasks))):
        found = "declares no tasks" if tasks is None else f"has tasks = {tasks!r}, which is no set of tasks"
        raise InputError(f"{where} {found}, e.g. tasks = {{Classification}}")
    if not isinstance(plugin.tags, Tags):
        raise InputError(f"{where}: tags must be Tags(...), got {plugin.tags!r}")
    _check_tags(plugin, where)
    for label in plugin.only_named:
        if label not in (plugin.name, *plugin.variants):
            raise unknown("row in only_named", label, (plugin.name, *plugin.variants), where)
    if plugin.role not in _ROLES:
        raise unknown("role", plugin.role, _ROLES, where)
    if offers_many(plugin):
        _check_many(plugin, where)
    try:
        config_values(plugin.Config())
    except TypeError as error:
        raise InputError(
            f"{where}: Config must be a dataclass whose fields have defaults: {error}"
        ) from error


def _check_many(plugin: type[Baseline], where: str) -> None:
    """What goes with `build_many` is there."""
    needed = ("step_many", "member")
    missing = [name for name in needed if getattr(plugin, name) is getattr(StepBaseline, name)]
    if missing:
        raise InputError(f"{where} has build_many but no {' and no '.join(missing)}")


def _is_task(value: object) -> bool:
    return inspect.isclass(value) and issubclass(value, Task)


def _check_tags(plugin: type[Baseline], where: str) -> None:
    for name, value in asdict(plugin.tags).items():
        if not isinstance(value, str | bool):
            raise InputError(f"{where}: the tag {name} must be a text, true or false, got {value!r}")


def _check_recordable(config: Any, where: str) -> None:
    try:
        json.dumps(config_values(config), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{where}: a setting must be a finite number, a text, true or false: {error}"
        ) from error
