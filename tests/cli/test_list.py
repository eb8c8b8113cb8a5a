"""`zorbench list baselines` with a package that is broken."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def test_a_broken_package_is_told_below_the_table(
    zorbench: Callable[..., Any], tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "site" / "far_rules-1.2.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: far-rules\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text("[zorbench.baselines]\nfar = far_rules\n")
    monkeypatch.syspath_prepend(str(info.parent))
    answer = zorbench("list", "baselines")
    assert answer.status == 0
    assert " floor " in answer.out
    assert "not to be had: entry point 'far' of far-rules 1.2: far_rules cannot be imported" in answer.out
    answer = zorbench("run", tiny, "--baseline", "far")
    assert answer.status == 2
    assert "baseline 'far' cannot be had: entry point 'far' of far-rules 1.2" in answer.err
    assert not (tmp_path / "results").exists()
