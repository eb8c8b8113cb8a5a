"""`zorbench check`: what comes out of each check, for a reader, and an exit status for a script."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from zorbench.check import CHECKS, NOT_CAUGHT, Result, bundled_rows, check_rows, find_rows
from zorbench.errors import InputError
from zorbench.registry import Row

_MARKS = {"passed": ("ok", "green"), "failed": ("FAILED", "red"), "known": ("known", "yellow")}
_SKIPPED = ("–", "dim")


@dataclass(frozen=True)
class CheckOptions:
    """The options of `zorbench check`."""

    plugin: str | None
    every: bool
    row: str | None
    slow: bool


def check(options: CheckOptions) -> bool:
    """Check, and print what came out; whether nothing has failed. Raises `InputError` for bad input."""
    rows, left = _rows(options)
    console = _console()
    everything: list[Result] = []
    detailed = len(rows) == 1

    def starting(row: Row) -> None:
        if console.is_terminal:
            console.print(Text(f"{row.label} …", style="dim"), end="\r")

    for results in check_rows(rows, slow=options.slow, starting=starting):
        everything += results
        if detailed and len(results) > 1:
            console.print(Text(f"{rows[0].label} ({rows[0].ref.path.name})", style="bold"))
            console.print(_table(results))
        else:
            console.print(_line(results))
        for one in results:
            if one.status in ("failed", "known"):
                console.print(_told(one))
    _end(console, everything, left)
    return not any(one.status == "failed" for one in everything)


def print_checks() -> None:
    """Print every check with its purpose."""
    table = Table("check", "what is asked", "", box=SIMPLE_HEAD, pad_edge=False)
    for one in CHECKS:
        table.add_row(one.name, Text(one.purpose), Text("slow" if one.slow else "", style="dim"))
    console = _console()
    console.print(table)
    console.print(Text(NOT_CAUGHT))


def _rows(options: CheckOptions) -> tuple[list[Row], list[Row]]:
    if (options.plugin is None) != options.every:
        raise InputError("check: name a plugin (a file, a folder or a registered baseline), or give --all")
    if options.plugin is None:
        if options.row is not None:
            raise InputError(
                f"--row {options.row}: goes with a plugin; `zorbench check {options.row}` is shorter"
            )
        return bundled_rows(slow=options.slow)
    return find_rows(options.plugin, row=options.row, slow=options.slow)


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else 120, highlight=False, soft_wrap=False)


def _table(results: Sequence[Result]) -> Table:
    """A line a check, a column a task; what concerns the row as a whole stands in the first."""
    tasks = list(dict.fromkeys(one.task for one in results if one.task))
    found = {(one.check, one.task): one for one in results}
    table = Table("check", *tasks, box=SIMPLE_HEAD, pad_edge=False)
    for name in dict.fromkeys(one.check for one in results):
        whole = found.get((name, ""))
        cells = [whole] if whole else [found.get((name, task)) for task in tasks]
        table.add_row(name, *[Text(*_mark(one)) if one else Text("") for one in cells])
    return table


def _mark(result: Result) -> tuple[str, str]:
    if result.status != "skipped":
        return _MARKS[result.status]
    # What was not reached because another check failed is no matter of what the rule offers.
    return ("not reached", "yellow") if result.message.startswith(("needs ", "not made")) else _SKIPPED


def _line(results: Sequence[Result]) -> Text:
    counts = {
        status: sum(one.status == status for one in results) for status in ("passed", "known", "failed")
    }
    text = Text(f"{results[0].row:<18} ", style="bold")
    for status, count in counts.items():
        if count or status == "passed":
            text.append(f"{count} {status}  ", style=_MARKS[status][1])
    return text.append(f"{sum(one.seconds for one in results):.1f} s", style="dim")


def _told(result: Result) -> Text:
    mark, style = _mark(result)
    return Text(f"{mark} ", style=style).append(
        f"{result.check} ({result.place}): {result.message}", "default"
    )


def _end(console: Console, results: Sequence[Result], left: Sequence[Row]) -> None:
    skipped: dict[str, list[str]] = {}
    rows = {one.row for one in results}
    if len(rows) == 1:
        for one in results:
            if one.status == "skipped":
                skipped.setdefault(one.message, []).append(one.check)
        for reason, checks in skipped.items():
            console.print(Text(f"– {', '.join(dict.fromkeys(checks))}: {reason}", style="dim"))
    if left:
        names = ", ".join(row.label for row in left)
        console.print(Text(f"not checked, as they run only where they are named (--row, --slow): {names}"))
    counts = {
        status: sum(one.status == status for one in results)
        for status in ("passed", "failed", "known", "skipped")
    }
    told = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    console.print(Text(f"{told}, in {sum(one.seconds for one in results):.1f} s", style="bold"))
    console.print(Text(NOT_CAUGHT, style="dim"))
