"""A plugin's configuration: `NAME[key=value,...]` read, checked against the plugin's Config, and written."""

import dataclasses
import math
import re
from collections.abc import Mapping
from types import NoneType
from typing import Any, get_args, get_type_hints

from zorbench.errors import InputError, unknown

_SPEC = re.compile(r"(?P<name>[^\[\]]+?)\s*(?:\[(?P<body>[^\[\]]*)\])?")
_TRUE = {"true", "yes", "1", "on"}
_FALSE = {"false", "no", "0", "off"}


def parse_spec(text: str) -> tuple[str, dict[str, str]]:
    """`"mlp[lr=0.01,output=sigmoid]"` → `("mlp", {"lr": "0.01", "output": "sigmoid"})`."""
    match = _SPEC.fullmatch(text.strip())
    if match is None:
        raise InputError(f"--baseline {text}: expected NAME or NAME[key=value,key=value]")
    settings: dict[str, str] = {}
    for part in (match["body"] or "").split(","):
        if not part.strip():
            continue
        key, equals, value = part.partition("=")
        if not equals or not key.strip() or not value.strip():
            raise InputError(f"--baseline {text}: '{part.strip()}' is not key=value")
        if key.strip() in settings:
            raise InputError(f"--baseline {text}: {key.strip()} is given twice")
        settings[key.strip()] = value.strip()
    return match["name"].strip(), settings


def make_config(config_class: type, settings: Mapping[str, Any], where: str) -> Any:
    """The frozen configuration, defaults filled in. `settings` holds texts (of a command line) or values.

    Raises `InputError` for an unknown key, a value of the wrong type, or one outside its choices.
    """
    try:
        hints = get_type_hints(config_class)
    except NameError as error:
        raise InputError(f"{where}: the type of a setting cannot be resolved: {error}") from error
    fields = {item.name: item for item in dataclasses.fields(config_class)}
    values = {}
    for key, value in settings.items():
        if key not in fields:
            raise unknown("setting", key, fields, where)
        values[key] = _convert(value, hints[key], f"{where}: {key}")
        if fields[key].metadata.get("search", {}).get("log") and not values[key] > 0:
            raise InputError(f"{where}: {key} must be above 0, got '{value}'")
        choices = fields[key].metadata.get("choices")
        if choices is not None and values[key] not in choices:
            raise unknown(f"value of {key}", value, choices, where)
    try:
        return config_class(**values)
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: {error}") from error


def config_values(config: Any) -> dict[str, Any]:
    """A configuration as plain values, for records."""
    return dataclasses.asdict(config)


def _convert(value: Any, kind: Any, where: str) -> Any:
    """`value` as bool, int, float or str, or one of these or None; of other kinds only values, not texts."""
    inner = [part for part in get_args(kind) if part is not NoneType]
    if len(inner) == 1 and NoneType in get_args(kind):
        return None if value in (None, "None", "none") else _convert(value, inner[0], where)
    try:
        if kind is bool:
            return value if isinstance(value, bool) else _as_bool(str(value))
        if kind is int:
            if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
                raise ValueError
            return int(value)
        if kind is float:
            if isinstance(value, bool):
                raise ValueError
            number = float(value)
            if not math.isfinite(number):  # a record could not hold it
                raise InputError(f"{where} must be finite, got '{value}'")
            return number
        if kind is str:
            return str(value)
    except (TypeError, ValueError):
        names = {bool: "true or false", int: "a whole number", float: "a number"}
        raise InputError(f"{where} must be {names[kind]}, got '{value}'") from None
    if isinstance(value, str):
        raise InputError(f"{where} is a {getattr(kind, '__name__', kind)}, which cannot be given as a text")
    return value


def _as_bool(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError(text)
