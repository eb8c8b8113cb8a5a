"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of the real data sets, or a skip that says how to point to it."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    root = Path(os.environ.get("ZORBENCH_DATA", beside))
    if not root.is_dir():
        pytest.skip("no real data sets here: set ZORBENCH_DATA to a folder that holds them")
    return root


@pytest.fixture(scope="session")
def golden() -> Path:
    """Arrays recorded from the public implementations (see tests/golden/README.md)."""
    return Path(__file__).parent / "golden"
