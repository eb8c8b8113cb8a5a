"""A page of Markdown on every baseline, from its own declaration: `zorbench list baselines --markdown`."""

import inspect
from collections.abc import Iterable, Sequence
from dataclasses import MISSING, Field, asdict, fields
from pathlib import Path

from zorbench.baseline import Baseline
from zorbench.registry import Registry, Row

_ROLES = {
    "contender": ("Contenders", "Learning rules under test."),
    "reference": ("References", "What standard methods make of the same images."),
    "floor": ("Floors", "Trivial answers; the best one on validation images is an entry's zero of skill."),
}


def baselines_page(plugins: Sequence[Path] = ()) -> str:
    """The page: plugins by role, each with its docstring, tasks, rows, settings and tags."""
    rows = Registry(plugins).rows()
    blocks = [
        "# Baselines",
        "Each with its equation, its source, and what differs from it, as its own file tells them. Made by "
        "`zorbench list baselines --markdown`.",
    ]
    for role, (title, about) in _ROLES.items():
        blocks += [f"## {title}", about]
        by_plugin: dict[type[Baseline], list[Row]] = {}
        for row in rows:
            if row.plugin.role == role:
                by_plugin.setdefault(row.plugin, []).append(row)
        for plugin, own in sorted(by_plugin.items(), key=lambda item: item[0].name):
            blocks += _plugin(plugin, own)
    return "\n\n".join(blocks) + "\n"


def _plugin(plugin: type[Baseline], rows: Sequence[Row]) -> Iterable[str]:
    path = rows[0].ref.path
    yield f"### {plugin.name}"
    yield _paragraphs(inspect.getdoc(plugin) or "")
    facts = [f"File: `{path.parent.name}/{path.name}`"]
    facts.append("Tasks: " + ", ".join(sorted(task.name for task in plugin.tasks)))
    facts += [f"No {task.name}: {why}" for task, why in plugin.unsupported.items()]
    facts += [f"Not under protocol {name}: {why}" for name, why in plugin.unsupported_protocols.items()]
    tags = [f"{name} = {value}" for name, value in asdict(plugin.tags).items() if value not in (False, "")]
    facts.append("Tags: " + (", ".join(tags) or "none"))
    others = [row for row in rows if row.label != plugin.name]
    if others:
        facts.append("Variants: " + ", ".join(f"`{row.label}`{_settings(row)}" for row in others))
    named = sorted(row.label for row in rows if row.only_named)
    if named:
        facts.append("Only where named: " + ", ".join(f"`{label}`" for label in named))
    facts += [_setting(item) for item in fields(plugin.Config)]
    yield "\n".join(f"* {fact}" for fact in facts)


def _paragraphs(text: str) -> str:
    """A docstring with its lines joined, so that no reader's width is assumed."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n")).replace("*", r"\*")


def _settings(row: Row) -> str:
    return f" ({', '.join(f'{key}={value}' for key, value in row.settings.items())})" if row.settings else ""


def _setting(item: "Field[object]") -> str:
    default = "–" if item.default is MISSING else f"`{item.default}`"
    text = f"Setting `{item.name}`: {default}"
    found = item.metadata.get("search")
    if found:
        text += f", searched from {found['low']:g} to {found['high']:g}" + (" in log" if found["log"] else "")
    if item.metadata.get("choices"):
        text += f", one of {', '.join(f'`{value}`' for value in item.metadata['choices'])}"
    return text
