"""Checks of how a rule learns: that it runs, keeps to its budget and its seed, and learns from its shots."""

import math

import torch
from torch import Tensor

from zorbench.baseline import StepBaseline, offers_many
from zorbench.check.model import BASIC, Crashed, Failed, Skipped, check
from zorbench.check.problem import Problem
from zorbench.check.subject import Specimen, Subject
from zorbench.data.guard import DataShut, shut
from zorbench.errors import InputError
from zorbench.predict import ContractError, Diverged
from zorbench.probes import highest_honest_accuracy
from zorbench.tasks import Classification

SEEDS = 3
HAND_OUTS = 4


@check("runs", "builds, learns and answers without an error", needs=())
def runs(subject: Subject) -> None:
    specimen = subject.unbuilt(subject.tiny())
    try:
        specimen.build().fit().ask(subject.asked)
    except (ContractError, Diverged):
        return  # it answers; what is wrong with that is for other checks to say
    except Crashed:
        if not specimen.notes.data:  # else the next check says why
            raise


@check(
    "opens-no-data-set", "files of data sets stay shut while a rule is loaded and at work", needs=("runs",)
)
def data(subject: Subject) -> None:
    specimen = subject.unbuilt(subject.tiny())
    try:
        with shut(None):
            subject.row.ref.load()
        specimen.build().fit().ask(subject.asked)
    except (InputError, DataShut) as error:
        raise Failed(f"when it is loaded: {error}") from error
    except (Crashed, ContractError, Diverged):
        pass
    if specimen.notes.data:
        raise Failed(specimen.notes.data[0])


@check("same-seed-same-bits", "built and taught twice from one seed, a rule gives the same bits")
def seeds(subject: Subject) -> None:
    first, second = (subject.new(seed=5).fit() for _ in range(2))
    answers = [_asked(one, subject.asked) for one in (first, second)]
    if not torch.equal(*answers):
        gap = float((answers[0] - answers[1]).abs().max())
        raise Failed(
            f"two copies of one seed answer differently, by up to {gap:.3g}; what is random must come from "
            f"the generator that build gets (rng), not from the time, an address, or a former copy"
        )


@check("keeps-to-its-budget", "asks for no more presentations than the ceiling leaves")
def ceiling(subject: Subject) -> None:
    for samples in (20, 33):
        specimen = subject.new(subject.tiny(samples=samples)).fit()
        if specimen.exceeded:
            raise Failed(
                f"with {samples} presentations of 20 shots: {specimen.exceeded}; look at budget.remaining "
                f"before you ask"
            )


@check("stops-with-its-time", "stops when its training seconds are over, where time is the ceiling")
def time(subject: Subject) -> None:
    reason = subject.plugin.unsupported_protocols.get("time")
    if reason is not None:
        raise Skipped(f"cannot learn under protocol time: {reason}")
    problem = subject.tiny().timed()
    try:
        specimen = subject.new(problem)
        specimen.fit(problem.timed_budget(HAND_OUTS))
    except Crashed as error:
        raise Failed(f"under a ceiling on time, where entry.samples is None, {error}") from error
    if specimen.exceeded:
        raise Failed(f"{specimen.exceeded}; go on while budget.remaining is not 0")
    _asked(specimen, subject.asked)


@check("copes-with-one-sample", "learns from a minibatch of one, as the last of an epoch may be")
def partial_batch(subject: Subject) -> None:
    if not issubclass(subject.plugin, StepBaseline):
        raise Skipped("gets no minibatches")
    problem = subject.tiny(n=6, samples=12, batch=5)
    try:
        specimen = subject.new(problem).fit()
        specimen.ask(subject.asked)
    except (Failed, ContractError, Diverged) as error:
        raise Failed(f"with minibatches of 5 and 1: {error} (statistics of a batch of one?)") from error


@check("learns", "errs less on unseen items than its untrained copy does, and than one class for all")
def learns(subject: Subject) -> None:
    _learns(subject, 1)


@check("learns-with-every-seed", f"the same from each of {SEEDS} seeds", needs=(*BASIC, "learns"), slow=True)
def learns_always(subject: Subject) -> None:
    _learns(subject, SEEDS)


def _learns(subject: Subject, count: int) -> None:
    if subject.plugin.role == "floor":
        raise Skipped("a floor: trivial by intention")
    problem = subject.easy
    for seed in range(count):
        specimen = subject.new(problem, seed=seed)
        before, whose = min(_untrained(specimen), _of_a_constant(problem, specimen))
        after = problem.error(specimen.fit().ask(problem.unseen))
        if not after < before:
            raise Failed(
                f"after {specimen.problem.spec.samples} presentations its error on unseen items is "
                f"{after:.4g}, that of {whose} {before:.4g} (seed {seed}): too small or large a step? a sign?"
            )


def _untrained(specimen: Specimen) -> tuple[float, str]:
    """The error before learning, and whose it is; infinite of a rule that has no answer yet."""
    try:
        return specimen.problem.error(specimen.ask(specimen.problem.unseen)), "its untrained copy"
    except (Crashed, ContractError, Diverged):
        return math.inf, "its untrained copy"


def _of_a_constant(problem: Problem, specimen: Specimen) -> tuple[float, str]:
    """The error of one answer for all; of an image, only for rules that have no answer yet."""
    mean = problem.targets.mean(dim=0)
    if problem.spec.task is Classification:
        mean = torch.eye(len(mean))[mean.argmax()]
    elif not math.isinf(_untrained(specimen)[0]):
        return math.inf, ""  # the mean image is hard to beat with few presentations
    return problem.error(mean.expand_as(problem.wanted)), "the best constant answer"


@check(
    "falls-to-chance",
    "a classifier that learned from permuted labels is right by chance alone",
    needs=(*BASIC, "learns"),
)
def chance(subject: Subject) -> None:
    if subject.task is not Classification:
        raise Skipped("has no labels to permute")
    problem = subject.easy
    specimen = subject.new(problem.permuted()).fit()
    answers = _asked(specimen, problem.unseen)
    truth = problem.wanted.argmax(dim=1)
    right = float((answers.argmax(dim=1) == truth).double().mean())
    highest = highest_honest_accuracy(truth, problem.spec.n_classes)
    if right > highest:
        raise Failed(
            f"learned from permuted labels, it is right on {right:.0%} of unseen items; chance is at most "
            f"{highest:.0%}: it knows classes from elsewhere than its shots"
        )


@check(
    "state-can-be-loaded",
    "load_state of what state() returned makes another copy answer alike",
    needs=(*BASIC, "predict-repeats"),
)
def loads(subject: Subject) -> None:
    if not hasattr(subject.plugin, "load_state"):
        raise Skipped("does not offer load_state")
    trained = subject.new().fit()
    state = {name: part.clone() for name, part in trained.call("state").items()}
    other = subject.new(seed=9)
    other.call("load_state", state)
    wanted, found = (_asked(one, subject.asked) for one in (trained, other))
    if not torch.equal(wanted, found):
        gap = float((wanted - found).abs().max())
        raise Failed(
            f"an untrained copy with the state of a trained one answers otherwise, by up to {gap:.3g}: "
            f"state() leaves out something that predicting needs, or load_state does"
        )


@check("seeds-together-as-alone", "build_many, step_many and member learn what copies learn alone")
def together(subject: Subject) -> None:
    if not offers_many(subject.plugin):
        raise Skipped("does not offer build_many")
    problem = subject.tiny()
    alone = [subject.new(problem, seed=seed) for seed in (0, 1)]
    many = subject.unbuilt(problem)
    try:
        with many.calling("build_many"):
            rngs = [torch.Generator().manual_seed(seed) for seed in (0, 1)]
            many.plugin.build_many(problem.spec, subject.row.config(), rngs)  # type: ignore[attr-defined]
    except Crashed as error:
        if isinstance(error.__cause__, NotImplementedError):
            raise Skipped(str(error.__cause__)) from error
        raise
    for inputs, targets in _three_minibatches(problem):
        many.call("step_many", torch.stack([inputs, inputs]), torch.stack([targets, targets]))
        for one in alone:
            one.call("step", inputs.clone(), targets.clone())
    for index, one in enumerate(alone):
        wanted = _asked(one, subject.asked)
        found = _asked(one.like(many.call("member", index)), subject.asked)
        spread = max(float(wanted.max() - wanted.min()), 1e-6)
        gap = float((wanted - found).abs().max())
        if gap > 0.02 * spread:
            raise Failed(
                f"after 3 minibatches, copy {index} of two that learn together answers otherwise than the "
                f"one of its seed alone, by up to {gap:.3g}"
            )


def _three_minibatches(problem: Problem) -> list[tuple[Tensor, Tensor]]:
    inputs, targets = problem.inputs.split(5), problem.targets.split(5)
    return list(zip(inputs, targets, strict=True))[:3]


def _asked(specimen: Specimen, inputs: Tensor) -> Tensor:
    """Its answers. Raises `Failed` for those of the wrong kind."""
    try:
        return specimen.ask(inputs)
    except (ContractError, Diverged) as error:
        raise Failed(str(error)) from error
