"""Plugins of installed packages, found by the entry-point group `zorbench.baselines`.

An entry point names a module, whose plugins are all taken, or one class: in a package's pyproject.toml

    [project.entry-points."zorbench.baselines"]
    perceptron = "my_rules.perceptron:Perceptron"
"""

import importlib
import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from zorbench.baseline import Baseline
from zorbench.errors import InputError

GROUP = "zorbench.baselines"


@dataclass(frozen=True)
class Installed:
    """A plugin class that an installed distribution offers, and the module that it is written in."""

    plugin: type[Baseline]
    path: Path
    module: str
    distribution: str  # name and version


@dataclass(frozen=True)
class Broken:
    """An entry point that gives no plugin: its name, whose it is, and what was wrong."""

    name: str
    distribution: str
    reason: str

    def __str__(self) -> str:
        return f"entry point '{self.name}' of {self.distribution}: {self.reason}"


def installed_plugins() -> Iterator[Installed | Broken]:
    """Every plugin of every entry point, each class once, in order of the entry points' names.

    A package that cannot be imported, or offers something else, is told as `Broken` and raises nothing.
    """
    seen: set[type[Baseline]] = set()
    for point in sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
        try:
            plugins = _plugins_of(point)
        except InputError as error:
            yield Broken(point.name, _distribution(point), str(error))
            continue
        for plugin in plugins:
            if plugin not in seen:
                seen.add(plugin)
                path = Path(inspect.getsourcefile(plugin) or "").resolve()
                yield Installed(plugin, path, plugin.__module__, _distribution(point))


def import_plugin(module: str, class_name: str) -> type[Baseline]:
    """A plugin class of an installed module. Raises `InputError` naming the module if it cannot be imported.

    A module is imported once a process: that nothing outlives a cell, cells see to by having one each.
    """
    found = _imported(module)
    plugin: type[Baseline] = getattr(found, class_name)
    return plugin


def _plugins_of(point: EntryPoint) -> list[type[Baseline]]:
    module = _imported(point.module)
    if point.attr:
        found: object = module
        for part in point.attr.split("."):
            if not hasattr(found, part):
                raise InputError(f"{point.module} has no {point.attr}")
            found = getattr(found, part)
        if not (inspect.isclass(found) and issubclass(found, Baseline)):
            raise InputError(f"{point.value} is no class derived from zorbench.Baseline")
        return [found]
    # What the module defines, or hands on from its own parts; not what it derives from.
    own = (point.module, f"{point.module}.")
    plugins = [
        value
        for name, value in sorted(vars(module).items())
        if inspect.isclass(value) and issubclass(value, Baseline) and not value.__name__.startswith("_")
        if value.__module__ == own[0] or value.__module__.startswith(own[1])
    ]
    if not plugins:
        raise InputError(f"{point.module} holds no plugin (a class derived from zorbench.Baseline)")
    return plugins


def _imported(name: str) -> object:
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        sys.modules.pop(name, None)
        reason = " ".join(str(error).split())
        raise InputError(f"{name} cannot be imported: {type(error).__name__}: {reason}") from error


def _distribution(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else "an unknown distribution"
