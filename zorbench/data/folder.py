"""folder:PATH: any folder or zip of class folders of images."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from jaxtyping import Int64, UInt8
from numpy import ndarray

from zorbench.data.cache import Content, cached
from zorbench.data.dataset import Dataset, tasks_of
from zorbench.data.splits import stratified_choice, without
from zorbench.data.tree import Classes, Tree, classes_of, fingerprint_of
from zorbench.errors import InputError

PREFIX = "folder:"


@dataclass(frozen=True)
class Images:
    """A decoded tree."""

    class_names: tuple[str, ...]
    train: tuple[UInt8[ndarray, "n c h w"], Int64[ndarray, "n"]]
    test: tuple[UInt8[ndarray, "m c h w"], Int64[ndarray, "m"]]
    formats: frozenset[str]  # Pillow's names: "JPEG", "PNG"


def load_folder(path: Path) -> Dataset:
    """The images below `path`, all of one size, classes in alphabetical order.

    Without train/ and test/ a fixed fifth of each class, at least one image, is the test part. Alpha channels
    are dropped; a palette counts as colour; one RGB image makes all of them RGB.

    Raises: InputError naming what is wrong and where.
    """

    def build(_: Path) -> Content:
        images = read_images(path)
        return content_of(images, "folder", f"images in {path}")

    stamps = fingerprint_of(path)
    name = f"folder-{path.resolve().stem}"
    return cached(name, stamps, build, shown_name=f"{PREFIX}{path}")


def content_of(images: Images, name: str, source: str) -> Content:
    shape = images.train[0].shape[1:]
    tasks = tasks_of(shape, classes=len(images.class_names) > 1)
    return Content(name, source, *images.train, *images.test, images.class_names, tasks)


def read_images(path: Path) -> Images:
    """Decodes a tree of class folders; see `load_folder`."""
    tree = Tree.open(path)
    try:
        parts = classes_of(tree)
        for name, files in parts.get("", {}).items():
            if len(files) < 2:
                raise InputError(f"{path}: class {name} has 1 image; at least 2 are needed to split it")
        decoder = _Decoder(tree)
        decoded = {part: decoder.decode(classes) for part, classes in parts.items()}
    finally:
        if tree.archive is not None:
            tree.archive.close()
    colour = any(image.ndim == 3 for images, _ in decoded.values() for image in images)
    stacked = {part: (_stacked(images, colour), labels) for part, (images, labels) in decoded.items()}
    if "" in stacked:
        inputs, labels = stacked[""]
        test = stratified_choice(labels, 0.2, "folder", "test part", least=1)
        train = without(len(labels), test)
        stacked = {"train": (inputs[train], labels[train]), "test": (inputs[test], labels[test])}
    class_names = tuple(next(iter(parts.values())))
    return Images(class_names, stacked["train"], stacked["test"], frozenset(decoder.formats))


class _Decoder:
    """Decodes the images of a tree one after the other and holds them to the size of the first."""

    def __init__(self, tree: Tree) -> None:
        from PIL import Image

        self.open_image = Image.open
        self.tree = tree
        self.formats: set[str] = set()
        self.first: tuple[str, tuple[int, int]] | None = None  # file, (width, height)

    def decode(self, classes: Classes) -> tuple[list[ndarray], Int64[ndarray, "n"]]:
        images, labels = [], []
        for label, files in enumerate(classes.values()):
            images += [self._image(file) for file in files]
            labels += [label] * len(files)
        return images, np.array(labels, dtype=np.int64)

    def _image(self, file: str) -> ndarray:
        """uint8 [H, W] for a grey image, else [H, W, 3]."""
        data = self.tree.read(file)
        try:
            with self.open_image(BytesIO(data)) as image:
                self._hold(file, image.size)
                self.formats.add(str(image.format))
                if image.mode in ("I", "F") or image.mode.startswith("I;"):
                    raise InputError(
                        f"{self.tree.path}: {file} has more than 8 bits a pixel; convert it first"
                    )
                mode = "L" if image.mode in ("1", "L", "LA", "La") else "RGB"
                return np.asarray(image if image.mode == mode else image.convert(mode))
        except InputError:
            raise
        except Exception as error:  # Pillow's readers raise nearly anything at a broken file
            reason = "no image format that Pillow knows" if "cannot identify" in str(error) else str(error)
            raise InputError(f"{self.tree.path}: {file} is not a readable image ({reason})") from None

    def _hold(self, file: str, size: tuple[int, int]) -> None:
        if self.first is None:
            self.first = (file, size)
        first, wanted = self.first
        if size != wanted:
            sizes = f"{file} is {size[0]}×{size[1]} pixels, but {first} is {wanted[0]}×{wanted[1]}"
            raise InputError(f"{self.tree.path}: {sizes}; all images must be of one size")


def _stacked(images: list[ndarray], colour: bool) -> UInt8[ndarray, "n c h w"]:
    """[N, 1, H, W], or [N, 3, H, W] with grey images repeated over the channels."""
    channels = 3 if colour else 1
    batch = np.empty((len(images), channels, *images[0].shape[:2]), dtype=np.uint8)
    for row, image in zip(batch, images, strict=True):
        row[:] = image if image.ndim == 2 else image.transpose(2, 0, 1)
    return batch
