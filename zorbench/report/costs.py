"""What a prediction and a presentation cost in arithmetic: a table an entry, for page and Markdown alike."""

from collections.abc import Callable

from zorbench.report import formatting as fmt
from zorbench.report.columns import Column
from zorbench.report.formatting import Shown
from zorbench.report.model import EntryView, Stat

TITLE = "Cost: operations of a prediction and of learning"

BRIEF = (
    "Terms of products: of a prediction for one validation image over all T time steps, and of learning from "
    "one presentation. Mean ± standard deviation over the seeds; how they are counted is told at the head."
)

MEANING = (
    "Operations are counted after NeuroBench where torch multiplies tensors, per sample and over all T time "
    "steps in which a rule looks at it; a term is one multiplication added to a sum. Effective terms have no "
    "zero for a factor: accumulates (ACs) where one factor holds only −1, 0 and 1, as spikes do, else "
    "multiply-accumulates (MACs). Dense: all terms. Sparsity: the share of zeros among what reaches layers "
    "above the first. Footprint: what prediction keeps. Learning, all terms of one presentation: the forward "
    "pass, the changes of weights (update), and what carries the signal to learn from (transport). A dash: "
    "not counted, as for solvers and work outside of torch, or nothing to count."
)


def _column(
    key: str, title: str, meaning: str, show: Callable[[Stat | None, int], Shown] = fmt.count
) -> Column:
    return Column(title, "", meaning, lambda row: show(row.stats.get(key), row.n))


COLUMNS: tuple[Column, ...] = (
    _column("time_steps", "T", "time steps of a sample"),
    _column("acs", "Effective ACs", "terms without a zero, one factor being −1 or 1"),
    _column("macs", "Effective MACs", "terms without a zero, of other factors"),
    _column("dense", "Dense", "all terms of a prediction"),
    _column("activation_sparsity", "Sparsity", "zeros among activities above the first layer", fmt.percent),
    _column("state_bytes", "Footprint (bytes)", "what prediction needs to keep"),
    _column("forward_macs", "Learning: forward", "terms of the forward pass of a presentation"),
    _column("update_macs", "Learning: update", "terms of a presentation that are a change of weights"),
    _column(
        "transport_macs", "Learning: transport", "terms of a presentation that carry the signal to learn from"
    ),
)


def has_costs(entry: EntryView) -> bool:
    """Whether anything of the table is on record, and the entry may show numbers."""
    return entry.floor is not None and any("dense" in row.stats for row in entry.rows)
