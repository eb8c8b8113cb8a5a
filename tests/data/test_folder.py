"""folder:PATH, from images written by hand."""

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zorbench.data import Dataset, load
from zorbench.errors import InputError

from .files import snapshot, write_classes, write_image, zip_folder

pytestmark = pytest.mark.usefixtures("own_cache")


def load_path(path: Path) -> Dataset:
    return load(f"folder:{path}")


def values(data: Dataset) -> dict[str, list[tuple[str, int]]]:
    """(class, first byte) of every image of each part."""
    parts = {
        "train": (data.train_inputs(range(data.n_train)), data.train_labels()),
        "test": (data.test_inputs(range(data.n_test)), data.test_labels(range(data.n_test))),
    }
    return {
        part: [
            (data.class_names[c], round(float(image.flatten()[0]) * 255))
            for image, c in zip(*rows, strict=True)
        ]
        for part, rows in parts.items()
    }


@pytest.fixture
def parted(tmp_path: Path) -> Path:
    write_classes(tmp_path / "set" / "train", {"cat": 3, "dog": 2})
    write_classes(tmp_path / "set" / "test", {"cat": 1, "dog": 2})
    return tmp_path / "set"


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    write_classes(tmp_path / "set", {"cat": 10, "dog": 5, "eel": 2})
    return tmp_path / "set"


PARTED = {
    "train": [("cat", 0), ("cat", 1), ("cat", 2), ("dog", 20), ("dog", 21)],
    "test": [("cat", 0), ("dog", 20), ("dog", 21)],
}


def test_train_and_test_folders_are_the_split(parted: Path) -> None:
    data = load_path(parted)
    assert values(data) == PARTED
    assert data.name == f"folder:{parted}"
    assert data.shape == (1, 4, 6)  # 6 pixels wide, 4 high
    assert data.class_names == ("cat", "dog")


@pytest.mark.parametrize("prefix", ["", "set/", "outer/inner/"])
def test_a_zip_reads_like_its_folder_whatever_wraps_it(parted: Path, tmp_path: Path, prefix: str) -> None:
    archive = zip_folder(parted, tmp_path / "set.zip", prefix)
    data = load_path(archive)
    assert values(data) == PARTED
    assert data.fingerprint == load_path(parted).fingerprint


def test_a_zip_without_entries_for_folders_is_read(parted: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as packed:
        for path in parted.rglob("*.png"):
            packed.write(path, path.relative_to(parted).as_posix())
    assert values(load_path(tmp_path / "set.zip")) == PARTED


def test_a_folder_that_wraps_the_classes_is_passed_through(parted: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    parted.rename(outer / "inner")
    assert values(load_path(outer)) == PARTED


def test_class_folders_alone_are_split_by_class_and_for_good(whole: Path, tmp_path: Path) -> None:
    split = values(load_path(whole))
    assert sorted(split["train"] + split["test"]) == sorted(
        [("cat", k) for k in range(10)] + [("dog", 20 + k) for k in range(5)] + [("eel", 40), ("eel", 41)]
    )
    counts = {name: sum(c == name for c, _ in split["test"]) for name in ("cat", "dog", "eel")}
    assert counts == {"cat": 2, "dog": 1, "eel": 1}  # a fifth, at least one
    moved = whole.rename(tmp_path / "elsewhere")
    assert values(load_path(moved)) == split


def test_what_is_no_image_or_hidden_is_passed_over(parted: Path) -> None:
    (parted / "README.txt").write_text("hello")
    (parted / "train" / "cat" / "Thumbs.db").write_text("hello")
    (parted / "train" / "cat" / "._000.png").write_text("hello")
    (parted / ".cache").mkdir()
    (parted / "train" / ".ipynb_checkpoints").mkdir()
    (parted / "__MACOSX").mkdir()
    assert values(load_path(parted)) == PARTED


def test_images_in_folders_below_a_class_belong_to_it(parted: Path) -> None:
    write_image(parted / "train" / "dog" / "more" / "z.png", 99)
    assert ("dog", 99) in values(load_path(parted))["train"]


def test_a_changed_file_is_noticed(parted: Path) -> None:
    before = load_path(parted)
    write_image(parted / "train" / "cat" / "000.png", 200)
    os.utime(parted / "train" / "cat" / "000.png", ns=(5, 5))
    after = load_path(parted)
    assert values(after)["train"][0] == ("cat", 200)
    assert after.fingerprint != before.fingerprint


def test_nothing_is_written_beside_the_images(parted: Path) -> None:
    before = snapshot(parted)
    load_path(parted)
    assert snapshot(parted) == before


def test_a_colour_image_keeps_its_channels_in_order(tmp_path: Path) -> None:
    for k in range(2):
        write_image(tmp_path / "set" / "a" / f"{k}.png", (10, 20, 30), mode="RGB")
    data = load_path(tmp_path / "set")
    assert data.shape == (3, 4, 6)
    rows = (data.train_inputs([0])[0] * 255).round()
    assert [float(channel.unique().item()) for channel in rows] == [10, 20, 30]


def test_one_colour_image_makes_all_of_them_rgb(parted: Path) -> None:
    write_image(parted / "test" / "dog" / "x.png", (1, 2, 3), mode="RGB")
    data = load_path(parted)
    assert data.shape == (3, 4, 6)
    assert (data.train_inputs([4])[0] * 255).round().unique().tolist() == [21]


@pytest.mark.parametrize(
    ("mode", "colour", "wanted"),
    [
        ("1", 1, [255]),
        ("LA", (9, 128), [9]),
        ("RGBA", (9, 8, 7, 128), [9, 8, 7]),
        ("P", 0, [0, 0, 0]),
        ("RGB", (5, 6, 7), [5, 6, 7]),
    ],
)
def test_every_common_kind_of_png_is_read(tmp_path: Path, mode: str, colour, wanted: list[int]) -> None:
    for k in range(2):
        write_image(tmp_path / "set" / "a" / f"{k}.png", colour, mode=mode)
    pixel = load_path(tmp_path / "set").train_inputs([0])[0, :, 0, 0] * 255
    assert pixel.round().tolist() == wanted


def test_a_jpeg_is_decoded_as_pillow_does(tmp_path: Path) -> None:
    folder = tmp_path / "set" / "a"
    folder.mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    for k in range(2):
        Image.fromarray(pixels).save(folder / f"{k}.jpg")
    wanted = np.asarray(Image.open(folder / "0.jpg")).transpose(2, 0, 1) / 255
    assert np.array_equal(load_path(tmp_path / "set").train_inputs([0])[0].numpy(), wanted.astype(np.float32))


def test_tasks_follow_from_channels_and_classes(tmp_path: Path) -> None:
    write_classes(tmp_path / "grey", {"a": 2, "b": 2})
    write_image(tmp_path / "one" / "a" / "0.png", (1, 2, 3), mode="RGB")
    write_image(tmp_path / "one" / "a" / "1.png", (1, 2, 3), mode="RGB")
    assert load_path(tmp_path / "grey").tasks == {"reconstruction", "classification"}
    assert load_path(tmp_path / "one").tasks == {"reconstruction", "colorization"}


# every mistake: how to make it, what the message says


def odd_size(root: Path) -> None:
    write_image(root / "train" / "dog" / "001.png", size=(5, 4))


def broken_image(root: Path) -> None:
    (root / "train" / "dog" / "001.png").write_bytes(b"no image")


def cut_image(root: Path) -> None:
    path = root / "train" / "dog" / "001.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (4, 6), dtype=np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:-30])


def deep_image(root: Path) -> None:
    Image.fromarray(np.full((4, 6), 1000, dtype=np.uint16)).save(root / "train" / "dog" / "001.png")


def empty_class(root: Path) -> None:
    (root / "train" / "ant").mkdir()


def class_of_text(root: Path) -> None:
    (root / "train" / "ant").mkdir()
    (root / "train" / "ant" / "a.txt").touch()


def class_untested(root: Path) -> None:
    write_image(root / "train" / "ant" / "0.png")


def class_untrained(root: Path) -> None:
    write_image(root / "test" / "ant" / "0.png")


def no_test(root: Path) -> None:
    (root / "test").rename(root.parent / "test")


def no_train_classes(root: Path) -> None:
    (root / "train").rename(root.parent / "train")
    write_image(root / "train" / "0.png")


MISTAKES = [
    (
        odd_size,
        r"train/dog/001.png is 5×4 pixels, but train/cat/000.png is 6×4; all images must be of one size",
    ),
    (broken_image, r"train/dog/001.png is not a readable image \(no image format that Pillow knows\)"),
    (cut_image, r"train/dog/001.png is not a readable image \(.+\)"),
    (deep_image, r"train/dog/001.png has more than 8 bits a pixel"),
    (empty_class, r"no images in the class folder train/ant"),
    (class_of_text, r"no images in the class folder train/ant"),
    (class_untested, r"class ant is in train/, but not in test/"),
    (class_untrained, r"class ant is in test/, but not in train/"),
    (no_test, r"no class folders in test/; train/<class>/… and test/<class>/…, or <class>/… is wanted"),
    (no_train_classes, r"no class folders in train/"),
]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("make", "message"), MISTAKES)
def test_a_mistake_is_named_and_leaves_nothing(
    parted: Path, tmp_path: Path, own_cache: Path, make, message: str, packed: bool
) -> None:
    make(parted)
    path = zip_folder(parted, tmp_path / "set.zip") if packed else parted
    with pytest.raises(InputError, match=message) as caught:
        load_path(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list((own_cache / "datasets").iterdir()) == []


def test_a_class_of_one_image_cannot_be_split(whole: Path) -> None:
    write_image(whole / "fox" / "0.png")
    with pytest.raises(InputError, match="class fox has 1 image; at least 2 are needed"):
        load_path(whole)


def test_images_without_class_folders_are_refused(tmp_path: Path) -> None:
    write_image(tmp_path / "set" / "0.png")
    with pytest.raises(InputError, match="no class folders; train/<class>/…"):
        load_path(tmp_path / "set")


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere: no such folder or zip file"):
        load_path(tmp_path / "nowhere")


def test_no_path_at_all_is_a_mistake() -> None:
    with pytest.raises(InputError, match="folder:: name a folder or zip"):
        load("folder:")


def test_a_file_that_is_no_zip_is_named(tmp_path: Path) -> None:
    (tmp_path / "set.zip").write_text("hello")
    with pytest.raises(InputError, match=r"set\.zip: neither a folder nor a readable zip file"):
        load_path(tmp_path / "set.zip")


def test_a_truncated_zip_is_named(parted: Path, tmp_path: Path) -> None:
    archive = zip_folder(parted, tmp_path / "set.zip")
    archive.write_bytes(archive.read_bytes()[:-40])
    with pytest.raises(InputError, match=r"set\.zip: neither a folder nor a readable zip file"):
        load_path(archive)


def test_a_damaged_file_inside_a_zip_is_named(parted: Path, tmp_path: Path) -> None:
    archive = zip_folder(parted, tmp_path / "set.zip")
    with zipfile.ZipFile(archive) as packed:
        info = packed.getinfo("train/dog/000.png")
    data = bytearray(archive.read_bytes())
    data[info.header_offset + 30 + len(info.filename) + 20] ^= 255
    archive.write_bytes(data)
    with pytest.raises(InputError, match=r"set\.zip: train/dog/000\.png cannot be read \(Bad CRC-32"):
        load_path(archive)


def test_a_link_to_nothing_is_named(parted: Path) -> None:
    (parted / "train" / "cat" / "z.png").symlink_to(parted / "gone.png")
    with pytest.raises(InputError, match=r"train/cat/z\.png cannot be read \(No such file"):
        load_path(parted)
