"""The page: structure, escaping, and that it needs nothing from elsewhere."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from zorbench.report.build import build_view
from zorbench.report.page import page

from .synthetic import CONDITIONS, classification, everything, noisy, record, rows

VOID = {"meta", "img", "br", "link", "hr", "input"}


class Outline(HTMLParser):
    """Checks that tags balance; collects ids, links, sources, tables' cells and the text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.sources: list[str] = []
        self.alts: list[str | None] = []
        self.scripts = 0
        self.rows: list[list[str]] = []
        self.text = ""
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        self.scripts += tag == "script"
        if values.get("id"):
            self.ids.append(str(values["id"]))
        if tag == "a":
            self.links.append(str(values["href"]))
        if values.get("src"):
            self.sources.append(str(values["src"]))
        if tag == "img":
            self.alts.append(values.get("alt"))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th") and self.rows:
            self.rows[-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            return
        self.text += data
        if {"td", "th"} & set(self.open) and self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


@pytest.fixture(scope="module")
def outline(html: str) -> Outline:
    return Outline(html)


def row_of(outline: Outline, *start: str) -> list[str]:
    cleaned = ([" ".join(cell.split()) for cell in row] for row in outline.rows)
    return next(row for row in cleaned if tuple(row[: len(start)]) == start)


def test_the_page_is_balanced_english_and_has_a_title(html: str, outline: Outline) -> None:
    assert html.startswith('<!doctype html>\n<html lang="en">')
    assert "<title>zorbench report: reconstruction, colorization, classification</title>" in html
    assert outline.text


def test_nothing_is_fetched_from_elsewhere(html: str, outline: Outline) -> None:
    assert not re.search(r"https?://", html)
    assert "@import" not in html
    assert "url(" not in re.sub(r"url\(#", "", html)
    assert all(source.startswith("data:image/png;base64,") for source in outline.sources)
    assert outline.scripts == 1, "the page's own"
    assert "<script>" in html
    relative = {link for link in outline.links if not link.startswith("#")}
    assert relative == {"records.csv", "summary.csv", "report.md"}


def test_ids_are_unique_and_every_inner_link_has_its_target(outline: Outline) -> None:
    assert len(outline.ids) == len(set(outline.ids))
    assert {link[1:] for link in outline.links if link.startswith("#")} <= set(outline.ids)


def test_somebodys_text_is_escaped(html: str) -> None:
    assert html.count("<script") == 1, "the page's own"
    assert "&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt; | broke" in html
    assert "needs &lt;b&gt;more&lt;/b&gt; shots" in html
    assert "größer Ω" in html


def test_hostile_names_stay_text_everywhere(tmp_path: Path) -> None:
    bad = '"><script>x</script>'
    made = [
        *rows(bad, bad, bad, (0.05, 0.05, 0.05)),
        *rows(bad, bad, "mean", (0.1, 0.1, 0.1), role="floor"),
        record(bad, bad, f"{bad}2", 0, status="error", reason=bad),
        record(bad, bad, f"{bad}3", 0, status="unsupported", reason=bad),
    ]
    source = page(build_view(made, [{"command": [bad], "commit": bad}]), tmp_path)
    assert Outline(source).scripts == 1, "the page's own"
    assert source.count("<script") == 1


def test_the_tables_have_the_numbers_of_the_view(outline: Outline) -> None:
    cells = row_of(outline, "good", "contender", "3")
    assert cells[3] == "0.0300 ± 0.0100"
    assert any(cell.startswith("0.700 [") for cell in cells)
    assert "0.500 ± 0 s" in cells
    assert "1,234" in cells
    zero = row_of(outline, "mean zero of skill", "floor")
    assert "0" in zero
    assert zero[3] == "0.100 ± 0"


def test_a_failed_row_prints_no_mean_and_links_to_the_failure(html: str, outline: Outline) -> None:
    assert row_of(outline, "brittle", "contender") == ["brittle", "contender", "–", "failed 1 of 3"]
    assert '<a href="#failed-1">failed 1 of 3</a>' in html
    assert '<tr id="failed-1">' in html


def test_an_entry_without_a_floor_has_neither_table_nor_figure_nor_gallery(html: str) -> None:
    section = html[html.index('id="colorization-photos-10shot"') : html.index('id="suite-classification"')]
    assert "No table for photos-10shot" in section
    assert 'class="numbers"' not in section
    assert "<figure" not in section
    assert "<img" not in section


def test_classification_has_confusion_matrices_with_abstentions(outline: Outline) -> None:
    assert row_of(outline, "tea", "21") == ["tea", "21", "6", "3"]
    assert row_of(outline, "soup", "·") == ["soup", "·", "30", "·"]
    assert "abst." in outline.text


def test_pictures_have_descriptions_and_figures_labels(html: str, outline: Outline) -> None:
    assert outline.alts
    assert all(outline.alts)
    for opening in re.findall(r"<figure>\s*<svg[^>]*>", html):
        assert 'role="img" aria-label="' in opening
    assert html.count("<table") == html.count("<caption>")


def test_the_strip_that_is_input_and_target_is_embedded_once_an_entry(html: str) -> None:
    section = html[
        html.index('id="reconstruction-mnist5k-10shot"') : html.index('id="reconstruction-mnist5k-1shot"')
    ]
    sources = re.findall(r'src="([^"]+)"', section)
    assert len(sources) == 8  # the given strip and seven rows
    assert "input and target" in section


def test_smoke_grade_is_said_and_verdict_grade_from_eight_seeds_on(html: str, tmp_path: Path) -> None:
    assert "Smoke grade: 3 seeds. The numbers show that everything runs; they support no verdict." in html
    made = [*rows("s", "e", "a", (0.05,) * 8), *rows("s", "e", "mean", (0.1,) * 8, role="floor")]
    source = page(build_view(made, []), tmp_path)
    assert "Smoke grade" not in source
    assert "Verdict grade: 8 seeds." in source


def test_one_seed_prints_neither_spread_nor_interval(tmp_path: Path) -> None:
    made = [*rows("s", "e", "a", (0.05,)), *rows("s", "e", "mean", (0.1,), role="floor")]
    outline = Outline(page(build_view(made, []), tmp_path))
    cells = row_of(outline, "a", "contender", "1")
    assert "0.500" in cells
    assert not any("±" in cell for cell in cells)
    assert "Smoke grade: 1 seed." in outline.text


def test_no_failure_is_said_in_words(tmp_path: Path) -> None:
    assert "No cell failed." in page(build_view(classification(), []), tmp_path)


def test_errors_under_noise_have_a_table_of_their_own_by_kind(tmp_path: Path) -> None:
    source = page(build_view(noisy(everything(), CONDITIONS), []), tmp_path)
    outline = Outline(source)
    assert not any("noise" in cell for cell in row_of(outline, "Baseline", "Role"))
    heads = ["Gaussianstandard deviation", "Poissonphotons at white", "Othertest condition"]
    assert row_of(outline, "Baseline", "Clean") == ["Baseline", "Clean", *heads]
    assert row_of(outline, "0.1") == ["0.1", "0.4", "10", "1", "fog"]
    # Errors of 0.2, 0.3 and 0.4, and 0.1 more under each condition than under the one before.
    assert row_of(outline, "good", "0.300") == ["good", *(f"0.{n}00" for n in range(3, 9))]
    assert row_of(outline, "mean zero of skill", "0.100", "0.200")
    assert ["brittle", "failed 1 of 3"] in [[" ".join(cell.split()) for cell in row] for row in outline.rows]
    section = source[source.index('id="classification-mnist5k-10shot"') :]
    caption = "mnist5k-10shot, mean error on the same test images under noise"
    assert section.index(caption) < section.index("Confusion matrices")
    assert source.count("<table") == source.count("<caption>")


def test_without_noise_nothing_is_said_of_it(html: str) -> None:
    assert "noise" not in html[html.index("</style>") :].replace("signal-to-noise", "")


def test_an_entry_without_a_floor_has_no_errors_under_noise(tmp_path: Path) -> None:
    made = [one for one in noisy(classification(), CONDITIONS) if one["role"] != "floor"]
    source = page(build_view(made, []), tmp_path)
    assert "under noise" not in source


def test_runs_from_several_machines_caution_against_comparing_seconds(tmp_path: Path) -> None:
    runs = [{"id": "a", "machine": {"system": "One"}}, {"id": "b", "machine": {"system": "Two"}}]
    assert "from 2 machines" in page(build_view(classification(), runs), tmp_path)


def test_no_records_give_a_page_that_says_so_little(tmp_path: Path) -> None:
    assert "0 cells" in Outline(page(build_view([], []), tmp_path)).text
