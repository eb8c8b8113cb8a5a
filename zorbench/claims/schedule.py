"""Which questions are answered within a time, the cheapest first. Pure."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

Name = TypeVar("Name")
Missing = Mapping[str, float]
"""Key of a cell that is still to be run → seconds that it takes."""


def choose(questions: Sequence[tuple[Name, Missing]], seconds: float) -> list[Name]:
    """The questions that fit into `seconds`, in the order in which they are answered.

    Again and again the one whose cells take the least beyond those of the ones before, of equals the first;
    questions that share cells pay for them once. What is answered already takes nothing.
    """
    taken: set[str] = set()
    left = dict(enumerate(questions))
    chosen = []
    while left:
        more = {
            number: sum(cost for key, cost in missing.items() if key not in taken)
            for number, (_, missing) in left.items()
        }
        number = min(more, key=lambda one: (more[one], one))
        if more[number] > seconds:
            break
        seconds -= more[number]
        name, missing = left.pop(number)
        taken |= missing.keys()
        chosen.append(name)
    return chosen
