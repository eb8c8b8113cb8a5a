"""Checks of what a rule answers, and of what answering leaves as it was."""

import torch
from torch import Tensor

from zorbench.check.elsewhere import in_a_fork
from zorbench.check.model import BASIC, Failed, Skipped, check
from zorbench.check.subject import Specimen, Subject
from zorbench.predict import bottlenecked, check_bottleneck
from zorbench.probes import depends_on_the_split
from zorbench.state import find_tensors

MOST_MOVED = 0.25
"""The share of answers that another batch may change: rounding may turn a spike over, here and there."""


@check(
    "answers-fit-the-task",
    "predict (or encode and decode) return finite tensors of the right kind and shape",
    needs=("runs", "opens-no-data-set"),
)
def shapes(subject: Subject) -> None:
    specimen = subject.learned
    check_bottleneck(specimen.plugin, specimen.problem.spec)
    for inputs in (subject.asked, subject.asked[:1]):
        specimen.ask(inputs)


@check("predict-is-pure", "predict, encode and decode change no tensor that the rule holds")
def pure(subject: Subject) -> None:
    specimen = subject.new().fit()
    inputs = subject.asked
    for method in specimen.methods:
        before = _copied(specimen)
        answer = specimen.answer(method, inputs)
        after = _copied(specimen)
        changed = [name for name in before | after if not _same(before.get(name), after.get(name))]
        if changed:
            raise Failed(
                f"{method} changed {', '.join(sorted(changed)[:3])} of the rule; it must leave all as it is "
                f"(a module in training mode? statistics that go on? inputs kept aside?)"
            )
        inputs = answer


@check("predict-repeats", "asked twice, a rule answers with the same bits")
def repeats(subject: Subject) -> None:
    specimen = subject.new().fit()
    first, again = specimen.ask(subject.asked), specimen.ask(subject.asked)
    if not torch.equal(first, again):
        raise Failed(
            f"the second answer to the same inputs differs by up to {_gap(first, again):.3g}; draw what is "
            f"random in build, and keep it"
        )


@check(
    "predict-ignores-the-batch",
    "an answer depends on its own input, not on what is asked for along with it or in which order",
    needs=(*BASIC, "predict-repeats"),
)
def batch(subject: Subject) -> None:
    specimen, asked = subject.new().fit(), subject.asked
    whole = specimen.ask(asked)
    one_by_one = torch.cat([specimen.ask(item) for item in asked.split(1)])
    for how, again in (("one by one", one_by_one), ("in reverse", specimen.ask(asked.flip(0)).flip(0))):
        moved = depends_on_the_split(whole, again)
        if moved > MOST_MOVED:
            raise Failed(
                f"asked {how}, {moved:.0%} of the answers are others, by up to {_gap(whole, again):.3g}: "
                f"statistics of the batch? learning from what is to be predicted?"
            )


@check(
    "decode-knows-only-codes",
    "reconstruction goes through its bottleneck: images are decoded from codes and nothing else",
    needs=(*BASIC, "predict-repeats"),
)
def decodes(subject: Subject) -> None:
    specimen, asked = subject.new().fit(), subject.asked
    if not bottlenecked(specimen.plugin, specimen.problem.spec):
        raise Skipped("has no bottleneck to go through")

    def decode(codes: Tensor) -> Tensor:
        return specimen.answer("decode", codes)

    with in_a_fork(decode) as decode_elsewhere:  # it has not seen what is encoded next
        codes = specimen.answer("encode", asked)
        images = decode(codes)
        order = torch.arange(len(codes)).roll(len(codes) // 2)
        elsewhere = decode_elsewhere(codes)
    moved = depends_on_the_split(images[order], decode(codes[order]))
    if moved > MOST_MOVED:
        raise Failed(f"decode answers {moved:.0%} of the codes otherwise when they come in another order")
    if elsewhere is None:
        return
    if isinstance(elsewhere, str):
        raise Failed(
            f"a copy of the rule that has not encoded the images cannot decode their codes: {elsewhere}"
        )
    moved = depends_on_the_split(images, elsewhere)
    if moved > MOST_MOVED:
        raise Failed(
            f"a copy of the rule that has not encoded the images decodes {moved:.0%} of their codes "
            f"otherwise: encode keeps something of the images beside the code"
        )


@check(
    "leaves-its-inputs",
    "what is handed to a rule, in learning and in predicting, is not written into",
)
def inputs_kept(subject: Subject) -> None:
    _complain(_used(subject).notes.rewritten, "work on a copy (x = x - 1, not x -= 1)")


@check(
    "leaves-global-generators",
    "the global generators of Python, NumPy and torch are as they were after each call",
)
def generators(subject: Subject) -> None:
    _complain(
        _used(subject).notes.generators,
        "is another after it; draw from the generator that build gets (rng), and build modules within "
        "torch.random.fork_rng(devices=[])",
    )


@check(
    "leaves-torch-settings",
    "torch's number of threads, default dtype and other settings are as they were after each call",
)
def settings(subject: Subject) -> None:
    _complain(_used(subject).notes.settings, "changed it; a cell has one thread and float32")


def _used(subject: Subject) -> Specimen:
    """A copy that has learned and was asked."""
    specimen = subject.new().fit()
    specimen.ask(subject.asked)
    return specimen


def _complain(found: list[str], advice: str) -> None:
    if found:
        raise Failed(f"{'; '.join(dict.fromkeys(found))}: {advice}")


def _copied(specimen: Specimen) -> dict[str, Tensor]:
    return {name: part.clone() for name, part in find_tensors(specimen.plugin).items()}


def _same(one: Tensor | None, other: Tensor | None) -> bool:
    if one is None or other is None or one.shape != other.shape or one.dtype != other.dtype:
        return False
    return torch.equal(one.nan_to_num(), other.nan_to_num())


def _gap(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().max())
