"""Pictures in the page."""

import base64
from pathlib import Path

from zorbench.report.build import build_view
from zorbench.report.gallery import Picture, gallery
from zorbench.report.model import EntryView

from .synthetic import reconstruction, strip, with_strips


def pictures_of(records: list[dict[str, object]], results: Path) -> tuple[EntryView, tuple[Picture, ...]]:
    entry = build_view(records, []).suites[0].entries[0]
    return entry, gallery(entry, results)


def uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def test_equal_input_and_target_are_one_strip_and_floors_come_last(results: Path) -> None:
    entry, pictures = pictures_of(with_strips(reconstruction(), results), results)
    assert entry.sample_seed == 0
    names = ["good", "größer Ω", "poor", "brittle", "identity", "median", "mean"]
    assert [picture.label for picture in pictures] == ["input and target", *names]
    assert pictures[0].uri == uri(strip(200))
    assert pictures[1].uri == uri(strip(len("good")))


def test_a_strip_is_labelled_with_the_error_of_its_own_seed(results: Path) -> None:
    _, pictures = pictures_of(with_strips(reconstruction(), results), results)
    assert {picture.label: picture.error for picture in pictures}["good"] == 0.02


def test_different_input_and_target_are_two_strips(results: Path) -> None:
    records = with_strips(reconstruction(), results)
    (results / "images" / "grey.png").write_bytes(strip(1))
    for made in records:
        if "images" in made:
            made["images"] = {**made["images"], "input": "images/grey.png"}
    _, pictures = pictures_of(records, results)
    assert [picture.label for picture in pictures[:2]] == ["input", "target"]


def test_a_strip_that_is_gone_leaves_its_line(results: Path) -> None:
    records = with_strips(reconstruction(), results)
    (results / "images" / "reconstruction-good-0.png").unlink()
    _, pictures = pictures_of(records, results)
    assert {picture.label: picture.uri for picture in pictures}["good"] is None


def test_no_file_outside_of_the_results_and_no_other_kind_of_file_is_embedded(results: Path) -> None:
    records = with_strips(reconstruction(), results)
    (results.parent / "secret.png").write_bytes(strip(1))
    (results / "images" / "text.png").write_text("not a picture")
    found = {"good": "../secret.png", "poor": "images/text.png", "mean": str(results.parent / "secret.png")}
    for made in records:
        if made["variant"] in found and "images" in made:
            made["images"] = {**made["images"], "prediction": found[str(made["variant"])]}
    _, pictures = pictures_of(records, results)
    assert all(picture.uri is None for picture in pictures if picture.label in found)


def test_an_entry_without_pictures_has_no_gallery(results: Path) -> None:
    assert pictures_of(reconstruction(), results)[1] == ()
