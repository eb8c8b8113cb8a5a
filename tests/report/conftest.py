"""One rendered report for all tests that only read it."""

from pathlib import Path

import pytest

from zorbench.report import ReportPaths, write_report

from .synthetic import RUN, everything, with_strips


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> ReportPaths:
    results = tmp_path_factory.mktemp("results")
    return write_report(results, with_strips(everything(), results), [RUN])


@pytest.fixture(scope="session")
def html(rendered: ReportPaths) -> str:
    return rendered.html.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def text(rendered: ReportPaths) -> str:
    return rendered.markdown.read_text(encoding="utf-8")


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return tmp_path / "results"
