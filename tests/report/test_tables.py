"""The CSV files."""

import io

import pandas as pd
import pytest

from zorbench.report import ReportPaths, tables
from zorbench.report.build import build_view

from .synthetic import CONDITIONS, classification, everything, noisy, reconstruction


@pytest.fixture(scope="module")
def summary() -> pd.DataFrame:
    frame = pd.read_csv(io.StringIO(tables.summary_csv(build_view(everything(), []))))
    return frame.set_index(["suite", "entry", "variant"]).sort_index()


def test_there_is_a_line_a_record_with_nested_fields_under_dotted_names(rendered: ReportPaths) -> None:
    frame = pd.read_csv(rendered.csv)
    assert len(frame) == len(everything())
    wanted = {
        "metrics.clean.error",
        "metrics.validation.error",
        "seconds.train",
        "cost.parameters",
        "config.lr",
    }
    assert wanted <= set(frame.columns)
    assert "curve" not in frame.columns
    good = frame[(frame.suite == "reconstruction") & (frame.variant == "good") & (frame.shots == 10)]
    assert good[good.lane == "accuracy"]["metrics.clean.error"].tolist() == [0.02, 0.03, 0.04]
    assert good[good.lane == "timing"]["seconds.train"].tolist() == [0.5, 0.5, 0.5]


def test_the_order_of_the_records_does_not_matter() -> None:
    records = reconstruction()
    assert tables.records_csv(records) == tables.records_csv(records[::-1])


def test_no_records_still_have_a_head() -> None:
    assert tables.records_csv([]).startswith("suite,entry,")


def test_the_summary_has_a_line_a_row_with_the_numbers_of_the_table(summary: pd.DataFrame) -> None:
    good = summary.loc[("reconstruction", "mnist5k-10shot", "good")]
    assert good["error.mean"] == pytest.approx(0.03)
    assert good["error.sd"] == pytest.approx(0.01)
    assert good["skill"] == pytest.approx(0.7)
    assert summary.loc[("reconstruction", "mnist5k-10shot", "mean")]["zero_of_skill"]


def test_the_summary_has_the_errors_under_noise() -> None:
    view = build_view(noisy(classification(), CONDITIONS), [])
    frame = pd.read_csv(io.StringIO(tables.summary_csv(view))).set_index("variant")
    assert frame.loc["good"]["error@poisson-10.mean"] == pytest.approx(0.6)
    assert frame.loc["good"]["error@poisson-10.sd"] == pytest.approx(0.1)
    assert frame.loc["mean"]["error@fog.mean"] == pytest.approx(0.6)


def test_a_failed_row_has_a_reason_and_no_numbers(summary: pd.DataFrame) -> None:
    brittle = summary.loc[("reconstruction", "mnist5k-10shot", "brittle")]
    assert brittle["status"] == "failed"
    assert brittle["reason"].startswith("seed 2: error: <script>")
    assert brittle.filter(like=".mean").isna().all()


def test_an_entry_without_a_floor_gives_no_numbers(summary: pd.DataFrame) -> None:
    row = summary.loc[("colorization", "photos-10shot", "good")]
    assert row["status"] == "no floor"
    assert row.filter(like=".mean").isna().all()


def test_unsupported_rows_are_listed(summary: pd.DataFrame) -> None:
    assert summary.loc[("reconstruction", "mnist5k-10shot", "pca")]["status"] == "unsupported"
