"""photos: patches of the colour photographs that scikit-image and scikit-learn bring along. Always there."""

from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from zorbench.data.cache import Content, cached
from zorbench.data.dataset import Dataset, tasks_of
from zorbench.data.seeding import generator
from zorbench.errors import InputError

PATCH = 32
STRIDE = 12
FLAT = 4  # grey levels of 255
PER_TRAIN, PER_TEST = 300, 170  # patches a photograph: what the smallest has on its grid, rounded down
TRAIN = {
    "astronaut": "skimage/data/astronaut.png",
    "china": "sklearn/datasets/images/china.jpg",
    "flower": "sklearn/datasets/images/flower.jpg",
    "motorcycle": "skimage/data/motorcycle_left.png",
}
TEST = {
    "chelsea": "skimage/data/chelsea.png",
    "coffee": "skimage/data/coffee.png",
    "rocket": "skimage/data/rocket.jpg",
}


def photos() -> Dataset:
    """1,200 training patches of four photographs, 510 test patches of three others; 32×32, RGB.

    Each photograph is halved first (means of 2×2 pixels), so that a patch shows more than one surface. The
    patches are a fixed draw from a grid 12 pixels apart: patches of one photograph overlap, those of
    different parts cannot. Even sky and shadow is passed over: patches whose grey values have a standard
    deviation below 4 of 255. A label says which photograph a patch is from: it stratifies draws and is not a
    task. The JPEG files may decode to slightly other bytes in another Pillow; the fingerprint tells.
    """

    def build(_: Path) -> Content:
        names = (*TRAIN, *TEST)
        train = [_patches(name, TRAIN[name], PER_TRAIN) for name in TRAIN]
        test = [_patches(name, TEST[name], PER_TEST) for name in TEST]
        return Content(
            name="photos",
            source="photographs bundled with scikit-image and scikit-learn, halved",
            train_inputs=np.concatenate(train),
            train_labels=np.repeat(np.arange(len(TRAIN)), PER_TRAIN),
            test_inputs=np.concatenate(test),
            test_labels=np.repeat(np.arange(len(TRAIN), len(names)), PER_TEST),
            class_names=names,
            tasks=tasks_of((3, PATCH, PATCH), classes=False),
        )

    packages = ("scikit-image", "scikit-learn", "pillow")
    choices = (TRAIN, TEST, PATCH, STRIDE, FLAT, PER_TRAIN, PER_TEST)
    return cached("photos", [*map(version, packages), *choices], build)


def _patches(name: str, path: str, count: int) -> UInt8[ndarray, "count 3 32 32"]:
    image = _halved_photograph(path)
    rows = range(0, image.shape[0] - PATCH + 1, STRIDE)
    columns = range(0, image.shape[1] - PATCH + 1, STRIDE)
    cut = np.stack([image[row : row + PATCH, column : column + PATCH] for row in rows for column in columns])
    cut = cut[cut.mean(axis=3).std(axis=(1, 2)) >= FLAT]
    chosen = np.sort(generator("photos", name).permutation(len(cut))[:count])
    return cut[chosen].transpose(0, 3, 1, 2)


def _halved_photograph(path: str) -> UInt8[ndarray, "height width 3"]:
    from PIL import Image

    package, _, inside = path.partition("/")
    spec = find_spec(package)  # finds the folder without the seconds that importing the package takes
    file = Path(str(spec.origin)).parent / inside if spec is not None else Path(path)
    try:
        with Image.open(file) as image:
            return np.asarray(image.convert("RGB").reduce(2))
    except OSError as error:
        mend = "install scikit-image and scikit-learn from their published wheels, which hold it"
        raise InputError(f"photos: {file} cannot be read ({error}); {mend}") from None
