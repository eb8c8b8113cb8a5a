"""Which records belong together: a results folder may hold those of settings that were changed since."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from zorbench.report.cells import Record, label
from zorbench.report.formatting import plural

EntryKey = tuple[str, str, str]  # suite, entry, protocol


def entry_key(record: Record) -> EntryKey:
    """The entry that a record belongs to."""
    return str(record["suite"]), str(record["entry"]), str(record.get("protocol", "samples"))


def current(records: Sequence[Record]) -> tuple[list[Record], dict[EntryKey, list[str]]]:
    """The records that can be averaged and compared, and for each entry a note of those left out.

    The record written last decides: for an entry, which budget, device and version of torch count; for a
    row of it, which configuration and source of the plugin. Order is kept. What was borrowed from another
    folder was held to the entry's settings before, and its device and torch are told in a note.
    """
    settings = {entry_key(record): _setting(record) for record in records}
    kept = [r for r in records if r.get("borrowed") or _setting(r) == settings[entry_key(r)]]
    rules = {(entry_key(record), label(record)): _rule(record) for record in kept}
    chosen = [record for record in kept if _rule(record) == rules[entry_key(record), label(record)]]
    return chosen, _notes(records, kept, chosen)


def _setting(record: Record) -> str:
    spec: Mapping[str, Any] = record.get("spec") or {}
    decisive = {key: value for key, value in spec.items() if key not in ("timeout", "label")}
    machine = [record.get(name) for name in ("device", "threads", "torch")]
    return json.dumps([decisive, machine], sort_keys=True, default=str)


def _rule(record: Record) -> str:
    return json.dumps([record.get("config"), record.get("source")], sort_keys=True, default=str)


def _notes(
    records: Sequence[Record], kept: Sequence[Record], chosen: Sequence[Record]
) -> dict[EntryKey, list[str]]:
    notes: dict[EntryKey, list[str]] = defaultdict(list)
    for key in dict.fromkeys(entry_key(record) for record in records):
        count = sum(entry_key(record) == key for record in records)
        others = count - sum(entry_key(record) == key for record in kept)
        if others:
            notes[key].append(
                f"{plural(others, 'record')} left out: made under another budget, device or torch."
            )
        replaced = {id(record): label(record) for record in kept if entry_key(record) == key}
        for record in chosen:
            replaced.pop(id(record), None)
        if replaced:
            rows = ", ".join(sorted(set(replaced.values())))
            notes[key].append(
                f"{plural(len(replaced), 'record')} left out: made with other settings or code of {rows}."
            )
    return dict(notes)
