"""Run one cell: what is done in each lane, and what becomes of a plugin that does not get through it."""

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

import torch

from zorbench.cell import Cell, Outcome
from zorbench.machine import Load, pinned
from zorbench.predict import ContractError, Diverged
from zorbench.probes import dealt_anew, highest_honest_accuracy
from zorbench.randomness import derive_seed
from zorbench.session import THREADS, Session

Result = TypeVar("Result")


def run_cell(cell: Cell) -> Outcome:
    """Run a cell in this process. Whatever the plugin raises becomes the outcome's reason."""
    return attempt(cell, lambda: _LANES[cell.lane](cell))


def _accuracy(cell: Cell) -> Outcome:
    """Learn, answer and be scored."""
    session = Session(cell)
    plugin, config = session.new_plugin()
    budget, seconds, peak = session.learn(plugin, config)
    answer = session.watch_learning(plugin, session.ask(plugin, budget))
    return replace(session.score(answer), seconds=seconds | {"predict": answer.seconds}, peak_memory=peak)


def _tuning(cell: Cell) -> Outcome:
    """Learn with one configuration, and be validated. Nothing of the test part is read."""
    session = Session(cell)
    plugin, config = session.new_plugin()
    budget, seconds, _ = session.learn(plugin, config)
    session.checkpoint(plugin, budget.seen)
    return Outcome(
        "ok",
        metrics={"validation": {"error": session.curve[-1]["error"]}},
        curve=session.curve,
        seconds=seconds,
        cost={"samples": budget.seen, "updates": budget.updates},
    )


def _timing(cell: Cell) -> Outcome:
    """Learn and answer on one core of an otherwise idle machine, and note every phase's seconds."""
    session = Session(cell)
    with pinned(THREADS), Load() as load:
        plugin, config = session.new_plugin()
        budget, seconds, _ = session.learn(plugin, config)
        session.checkpoint(plugin, budget.seen)
        _, predicted = session.predictions(plugin, session.test_inputs())
    return Outcome(
        "ok",
        metrics={"validation": {"error": session.curve[-1]["error"]}},
        curve=session.curve,
        seconds=seconds | {"predict": predicted},
        cost={"samples": budget.seen, "updates": budget.updates},
        load=load.of_others,
    )


def _probe(cell: Cell) -> Outcome:
    """Learn from labels without information. Raises `ContractError` for a rule that is right all the same."""
    session = Session(cell)
    n_classes = session.spec.n_classes
    inputs, targets = session.shots
    labels = dealt_anew(targets.argmax(dim=1), n_classes, derive_seed("probe", session.episode.sha256))
    session.shots = inputs, torch.eye(n_classes)[labels]
    plugin, config = session.new_plugin()
    session.learn(plugin, config)
    prediction, _ = session.predictions(plugin, session.test_inputs())
    truth = session.test_labels()
    accuracy = float((prediction.argmax(dim=1) == truth).double().mean())
    highest = highest_honest_accuracy(truth, n_classes)
    if accuracy > highest:
        raise ContractError(
            f"learned from permuted labels, and is right on {accuracy:.0%} of the test items; chance is at "
            f"most {highest:.0%}: it knows classes from elsewhere than its shots"
        )
    return Outcome("ok", metrics={"clean": {"accuracy": accuracy, "highest": highest}})


_LANES: dict[str, Callable[[Cell], Outcome]] = {
    "accuracy": _accuracy,
    "tuning": _tuning,
    "timing": _timing,
    "probe": _probe,
}


def attempt(cell: Cell, work: Callable[[], Result]) -> Result | Outcome:
    """What `work` returns, or the outcome that says why the cell's plugin did not get through it."""
    try:
        with _own_settings():
            return work()
    except Diverged as error:
        return Outcome("diverged", str(error))
    except ContractError as error:
        return Outcome("error", _shortened(str(error)))
    except (MemoryError, torch.cuda.OutOfMemoryError) as error:
        return Outcome("error", f"out of memory{_place(error, cell)}")
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin's SystemExit too costs its own cell only
        if "can't allocate memory" in str(error):
            return Outcome("error", f"out of memory{_place(error, cell)}")
        traceback.print_exc()  # into the run's log
        text = _shortened(" ".join(str(error).split()) or "no message")
        return Outcome("error", f"{type(error).__name__}: {text}{_place(error, cell)}")


def _shortened(text: str, most: int = 300) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


@contextmanager
def _own_settings() -> Iterator[None]:
    """torch's process-wide settings as a cell expects them; what a plugin changes ends with its cell."""
    threads, dtype = torch.get_num_threads(), torch.get_default_dtype()
    torch.set_num_threads(THREADS)
    torch.set_default_dtype(torch.float32)
    # Adam's moments of units that fell silent decay into denormal numbers, which slow a step several times.
    torch.set_flush_denormal(True)
    try:
        with torch.enable_grad():
            yield
    finally:
        torch.set_num_threads(threads)
        torch.set_default_dtype(dtype)
        torch.set_flush_denormal(False)


def _place(error: BaseException, cell: Cell) -> str:
    """Where in the plugin's file it happened, if there: ` (rule.py:12 in step)`."""
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(cell.ref.path)
    ]
    return f" ({cell.ref.path.name}:{frames[-1].lineno} in {frames[-1].name})" if frames else ""
