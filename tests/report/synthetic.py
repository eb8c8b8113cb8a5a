"""Records made up for the tests: round numbers, so that expected values can be worked out by hand."""

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

SEEDS = (0, 1, 2)
CLASSES = 2

RUN: dict[str, Any] = {
    "id": "20260101T120000-ab12",
    "started": "2026-01-01T12:00:00Z",
    "command": ["zorbench", "run", "--suite", "two words", "--seeds", "3"],
    "commit": "3f2a91c",
    "versions": {"torch": "2.13.0", "zorbench": "0.1.0", "python": "3.11.9"},
    "machine": {"system": "Linux", "processor": "Imaginary 9000", "cores": 2, "memory": 8 * 2**30},
    "preset": "quick",
    "seeds": 3,
    "grade": "smoke",
}


def record(suite: str, entry: str, variant: str, seed: int, **changes: Any) -> dict[str, Any]:
    """A cell's record; `error`, `validation`, `train`, `predict`, `scores` and its own fields can be set."""
    task = changes.pop("task", "reconstruction")
    error = changes.pop("error", 0.04)
    shots = changes.pop("shots", 10)
    metrics: dict[str, Any] = {"clean": {"error": error, **changes.pop("scores", _scores(task, error))}}
    metrics["validation"] = {"error": changes.pop("validation", error)}
    train = changes.pop("train", 0.5)
    made: dict[str, Any] = {
        "format": 2,
        "key": f"{suite}/{entry}/{variant}/{seed}",
        "run": RUN["id"],
        "suite": suite,
        "entry": entry,
        "spec": {
            **{"dataset": "mnist5k", "task": task, "shots": shots, "images": None, "samples": 5000},
            **{
                "batch": 10,
                "hidden": 64,
                "code": 32,
                "validation": 100,
                "test": 200,
                "timeout": 60,
                "label": "",
            },
        },
        "dataset": "mnist5k",
        "task": task,
        "shots": shots,
        "images_in_all": None,
        "n_shots": shots * 10,
        "seed": seed,
        "protocol": "samples",
        "lane": "accuracy",
        "repetition": 0,
        "baseline": variant,
        "variant": variant,
        "role": "contender",
        "classes": ["tea", "soup"] if task == "classification" else [],
        "status": "ok",
        "reason": "",
        "metrics": metrics,
        "curve": [
            {"samples": 10, "seconds": train / 4, "error": 2 * error},
            {"samples": 100, "seconds": train, "error": error},
        ],
        "seconds": {
            "import": 0.03,
            "build": 0.01,
            "first_step": 0.02,
            "train": train,
            "predict": changes.pop("predict", 0.05),
        },
        "cost": {"parameters": 1234, "state_bytes": 4936, "samples": 5000, "updates": 500},
        "peak_memory": 3 * 2**20,
        "episode_sha256": f"episode of {entry}, seed {seed}",
        "config": {"lr": 0.001, "mode": "schnell"},
        "config_source": "default",
        "device": "cpu",
        "threads": 1,
        "attested": False,
        "tags": {
            **{"local": False, "uses_weight_transport": True, "chooses_samples": False, "bottleneck": True},
            **{"readout": "", "optimiser": "AdamW", "initialisation": "Kaiming", "output": "sigmoid"},
        },
    }
    made["tags"] = {**made["tags"], **changes.pop("tags", {})}
    made.update(changes)
    if made["status"] != "ok":
        made.update(metrics={}, curve=[], seconds={}, cost={}, peak_memory=None)
    return made


def _scores(task: str, error: float) -> dict[str, Any]:
    if task != "classification":
        return {"mse": error, "mae": 0.1, "zor_accuracy": 0.9, "psnr": 14.0, "ssim": 0.5, "clipped": 0.0}
    confusion = [[7, 2, 1], [0, 10, 0]]
    return {"accuracy": 1 - error, "macro_f1": 0.5, "auc": 0.75, "abstained": 0.05, "confusion": confusion}


def rows(
    suite: str, entry: str, variant: str, errors: Sequence[float], **changes: Any
) -> list[dict[str, Any]]:
    """A row's records, one seed for each of `errors`."""
    return [record(suite, entry, variant, seed, error=e, **changes) for seed, e in enumerate(errors)]


def timed(records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records, each that is ok followed by a run of the timing lane, attested, with its seconds.

    What is left in the accuracy lane took a thousand times as long: nobody is to see that.
    """
    found = []
    for made in records:
        if made["status"] == "ok":
            found.append(_slower(made, 1000))
            alone = {"lane": "timing", "repetition": 2 * made["seed"], "attested": True, "load": 0.01}
            scores = {"validation": made["metrics"]["validation"]}
            found.append({**made, **alone, "key": f"{made['key']}/timing", "metrics": scores})
        else:
            found.append(made)
    return found


def _slower(made: dict[str, Any], factor: float) -> dict[str, Any]:
    seconds = {name: value * factor for name, value in made["seconds"].items()}
    curve = [{**point, "seconds": point["seconds"] * factor} for point in made["curve"]]
    return {**made, "seconds": seconds, "curve": curve}


def telling(record: dict[str, Any], first: dict[str, Any], last: dict[str, Any]) -> dict[str, Any]:
    """The record with what its rule told of its layers at the first checkpoint and after training."""
    begin, end = record["curve"]
    return {**record, "curve": [{**begin, "diagnostics": first}, {**end, "diagnostics": last}]}


CONDITIONS = ("gaussian-0.1", "gaussian-0.4", "poisson-10", "poisson-1", "fog")
"""Two kinds of noise at two levels each, and one that no version knows."""


def noisy(records: Iterable[dict[str, Any]], conditions: Sequence[str]) -> list[dict[str, Any]]:
    """The records with an error under each condition that is 0.1 more than under the one before."""
    found = []
    for made in records:
        made = {**made, "spec": {**made["spec"], "conditions": list(conditions)}}
        if "clean" in made["metrics"]:
            clean = made["metrics"]["clean"]["error"]
            scores = {name: {"error": clean + 0.1 * i} for i, name in enumerate(conditions, start=1)}
            made["metrics"] = {**made["metrics"], **scores}
        found.append(made)
    return found


def floors(suite: str, entry: str, **changes: Any) -> list[dict[str, Any]]:
    """Two floors: `mean` is better on the validation images, `median` on the test images."""
    return [
        *rows(suite, entry, "mean", (0.1, 0.1, 0.1), role="floor", validation=0.10, train=1e-6, **changes),
        *rows(suite, entry, "median", (0.09, 0.09, 0.09), role="floor", validation=0.11, **changes),
    ]


def reconstruction(suite: str = "reconstruction", entry: str = "mnist5k-10shot") -> list[dict[str, Any]]:
    """An entry with every kind of row."""
    return [
        *timed(rows(suite, entry, "good", (0.02, 0.03, 0.04))),
        *rows(suite, entry, "poor", (0.12, 0.12, 0.12)),
        *timed(rows(suite, entry, "größer Ω", (0.05, 0.05, 0.08), role="reference")),
        *timed(rows(suite, entry, "identity", (0.0, 0.0, 0.0), tags={"bottleneck": False})),
        *timed(rows(suite, entry, "brittle", (0.01, 0.01))),
        record(suite, entry, "brittle", 2, status="error", reason="<script>alert('&')</script> | broke"),
        *(
            record(suite, entry, "pca", seed, status="unsupported", reason="needs <b>more</b> shots")
            for seed in SEEDS
        ),
        *floors(suite, entry),
    ]


def classification(entry: str = "mnist5k-10shot") -> list[dict[str, Any]]:
    """A small classification entry."""
    given: dict[str, Any] = {"task": "classification"}
    return [
        *rows("classification", entry, "good", (0.2, 0.3, 0.4), **given),
        *floors("classification", entry, **given),
    ]


def everything() -> list[dict[str, Any]]:
    """Three suites: two shot settings of one data set, an entry without a floor, classification."""
    suite, few = "reconstruction", "mnist5k-1shot"
    return [
        *reconstruction(),
        *rows(suite, few, "good", (0.06, 0.06, 0.06), shots=1),
        *floors(suite, few, shots=1),
        *rows("colorization", "photos-10shot", "good", (0.05, 0.05, 0.05), task="colorization"),
        *classification(),
    ]


def accurate(records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of the accuracy lane, which make the figures."""
    return [made for made in records if made["lane"] == "accuracy"]


def with_strips(records: Iterable[dict[str, Any]], results: Path) -> list[dict[str, Any]]:
    """The records with picture strips in `results`: the input is the target; each row has its own grey."""
    folder = results / "images"
    folder.mkdir(parents=True)
    (folder / "given.png").write_bytes(strip(200))
    found = []
    for made in records:
        if "clean" in made["metrics"] and made["task"] != "classification":
            name = f"images/{made['suite']}-{made['variant']}-{made['seed']}.png"
            (results / name).write_bytes(strip(len(made["variant"])))
            images = {"input": "images/given.png", "target": "images/given.png", "prediction": name}
            made = {**made, "images": images}
        found.append(made)
    return found


def strip(grey: int) -> bytes:
    """A PNG of twelve grey 4 × 4 images in a row."""
    buffer = io.BytesIO()
    Image.new("L", (48, 4), grey).save(buffer, format="PNG")
    return buffer.getvalue()
