"""What a reader does with a report, in a real browser."""

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser

ENTRY = "#reconstruction-mnist5k-10shot"


def labels(page: Any, table: str, group: str = "headline") -> list[str]:
    """The names of the rows of a table's group that can be seen, from the top down."""
    names = page.locator(f"{table} tbody.{group} tr[data-row]:visible")
    return [names.nth(i).get_attribute("data-row") for i in range(names.count())]


def numbers(page: Any, table: str, column: int, group: str = "headline") -> list[float]:
    cells = page.locator(f"{table} tbody.{group} tr[data-row]:visible > :nth-child({column})[data-v]")
    return [float(cells.nth(i).get_attribute("data-v")) for i in range(cells.count())]


def test_a_heading_sorts_its_column_and_a_second_click_turns_it_round(page: Any) -> None:
    table = f"{ENTRY} table.numbers"
    before = labels(page, table)
    heading = page.locator(f"{table} thead th", has_text="Skill")
    column = heading.evaluate("th => th.cellIndex") + 1
    heading.get_by_role("button").click()
    found = numbers(page, table, column)
    assert len(found) >= 3
    assert found == sorted(found, reverse=True), "more skill is better, so it comes first"
    assert heading.get_attribute("aria-sort") == "descending"
    heading.get_by_role("button").click()
    assert numbers(page, table, column) == sorted(found)
    assert heading.get_attribute("aria-sort") == "ascending"
    page.locator(f"{table} thead th", has_text="Baseline").get_by_role("button").click()
    assert labels(page, table) == sorted(before, key=str.lower)
    assert heading.get_attribute("aria-sort") is None
    assert labels(page, table)[-1] != "brittle" or max(before) == "brittle", (
        "failed rows are sorted by name, too"
    )


def test_rows_without_a_number_come_last_whichever_way(page: Any) -> None:
    table = f"{ENTRY} table.numbers"
    heading = page.locator(f"{table} thead th", has_text="MSE")
    for _ in range(2):
        heading.get_by_role("button").click()
        assert labels(page, table)[-1] == "brittle", "it failed, and has no error"


def test_the_filter_leaves_rows_tables_and_figures_of_what_was_typed(page: Any) -> None:
    page.get_by_label("Rows", exact=True).fill("good")
    assert set(labels(page, f"{ENTRY} table.numbers")) == {"good"}
    assert page.locator("svg .series[data-row='good']:visible").count() > 0
    assert page.locator("svg .series[data-row='poor']:visible").count() == 0
    assert "1 of" in page.get_by_role("status").inner_text()
    page.get_by_label("Rows", exact=True).fill("")
    assert len(labels(page, f"{ENTRY} table.numbers")) >= 4
    assert page.locator("svg .series[data-row='poor']:visible").count() > 0


def test_a_point_says_what_it_is_to_the_pointer(page: Any) -> None:
    point = page.locator("svg .series[data-row='good'][data-tip*='error']").first
    point.scroll_into_view_if_needed()
    point.locator("path, use").first.hover(force=True)
    tip = page.get_by_role("tooltip")
    assert tip.is_visible()
    assert tip.inner_text().startswith("good: error 0.0300")
    page.mouse.move(2, 2)
    assert not tip.is_visible()


def test_a_learning_curve_can_be_switched_off_and_on(page: Any) -> None:
    section = page.locator("section.suite").first
    chips = section.locator("fieldset.chips")

    def drawn(label: str) -> int:
        return int(section.locator(f"svg .series[data-row='{label}']:visible").count())

    others = drawn("poor")
    assert drawn("good") > 0
    chips.get_by_label("good").uncheck()
    assert drawn("good") == 0
    assert drawn("poor") == others > 0
    chips.get_by_label("good").check()
    assert drawn("good") > 0
    chips.get_by_role("button", name="none").click()
    assert section.locator("svg .series:visible").count() == 0
    chips.get_by_role("button", name="all").click()
    assert drawn("good") > 0


def test_the_gallery_shows_the_same_images_for_every_baseline_and_enlarges_them(page: Any) -> None:
    gallery = page.locator(f"{ENTRY} details.gallery")
    if gallery.get_attribute("open") is None:
        gallery.locator("summary").click()
    strips = gallery.locator("button.zoom")
    assert strips.count() >= 4
    small = strips.first.bounding_box()["width"]
    strips.nth(1).click()
    assert strips.first.get_attribute("aria-pressed") == "true"
    assert strips.first.bounding_box()["width"] > small
    strips.nth(1).click()
    assert strips.first.bounding_box()["width"] == pytest.approx(small)
    gallery.locator("summary").click()
    assert not strips.first.is_visible()


def test_a_number_leads_to_its_records_and_the_command(page: Any) -> None:
    page.locator(f"{ENTRY} table.numbers tr[data-row='good'] a").first.click()
    line = page.locator(f"{ENTRY} tr[id^='records-']:target")
    assert line.is_visible(), "what is folded away opens for whoever is sent there"
    text = line.inner_text()
    assert "zorbench run reconstruction --entry mnist5k-10shot --baseline good --seeds 3" in text
    assert "reconstruction/mnist5k-10shot/good/0" in text


def test_light_and_dark_by_the_system_and_by_the_reader(browser: Any, report: Path) -> None:
    for scheme, other in (("light", "dark"), ("dark", "light")):
        context = browser.new_context(color_scheme=scheme)
        tab = context.new_page()
        tab.goto(report.as_uri())

        def brightness(tab: Any = tab) -> float:
            colour = tab.evaluate("getComputedStyle(document.body).backgroundColor")
            return float(colour.split("(")[1].split(",")[0])

        by_system = brightness()
        assert (by_system > 200) == (scheme == "light")
        button = tab.get_by_role("button", name="Theme")
        while other not in button.inner_text():
            button.click()
        assert (brightness() > 200) == (other == "light")
        context.close()


def test_on_a_phone_only_tables_and_figures_scroll_sideways(browser: Any, report: Path) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 800}, is_mobile=True)
    tab = context.new_page()
    tab.goto(report.as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()


def test_everything_that_can_be_clicked_can_be_reached_and_has_a_name(page: Any) -> None:
    nameless = page.evaluate(
        """() => Array.from(document.querySelectorAll('button, input, a, summary'))
            .filter(e => !(e.textContent.trim() || e.getAttribute('aria-label') || e.getAttribute('title')
                           || (e.labels && e.labels.length) || e.querySelector('img[alt]')))
            .map(e => e.outerHTML)"""
    )
    assert nameless == []
    assert page.evaluate("document.querySelectorAll('svg[role=img]:not([aria-label])').length") == 0
    orders = page.evaluate("Array.from(document.querySelectorAll('[tabindex]')).map(one => one.tabIndex)")
    assert set(orders) <= {0}, "the order of the page is the order of the keyboard"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "A"


def test_on_paper_nothing_is_folded_away(page: Any) -> None:
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("Array.from(document.querySelectorAll('details')).every(one => one.open)")
    assert not page.locator("nav").is_visible()


def test_without_scripts_everything_is_there(browser: Any, report: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(report.as_uri())
    assert tab.locator(f"{ENTRY} table.numbers tr[data-row='good']").is_visible()
    assert tab.locator("svg .series").count() > 0
    context.close()
