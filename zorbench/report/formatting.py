"""Numbers as a reader sees them: three significant digits, a true minus, a unit where one belongs."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from zorbench.report.model import Skill, Stat

MISSING = "–"
_SMALL = 1e-4  # below it a plain decimal is mostly zeros


@dataclass(frozen=True)
class Shown:
    """A number ready to print, in parts, so that a page can set the spread and the unit smaller."""

    value: str
    spread: str = ""
    unit: str = ""
    note: str = ""
    number: float | None = None  # to sort by

    @property
    def text(self) -> str:
        """The parts joined, e.g. `0.420 ± 0.012 s (n = 2)`."""
        parts = [self.value, f"± {self.spread}" if self.spread else "", self.unit, self.note]
        return " ".join(part for part in parts if part)


NOTHING = Shown(MISSING)


def fixed(value: float, decimals: int) -> str:
    """`value` with so many decimals, a true minus sign and thousands set apart; no negative zero."""
    text = f"{value:,.{decimals}f}"
    if text.startswith("-"):
        text = text[1:] if float(text.replace(",", "")) == 0 else f"−{text[1:]}"
    return text


def decimals_for(value: float, digits: int = 3) -> int:
    """How many decimals show `value` to `digits` significant digits (0 for whole hundreds and above)."""
    rounded = float(f"{abs(value):.{digits - 1}e}")  # 0.09996 counts as 0.100
    return digits - 1 if rounded == 0 else max(0, digits - 1 - math.floor(math.log10(rounded)))


def plain(stat: Stat | None, rows_n: int, unit: str = "") -> Shown:
    """Mean to three significant digits, the spread to the same decimals: `0.0312 ± 0.0011`."""
    if stat is None:
        return NOTHING
    if 0 < abs(stat.mean) < _SMALL:
        value, spread = f"{stat.mean:.2e}", f"{stat.sd:.1e}" if stat.sd else ""
        parts = value.replace("e-0", "e-"), spread.replace("e-0", "e-"), unit, _fewer(stat, rows_n)
        return Shown(*parts, number=stat.mean)
    decimals = decimals_for(stat.mean if stat.mean else stat.sd or 0.0)
    parts = fixed(stat.mean, decimals), _spread(stat, decimals), unit, _fewer(stat, rows_n)
    return Shown(*parts, number=stat.mean)


def rounded(stat: Stat | None, rows_n: int, decimals: int, unit: str = "", scale: float = 1.0) -> Shown:
    """Mean and spread times `scale` with a fixed number of decimals, for columns of one magnitude."""
    if stat is None:
        return NOTHING
    scaled = Stat(stat.mean * scale, None if stat.sd is None else stat.sd * scale, stat.n)
    parts = fixed(scaled.mean, decimals), _spread(scaled, decimals), unit, _fewer(stat, rows_n)
    return Shown(*parts, number=stat.mean)


def percent(stat: Stat | None, rows_n: int) -> Shown:
    """A fraction as a percentage with one decimal."""
    return rounded(stat, rows_n, 1, "%", 100.0)


def seconds(stat: Stat | None, rows_n: int) -> Shown:
    """Seconds to three significant digits; milliseconds below a hundredth, a bound below ten microseconds."""
    if stat is None or stat.mean >= 0.01:
        return plain(stat, rows_n, "s")
    if stat.mean < 1e-5:
        return Shown("<0.01", "", "ms", _fewer(stat, rows_n), stat.mean)
    shown = plain(Stat(stat.mean * 1e3, stat.sd and stat.sd * 1e3, stat.n), rows_n, "ms")
    return replace(shown, number=stat.mean)


def mebibytes(stat: Stat | None, rows_n: int) -> Shown:
    """Bytes as MiB, without a spread."""
    if stat is None:
        return NOTHING
    value = stat.mean / 2**20
    return Shown(fixed(value, min(decimals_for(value), 2)), "", "MiB", _fewer(stat, rows_n), value)


def count(stat: Stat | None, rows_n: int) -> Shown:
    """A whole number, `1,234`; a spread only if the seeds differ."""
    if stat is None:
        return NOTHING
    spread = fixed(stat.sd, 0) if stat.sd else ""
    return Shown(fixed(stat.mean, 0), spread, "", _fewer(stat, rows_n), stat.mean)


def skill_text(skill: Skill | None, rows_n: int) -> Shown:
    """Skill with its interval, `0.623 [0.581, 0.665]`."""
    if skill is None:
        return NOTHING
    notes = (
        []
        if skill.low is None or skill.high is None
        else [f"[{fixed(skill.low, 3)}, {fixed(skill.high, 3)}]"]
    )
    notes += [f"(n = {skill.n})"] if skill.n != rows_n else []
    return Shown(fixed(skill.value, 3), note=" ".join(notes), number=skill.value)


def seed_list(seeds: Iterable[int]) -> str:
    """Seeds with runs shortened: `0–2, 7`."""
    runs: list[list[int]] = []
    for seed in sorted(set(seeds)):
        if runs and seed == runs[-1][-1] + 1:
            runs[-1].append(seed)
        else:
            runs.append([seed])
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def settings(config: Mapping[str, Any]) -> str:
    """A configuration on one line, names in order: `epochs=3, lr=0.001`."""
    return ", ".join(f"{name}={json.dumps(config[name], ensure_ascii=False)}" for name in sorted(config))


def plural(n: int, noun: str) -> str:
    """`1 seed`, `3 seeds`."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def slug(text: str) -> str:
    """`text` as the name of an anchor: letters and digits of any script, hyphens between."""
    return re.sub(r"[\W_]+", "-", text.lower()).strip("-") or "x"


def _spread(stat: Stat, decimals: int) -> str:
    if stat.sd is None:
        return ""
    # Equal values leave a trace of rounding in their standard deviation.
    return fixed(stat.sd, decimals) if stat.sd > 1e-12 * abs(stat.mean) else "0"


def _fewer(stat: Stat, rows_n: int) -> str:
    return "" if stat.n == rows_n else f"(n = {stat.n})"
