"""A row under test: made, taught and asked, with everything noted that it does beside."""

import copy
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zorbench.baseline import Baseline
from zorbench.check import problem as problems
from zorbench.check.model import Crashed, TooLong
from zorbench.check.problem import Problem
from zorbench.check.watch import Notes, WatchedBudget
from zorbench.data.guard import DataShut
from zorbench.predict import ContractError, Diverged, bottlenecked, check_answer, check_codes
from zorbench.protocol import BudgetExceeded
from zorbench.randomness import GlobalRandomness
from zorbench.registry import Row
from zorbench.tasks import Task

at_work: list[str] = []
"""The plugin's methods that are being executed, the innermost last."""

NONE: Mapping[str, Any] = {}

MOST_TOLD = 300
"""Characters of an error's own text."""


class Specimen:
    """One copy of the rule on one problem."""

    def __init__(self, row: Row, problem: Problem, *, seed: int = 0) -> None:
        """Not built yet. Raises `Crashed`."""
        self.row, self.problem, self.seed = row, problem, seed
        self.notes = Notes()
        self.budget: WatchedBudget | None = None
        self.exceeded = ""  # what the budget said when it was asked for too much
        self._randomness = GlobalRandomness(seed)
        with self.calling("__init__"):
            self.plugin: Baseline = row.plugin()

    def build(self, settings: Mapping[str, Any] = NONE) -> "Specimen":
        """Build it, with `settings` beside the row's own. Raises `Crashed`."""
        config = replace(self.row, settings={**self.row.settings, **settings}).config()
        self.call("build", self.problem.spec, config, torch.Generator().manual_seed(self.seed))
        return self

    def like(self, plugin: Baseline) -> "Specimen":
        """Another copy of the rule, in the same surroundings."""
        other = copy.copy(self)
        other.plugin = plugin
        return other

    def fit(self, budget: WatchedBudget | None = None) -> "Specimen":
        """Let it learn; a budget that it asks too much of is noted. Raises `Crashed`."""
        self.budget = self.problem.budget() if budget is None else budget
        try:
            self.call("fit", self.budget)
        except BudgetExceeded as error:
            self.exceeded = str(error)
        if self.budget.rewritten():
            self.notes.rewritten.append("fit (or step) wrote into the samples that it was handed")
        return self

    def ask(self, inputs: Tensor) -> Tensor:
        """What is scored: `decode(encode(inputs))` through a bottleneck, else `predict(inputs)`."""
        answer = inputs
        for method in self.methods:
            answer = self.answer(method, answer)
        return answer

    @property
    def methods(self) -> tuple[str, ...]:
        """What is asked of it, one after the other."""
        return ("encode", "decode") if bottlenecked(self.plugin, self.problem.spec) else ("predict",)

    def answer(self, method: str, inputs: Tensor) -> Tensor:
        """What `method` says to `inputs`, checked for kind and shape, in memory of its own.

        Raises `Crashed`, `ContractError` or `Diverged`.
        """
        spec = self.problem.spec
        with torch.no_grad():
            answer = self.call(method, inputs.clone())
        check_answer(answer, method, len(inputs), spec)
        if method == "encode":
            check_codes(answer, len(inputs), spec)
        return answer.detach().clone()

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of the plugin as the harness does. Raises `Crashed`, or `BudgetExceeded`."""
        tensors = [part for part in arguments if isinstance(part, Tensor)]
        with self.calling(method, *tensors):
            return getattr(self.plugin, method)(*arguments)

    @contextmanager
    def calling(self, method: str, *tensors: Tensor) -> Iterator[None]:
        at_work.append(method)
        try:
            with self._randomness.installed(), self.notes.watching(method, tensors):
                yield
        except (TooLong, KeyboardInterrupt, BudgetExceeded, ContractError, Diverged):
            raise
        except DataShut as error:
            raise Crashed(f"{method}: {error}") from None
        except BaseException as error:
            raise Crashed(f"{method} raised {told(error, self.row.ref.path.parent)}") from error
        finally:
            at_work.pop()


class Subject:
    """A row in one of its tasks, with the copies that several checks look at."""

    def __init__(self, row: Row, task: type[Task]) -> None:
        self.row, self.task = row, task

    @property
    def plugin(self) -> type[Baseline]:
        return self.row.plugin

    @cached_property
    def size(self) -> int:
        """Of the images: small ones; larger ones if the rule refuses these, or answers all of them alike."""
        usable = []
        for size in (problems.SMALL, problems.LARGE):
            answers = self._tried(size)
            if answers is None:
                continue
            if self.plugin.role == "floor" or not torch.equal(answers, answers[:1].expand_as(answers)):
                return size
            usable.append(size)
        return usable[0] if usable else problems.SMALL

    def _tried(self, size: int) -> Tensor | None:
        """Answers to images of that size; None if there are none."""
        problem = problems.tiny(self.task, size)
        try:
            return Specimen(self.row, problem).build().fit().ask(problem.unseen[:20])
        except (Crashed, ContractError, Diverged):
            return None

    def tiny(self, **changes: Any) -> Problem:
        """A few shots, presented twice."""
        return problems.tiny(self.task, self.size, **changes)

    @cached_property
    def easy(self) -> Problem:
        """Enough shots to learn from."""
        return problems.easy(self.task, self.size)

    @cached_property
    def learned(self) -> Specimen:
        """A copy that has learned the tiny problem. Not to be taught or changed further."""
        return self.new().fit()

    def new(
        self, problem: Problem | None = None, *, seed: int = 0, settings: Mapping[str, Any] = NONE
    ) -> Specimen:
        """An untrained copy."""
        return self.unbuilt(problem or self.tiny(), seed=seed).build(settings)

    def unbuilt(self, problem: Problem, *, seed: int = 0) -> Specimen:
        """A copy that is not even built."""
        return Specimen(self.row, problem, seed=seed)

    @cached_property
    def asked(self) -> Tensor:
        """What copies are asked: unseen inputs, then some of the shots."""
        problem = self.tiny()
        return torch.cat([problem.unseen[:12], problem.inputs[:4]])


def told(error: BaseException, folder: Path) -> str:
    """`ValueError: text (rule.py:12 in step)`: what it is, and the last place in code of that folder."""
    text = " ".join(str(error).split()) or "no message"
    if len(text) > MOST_TOLD:
        text = text[: MOST_TOLD - 1] + "…"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).parent == folder]
    place = f" ({Path(own[-1].filename).name}:{own[-1].lineno} in {own[-1].name})" if own else ""
    return f"{type(error).__name__}: {text}{place}"
