"""What a plugin class declares, checked when it is found, so that a mistake is told before anything runs."""

import inspect
import json
from collections.abc import Set
from dataclasses import asdict
from typing import Any

from zorbench.baseline import Baseline, StepBaseline, Tags, offers_many
from zorbench.config import config_values
from zorbench.errors import InputError, unknown
from zorbench.tasks import Task

_ROLES = ("contender", "floor", "reference")


def check_declaration(plugin: type[Baseline], place: str) -> None:
    """Raise `InputError` naming the plugin, at `place`, and what is wrong with what it declares."""
    where = f"{place}: {plugin.__name__}"
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


def check_recordable(config: Any, where: str) -> None:
    """Raise `InputError` if a configuration holds what a record cannot."""
    try:
        json.dumps(config_values(config), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{where}: a setting must be a finite number, a text, true or false: {error}"
        ) from error
