"""A network's settings as JSON: what a saved network is beside its tensors."""

import contextlib
import dataclasses
import json
import math
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import torch

from zorbench.zor.layer import ACTIVATIONS, AnalogLayer, ConvLayer, ConvTransposeLayer, Layer
from zorbench.zor.precision import Precision

_KINDS: dict[str, type[AnalogLayer]] = {
    kind.__name__: kind for kind in (Layer, ConvLayer, ConvTransposeLayer)
}
_DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16)
}


class Settings(NamedTuple):
    """What `Zor` is made with, beside the origin of its weights."""

    layers: tuple[AnalogLayer, ...]
    lr: float
    weight_decay: float
    compile: bool
    precision: Precision
    dtype: torch.dtype


def to_json(settings: Settings) -> str:
    """Raises ValueError on what a file cannot hold: a layer's own function, a type of layer or number."""
    if settings.dtype not in _DTYPES.values():
        raise ValueError(f"a network of {settings.dtype} cannot be saved; valid: {', '.join(_DTYPES)}")
    plain = {
        "layers": [_from_layer(index, layer) for index, layer in enumerate(settings.layers)],
        "lr": _from_float(settings.lr),
        "weight_decay": _from_float(settings.weight_decay),
        "compile": bool(settings.compile),
        "precision": settings.precision,
        "dtype": str(settings.dtype).removeprefix("torch."),
    }
    return json.dumps(plain, allow_nan=False)


def from_json(text: str) -> Settings:
    """Raises ValueError on anything but settings as `to_json` writes them."""
    try:
        plain = json.loads(text)
    except (ValueError, RecursionError):
        plain = None
    if not isinstance(plain, dict) or not isinstance(plain.get("layers", []), list):
        raise ValueError("its description of the network is not readable")
    _check_names("the network", plain, Settings._fields)
    return Settings(
        layers=tuple(_to_layer(index, layer) for index, layer in enumerate(plain["layers"])),
        lr=_to_float("lr", plain["lr"]),
        weight_decay=_to_float("weight_decay", plain["weight_decay"]),
        compile=_to_bool("compile", plain["compile"]),
        precision=plain["precision"],
        dtype=_chosen("dtype", plain["dtype"], _DTYPES),
    )


def _from_layer(index: int, layer: AnalogLayer) -> dict[str, Any]:
    kind = type(layer).__name__
    if _KINDS.get(kind) is not type(layer):
        raise ValueError(f"layer {index} of type {kind} cannot be saved; valid: {', '.join(_KINDS)}")
    if callable(layer.activation):
        raise ValueError(
            f"layer {index} has a function as its activation, which cannot be saved; "
            f"valid: {', '.join(ACTIVATIONS)} or None (identity)"
        )
    plain: dict[str, Any] = {"kind": kind}
    for field in dataclasses.fields(layer):
        value = getattr(layer, field.name)
        if field.type is float:
            value = _from_float(value)
        elif field.type is bool:
            value = bool(value)
        plain[field.name] = value
    return plain


def _to_layer(index: int, plain: object) -> AnalogLayer:
    if not isinstance(plain, dict):
        raise ValueError(f"layer {index} must be described by its settings, got {plain!r}")
    kind = _chosen(f"kind of layer {index}", plain.pop("kind", None), _KINDS)
    fields = dataclasses.fields(kind)
    _check_names(f"layer {index}", plain, [field.name for field in fields])
    try:
        for field in fields:
            name, value = field.name, plain[field.name]
            if field.type is float:
                plain[name] = _to_float(name, value)
            elif field.type is bool:
                plain[name] = _to_bool(name, value)
            elif isinstance(value, list):
                plain[name] = tuple(value)
        return kind(**plain)
    except ValueError as error:
        raise ValueError(f"layer {index}: {error}") from error


def _from_float(value: float) -> float | str:
    value = float(value)
    return value if math.isfinite(value) else str(value)  # JSON has no infinity


def _to_float(name: str, value: object) -> float:
    if value in ("inf", "-inf") or (isinstance(value, float | int) and not isinstance(value, bool)):
        with contextlib.suppress(OverflowError):
            return float(value)
    raise ValueError(f"{name} must be a number, 'inf' or '-inf', got {value!r}")


def _to_bool(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be true or false, got {value!r}")
    return value


def _chosen(name: str, value: object, valid: Mapping[str, Any]) -> Any:
    if not isinstance(value, str) or value not in valid:
        raise ValueError(f"unknown {name} {value!r}; valid: {', '.join(valid)}")
    return valid[value]


def _check_names(of: str, plain: Mapping[str, object], valid: Collection[str]) -> None:
    for name in plain:
        if name not in valid:
            raise ValueError(f"{of} has an unknown setting {name!r}; valid: {', '.join(valid)}")
    for name in valid:
        if name not in plain:
            raise ValueError(f"{of} lacks the setting {name!r}")
