"""Records made up for the tests: round numbers, so that losses can be worked out by hand."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zorbench.cell import RECORD_FORMAT

RUN: dict[str, Any] = {
    "id": "run",
    "started": "2026-01-01T12:00:00+00:00",
    "command": ["zorbench", "run", "reconstruction"],
    "command_line": "zorbench run reconstruction",
    "versions": {"torch": "2.13.0"},
    "machine": {"processor": "Imaginary 9000", "cores": 2},
}


def cell(variant: str, seed: int, error: float = 0.2, **changes: Any) -> dict[str, Any]:
    """A cell on `reconstruction/digits`; `spec` is merged into the entry's, everything else replaces."""
    record: dict[str, Any] = {
        "format": RECORD_FORMAT,
        "run": "run",
        "suite": "reconstruction",
        "entry": "digits",
        "dataset": "digits",
        "task": "reconstruction",
        "seed": seed,
        "protocol": "samples",
        "lane": "accuracy",
        "repetition": 0,
        "baseline": variant,
        "variant": variant,
        "role": "contender",
        "status": "ok",
        "reason": "",
        "metrics": {"clean": {"error": error}, "validation": {"error": error}},
        "seconds": {},
        "config": {"lr": 0.1},
        "source": "a",
        "episode_sha256": f"episode {seed}",
        "device": "cpu",
        "threads": 1,
        "torch": "2.13",
        "attested": False,
        **changes,
    }
    record["spec"] = {"samples": 1000, "batch": 10, "timeout": 60} | changes.get("spec", {})
    if record["status"] != "ok":
        record["metrics"] = {}
    place = "/".join(str(record[name]) for name in ("suite", "entry", "protocol", "lane", "repetition"))
    return record | {"key": f"{place}/{variant}/{seed}/{record['source']}"}


def row(variant: str, errors: Sequence[float], **changes: Any) -> list[dict[str, Any]]:
    """A row's cells, one seed for each of `errors`."""
    return [cell(variant, seed, error, **changes) for seed, error in enumerate(errors)]


def floor(error: float = 0.5, name: str = "mean", seeds: int = 2, **changes: Any) -> list[dict[str, Any]]:
    """A floor with the same error on every seed."""
    return row(name, [error] * seeds, role="floor", **changes)


def timed(variant: str, seconds: Sequence[float], **changes: Any) -> list[dict[str, Any]]:
    """Attested cells of the timing lane, one round for each of `seconds`."""
    return [
        cell(
            variant,
            number,
            lane="timing",
            repetition=2 * number,
            seconds={"train": second},
            **{"attested": True, **changes},
        )
        for number, second in enumerate(seconds)
    ]


def probe(variant: str, **changes: Any) -> dict[str, Any]:
    """The cell that learned from permuted labels."""
    return cell(variant, 0, lane="probe", **changes)


def write(results: Path, records: Sequence[dict[str, Any]], *runs: dict[str, Any]) -> Path:
    """A results folder that holds them."""
    (results / "runs").mkdir(parents=True)
    lines = [json.dumps(record) + "\n" for record in records]
    (results / "records.jsonl").write_text("".join(lines), encoding="utf-8")
    for run in runs or (RUN,):
        (results / "runs" / f"{run['id']}.json").write_text(json.dumps(run), encoding="utf-8")
    return results
