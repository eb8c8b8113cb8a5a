"""The report as Markdown."""

import pytest

from zorbench.report.build import build_view
from zorbench.report.markdown import escape, markdown

from .synthetic import CONDITIONS, accurate, classification, everything, noisy


def line(text: str, start: str) -> list[str]:
    return [cell.strip() for cell in next(s for s in text.splitlines() if s.startswith(start)).split("|")]


def test_the_table_has_the_numbers_of_the_view(text: str) -> None:
    cells = line(text, "| good | contender |")
    assert cells[3:5] == ["3", "0.0300 ± 0.0100"]
    assert "14.00 ± 0" in cells
    assert "90.0 ± 0.0 %" in cells or "90.0 ± 0 %" in cells
    assert any(cell.startswith("0.700 [") for cell in cells)
    assert "0.500 ± 0 s" in cells
    assert "1,234" in cells
    assert "3.00 MiB" in cells


def test_a_failed_row_prints_no_mean(text: str) -> None:
    cells = line(text, "| brittle | contender |")
    assert cells[4] == "failed 1 of 3"
    assert set(cells[5:-1]) == {"–"}
    assert "0.0100" not in " ".join(cells)


def test_untimed_rows_have_a_dash_for_seconds(text: str) -> None:
    head = line(text, "| Baseline | Role |")
    cells = line(text, "| poor | contender |")
    assert cells[head.index("Training ↓")] == "–"


def test_floors_are_in_a_table_of_their_own(text: str) -> None:
    note, zero, good = (
        text.index("Floors: trivial"),
        text.index("mean (zero of skill)"),
        text.index("| good | c"),
    )
    assert good < zero
    assert note < zero


def test_errors_under_noise_are_a_table_of_their_own() -> None:
    told = markdown(build_view(noisy(classification(), CONDITIONS), []))
    assert line(told, "| Error ↓ |")[1:-1] == [
        *("Error ↓", "Clean", "Gaussian 0.1", "Gaussian 0.4", "Poisson 10", "Poisson 1", "Other fog")
    ]
    assert line(told, "| good | 0.300 |")[1:-1] == ["good", *(f"0.{n}00" for n in range(3, 9))]
    assert line(told, "| mean | 0.100 |")[3] == "0.200"
    assert "tested clean and under 5 conditions of noise, 3 seeds." in told
    assert "under noise" not in markdown(build_view(classification(), []))


def test_an_entry_without_a_floor_has_no_table(text: str) -> None:
    section = text[text.index("### photos-10shot") : text.index("## classification")]
    assert "No table for photos-10shot" in section
    assert "|" not in section


def test_the_banner_failures_and_commands_are_there(text: str) -> None:
    assert "Smoke grade: 3 seeds. The numbers show that everything runs; they support no verdict." in text
    assert "Not applicable: pca (needs &lt;b>more&lt;/b> shots)." in text
    assert "| reconstruction | mnist5k-10shot | 2 | brittle | error | &lt;script>" in text
    assert "    zorbench run --suite 'two words' --seeds 3" in text
    assert f"{len(accurate(everything()))} cells" in text


def test_every_table_is_rectangular(text: str) -> None:
    widths: list[int] = []
    for row in [*text.splitlines(), ""]:
        if row.startswith("|"):
            widths.append(row.replace("\\|", "").count("|"))
        elif widths:
            assert len(set(widths)) == 1
            widths = []


@pytest.mark.parametrize(
    ("raw", "escaped"),
    [
        ("a | b", "a \\| b"),
        ("two\nlines", "two lines"),
        ("<img src=x>", "&lt;img src=x>"),
        ("<0.01 ms", "<0.01 ms"),
        ("&lt;", "&amp;lt;"),
        ("*bold* `code` ~~gone~~", "\\*bold\\* \\`code\\` \\~\\~gone\\~\\~"),
        ("[a](javascript:b)", "[a]\\(javascript:b)"),
        ("mlp_sigmoid", "mlp_sigmoid"),
        ("_private_", "\\_private\\_"),
        ("0.7 [0.6, 0.8]", "0.7 [0.6, 0.8]"),
    ],
)
def test_text_stays_text(raw: str, escaped: str) -> None:
    assert escape(raw) == escaped
