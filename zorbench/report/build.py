"""From records to the view of a report: group by suite, entry and row, choose floors, compute all numbers."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from zorbench import stats
from zorbench.report.cells import (
    FAILED,
    Record,
    images_setting,
    label,
    lane,
    latest,
    outcome,
    strips,
    together,
)
from zorbench.report.current import EntryKey, current, entry_key
from zorbench.report.formatting import plural, slug
from zorbench.report.model import GROUPS, Counts, EntryView, Failure, ReportView, Row, SuiteView, Unsupported
from zorbench.report.provenance import provenance
from zorbench.report.rows import RowCells, build_row, group_of, paired_skill
from zorbench.report.selfcheck import is_caught, self_check
from zorbench.report.standing import standing
from zorbench.report.studies import studies
from zorbench.report.timing import clocked, final_errors


def build_view(
    records: Iterable[Record],
    runs: Iterable[Mapping[str, Any]],
    remarks: Sequence[tuple[str, str]] = (),
) -> ReportView:
    """The view of all records. Suites and entries come in order of first appearance, all else sorted.

    The accuracy lane makes the tables; the timing lane its seconds; trials are no figures of a rule.
    `remarks`, each a term and a sentence, join the facts at the head.
    """
    records = list(records)
    comparable, left_out = current([r for r in records if lane(r) != "tuning"])
    everything = latest(comparable)
    cells = [record for record in everything if lane(record) == "accuracy"]
    failures = _failures(everything)
    grouped: dict[EntryKey, list[Record]] = defaultdict(list)
    timed: dict[EntryKey, list[Record]] = defaultdict(list)
    for record in everything:
        if lane(record) == "accuracy":
            grouped[entry_key(record)].append(record)
        elif lane(record) == "timing":
            timed[entry_key(record)].append(record)
    tried = studies(latest([r for r in records if lane(r) == "tuning"]), cells)
    caught = _caught(everything, failures)
    anchors = _Anchors()
    suites = []
    for name in dict.fromkeys(suite for suite, _, _ in grouped):
        anchor = anchors.new(name)
        entries = tuple(
            _entry(
                key,
                group,
                timed[key],
                failures,
                caught,
                tried.get(key, {}),
                anchors.new(f"{name} {key[1]} {'' if key[2] == 'samples' else key[2]}"),
                left_out.get(key, ()),
            )
            for key, group in grouped.items()
            if key[0] == name
        )
        suites.append(SuiteView(name, entries, anchor))
    every = [entry for suite in suites for entry in suite.entries]
    counts = [len(entry.seeds) for entry in every if entry.seeds] or [0]
    drawn = sorted({row.label for entry in every for row in entry.rows if row.group != "floor"})
    statuses = [outcome(record)[0] for record in cells]
    told = provenance(runs)
    told = replace(told, facts=(*told.facts, *remarks))
    return ReportView(
        suites=tuple(suites),
        failures=tuple(failures.values()),
        counts=Counts(
            ok=statuses.count("ok"),
            failed=sum(status in FAILED for status in statuses),
            unsupported=statuses.count("unsupported"),
        ),
        seeds=tuple(sorted({seed for entry in every for seed in entry.seeds})),
        seeds_low=min(counts),
        seeds_high=max(counts),
        smoke=stats.is_smoke(min(counts)),
        provenance=told,
        series={name: i for i, name in enumerate(drawn)},
        checks=self_check([record for record in everything if lane(record) == "probe"]),
    )


def _entry(
    key: EntryKey,
    records: Sequence[Record],
    timed: Sequence[Record],
    failures: Mapping[int, Failure],
    caught: Mapping[str, Failure],
    studies: Mapping[str, tuple[float, ...]],
    anchor: str,
    left_out: Iterable[str],
) -> EntryView:
    suite, name, protocol = key
    by_label: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        by_label[label(record)].append(record)
    unsupported: list[Unsupported] = []
    rows: list[RowCells] = []
    for row_label in sorted(by_label):
        able = [r for r in by_label[row_label] if outcome(r)[0] != "unsupported"]
        if able:
            failed = tuple(failures[id(r)] for r in able if id(r) in failures)
            failed += (caught[row_label],) if row_label in caught else ()
            alone = [r for r in timed if label(r) == row_label]
            rows.append(RowCells.of(row_label, able, alone, failed))
        else:
            record = by_label[row_label][0]
            unsupported.append(Unsupported(row_label, group_of(record), outcome(record)[1]))
    seeds = tuple(sorted({int(r["seed"]) for r in records if outcome(r)[0] != "unsupported"}))
    floor = choose_floor(rows)
    sample_seed = min((seed for row in rows for seed, r in row.ok.items() if strips(r)), default=None)
    built = []
    for row in rows:
        skill = paired_skill(row, floor) if floor else None
        made = build_row(row, sample_seed)
        place = f"records-{anchor}-{slug(row.label)}"
        built.append(replace(made, skill=skill, zero=row is floor, anchor=place))
    first = records[0]
    yardstick = next((row.label for row in rows if row.all[0].get("yardstick")), None)
    finals = [list(row.ok.values()) for row in rows if row.label == yardstick and not row.failures]
    ordered = tuple(sorted(_alike_in_trials(built), key=_place))
    return EntryView(
        suite=suite,
        name=name,
        protocol=protocol,
        dataset=str(first.get("dataset", "")),
        task=str(first.get("task", "")),
        spec=dict(first.get("spec") or {}),
        shots=first.get("shots"),
        images=images_setting(first),
        n_shots=first.get("n_shots"),
        seeds=seeds,
        floor=floor.label if floor else None,
        rows=ordered,
        unsupported=tuple(unsupported),
        notes=(*left_out, *_notes(rows, seeds)),
        anchor=anchor,
        sample_seed=sample_seed,
        classes=tuple(str(one) for one in first.get("classes") or ()),
        seconds=first.get("seconds_limit"),
        standing=standing(ordered, seeds, yardstick),
        clocked=clocked(timed, yardstick, final_errors(finals[0]) if finals else []),
        studies=studies,
    )


def _alike_in_trials(rows: Sequence[Row]) -> list[Row]:
    """The rows, those that tried more configurations than another out of the headline, with the reason."""
    fewest = min((row.trials for row in rows if row.trials is not None), default=0)
    return [
        replace(
            row, group="outside", unmatched=f"tried {row.trials} configurations, where others tried {fewest}"
        )
        if row.trials is not None and row.trials > fewest and row.group == "headline"
        else row
        for row in rows
    ]


def _place(row: Row) -> tuple[int, bool, float, str]:
    """Where a row stands in its table: by group, failed ones last, then by error."""
    return GROUPS.index(row.group), row.failed, 0.0 if row.failed else row.stats["error"].mean, row.label


def choose_floor(rows: Sequence[RowCells]) -> RowCells | None:
    """The floor with the least validation error, over the seeds that all floors have.

    None if a floor failed: it may have been the best one, and any other would flatter every row.
    """
    floors = [row for row in rows if row.role == "floor"]
    if not floors or any(row.failures for row in floors):
        return None
    shared = sorted(set.intersection(*(set(row.ok) for row in floors)))
    errors = {row.label: row.validation_errors(shared) for row in floors}
    complete = {name: values for name, values in errors.items() if values}
    if len(complete) < len(floors):
        return None
    chosen = stats.choose_floor(complete)
    return next(row for row in floors if row.label == chosen)


def _notes(rows: Sequence[RowCells], seeds: Sequence[int]) -> Iterable[str]:
    """What a reader must know before comparing the rows."""
    failed = [row.label for row in rows if row.role == "floor" and row.failures]
    if failed:
        yield f"A floor failed ({', '.join(failed)}), so that the zero of skill is not known."
    fewer = [f"{row.label} ({len(row.ok)})" for row in rows if not row.failures and len(row.ok) < len(seeds)]
    if fewer:
        yield f"Not all of the {plural(len(seeds), 'seed')} are there yet for: {', '.join(fewer)}."
    counts = [(row, sum(map(together, row.all))) for row in rows]
    untimed = [f"{row.label} ({count} of {len(row.all)} cells)" for row, count in counts if count]
    if untimed:
        yield f"Several seeds learned as one computation, which has no times for each: {', '.join(untimed)}."
    borrowed: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        for record in row.all:
            if record.get("borrowed"):
                on = f"on {record.get('device')} with torch {record.get('torch')}"
                borrowed[f"{record['borrowed']}, {on}"].add(row.label)
    for where, labels in sorted(borrowed.items()):
        yield f"Stored records of {where}: {', '.join(sorted(labels))}."
    episodes: dict[int, set[str]] = defaultdict(set)
    for row in rows:
        for seed, record in row.ok.items():
            episodes[seed].add(str(record.get("episode_sha256", "")))
    if any(len(found) > 1 for found in episodes.values()):
        yield (
            "Not all rows of a seed saw the same episode: the entry or its data changed between runs. "
            "Skill pairs only cells of the same episode; the means do not compare."
        )


def _failures(records: Sequence[Record]) -> dict[int, Failure]:
    """The failed cells by the id of their record: entries in order of first appearance, then row and seed."""
    entries = list(dict.fromkeys(entry_key(record) for record in records))
    failed = [record for record in records if outcome(record)[0] in FAILED]
    failed.sort(key=lambda r: (entries.index(entry_key(r)), label(r), int(r["seed"]), *outcome(r)))
    found = {}
    for i, record in enumerate(failed, start=1):
        suite, entry, _ = entry_key(record)
        status, reason = outcome(record)
        found[id(record)] = Failure(
            suite, entry, label(record), int(record["seed"]), status, reason, f"failed-{i}"
        )
    return found


def _caught(records: Sequence[Record], failures: Mapping[int, Failure]) -> dict[str, Failure]:
    """Rows that knew classes from elsewhere than their shots: they have no figures on any entry."""
    return {
        label(record): failures[id(record)]
        for record in records
        if is_caught(record) and id(record) in failures
    }


class _Anchors:
    """Names for anchors, each given once."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def new(self, text: str) -> str:
        base = slug(text)
        name, i = base, 1
        while name in self._given:
            i += 1
            name = f"{base}-{i}"
        self._given.add(name)
        return name
