"""The wheel holds everything: without a checkout, in an empty folder, it runs the smoke preset."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_carries_baselines_suites_and_templates(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder, pattern in (("baselines", "*.py"), ("suites", "*.toml")):
        for file in (CHECKOUT / folder).glob(pattern):
            assert f"zorbench/_bundled/{folder}/{file.name}" in names
    for part in ("report", "cli"):
        for file in (CHECKOUT / "zorbench" / part / "templates").iterdir():
            assert f"zorbench/{part}/templates/{file.name}" in names


def test_the_smoke_preset_runs_from_an_installed_wheel_in_an_empty_folder(
    wheel: Path, tmp_path: Path
) -> None:
    site, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(site),
        str(wheel),
    ]
    subprocess.run(install, check=True, capture_output=True)
    environment = {**os.environ, "PYTHONPATH": str(site)}
    environment.pop("ZORBENCH_DATA", None)

    where = [sys.executable, "-c", "import zorbench; print(zorbench.__file__)"]
    found = subprocess.run(where, cwd=empty, env=environment, check=True, capture_output=True, text=True)
    assert Path(found.stdout.strip()).is_relative_to(site)

    command = [sys.executable, "-m", "zorbench", "run", "--preset", "smoke"]
    done = subprocess.run(command, cwd=empty, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    page = empty / "results" / "smoke" / "report" / "index.html"
    assert f"report: {page.relative_to(empty)}" in done.stdout
    assert page.stat().st_size > 100_000  # tables, figures and pictures, all inside
