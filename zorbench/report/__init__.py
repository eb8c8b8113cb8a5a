"""Render a results folder as one offline page, Markdown and CSV; reads records and picture strips alone."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from zorbench.report.model import ReportView

__all__ = ["ReportPaths", "write_report"]


class ReportPaths(NamedTuple):
    """Where the parts of a report lie, and the view that they show."""

    html: Path
    markdown: Path
    csv: Path
    view: "ReportView"


def write_report(
    results: Path,
    records: Sequence[Mapping[str, Any]],
    runs: Sequence[Mapping[str, Any]],
    out: Path | None = None,
    remarks: Sequence[tuple[str, str]] = (),
) -> ReportPaths:
    """Write `index.html`, `report.md`, `records.csv` and `summary.csv` into `out` (default `results/report`).

    `records` and `runs` are the contents of `records.jsonl` and `runs/*.json`; `results` is where the
    records' picture strips are; `remarks`, each a term and a sentence, stand at the head. The same records
    give the same bytes. Each file replaces its former self whole. Raises `OSError` if the folder cannot be
    written.
    """
    from zorbench.report import build, markdown, page, tables  # pandas and matplotlib take a second to import

    view = build.build_view(records, runs, remarks)
    folder = results / "report" if out is None else out
    folder.mkdir(parents=True, exist_ok=True)
    paths = ReportPaths(folder / "index.html", folder / "report.md", folder / "records.csv", view)
    _replace(paths.csv, tables.records_csv(records))
    _replace(folder / "summary.csv", tables.summary_csv(view))
    _replace(paths.markdown, markdown.markdown(view))
    _replace(paths.html, page.page(view, results))
    return paths


def _replace(path: Path, text: str) -> None:
    """Write beside `path`, then move over it: a reader sees the old file or the new, never half of one."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(text.encode("utf-8"))
        os.chmod(name, 0o644)  # a temporary file is for its owner alone
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
