"""What is written of verdicts: `claims.json` and `claims.md`."""

import json
from pathlib import Path

import pytest

from zorbench.claims import Finding, Verdict, load_claims
from zorbench.claims.document import document, needs, show
from zorbench.claims.markdown import markdown, tally
from zorbench.stats import Estimate

from .test_file import GOOD

UNMEASURABLE = """
[[claim]]
id = "gone"
system = "Other"
statement = "It is good | <b>very</b>."
source = "a paper"
figure = "98 %"
unmeasurable = "its data are not here"
"""


@pytest.fixture
def claims(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(GOOD + UNMEASURABLE)
    return load_claims(path)


@pytest.fixture
def written(claims):
    found = Finding(Verdict("VERIFIED"), Estimate(1.5, 1.0, 2.0, 8), 85.0, 83.5)
    answers = {
        ("better", "published"): (found, 0.0),
        ("better", "matched"): (Finding(Verdict("NOT RUN", "about 3 h 00 min")), 10800.04),
    }
    return document("Claims", claims, answers, 8)


def test_a_document_is_plain_json_with_numbers_and_words(written):
    assert json.loads(json.dumps(written, allow_nan=False)) == written
    better, gone = written["claims"]
    assert (better["needs"], better["unit"], better["margin"]) == ("> 0.00 points", "points", 0.0)
    published, matched = better["settings"]
    assert (published["value"], published["low"], published["high"], published["n"]) == (1.5, 1.0, 2.0, 8)
    assert published["measured"] == "1.50 points [1.00, 2.00]"
    assert published["beside"] == "zor 85.00 %, mlp 83.50 %"
    assert published["spec"]["dataset"] == "digits"
    assert (matched["verdict"], matched["reason"], matched["n"]) == ("NOT RUN", "about 3 h 00 min", 0)
    assert matched["seconds"] == 10800.0
    assert gone["settings"] == []


def test_the_tally_counts_by_setting(written):
    assert tally(written) == "as published: 1 VERIFIED; matched: 1 NOT RUN; 1 cannot be measured"


def test_the_page_tells_verdict_source_margin_and_differences(written):
    text = markdown(written)
    assert "| better | as published | **VERIFIED** | 1.50 points [1.00, 2.00] | > 0.00 points | 8 |" in text
    assert "| gone |  | NOT RUN | its data are not here |" in text
    assert "better is better" in text
    assert "It is smaller." in text
    assert "It is good \\| &lt;b>very&lt;/b>." in text


def test_numbers_have_the_measure_s_unit(claims):
    better = claims[0]
    assert show(-0.004, better) == "0.00 points"
    assert show(-1.2, better) == "−1.20 points"
    assert show(None, better) == "–"


@pytest.mark.parametrize(
    ("direction", "value", "margin", "expected"),
    [
        ("at least", 1.6, 0.5, "≥ 1.10 points"),
        ("at most", 1.6, 0.5, "≤ 2.10 points"),
        ("less than", 0, 0, "< 0.00 points"),
        ("equal", 0, 1, "−1.00 to 1.00 points"),
    ],
)
def test_what_a_claim_needs_is_its_figure_less_the_margin(
    tmp_path: Path, direction: str, value: float, margin: float, expected: str
) -> None:
    text = GOOD.replace('"more than"', f'"{direction}"').replace("value = 0.0", f"value = {value}")
    path = tmp_path / "one.toml"
    path.write_text(text.replace("margin = 0.0", f"margin = {margin}"))
    assert needs(load_claims(path)[0]) == expected
