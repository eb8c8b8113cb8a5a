"""What the run files tell of where the numbers come from."""

import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from zorbench.report.model import Provenance


def provenance(runs: Iterable[Mapping[str, Any]]) -> Provenance:
    """Facts of all runs together, each value once, runs in order of their start."""
    ordered = sorted(runs, key=lambda run: (str(run.get("started", "")), str(run.get("id", ""))))
    machines = _distinct(_machine(run.get("machine") or {}) for run in ordered)
    candidates = (
        ("Preset", _distinct(str(run.get("preset") or "") for run in ordered)),
        ("Machine", machines),
        ("Versions", _distinct(_versions(run.get("versions") or {}) for run in ordered)),
        ("Commit", _distinct(str(run.get("commit") or "") for run in ordered)),
        ("Started", _span([str(run.get("started") or "") for run in ordered])),
    )
    return Provenance(
        facts=tuple((term, "; ".join(values)) for term, values in candidates if values),
        commands=tuple(_distinct(shlex.join(str(p) for p in run.get("command") or ()) for run in ordered)),
        machines=len(machines),
    )


def _distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(value for value in values if value))


def _machine(machine: Mapping[str, Any]) -> str:
    parts = [str(machine[name]) for name in ("system", "processor") if machine.get(name)]
    if machine.get("cores"):
        parts.append(f"{machine['cores']} cores")
    memory = machine.get("memory")
    if memory:
        parts.append(f"{memory / 2**30:.0f} GiB" if isinstance(memory, int | float) else str(memory))
    if machine.get("accelerator"):
        parts.append(str(machine["accelerator"]))
    return ", ".join(parts)


def _versions(versions: Mapping[str, Any]) -> str:
    order = ["zorbench", *sorted(name for name in versions if name != "zorbench")]
    return ", ".join(f"{name} {versions[name]}" for name in order if versions.get(name))


def _span(started: list[str]) -> list[str]:
    known = sorted(filter(None, started))
    return [known[0] if known[0] == known[-1] else f"{known[0]} to {known[-1]}"] if known else []
