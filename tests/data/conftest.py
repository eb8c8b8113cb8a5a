"""The cache of these tests lies in a temporary folder: that of the session, or one of a test's own."""

from pathlib import Path

import pytest


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache for one test."""
    folder = tmp_path / "own cache"
    monkeypatch.setenv("ZORBENCH_CACHE", str(folder))
    return folder
