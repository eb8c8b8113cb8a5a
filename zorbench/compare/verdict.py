"""Two results folders held against each other, cell by cell: what got worse, and what cannot be said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from zorbench import stats
from zorbench.compare.model import Change, Comparison, Gap, Obstacle, Place, ProbeFailure
from zorbench.compare.obstacles import budget_obstacles, config_obstacles, episode_obstacles
from zorbench.compare.side import Cells, Side, error_of, place_of
from zorbench.compare.times import compare_times, machine_differences
from zorbench.errors import unknown
from zorbench.report.cells import FAILED, Record, outcome
from zorbench.report.current import EntryKey
from zorbench.report.formatting import plural, seed_list

Row = Mapping[int, Record]  # by seed

MARGIN = 0.02
"""How much skill a row may lose, on the mean over its seeds."""


@dataclass
class _Found:
    """What has been found so far."""

    changes: list[Change] = field(default_factory=list)
    obstacles: list[Obstacle] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    probes: list[ProbeFailure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def compare(
    old: Side,
    new: Side,
    *,
    margin: float = MARGIN,
    time_margin: float | None = None,
    baselines: Sequence[str] = (),
) -> Comparison:
    """What changed from `old` to `new`, for the rows or plugins named in `baselines` (none: all rows).

    Cells are paired by entry, protocol, row, seed and episode. Other code is what this is for; settings,
    budgets and episodes must be the same. `time_margin` is the share by which training may get slower, None
    for any. Raises `InputError` for a name in `baselines` that neither side has.
    """
    wanted = _wanted(old, new, baselines)
    found = _Found()
    for key in old.entries():
        _entry(key, old, new, wanted, found)
    compared = found.changes or found.gaps or found.probes
    if not found.obstacles and not (compared and old.accuracy.keys() & new.accuracy.keys()):
        rows = ", ".join(sorted(wanted)) if wanted else "no row"
        detail = f"{rows} of {old.name} {'not ' if wanted else ''}in {new.name}: is it the right folder?"
        found.obstacles.append(Obstacle("nothing in common", None, detail))
    times = compare_times(old, new, wanted)
    machines = machine_differences(old, new)
    if machines:
        found.notes.append(f"Times are not compared between machines: {machines}. Figures are.")
    if time_margin is not None and not times.changes:
        why = times.obstacle or f"{old.name} has no attested times"
        found.obstacles.append(Obstacle("times", None, why))
    added = sorted(
        (
            place_of(*cell)
            for cell in new.accuracy.keys() - old.accuracy.keys()
            if _is_wanted(cell[1], wanted)
        ),
        key=str,
    )
    return Comparison(
        old=old.name,
        new=new.name,
        margin=margin,
        time_margin=time_margin,
        changes=tuple(sorted(found.changes, key=lambda change: (-change.loss, str(change.place)))),
        obstacles=tuple(found.obstacles),
        gaps=tuple(found.gaps),
        probes=tuple(found.probes),
        added=tuple(added),
        times=times,
        same_machine=not machines,
        notes=tuple(found.notes),
        baselines=tuple(baselines),
        commands=new.commands,
    )


def _wanted(old: Side, new: Side, baselines: Sequence[str]) -> set[str] | None:
    if not baselines:
        return None
    labels: dict[str, set[str]] = {}
    for cells in (old.accuracy, new.accuracy, old.probe, new.probe):
        for (_, row), by_seed in cells.items():
            for name in (row, *(str(record["baseline"]) for record in by_seed.values())):
                labels.setdefault(name, set()).add(row)
    for name in baselines:
        if name not in labels:
            raise unknown("baseline", name, sorted(labels))
    return {row for name in baselines for row in labels[name]}


def _is_wanted(row: str, wanted: set[str] | None) -> bool:
    return wanted is None or row in wanted


def _entry(key: EntryKey, old: Side, new: Side, wanted: set[str] | None, found: _Found) -> None:
    suite, name, protocol = key
    others = {other[2] for other in new.entries() if other[:2] == (suite, name)}
    if others and protocol not in others and not others & {o[2] for o in old.entries() if o[:2] == key[:2]}:
        detail = f"{protocol} → {', '.join(sorted(others))}"
        found.obstacles.append(Obstacle("protocol", place_of(key), detail))
        return
    shared = [
        (seed, cell, new_cells[seed])
        for side, other in ((old.accuracy, new.accuracy), (old.probe, new.probe))
        for (where, row), cells in sorted(side.items())
        for new_cells in [other.get((where, row), {})]
        for seed, cell in sorted(cells.items())
        if where == key and seed in new_cells and _is_wanted(row, wanted)
    ]
    if shared:
        obstacles = budget_obstacles(place_of(key), shared[0][1], shared[0][2])
        obstacles += episode_obstacles(place_of(key), shared)
        if obstacles:
            found.obstacles += obstacles
            return
    floor = old.floor(key)
    if floor is not None:
        _note_floor(key, floor, old, new, found)
    for row in old.rows(key):
        if _is_wanted(row, wanted):
            _row(
                place_of(key, row),
                old.accuracy[key, row],
                new.accuracy.get((key, row), {}),
                floor,
                old,
                found,
            )
    for (where, row), cells in sorted(old.probe.items()):
        if where == key and _is_wanted(row, wanted):
            _probes(place_of(key, row), cells, new.probe, found)


def _row(place: Place, old: Row, new: Row, floor: str | None, side: Side, found: _Found) -> None:
    pairs: list[tuple[int, Record, Record]] = []
    for seed in sorted(old):
        was = outcome(old[seed])[0]
        gap = _gap(was, new.get(seed))
        if gap:
            found.gaps.append(Gap(place, seed, gap))
        elif was == "ok":
            pairs.append((seed, old[seed], new[seed]))
    both = [seed for seed in sorted(old) if outcome(old[seed])[0] in FAILED and seed in new]
    still = [seed for seed in both if outcome(new[seed])[0] in FAILED]
    if still:
        found.notes.append(f"{place}: failed on both sides (seed {seed_list(still)}), so nothing to lose.")
    mended = sorted(set(both) - set(still))
    if mended:
        found.notes.append(f"{place}: failed in {side.name}, and no longer does (seed {seed_list(mended)}).")
    if not pairs:
        return
    obstacles = config_obstacles(place, pairs[0][1], pairs[0][2])
    found.obstacles += obstacles
    if not obstacles:
        found.changes.append(_change(place, pairs, _floor_errors(place, pairs, floor, side)))


def _gap(was: str, record: Record | None) -> str:
    """Why a cell that stood in OLD has no result in NEW; empty if it has, or never had one."""
    if record is None:
        return "missing"
    status, reason = outcome(record)
    if was != "ok" or status == "ok":
        return ""
    told = "not applicable any more" if status == "unsupported" else status
    return f"{told}: {reason}" if reason else told


def _floor_errors(
    place: Place, pairs: Sequence[tuple[int, Record, Record]], floor: str | None, side: Side
) -> list[float] | None:
    """OLD's floor error of each pair; None if the floor has not seen all of these episodes."""
    key = (place.suite, place.entry, place.protocol)
    cells = side.accuracy.get((key, floor), {}) if floor is not None else {}
    errors = []
    for seed, record, _ in pairs:
        zero = cells.get(seed)
        if zero is None or zero.get("episode_sha256") != record.get("episode_sha256"):
            return None
        errors.append(error_of(zero))
    return errors


def _change(place: Place, pairs: Sequence[tuple[int, Record, Record]], floor: list[float] | None) -> Change:
    old, new = [error_of(one) for _, one, _ in pairs], [error_of(one) for _, _, one in pairs]
    old_error, new_error = stats.mean_spread(old)[0], stats.mean_spread(new)[0]
    gain = old_skill = new_skill = None
    if floor is not None:
        gain = stats.skill_difference(new, old, floor).value
        old_skill, new_skill = stats.skill(old, floor).value, stats.skill(new, floor).value
    return Change(
        place=place,
        n=len(pairs),
        old_error=old_error,
        new_error=new_error,
        old_skill=old_skill,
        new_skill=new_skill,
        loss=new_error - old_error if gain is None else -gain,
        in_error=gain is None,
        recoded=any(one.get("source") != other.get("source") for _, one, other in pairs),
    )


def _probes(place: Place, old: Row, new: Cells, found: _Found) -> None:
    key = (place.suite, place.entry, place.protocol)
    for seed, record in sorted(old.items()):
        if record["status"] != "ok":
            continue
        now = new.get((key, place.label), {}).get(seed)
        if now is None:
            found.gaps.append(Gap(place, seed, "missing (learning from permuted labels)"))
        elif now["status"] != "ok":
            found.probes.append(ProbeFailure(place, seed, str(now.get("reason") or now["status"])))


def _note_floor(key: EntryKey, floor: str, old: Side, new: Side, found: _Found) -> None:
    """Say so if NEW has another zero of skill: both sides are held against OLD's."""
    theirs = new.floor(key)
    before, after = old.accuracy[key, floor], new.accuracy.get((key, floor), {})
    shared = [s for s in sorted(before) if s in after and outcome(after[s])[0] == "ok"]
    moved = sum(error_of(before[seed]) != error_of(after[seed]) for seed in shared)
    if theirs not in (floor, None):
        what = f"its floor was {floor} and is {theirs}"
    elif moved:
        what = f"its floor {floor} answers otherwise on {plural(moved, 'seed')}"
    else:
        return
    found.notes.append(f"{place_of(key)}: {what}; both sides are held against {old.name}'s.")
