"""What the leak probes of a run found."""

from collections.abc import Sequence

from zorbench.report.cells import Record, label, lane, number
from zorbench.report.model import SelfCheck

_CAUGHT = "learned from permuted labels"


def is_caught(record: Record) -> bool:
    """Whether the cell is one of a rule that knew classes from elsewhere than its shots."""
    return (
        lane(record) == "probe" and record["status"] == "error" and _CAUGHT in str(record.get("reason") or "")
    )


def self_check(probes: Sequence[Record]) -> SelfCheck | None:
    """The probe cells in a nutshell; None if there were none."""
    done = [record for record in probes if record["status"] == "ok"]
    caught = [record for record in probes if is_caught(record)]
    if not done and not caught:
        return None
    accuracies = [number(record, "metrics", "clean", "accuracy") or 0.0 for record in done]
    limits = [number(record, "metrics", "clean", "highest") or 0.0 for record in done]
    return SelfCheck(
        entries=tuple(dict.fromkeys(f"{record['suite']}/{record['entry']}" for record in probes)),
        cells=len(done) + len(caught),
        highest=max(accuracies, default=0.0),
        limit=min(limits, default=0.0),
        caught=tuple(sorted({label(record) for record in caught})),
    )
