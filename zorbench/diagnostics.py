"""Ask a rule what goes on in its layers, and check what it tells."""

import math
from collections.abc import Mapping, Sequence
from numbers import Real

from zorbench.baseline import Baseline
from zorbench.predict import ContractError, unchanged

Layers = dict[str, list[float | None]]
"""By name: one number a layer, bottom to top, to six digits; None where the rule told NaN or infinity."""


_WANTED = "expected a sequence of numbers, one a layer"


def diagnostics(plugin: Baseline) -> Layers:
    """What the rule tells of its layers now, as JSON can hold it; empty where it tells nothing.

    Raises `ContractError` if the answer is not a mapping of names to sequences of numbers, or if a tensor
    that the rule holds is another afterwards.
    """
    if type(plugin).diagnostics is Baseline.diagnostics:
        return {}
    with unchanged(plugin, "diagnostics"):
        answer = plugin.diagnostics()
    if not isinstance(answer, Mapping):
        raise ContractError(f"diagnostics returned {type(answer).__name__}; expected a mapping from names")
    return {_name(name): _numbers(name, values) for name, values in answer.items()}


def _name(name: object) -> str:
    if not isinstance(name, str):
        raise ContractError(f"diagnostics returned the name {name!r}; a name is a text")
    return name


def _numbers(name: str, values: object) -> list[float | None]:
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise ContractError(f"diagnostics returned {type(values).__name__} for {name!r}; {_WANTED}")
    for value in values:
        if not isinstance(value, Real) or isinstance(value, bool):
            raise ContractError(f"diagnostics returned {type(value).__name__} within {name!r}; {_WANTED}")
    return [float(f"{value:.6g}") if math.isfinite(value) else None for value in values]
