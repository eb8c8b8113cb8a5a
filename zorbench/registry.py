"""How plugins are found, and the rows they make in a table."""

import ast
import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from zorbench.baseline import Baseline
from zorbench.config import make_config, parse_spec
from zorbench.declaration import check_declaration, check_recordable
from zorbench.errors import InputError, unknown
from zorbench.installed import Broken, Installed, import_plugin, installed_plugins
from zorbench.paths import bundled
from zorbench.tasks import Task

_CORES = ("zor", "spiking")


@dataclass(frozen=True)
class PluginRef:
    """Where a plugin class is: what a cell's process needs to load it.

    That of an installed distribution has a `module` to be imported, and `path` is that module's file.
    """

    path: Path
    class_name: str
    module: str = ""
    distribution: str = ""

    def __str__(self) -> str:
        where = f"{self.module} of {self.distribution}" if self.module else str(self.path)
        return f"{self.class_name} in {where}"

    def load(self) -> type[Baseline]:
        """The class, from a module executed anew: nothing a former cell left in it survives."""
        if self.module:
            return import_plugin(self.module, self.class_name)
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
        """The bundled baselines, those of installed packages, and those in `plugins` (files, or folders).

        What an installed package offers and cannot be used is in `broken`: it costs nobody else anything.
        Raises `InputError` for a file that cannot be used, and for two rows of one name.
        """
        self._rows: dict[str, Row] = {}
        self.broken: list[Broken] = []
        for found in installed_plugins():
            if isinstance(found, Broken):
                self.broken.append(found)
            else:
                self._register_installed(found)
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
            raise self._unknown(name)
        row = self._rows[name]
        if not settings:
            return row
        make_config(row.plugin.Config, settings, f"--baseline {name}")
        changed = ",".join(f"{key}={value}" for key, value in sorted(settings.items()))
        return Row(f"{name}[{changed}]", row.ref, row.plugin, {**row.settings, **settings}, given=True)

    def _unknown(self, name: str) -> InputError:
        for broken in self.broken:
            if broken.name == name:
                return InputError(f"baseline '{name}' cannot be had: {broken}")
        error = unknown("baseline", name, sorted(self._rows))
        others = "; ".join(map(str, self.broken))
        return InputError(f"{error}; not to be had: {others}") if others else error

    def _register_installed(self, found: Installed) -> None:
        ref = PluginRef(found.path, found.plugin.__name__, found.module, found.distribution)
        try:
            rows = _rows_of(found.plugin, ref, found.module)
        except InputError as error:
            name = str(getattr(found.plugin, "name", found.plugin.__name__))
            self.broken.append(Broken(name, found.distribution, str(error)))
            return
        self._add(rows)

    def _register(self, file: Path) -> int:
        """Add the rows of a file's plugins; how many plugins it holds."""
        module = load_module(file)
        # A class that has two names in its module is one plugin.
        plugins = {id(value): value for value in vars(module).values() if _is_plugin(value, module)}
        for plugin in plugins.values():
            self._add(_rows_of(plugin, PluginRef(file, plugin.__name__), str(file)))
        return len(plugins)

    def _add(self, rows: Iterable[Row]) -> None:
        for row in rows:
            if row.label in self._rows:
                other = self._rows[row.label].ref
                raise InputError(f"two baselines are named '{row.label}': {other} and {row.ref}")
            self._rows[row.label] = row


def _rows_of(plugin: type[Baseline], ref: PluginRef, place: str) -> list[Row]:
    """The rows of a plugin at `place`, checked."""
    check_declaration(plugin, place)
    rows = []
    for label, settings in {plugin.name: {}, **plugin.variants}.items():
        where = f"{place}: {label}"
        check_recordable(make_config(plugin.Config, settings, where), where)
        rows.append(Row(label, ref, plugin, dict(settings)))
    return rows


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
    decides results as much as the plugin's own. The rest of the harness is covered by the record format. For
    a file in a package, all of that package is local; for one among installed packages, nothing else is.
    """
    digest = hashlib.sha256()
    for file in _local_sources(path):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _local_sources(path: Path) -> list[Path]:
    package = Path(__file__).resolve().parent
    whole = _package_of(path)
    found = [path, *(file for file in sorted(whole.rglob("*.py")) if file != path)] if whole else [path]
    alone = whole is not None or any(path.parent.glob("*.dist-info"))
    for file in found:  # grows while it is gone through
        if package in file.parents and file != path:
            continue  # a core imports nothing local but itself, and that is all there
        for module in _imported_modules(file):
            top, _, inner = module.partition(".")
            if top == package.name:
                core = inner.partition(".")[0]
                sources = list((package / core).glob("*.py")) if core in _CORES else []
            else:
                sources = [] if alone else _beside(path.parent, top)
            found.extend(source for source in sources if source not in found)
    # By name, not by place: the same sources elsewhere have the same hash.
    return [path, *sorted(found[1:], key=lambda file: (file.parent.name, file.name))]


def _package_of(path: Path) -> Path | None:
    """The folder of the outermost package that a file is in; None if it is in none."""
    folder = None
    while (path.parent / "__init__.py").is_file():
        folder = path = path.parent
    return folder


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
