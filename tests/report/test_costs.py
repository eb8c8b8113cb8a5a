"""The table of operations."""

from pathlib import Path

from zorbench.report.build import build_view
from zorbench.report.costs import COLUMNS, TITLE
from zorbench.report.markdown import markdown
from zorbench.report.page import page
from zorbench.report.tables import summary_csv

from .synthetic import floors, rows
from .test_page import Outline, row_of

COUNTS = {"macs": 1234567.5, "acs": 0.0, "dense": 2345678, "time_steps": 4, "activation_sparsity": 0.25}
COUNTS |= {"state_bytes": 4936, "forward_macs": 2345678, "update_macs": 2000, "transport_macs": 0}


def counted():
    return [
        *rows("s", "e", "net", (0.02, 0.03, 0.04), cost=COUNTS),
        *rows("s", "e", "solver", (0.05, 0.05, 0.05), cost={"dense": 640, "macs": 100, "acs": 0}),
        *floors("s", "e", cost={"dense": 0, "macs": 0, "acs": 0, "time_steps": 1, "state_bytes": 256}),
    ]


NET = ["4", "0 ± 0", "1,234,568", "2,345,678", "25.0", "4,936", "2,345,678", "2,000", "0"]


def test_every_row_has_its_counts(tmp_path: Path) -> None:
    outline = Outline(page(build_view(counted(), []), tmp_path))
    title = next(row for row in outline.rows if "Dense" in row)
    assert title[1:] == [column.title for column in COLUMNS]
    cells = row_of(outline, "net", "4")
    assert [cell.split(" ±")[0].removesuffix(" %") for cell in cells[1:]] == [
        cell.split(" ±")[0] for cell in NET
    ]
    assert row_of(outline, "solver", "–")[2:5] == ["0", "100", "640"]
    assert row_of(outline, "solver", "–")[5:] == ["–"] * 5
    assert row_of(outline, "mean", "1")[4] == "0"


def test_markdown_has_the_same_table() -> None:
    text = markdown(build_view(counted(), []))
    assert f"<details><summary>{TITLE}</summary>" in text
    line = next(line for line in text.splitlines() if line.startswith("| net | 4 |"))
    assert "1,234,568" in line
    assert text.count("<details>") == text.count("</details>") == 1


def test_the_summary_has_all_numbers() -> None:
    head, *lines = summary_csv(build_view(counted(), [])).splitlines()
    line = dict(zip(head.split(","), next(x for x in lines if ",net," in x).split(","), strict=True))
    for name, value in COUNTS.items():
        assert float(line[f"{name}.mean"]) == value


def test_records_without_counts_get_no_table(html: str, text: str) -> None:
    assert TITLE not in html
    assert TITLE not in text
