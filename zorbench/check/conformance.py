"""Conformance of plugins: which rows are checked, and what is made of failures that a plugin declares."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from zorbench.check.catalogue import BY_NAME
from zorbench.check.model import WHOLE, Result
from zorbench.check.process import check_row_apart
from zorbench.errors import InputError, unknown
from zorbench.executors import get_ready
from zorbench.registry import Registry, Row


def check_plugin(plugin: str | Path, *, row: str | None = None, slow: bool = False) -> list[Result]:
    """The results of all checks of a plugin's rows, each row in a process of its own.

    `plugin`: a file, a folder of files, or the name of a registered baseline; `row`: one of its rows alone;
    `slow`: also the slow checks, and the rows that run only where they are named.
    Raises: InputError for what is no plugin, an unknown name, or known failures that are declared wrongly.
    """
    rows, _ = find_rows(plugin, row=row, slow=slow)
    return [result for results in check_rows(rows, slow=slow) for result in results]


def assert_conforms(plugin: str | Path, *, row: str | None = None, slow: bool = False) -> None:
    """For tests of plugins: AssertionError, with every failed check. Arguments as `check_plugin`."""
    failed = [one for one in check_plugin(plugin, row=row, slow=slow) if one.status == "failed"]
    if failed:
        told = "\n".join(f"  {one.check} ({one.place}): {one.message}" for one in failed)
        raise AssertionError(f"{plugin} fails {len(failed)} of zorbench's checks:\n{told}")


def find_rows(
    plugin: str | Path, *, row: str | None = None, slow: bool = False
) -> tuple[list[Row], list[Row]]:
    """The rows to check, and those left out because they run only where they are named."""
    get_ready()
    path = Path(plugin)
    if isinstance(plugin, str) and path.suffix != ".py":
        registry = Registry()
        named = plugin.partition("[")[0].strip() in {one.label for one in registry.rows()}
        if named or not path.exists():
            return _chosen([registry.row(plugin)], row, plugin), []
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    path = path.resolve()
    inside = [one for one in _registry_with(path).rows() if path in (one.ref.path, one.ref.path.parent)]
    if not inside:
        raise InputError(f"{path}: holds no plugin (a class derived from zorbench.Baseline)")
    if row is not None:
        return _chosen(inside, row, str(plugin)), []
    left = [] if slow else [one for one in inside if one.only_named]
    wanted = [one for one in inside if one not in left]
    return (wanted, left) if wanted else (left, [])


def bundled_rows(*, slow: bool = False) -> tuple[list[Row], list[Row]]:
    """All bundled rows to check, and those left out because they run only where they are named."""
    get_ready()
    rows = Registry().rows()
    left = [] if slow else [one for one in rows if one.only_named]
    return [one for one in rows if one not in left], left


def check_rows(
    rows: Sequence[Row],
    *,
    slow: bool = False,
    starting: Callable[[Row], None] = lambda row: None,
) -> Iterator[list[Result]]:
    """The results of each row, then of known failures that no longer fail. `starting` is told what is next.

    Raises: InputError before anything is checked, for known failures that are declared wrongly.
    """
    for one in rows:
        _check_known(one)
    everything: list[Result] = []
    for one in rows:
        starting(one)
        results = [with_known(result, one) for result in check_row_apart(one, slow=slow)]
        everything += results
        yield results
    outdated = no_longer_failing(rows, everything)
    if outdated:
        yield outdated


def with_known(result: Result, row: Row) -> Result:
    """The result, or, of a failure that the plugin declares, one that says so."""
    reason = row.plugin.known_failures.get(result.check)
    if result.status != "failed" or reason is None:
        return result
    return replace(result, status="known", message=f"{reason} ({result.message})")


def no_longer_failing(rows: Sequence[Row], results: Iterable[Result]) -> list[Result]:
    """A failure for each known failure that none of its plugin's rows has, where all of them were checked."""
    labels = {one.label for one in rows}
    found = list(results)
    failures = []
    for plugin in dict.fromkeys(one.plugin for one in rows):
        own = {plugin.name, *plugin.variants}
        if not own <= labels:
            continue
        for name in plugin.known_failures:
            statuses = {one.status for one in found if one.row in own and one.check == name}
            if "passed" in statuses and "known" not in statuses:
                text = "no longer fails: remove it from known_failures"
                failures.append(Result(plugin.name, WHOLE, name, "failed", text))
    return failures


def _check_known(row: Row) -> None:
    where = f"{row.ref.path}: {row.plugin.__name__}.known_failures"
    for name, reason in row.plugin.known_failures.items():
        if name not in BY_NAME:
            raise unknown("check", name, BY_NAME, where)
        if not (isinstance(reason, str) and reason.strip()):
            raise InputError(f"{where}: {name} has no reason; say why it fails, for the next reader")


def _registry_with(path: Path) -> Registry:
    registry = Registry()
    if any(path in (one.ref.path, one.ref.path.parent) for one in registry.rows()):
        return registry  # a bundled one, by its path
    return Registry([path])


def _chosen(rows: Sequence[Row], name: str | None, where: str) -> list[Row]:
    found = [one for one in rows if name in (None, one.label)]
    if not found:
        raise unknown("row", name, [one.label for one in rows], where)
    return found
