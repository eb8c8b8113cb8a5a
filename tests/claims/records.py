"""Records as a run leaves them, as small as claims need them."""

from typing import Any


def record(variant: str, seed: int, **changes: Any) -> dict[str, Any]:
    """An ok record; `clean`, `noise` and `validation` are metrics, `train` its seconds."""
    clean = changes.pop("clean", {})
    metrics = {"clean": clean, "validation": {"error": changes.pop("validation", 0.5)}}
    metrics |= {name: {"error": error} for name, error in changes.pop("noise", {}).items()}
    seconds = {"build": 0.0, "train": changes.pop("train", 1.0), "predict": 0.0}
    return {
        "variant": variant,
        "seed": seed,
        "status": "ok",
        "reason": "",
        "lane": "accuracy",
        "attested": True,
        "metrics": metrics,
        "curve": [],
        "seconds": seconds,
    } | changes
