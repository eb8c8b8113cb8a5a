"""The files that a report writes."""

import subprocess
import sys
from pathlib import Path

from zorbench.report import ReportPaths, write_report

from .synthetic import RUN, classification, everything, with_strips


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_parts_lie_in_the_report_folder_of_the_results(rendered: ReportPaths) -> None:
    folder = rendered.html.parent
    assert folder.name == "report"
    assert sorted(contents(folder)) == ["index.html", "records.csv", "report.md", "summary.csv"]
    assert rendered[:3] == (folder / "index.html", folder / "report.md", folder / "records.csv")
    assert {suite.name for suite in rendered.view.suites} == {made["suite"] for made in everything()}


def test_rendering_twice_gives_the_same_bytes(rendered: ReportPaths, tmp_path: Path) -> None:
    results = rendered.html.parents[1]
    records = with_strips(everything(), tmp_path / "elsewhere")
    write_report(results, records, [RUN], out=tmp_path / "again")
    assert contents(tmp_path / "again") == contents(rendered.html.parent)


def test_an_old_report_is_replaced_and_nothing_else_is_left_behind(tmp_path: Path) -> None:
    out = tmp_path / "report"
    out.mkdir()
    (out / "index.html").write_text("old")
    paths = write_report(tmp_path, classification(), [], out)
    assert paths.html.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert len(list(out.iterdir())) == 4


def test_the_records_are_left_as_they_were(tmp_path: Path) -> None:
    records = classification()
    write_report(tmp_path, records, [RUN])
    assert records == classification()


def test_rendering_does_not_import_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from zorbench.report import write_report; "
        f"write_report(Path({str(tmp_path)!r}), [], []); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
