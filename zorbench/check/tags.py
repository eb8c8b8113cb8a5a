"""Checks that what a plugin's tags say is so."""

from collections.abc import Iterator

import torch
from torch import Tensor

from zorbench.baseline import Baseline
from zorbench.check.model import Crashed, Failed, Skipped, check
from zorbench.check.subject import Specimen, Subject
from zorbench.check.transport import WeightUses, turned_round
from zorbench.predict import ContractError, Diverged
from zorbench.tasks import Classification, Reconstruction

BATCH, BELOW, ABOVE = 6, 5, 4  # of the activities that a local rule is asked about
TOLERANCE = 1e-5


@check(
    "local-as-declared",
    "tagged local, a change of w[i, j] moves with nothing but pre i, post j, signal j, w[i, j]",
)
def local(subject: Subject) -> None:
    if not subject.plugin.tags.local:
        raise Skipped("is not tagged local")
    if not callable(getattr(subject.plugin, "update", None)):
        raise Failed(
            "Tags(local=True), but there is no update(pre, post, signal, w) by which that could be tested"
        )
    specimen = subject.learned
    given = _activities()
    change = _change(specimen, given)
    if not bool((change != 0).any()):
        raise Failed("update changes no weight, for random activities and signals: so it is no rule to test")
    scale = float(change.abs().max())
    for i, j in ((0, 0), (BELOW // 2, ABOVE - 1), (BELOW - 1, 1)):
        for what, others in _elsewhere(given, i, j):
            moved = abs(float(_change(specimen, others)[i, j] - change[i, j]))
            if moved > TOLERANCE * scale:
                raise Failed(
                    f"the change of w[{i}, {j}] moves by {moved:.3g} (changes are up to {scale:.3g}) with "
                    f"{what}: a norm or a sum over units? Then it is not local: Tags(local=False)"
                )


Activities = dict[str, Tensor]


def _activities() -> Activities:
    draw = torch.Generator().manual_seed(3)
    return {
        "pre": torch.rand(BATCH, BELOW, generator=draw),
        "post": torch.rand(BATCH, ABOVE, generator=draw),
        "signal": 2 * torch.rand(BATCH, ABOVE, generator=draw) - 1,
        "w": 0.3 + 0.4 * torch.rand(BELOW, ABOVE, generator=draw),
    }


def _elsewhere(given: Activities, i: int, j: int) -> Iterator[tuple[str, Activities]]:
    """The same activities but for one kind, which is another wherever w[i, j] has no part in it."""
    draw = torch.Generator().manual_seed(4)
    for name, own, what in (
        ("pre", (slice(None), i), "the activity of other units below (pre)"),
        ("post", (slice(None), j), "the activity of other units above (post)"),
        ("signal", (slice(None), j), "the signal to other units above"),
        ("w", (i, j), "other weights"),
    ):
        values = torch.rand(given[name].shape, generator=draw)
        if name == "signal":
            values = 2 * values - 1
        values[own] = given[name][own]
        yield what, given | {name: values}


def _change(specimen: Specimen, given: Activities) -> Tensor:
    answer = specimen.call("update", *(given[name].clone() for name in ("pre", "post", "signal", "w")))
    if not isinstance(answer, Tensor) or answer.shape != given["w"].shape:
        found = list(answer.shape) if isinstance(answer, Tensor) else type(answer).__name__
        raise Failed(
            f"update returned {found} for w of {list(given['w'].shape)}; expected its change, as large"
        )
    return answer.detach()


@check(
    "weight-transport-as-declared",
    "not tagged uses_weight_transport, no signal goes back through the weights of the forward pass",
)
def transport(subject: Subject) -> None:
    if subject.plugin.tags.uses_weight_transport:
        raise Skipped("says that it uses weight transport")
    specimen = subject.new().fit()  # what has learned has all its weights
    forward, learning = WeightUses(specimen.plugin), WeightUses(specimen.plugin)
    with forward:
        specimen.ask(subject.asked)
    with learning:
        specimen.fit()
    back = turned_round(forward.found, learning.found)
    if back:
        raise Failed(
            f"in learning, a signal goes back through {', '.join(back[:3])}, by which predictions go forward "
            f"(backpropagation?): declare Tags(uses_weight_transport=True)"
        )


@check(
    "samples-as-declared", "budget.take is used by those, and all of those, that are tagged chooses_samples"
)
def choosing(subject: Subject) -> None:
    budget = subject.learned.budget
    takes = budget.takes if budget is not None else 0
    tagged = subject.plugin.tags.chooses_samples
    if takes and not tagged:
        raise Failed(f"fit called budget.take {takes} times: declare Tags(chooses_samples=True)")
    if tagged and not takes:
        raise Failed("Tags(chooses_samples=True), but fit never called budget.take: drop the tag")


@check(
    "bottleneck-as-declared", "in reconstruction there are encode and decode, or the tag bottleneck is off"
)
def bottleneck(subject: Subject) -> None:
    if subject.task is not Reconstruction:
        raise Skipped("only reconstruction goes through a bottleneck")
    plugin = subject.plugin
    own = [name for name in ("encode", "decode") if getattr(plugin, name) is not getattr(Baseline, name)]
    if not plugin.tags.bottleneck and len(own) == 2:
        raise Failed(
            "has encode and decode, but Tags(bottleneck=False) keeps it out of the headline: drop that"
        )


@check(
    "images-as-declared", "without needs_images, a classifier takes inputs that are no images, such as Iris"
)
def images(subject: Subject) -> None:
    if subject.task is not Classification:
        raise Skipped("all inputs of this task are images")
    if subject.plugin.needs_images:
        raise Skipped("says that it needs images")
    problem = subject.tiny().flat()
    try:
        subject.new(problem).fit().ask(problem.unseen[:3])
    except (Crashed, ContractError, Diverged) as error:
        raise Failed(
            f"for inputs of shape {list(problem.spec.input_shape)}: {error}; flatten inputs (flatten(1)), or "
            f"declare needs_images = True"
        ) from error


@check("time-steps-as-declared", "time_steps is a whole number, 1 or more, once the rule is built")
def steps(subject: Subject) -> None:
    found = subject.new().plugin.time_steps
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise Failed(f"time_steps is {found!r}; for how many steps does the rule show itself a sample?")
