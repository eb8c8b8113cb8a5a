from pathlib import Path

import pytest

from zorbench.data import catalog, idx, load
from zorbench.errors import InputError

from .files import write_mnist

ALWAYS = ("mnist5k", "digits", "iris", "xor", "tca", "photos")


@pytest.fixture(autouse=True)
def no_debian(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(idx, "DEBIAN", tmp_path / "debian")


@pytest.mark.parametrize("name", ALWAYS)
def test_the_catalog_says_what_loading_finds(name: str) -> None:
    info = next(info for info in catalog() if info.name == name)
    data = load(name)
    assert info.available
    assert info.where == "always"
    assert (info.shape, info.n_train, info.n_test) == (data.shape, data.n_train, data.n_test)
    assert info.tasks == data.tasks


def test_the_catalog_lists_every_data_set() -> None:
    names = [info.name for info in catalog()]
    assert names == [*ALWAYS, "mnist", "fashion_mnist", "cifar10", "folder:PATH"]


def test_the_catalog_says_where_data_is_and_what_is_missing(tmp_path: Path) -> None:
    root = tmp_path / "root"
    write_mnist(root)
    (root / "cifar10.zip").write_text("not opened")
    lines = {info.name: info for info in catalog(root)}
    assert lines["mnist"].available
    assert lines["mnist"].where == str(Path("under the data root: MNIST/raw"))
    assert lines["cifar10"].where == "under the data root: cifar10.zip"
    assert not lines["fashion_mnist"].available
    assert lines["fashion_mnist"].where.startswith("not found: FashionMNIST/raw/")
    (tmp_path / "debian").mkdir()
    line = next(info for info in catalog() if info.name == "fashion_mnist")
    assert (line.available, line.where) == (True, str(tmp_path / "debian"))


def test_the_catalog_converts_nothing(tmp_path: Path, own_cache: Path) -> None:
    write_mnist(tmp_path / "root")
    catalog(tmp_path / "root")
    assert not own_cache.exists()


@pytest.mark.parametrize(
    ("name", "ways"),
    [
        ("mnist", ["MNIST/raw/train-images-idx3-ubyte", "datasets.MNIST('DATA', download=True)"]),
        ("fashion_mnist", ["FashionMNIST/raw/", "datasets.FashionMNIST(", "dataset-fashion-mnist"]),
        ("cifar10", ["cifar-10-batches-py/", "cifar10-jpeg.zip", "train/<class>/…", "datasets.CIFAR10("]),
        ("cifar10-jpeg", ["cifar10-jpeg.zip", "train/<class>/…"]),
    ],
)
@pytest.mark.parametrize("given", [False, True])
def test_absent_data_is_one_line_with_every_way_to_get_it(
    tmp_path: Path, name: str, ways, given: bool
) -> None:
    with pytest.raises(InputError) as caught:
        load(name, tmp_path if given else None)
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith(f"{name}: ")
    assert (str(tmp_path) if given else "no data root is given") in text
    for part in ["--data-root", "ZORBENCH_DATA", *ways, *ALWAYS, "folder:PATH"]:
        assert part in text


def test_a_data_root_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for function in (catalog, lambda root: load("digits", root)):
        with pytest.raises(InputError, match=r"the data root .*nowhere does not exist: point --data-root"):
            function(tmp_path / "nowhere")
        with pytest.raises(InputError, match=r"the data root .*file is not a folder"):
            function(tmp_path / "file")


def test_an_unknown_name_gets_the_nearest_and_all_names() -> None:
    with pytest.raises(
        InputError, match=r"unknown dataset 'mnist5' \(did you mean mnist5k\?\); valid: .*iris"
    ):
        load("mnist5")
    with pytest.raises(InputError, match="folder:PATH"):
        load("cats")
