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
    "What is held equal: by default a ceiling on sample presentations; under the time protocol the "
    "training seconds; under the tuned protocol also the number of configurations tried, on images that "
    "evaluation never draws. Parameters, updates and samples differ between rules; the ledger has them.",
    "All comparisons of an entry are one family. With 8 seeds or more, rows that share no letter differ: "
    "the risk that any of these differences is none is 5 %. With fewer, the difference that would have been "
    "found stands in place of a verdict.",
    "Seconds come from the timing lane alone: single runs in turns on an otherwise idle machine, pinned to "
    "a core, with data loading and evaluation left out. Ratios within what a rule scatters against itself "
    "print ≈. A dash stands where nothing was timed.",
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
    "Outside the headline: not on equal terms. Rules without a bottleneck can pass an image through as it "
    "is, so that their error does not compare with that of a rule that must encode it; unmatched rules were "
    "not tuned as the others were (the ledger says why)."
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


def self_check(view: ReportView) -> str:
    """What the leak probes found; empty if none ran."""
    checks = view.checks
    if checks is None:
        return ""
    where = ", ".join(checks.entries)
    if checks.caught:
        return (
            f"Self-check: {', '.join(checks.caught)} named the true classes after learning from permuted "
            f"labels on {where}, so they know them from elsewhere, and have no figures."
        )
    return (
        f"Self-check: on permuted labels every classifier fell to chance ({where}; "
        f"{plural(checks.cells, 'cell')}, accuracy at most {checks.highest:.0%}, "
        f"a leak would show above {checks.limit:.0%})."
    )


def clock_line(entry: EntryView) -> str:
    """What to know of the entry's times; empty without a timing lane."""
    clocked = entry.clocked
    if clocked is None:
        return ""
    band = clocked.noise.get("train")
    noise = f"; a rule against itself scatters within {band:.2f} × in training" if band else ""
    busy = f"; {clocked.busy} do not count, since others kept the machine busy" if clocked.busy else ""
    return f"Timing lane: {plural(clocked.runs, 'run')}{busy}{noise}."


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
    if spec.get("samples") and entry.seconds is None:
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
    if entry.seconds is not None:
        parts.append(f"training ends after {entry.seconds:g} s")
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


LEDGER_NUMBERS = ("Trials", "Parameters", "Updates", "Samples", "First step")
LEDGER = ("Optimiser", "Initialisation", "Output", "Configuration", "Source", "Tags", *LEDGER_NUMBERS)


def ledger(row: Row) -> list[str]:
    """The row's line of the ledger, in the order of `LEDGER`."""
    described = [str(row.tags.get(name) or "") for name in ("optimiser", "initialisation", "output")]
    counted = [fmt.count(row.stats.get(name), row.n).text for name in ("parameters", "updates", "samples")]
    first = fmt.seconds(row.stats.get("first_step_seconds"), row.n).text
    source = f"{row.config_source}; unmatched: {row.unmatched}" if row.unmatched else row.config_source
    trials = fmt.MISSING if row.trials is None else str(row.trials)
    return [*described, fmt.settings(row.config), source, tags(row), trials, *counted, first]
