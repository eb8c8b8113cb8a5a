"""The sentences of a report that depend on what is in it, for page and Markdown alike."""

from zorbench import stats
from zorbench.report import costs
from zorbench.report import formatting as fmt
from zorbench.report.formatting import MISSING, plural
from zorbench.report.model import EntryView, Group, ReportView, Row, SuiteView

TITLE = "zorbench report"

HOW_TO_READ = (
    "Every baseline of an entry saw the same few images in the same order, under the same budget, and was "
    "scored once on the same test images; its seeds are paired with those of every other baseline.",
    "Floors are trivial answers, such as the mean image or the majority class. The floor with the least "
    "error on validation images is the entry's zero: skill is 1 − error / floor error, so 0 is no better "
    "than trivial and 1 is perfect; square brackets hold its 95 % interval over the seeds.",
    "A ± b is the mean and the standard deviation over the seeds. An arrow says which direction is better. "
    "A baseline of which any cell failed has no mean, since the seeds that are left would flatter it.",
    "Seconds come only from cells that ran alone on their machine, with data loading and evaluation left "
    "out; a dash stands where there are none.",
    "Parameters, updates and samples differ between rules and are shown, not held equal: the budget is a "
    "ceiling on samples, and a rule may use less.",
    costs.MEANING,
)

_TASKS = {
    "reconstruction": "Reconstruction: encode an image in a narrow code and decode it again; the error is "
    "the mean squared error of the pixels.",
    "colorization": "Colorization: give a grey image its colours back; the error is the mean squared error "
    "of the pixels.",
    "classification": "Classification: name the class; the error is 1 − accuracy, and a tie for the first "
    "place is an abstention and counts as wrong.",
}

OUTSIDE = (
    "Outside the headline: rules without a bottleneck. They can pass an image through as it is, so their "
    "error does not compare with that of a rule that must encode it."
)
FLOORS = "Floors: trivial answers. One of them is the zero of skill."
GROUP_NOTES: tuple[tuple[Group, str], ...] = (("headline", ""), ("outside", OUTSIDE), ("floor", FLOORS))
"""The groups of a table in order, each with what is to be said of it."""


def banner(view: ReportView) -> str:
    """What the number of seeds allows to say."""
    low, high = view.seeds_low, view.seeds_high
    n = plural(low, "seed") if low == high else f"{low} to {high} seeds"
    if view.smoke:
        return f"Smoke grade: {n}. The numbers show that everything runs; they support no verdict."
    return f"Verdict grade: {n}. Verdicts need at least {stats.VERDICT_SEEDS}."


def cells_line(view: ReportView) -> str:
    """How the cells ended."""
    counts = view.counts
    total = counts.ok + counts.failed + counts.unsupported
    return (
        f"{plural(total, 'cell')}: {counts.ok:,} ok, {counts.failed:,} failed, "
        f"{counts.unsupported:,} not applicable."
    )


def machines_warning(view: ReportView) -> str:
    """A caution where the cells ran on several machines, else nothing."""
    machines = view.provenance.machines
    return "" if machines < 2 else f"The runs come from {machines} machines; seconds compare only within one."


def suite_intro(suite: SuiteView) -> list[str]:
    """What the suite asks: a sentence a task."""
    tasks = dict.fromkeys(entry.task for entry in suite.entries)
    return [_TASKS.get(task, f"Task: {task}.") for task in tasks]


def entry_line(entry: EntryView) -> str:
    """Data, setting and budget of an entry in one line."""
    spec = entry.spec
    parts = [entry.dataset]
    if entry.shots is not None:
        shots = f"{plural(entry.shots, 'shot')} per class"
        parts.append(f"{shots} ({entry.n_shots:,} in all)" if entry.n_shots else shots)
    elif entry.images is not None:
        parts.append(f"{plural(entry.images, 'image')} in all")
    if spec.get("samples"):
        batches = f" in batches of {spec['batch']}" if spec.get("batch") else ""
        parts.append(f"at most {spec['samples']:,} sample presentations{batches}")
    if entry.task == "reconstruction" and spec.get("code"):
        parts.append(f"code of {spec['code']}")
    if spec.get("hidden"):
        parts.append(f"{spec['hidden']} hidden units suggested")
    if spec.get("depth"):
        parts.append(plural(spec["depth"], "hidden layer"))
    parts += [f"{spec[name]:,} for {name}" for name in ("validation", "test") if spec.get(name)]
    if spec.get("conditions"):
        parts.append(f"tested clean and under {plural(len(spec['conditions']), 'condition')} of noise")
    parts.append(plural(len(entry.seeds), "seed"))
    return ", ".join(parts) + "."


def no_floor(entry: EntryView) -> str:
    """Why an entry has no table."""
    failed = [row.label for row in entry.rows if row.role == "floor" and row.failed]
    why = f"its floors failed ({', '.join(failed)})" if failed else "no floor has run with a validation error"
    return (
        f"No table for {entry.title}: {why}. Without a floor nobody can tell a good error from a trivial one."
    )


def noise_caption(entry: EntryView) -> str:
    """What the table of errors under noise holds."""
    return (
        f"{entry.title}, mean error on the same test images under noise, which gets stronger from left to "
        "right. What is learned from is clean."
    )


def failed_of(row: Row) -> str:
    """What stands in place of a mean."""
    return f"failed {len(row.failures)} of {row.cells}"


def unsupported_line(entry: EntryView) -> str:
    """The baselines that cannot do the entry's task, each with its reason; empty if there are none."""
    if not entry.unsupported:
        return ""
    listed = [f"{it.label} ({it.reason})" if it.reason else it.label for it in entry.unsupported]
    return f"Not applicable: {', '.join(listed)}."


def seeds_of(row: Row, entry: EntryView) -> str:
    """The number of seeds, out of how many if some are missing; none for a row without a mean."""
    if row.failed:
        return MISSING
    return str(row.n) if row.n == len(entry.seeds) else f"{row.n} of {len(entry.seeds)}"


def tags(row: Row) -> str:
    """What kind of rule the row is, in words."""
    found = row.tags
    readout = found.get("readout")
    words = [
        "local" if found.get("local") else "",
        "weight transport" if found.get("uses_weight_transport") else "",
        "chooses samples" if found.get("chooses_samples") else "",
        "no bottleneck" if found.get("bottleneck") is False else "",
        f"read-out: {readout}" if readout else "",
    ]
    return ", ".join(word for word in words if word)


LEDGER_NUMBERS = ("Parameters", "Updates", "Samples", "First step")
LEDGER = ("Optimiser", "Initialisation", "Output", "Configuration", "Source", "Tags", *LEDGER_NUMBERS)


def ledger(row: Row) -> list[str]:
    """The row's line of the ledger, in the order of `LEDGER`."""
    described = [str(row.tags.get(name) or "") for name in ("optimiser", "initialisation", "output")]
    counted = [fmt.count(row.stats.get(name), row.n).text for name in ("parameters", "updates", "samples")]
    first = fmt.seconds(row.stats.get("first_step_seconds"), row.n).text
    return [*described, fmt.settings(row.config), row.config_source, tags(row), *counted, first]
