"""The section of published claims."""

import json
from pathlib import Path
from typing import Any

import pytest

from zorbench.errors import InputError
from zorbench.report.build import build_view
from zorbench.report.claims import claims_section
from zorbench.report.page import page

from .synthetic import everything
from .test_page import Outline

SETTING = {
    "kind": "published",
    "row": "zor",
    "than": "mlp",
    "verdict": "REFUTED",
    "reason": "",
    "measured": "0.40 points [0.30, 0.50]",
    "n": 8,
    "beside": "zor 80.00 %, mlp 79.60 %",
    "differs": ["Scored on <other> images."],
}
CLAIM = {
    "id": "zor-better",
    "system": "Zor",
    "statement": "It is <b>better</b>.",
    "source": "a README",
    "figure": "1.6 points",
    "how": "The paired difference.",
    "unmeasurable": "",
    "needs": "≥ 1.10 points",
    "margin": 0.5,
    "margin_reason": "JPEG copies",
    "settings": [SETTING, {**SETTING, "kind": "matched", "verdict": "NOT RUN", "measured": "", "n": 0}],
}
GONE = {**CLAIM, "id": "gone", "unmeasurable": "its data are not here", "settings": []}


def write(folder: Path, **changes: Any) -> None:
    document = {"format": 1, "title": "Claims", "seeds": 8, "claims": [CLAIM, GONE]} | changes
    (folder / "claims.json").write_text(json.dumps(document))


def test_without_verdicts_there_is_no_section(tmp_path):
    assert claims_section(tmp_path) is None
    assert "Published claims" not in page(build_view(everything(), []), tmp_path)


def test_a_claim_has_a_line_a_setting(tmp_path):
    write(tmp_path)
    section = claims_section(tmp_path)
    assert section is not None
    better, gone = section.claims
    assert [line.verdict for line in better.lines] == ["REFUTED", "NOT RUN"]
    assert (better.lines[0].rows, better.lines[0].seeds, better.lines[1].seeds) == ("zor and mlp", "8", "–")
    assert (better.margin, better.lines[1].css) == ("0.5: JPEG copies", "not-run")
    assert [line.reason for line in gone.lines] == ["its data are not here"]
    assert section.tally == "as published: 1 REFUTED; matched: 1 NOT RUN; 1 cannot be measured"


def test_the_page_shows_verdicts_and_differences_escaped(tmp_path):
    write(tmp_path)
    source = page(build_view(everything(), []), tmp_path)
    outline = Outline(source)
    assert {"claims", "claim-zor-better", "claim-gone"} <= set(outline.ids)
    assert "#claim-zor-better" in outline.links
    assert '<td class="verdict refuted">REFUTED</td>' in source
    assert "It is &lt;b&gt;better&lt;/b&gt;." in source
    assert "Scored on &lt;other&gt; images." in source


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 1}', '{"format": 1, "claims": [{}]}'])
def test_a_broken_document_is_named(tmp_path, text):
    (tmp_path / "claims.json").write_text(text)
    with pytest.raises(InputError, match=r"claims\.json: not a document of claims"):
        claims_section(tmp_path)


def test_a_document_of_another_version_is_named(tmp_path):
    write(tmp_path, format=9)
    with pytest.raises(InputError, match="format 9, this zorbench reads format 1"):
        claims_section(tmp_path)
