"""`zorbench new`: a plugin that already runs, and its test."""

import re
from dataclasses import dataclass
from keyword import iskeyword
from pathlib import Path
from string import Template

from zorbench.errors import InputError
from zorbench.registry import Registry

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Written:
    """What was written, and what to type next."""

    plugin: Path
    test: Path
    commands: tuple[str, ...]


def write_plugin(name: str, task: str, folder: Path) -> Written:
    """Write NAME.py, a simple rule that works for `task`, and test_NAME.py, into a folder that is made.

    Raises: InputError for a name that is no identifier or a bundled baseline's, or a file that exists.
    """
    if iskeyword(name) or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise InputError(
            f"new: '{name}' is no name for a baseline; use small letters, digits and _, e.g. my_rule"
        )
    rows = Registry().rows()
    if name in {row.label for row in rows}:
        raise InputError(f"new: there is a baseline named '{name}' already; choose another name")
    plugin, test = folder / f"{name}.py", folder / f"test_{name}.py"
    for path in (plugin, test):
        if path.exists():
            raise InputError(f"new: {path} exists, and is left as it is; choose another name or --out")
    folder.mkdir(parents=True, exist_ok=True)
    values = {"name": name, "class_name": "".join(part.capitalize() for part in name.split("_"))}
    plugin.write_text(_filled(task, values), encoding="utf-8")
    test.write_text(_filled("test", values), encoding="utf-8")
    yardstick = next(
        (row.label for row in rows if row.plugin.yardstick and row.label == row.plugin.name), name
    )
    page = Path("results") / f"{task}-smoke" / "report" / "index.html"
    rule = plugin.as_posix()
    return Written(
        plugin,
        test,
        (
            f"zorbench check {rule}",
            f"zorbench run {task} --preset smoke --plugin {rule} --baseline {name} --baseline {yardstick}",
            f"python -m webbrowser {page.as_posix()}",
        ),
    )


def _filled(template: str, values: dict[str, str]) -> str:
    text = (_TEMPLATES / f"{template}.py.txt").read_text(encoding="utf-8")
    return Template(text).substitute(values)
