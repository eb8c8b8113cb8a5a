"""Checks of what a plugin declares: its tasks, its settings, what it tells of itself."""

from dataclasses import fields
from typing import get_type_hints

from torch import Tensor

from zorbench.check.model import BASIC, Failed, Skipped, check
from zorbench.check.subject import Specimen, Subject
from zorbench.config import config_values, make_config
from zorbench.diagnostics import diagnostics
from zorbench.errors import InputError
from zorbench.operations import prediction_operations
from zorbench.tasks import TASKS
from zorbench.tuning import space

NONSENSE = "no-such-value"


@check("each-task-or-a-reason", "does each task, or says why it cannot", per_task=False)
def tasks(subject: Subject) -> None:
    plugin = subject.plugin
    for task in TASKS.values():
        reason = plugin.unsupported.get(task)
        if task in plugin.tasks and reason is not None:
            raise Failed(f"{task.name} is both in tasks and in unsupported; leave it in one of them")
        if task not in plugin.tasks and not (isinstance(reason, str) and reason.strip()):
            raise Failed(
                f"{task.name} is not in tasks, and unsupported gives no reason; the report shows one: "
                f"unsupported = {{{task.__name__}: '…'}}"
            )


@check(
    "defaults-are-valid", "the defaults of Config are values that a command line could give", per_task=False
)
def defaults(subject: Subject) -> None:
    config = subject.plugin.Config
    try:
        again = make_config(config, config_values(config()), "Config")
    except InputError as error:
        raise Failed(f"a default is refused when it is given: {error}") from error
    if again != config():
        raise Failed(f"the defaults given as settings make {again}, not {config()}; check their types")


@check(
    "wrong-settings-are-refused",
    "an unknown setting, and a text that means nothing, are errors and no silent defaults",
    per_task=False,
)
def wrong_settings(subject: Subject) -> None:
    config = subject.plugin.Config
    try:
        make_config(config, {NONSENSE: 1}, "Config")
    except InputError:
        pass
    else:
        raise Failed(f"the setting {NONSENSE!r}, which Config does not have, is accepted")
    kinds = get_type_hints(config)
    texts = [one.name for one in fields(config) if kinds[one.name] is str and "choices" not in one.metadata]
    for name in texts:
        try:
            subject.new(settings={name: NONSENSE})
        except (Failed, InputError):
            continue
        raise Failed(
            f"{name}={NONSENSE} is accepted: a mistyped value would pass for a row of its own; declare the "
            f"values with choice(…), or raise ValueError in Config.__post_init__"
        )


@check("search-bounds-build", "a rule can be built at both ends of every range that `search` declares")
def bounds(subject: Subject) -> None:
    for name, value in _ends(subject):
        try:
            subject.new(settings={name: value})
        except (Failed, InputError) as error:
            raise Failed(f"with {name}={value}, an end of its range: {error}") from error


@check(
    "search-bounds-learn",
    "a rule can learn at both ends of every range that `search` declares (it may diverge)",
    slow=True,
)
def bounds_learn(subject: Subject) -> None:
    for name, value in _ends(subject):
        try:
            subject.new(settings={name: value}).fit()
        except Failed as error:
            raise Failed(f"with {name}={value}, an end of its range: {error}") from error


def _ends(subject: Subject) -> list[tuple[str, float]]:
    searched = space(subject.plugin.Config, subject.row.settings)
    if not searched:
        raise Skipped("searches no setting")
    return [(one.name, one.at(share)) for one in searched for share in (0.0, 1.0)]


@check(
    "tells-of-itself",
    "state, diagnostics and operations return what their docstrings say",
    needs=(*BASIC, "time-steps-as-declared"),
)
def tells(subject: Subject) -> None:
    specimen = subject.new().fit()
    state = specimen.call("state")
    if not isinstance(state, dict):
        raise Failed(f"state returned {type(state).__name__}; expected a dict from names to tensors")
    for name, part in state.items():
        if not (isinstance(name, str) and isinstance(part, Tensor)):
            raise Failed(
                f"state holds {type(part).__name__} under {name!r}; expected a tensor under a text "
                f"(torch.tensor(…) for a number)"
            )
    told_of(specimen)


def told_of(specimen: Specimen) -> None:
    """Ask for diagnostics and operations as the harness does. Raises `ContractError` or `Crashed`."""
    with specimen.calling("diagnostics"):
        diagnostics(specimen.plugin)
    with specimen.calling("operations"):
        prediction_operations(specimen.plugin, specimen.problem.spec, specimen.problem.unseen[:4])
