"""A real browser, and a report to look at: `make test-browser`."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.report.synthetic import RUN, everything, rows, with_strips
from tests.report.test_timing import JITTER, record
from zorbench.report import write_report

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's Chromium (or another of its family), driven by Playwright's core."""
    api = pytest.importorskip("playwright.sync_api", reason="needs the extra browser: make test-browser")
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser on the path ({', '.join(BROWSERS)}): apt-get install chromium")
    with api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with every kind of row, figure and picture."""
    results = tmp_path_factory.mktemp("results")
    timed = [
        record(
            "reconstruction",
            "mnist5k-10shot",
            name,
            number,
            train=seconds * jitter,
            lane="timing",
            repetition=2 * number + twin,
            attested=True,
            load=0.0,
            yardstick=name == "good",
        )
        for name, seconds in (("good", 0.5), ("größer Ω", 1.0))
        for number, jitter in enumerate(JITTER)
        for twin in range(2 if name == "good" else 1)
    ]
    noisy = rows("classification", "mnist5k-10shot", "poor", (0.6, 0.5, 0.7), task="classification")
    records = with_strips([*everything(), *noisy, *timed], results)
    return write_report(results, records, [RUN]).html


class Seen:
    """What a page did while it was looked at."""

    def __init__(self, page: Any) -> None:
        self.messages: list[str] = []
        self.requests: list[str] = []
        page.on(
            "console",
            lambda one: self.messages.append(one.text) if one.type in ("error", "warning") else None,
        )
        page.on("pageerror", lambda error: self.messages.append(str(error)))
        page.on("request", lambda one: self.requests.append(one.url))


@pytest.fixture
def page(browser: Any, report: Path) -> Iterator[Any]:
    """The report, open. Whatever a test does: no message on the console, and nothing asked of any network."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    seen = Seen(tab)
    tab.goto(report.as_uri())
    yield tab
    address = report.as_uri()
    context.close()
    assert seen.messages == []
    assert [
        url for url in seen.requests if url.partition("#")[0] != address and not url.startswith("data:")
    ] == []
