"""`zorbench claims`: from options to the cells that fit into the minutes, verdicts, and their pages."""

import json
import math
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from zorbench.cell import FAILED
from zorbench.claims import Claim, Finding, Setting, Verdict, assess, bundled_claims, load_claims
from zorbench.claims.document import DOCUMENT, Answers, document
from zorbench.claims.markdown import MARKDOWN, markdown, tally
from zorbench.claims.schedule import choose
from zorbench.claims.tables import Kind
from zorbench.cli.claim_cells import Question, make_questions, missing
from zorbench.cli.display import Display, duration, make_display
from zorbench.cli.ledger import print_claims, print_ledger
from zorbench.cli.run import run_cells
from zorbench.errors import InputError, unknown
from zorbench.registry import Registry
from zorbench.store import Store, read_runs

RESULTS = Path("results") / "claims"


@dataclass(frozen=True)
class ClaimsOptions:
    """The options of `zorbench claims`. `jobs`: None for two, or one where there is a single core."""

    ids: Sequence[str]
    file: Path | None
    data_root: Path | None
    out: Path | None
    seeds: int
    minutes: float
    jobs: int | None
    plugins: Sequence[Path]
    retry_failed: bool


def list_claims(options: ClaimsOptions) -> None:
    """Print the claims, their figures and what they cost, and run nothing."""
    file, claims = _claims(options)
    jobs = _jobs(options)
    costs = {
        claim.id: [(one.kind, _documented(claim, one, options.seeds, jobs)) for one in claim.settings]
        for claim in claims
    }
    print_claims(claims, costs)
    print(f"{file}: {len(claims)} claims; seconds for {options.seeds} seeds, at most {jobs} cells at a time")


def run_claims(options: ClaimsOptions) -> int:
    """Run what is missing and fits, write and print the verdicts; how many of the cells have failed.

    Raises `InputError` before anything is run or written.
    """
    file, claims = _claims(options)
    jobs = _jobs(options)
    _check_numbers(options, jobs)
    registry = Registry(options.plugins)
    questions = make_questions(claims, range(options.seeds), options.data_root, registry, file)
    results = options.out or RESULTS
    with Store(results) as store:
        display = make_display(sys.stderr)
        before = {
            question.name: missing(question, store, jobs, options.retry_failed)
            for question in questions
            if not question.absent
        }
        chosen = set(choose(list(before.items()), options.minutes * 60))
        _run([one for one in questions if one.name in chosen], store, display, jobs, options)
        answers = _answers(questions, store, jobs, chosen, options)
        ran = {cell.key: cell for one in questions for cell in one.cells if cell.key in store.records}
        failed = sum(store.records[key]["status"] in FAILED for key in ran)
        records = list(store.records.values())
    found = document("Published claims", claims, answers, options.seeds)
    (results / DOCUMENT).write_text(
        json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
    )
    (results / MARKDOWN).write_text(markdown(found), encoding="utf-8")
    if failed:
        display.line(f"{failed} of {len(ran)} cells failed; --retry failed runs errors and timeouts again")
    print_ledger(found)
    print(f"{tally(found)}\nverdicts: {results / MARKDOWN}")
    if records:
        from zorbench.report import write_report

        print(f"report: {write_report(results, records, read_runs(results)).html}")
    return failed


def _claims(options: ClaimsOptions) -> tuple[Path, list[Claim]]:
    """The file, and the claims of it that were asked for."""
    file = options.file or bundled_claims()
    claims = load_claims(file)
    ids = [claim.id for claim in claims]
    for name in options.ids:
        if name not in ids:
            raise unknown("claim", name, ids)
    return file, [claim for claim in claims if not options.ids or claim.id in options.ids]


def _jobs(options: ClaimsOptions) -> int:
    return min(2, os.cpu_count() or 1) if options.jobs is None else options.jobs


def _check_numbers(options: ClaimsOptions, jobs: int) -> None:
    if options.seeds < 1:
        raise InputError(f"--seeds {options.seeds}: must be at least 1")
    if jobs < 1:
        raise InputError(f"--jobs {jobs}: must be at least 1")
    if not 0 <= options.minutes < math.inf:
        raise InputError(f"--minutes {options.minutes:g}: must be a number of minutes, 0 or more")


def _run(
    questions: Sequence[Question],
    store: Store,
    display: Display,
    jobs: int,
    options: ClaimsOptions,
) -> None:
    """Run the missing cells of these questions; rounds of the timing lane take turns of all its rows."""
    cells = {cell.key: cell for question in questions for cell in question.cells}
    todo = [cell for cell in cells.values() if store.needs(cell.key, retry_failed=options.retry_failed)]
    display.planned(list(cells.values()), todo, store.results)
    todo.sort(key=lambda cell: (cell.phase, cell.seed if cell.alone else 0))
    if todo:
        run_cells(todo, store, display, jobs=jobs, seeds=options.seeds)


def _answers(
    questions: Sequence[Question],
    store: Store,
    jobs: int,
    chosen: set[tuple[str, Kind]],
    options: ClaimsOptions,
) -> Answers:
    answers: dict[tuple[str, Kind], tuple[Finding, float]] = {}
    for question in questions:
        if question.absent:
            seconds = _documented(question.claim, question.setting, options.seeds, jobs)
            finding = Finding(Verdict("NOT RUN", f"{question.absent}; then about {duration(seconds)}"))
            answers[question.name] = finding, seconds
            continue
        left = sum(missing(question, store, jobs, retry_failed=False).values())
        if question.name in chosen:
            finding = assess(question.claim, question.records(store))
        else:
            finding = Finding(Verdict("NOT RUN", f"about {duration(left)}, beyond --minutes"))
        answers[question.name] = finding, left
    return answers


def _documented(claim: Claim, setting: Setting, seeds: int, jobs: int) -> float:
    """What the rows of a setting take by the file, floors left out."""
    seconds = sum(setting.costs[entry.label, row] for entry, row in setting.pairs())
    return seeds * seconds / (1 if claim.timed else jobs)
