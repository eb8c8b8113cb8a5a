"""Many seeds at once: cells that differ in the seed only, learned as one computation.

Each seed keeps its episode, its order, its generator, its checkpoints and its score. What it gives is what
its cell gives alone, up to rounding; but times and memory, which belong to all seeds, are not kept.
"""

from collections.abc import Iterable
from dataclasses import replace

import torch

from zorbench.baseline import StepBaseline
from zorbench.cell import Cell, Group, Outcome, Work
from zorbench.predict import ContractError, Diverged, unchanged
from zorbench.run import attempt
from zorbench.session import Answer, Session


def group_seeds(cells: Iterable[Cell]) -> list[Work]:
    """The cells with those of a rule that offers it grouped: same entry and row, and as many shots.

    A group stands where the first of its cells stood; a cell that finds no other stays alone.
    """
    groups: dict[object, list[Cell]] = {}
    for cell in cells:
        settings = str(sorted(cell.settings.items()))
        row = (cell.entry, cell.protocol, cell.label, settings, cell.ref, cell.device, cell.n_shots)
        together = cell.offers_many and cell.lane == "accuracy" and not cell.alone
        groups.setdefault(row if together else cell.key, []).append(cell)
    return [Group(tuple(found)) if len(found) > 1 else found[0] for found in groups.values()]


def run_group(group: Group) -> tuple[Outcome, ...] | Outcome:
    """The outcomes of the group's cells in this process, or a single one: why it failed as a whole.

    A seed may diverge by itself. Anything else that goes wrong says nothing about the seeds one by one.
    """
    return attempt(group.cells[0], lambda: _learn_together(group))


class _Member:
    """One seed of a group."""

    def __init__(self, cell: Cell, index: int) -> None:
        self.session = Session(cell)
        self.index = index
        self.plugin: StepBaseline  # the one of all seeds
        self.budget = self.session.budget(self.checkpoint)
        self.diverged = ""

    def checkpoint(self, samples: int) -> None:
        if not self.diverged:
            try:
                self.session.checkpoint(self.rule(), samples)
            except Diverged as error:
                self.diverged = str(error)

    def ask(self) -> Answer | None:
        """What the seed answers at the end; None if it diverged."""
        if not self.diverged:
            try:
                return self.session.ask(self.rule(), self.budget)
            except Diverged as error:
                self.diverged = str(error)
        return None

    def watch_learning(self, answer: Answer | None) -> Answer | None:
        """See what learning takes: only once all seeds were asked, since some may share memory."""
        return answer and self.session.watch_learning(self.rule(), answer)

    def score(self, answer: Answer | None) -> Outcome:
        if answer is None:
            return Outcome("diverged", self.diverged)
        outcome = self.session.score(answer)
        untimed = [
            {key: value for key, value in point.items() if key != "seconds"} for point in outcome.curve
        ]
        return replace(outcome, curve=untimed)

    def rule(self) -> StepBaseline:
        """This seed's copy, by itself."""
        with unchanged(self.plugin, "member"):
            rule = self.plugin.member(self.index)
        if type(rule) is not type(self.plugin):
            expected = type(self.plugin).__name__
            raise ContractError(f"member returned a {type(rule).__name__}; expected a {expected}")
        return rule


def _learn_together(group: Group) -> tuple[Outcome, ...] | Outcome:
    members = [_Member(cell, index) for index, cell in enumerate(group.cells)]
    first = members[0].session
    plugin, config = first.new_plugin()
    assert isinstance(plugin, StepBaseline), "only such a rule offers many seeds"
    for member in members:
        member.plugin = plugin
    with first.calling():
        try:
            plugin.build_many(first.spec, config, [member.session.generator for member in members])
        except NotImplementedError as error:
            return Outcome("unsupported", str(error) or "the rule gives no reason")
        # Every budget pauses at the same steps, so that all checkpoints of a step fall between two updates.
        for batches in zip(*(member.budget.batches() for member in members), strict=True):
            inputs, targets = zip(*batches, strict=True)
            plugin.step_many(torch.stack(inputs), torch.stack(targets))
    asked = [member.ask() for member in members]
    answers = [member.watch_learning(answer) for member, answer in zip(members, asked, strict=True)]
    # Only now: no call of the plugin comes after this line.
    outcomes = [member.score(answer) for member, answer in zip(members, answers, strict=True)]
    return tuple(replace(outcome, together=len(members)) for outcome in outcomes)
