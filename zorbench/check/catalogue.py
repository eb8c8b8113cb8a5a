"""All checks, in the order in which they are made."""

from zorbench.check import answers, declared, learning, tags
from zorbench.check.model import Check

CHECKS: tuple[Check, ...] = (
    declared.tasks,
    declared.defaults,
    declared.wrong_settings,
    learning.runs,
    learning.data,
    answers.shapes,
    answers.pure,
    answers.repeats,
    answers.batch,
    answers.decodes,
    answers.inputs_kept,
    answers.generators,
    answers.settings,
    learning.seeds,
    learning.ceiling,
    learning.time,
    learning.partial_batch,
    learning.learns,
    learning.chance,
    learning.loads,
    learning.together,
    declared.bounds,
    tags.steps,
    declared.tells,
    tags.local,
    tags.transport,
    tags.choosing,
    tags.bottleneck,
    tags.images,
    declared.bounds_learn,
    learning.learns_always,
)

BY_NAME = {one.name: one for one in CHECKS}

NOT_CAUGHT = (
    "Not caught: a rule that goes on learning from shots it keeps; one that hides what it was shown where no "
    "attribute leads; one that behaves while it is checked; an update(…) that is not what it learns by; "
    "weight transport through copies, NumPy or compiled loops; whether it is a good rule."
)
