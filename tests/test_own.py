"""An entry without a suite: what is filled in, and what is refused."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zorbench.errors import InputError
from zorbench.own import Own, own_entries


def draw(folder: Path, classes: int, *, colour: bool, each: int = 20, size: int = 8) -> str:
    """A folder of random images, `each` of every class; its name as a data set."""
    rng = np.random.default_rng(0)
    for label in range(classes):
        (folder / f"class{label}").mkdir(parents=True)
        for number in range(each):
            shape = (size, size, 3) if colour else (size, size)
            pixels = rng.integers(0, 128, shape, dtype=np.uint8) + 100 * label
            Image.fromarray(pixels.astype(np.uint8)).save(folder / f"class{label}" / f"{number}.png")
    return f"folder:{folder}"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two classes of 20 colour images of 8 × 8."""
    return draw(tmp_path_factory.mktemp("pictures"), 2, colour=True)


def problem(*arguments, **options) -> str:
    with pytest.raises(InputError) as caught:
        own_entries(Own(*arguments, **options))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_is_left_out_is_filled_in(pictures: str):
    (entry,) = own_entries(Own(pictures, "reconstruction"))
    assert (entry.suite, entry.dataset, entry.task) == ("own", pictures, "reconstruction")
    assert (entry.shots, entry.images) == (5, None)
    assert (entry.samples, entry.batch, entry.hidden) == (5000, 10, 64)
    assert entry.code == 48  # of 3 × 8 × 8 = 192 numbers
    # 8 of 40 are tested on; of 32, a fifth (6) is for tuning, and a fifth of the other 26 is validated on.
    assert entry.validation == 5
    assert entry.test is None
    (entry,) = own_entries(Own("mnist5k", "reconstruction"))
    assert (entry.code, entry.validation) == (64, 500)


def test_what_is_given_is_taken(pictures: str):
    own = Own(pictures, "classification", (1, 2), (), 50, 5, 4, 3, 7, 6)
    first, second = own_entries(own)
    assert asdict(first) | {"shots": 2} == asdict(second)
    assert first.shots == 1
    given = ("samples", "batch", "hidden", "code", "validation", "test")
    assert [getattr(first, name) for name in given] == [50, 5, 4, 3, 7, 6]
    (entry,) = own_entries(Own(pictures, "colorization", images=(8,)))
    assert (entry.shots, entry.images) == (None, 8)


def test_without_classes_there_are_no_shots(tmp_path: Path):
    (entry,) = own_entries(Own(draw(tmp_path, 1, colour=True), "colorization"))
    assert (entry.shots, entry.images) == (None, 20)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path):
    assert f"{tmp_path / 'gone'}: no such folder or zip file" in problem(
        f"folder:{tmp_path / 'gone'}", "reconstruction"
    )


def test_classification_needs_classes(tmp_path: Path):
    told = problem(draw(tmp_path, 1, colour=True), "classification")
    assert "has no classes to tell apart; put the images of each class into a folder of their own" in told
    assert told.endswith("valid here: colorization, reconstruction")
    (tmp_path / "flat").mkdir()
    Image.new("L", (4, 4)).save(tmp_path / "flat" / "0.png")
    assert "no class folders" in problem(f"folder:{tmp_path / 'flat'}", "classification")


def test_colorization_needs_colours(tmp_path: Path):
    told = problem(draw(tmp_path, 2, colour=False), "colorization")
    assert "are grey, so there are no colours to give back; valid here: classification, recons" in told


def test_images_are_needed_where_images_come_out():
    assert "iris has no images (its items have shape [4]); valid here: classification" in problem(
        "iris", "reconstruction"
    )


@pytest.mark.parametrize(
    ("own", "told"),
    [
        (
            ("digits", None),
            "--dataset digits: say what to learn, --task reconstruction or colorization or cl",
        ),
        (
            ("digits", "recognition"),
            "--task: unknown task 'recognition' (did you mean reconstruction?); valid:",
        ),
        (("digit", "classification"), "unknown dataset 'digit' (did you mean digits?)"),
        (("digits", "classification", (5,), (5,)), "give either --shots (per class) or --images (in all)"),
        (("digits", "classification", (5, 0)), "--shots 0: must be at least 1"),
        (("digits", "classification", (), (), -3), "--samples -3: must be at least 1"),
        (
            ("digits", "classification", (), (), None, None, None, None, 1001),
            "--validation 1001: must be at most 1000",
        ),
    ],
)
def test_a_mistake_is_told(own, told: str):
    assert told in problem(*own)
