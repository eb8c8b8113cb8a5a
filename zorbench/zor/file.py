"""Networks of the current rule in files: which tensors a file holds, and whether they fit the layers.

Format: safetensors. Its metadata names the format and version and has the settings as JSON; its tensors are
called as the network's attributes, `weights.0` and on. With the state of learning come `charges`,
`first_moments`, `second_moments` and `steps`.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from zorbench.zor.analog import Zor
from zorbench.zor.connection import connect, input_shape
from zorbench.zor.lazy import LazyZor
from zorbench.zor.settings import Settings, from_json, to_json
from zorbench.zor.tensorfile import AnyPath, Entry, TensorFile, open_tensors, write_tensors

FORMAT = "zorbench-zor"
VERSION = "1"

_LEARNING = ("charges", "first_moments", "second_moments", "steps")

Layout = dict[str, tuple[torch.dtype, tuple[int | None, ...]]]
"""Type and shape of each tensor by its name; a length of None may be any."""


def save_network(network: Zor, path: AnyPath, optimiser: bool) -> None:
    """What `Zor.save` does."""
    network._check_rule(network.lr, network.weight_decay, network.precision)
    settings = Settings(*(getattr(network, name) for name in Settings._fields))
    metadata = {"format": FORMAT, "version": VERSION, "network": to_json(settings)}
    tensors = {
        f"{name}.{index}": tensor
        for name in ("weights", *(_LEARNING if optimiser else ()))
        for index, tensor in enumerate(getattr(network, name))
    }
    _check_fit(_layout(settings, optimiser), tensors)
    if any(tensor.is_meta for tensor in tensors.values()):
        raise ValueError("a network on the meta device has no weights to save")
    write_tensors(path, tensors, metadata)


def load_network(path: AnyPath, device: torch.device | str | None, lazy: bool) -> Zor:
    """What `Zor.load` does."""
    file = open_tensors(path)
    try:
        settings = _settings(file)
        learning = any(name.split(".")[0] in _LEARNING for name in file.entries)
        _check_fit(_layout(settings, learning), file.entries)
        if lazy:
            return LazyZor(file, settings, device)
        network = Zor(**settings._asdict(), device="meta")
    except ValueError as error:
        raise ValueError(f"{file.path}: {error}") from error

    def read(name: str) -> list[Tensor]:
        count = len(settings.layers) - (name != "charges")
        return [file.read(f"{name}.{index}").to(device) for index in range(count)]

    network._own(read("weights"), {name: read(name) for name in _LEARNING} if learning else None)
    return network


def _settings(file: TensorFile) -> Settings:
    if file.metadata.get("format") != FORMAT or not {"version", "network"} <= file.metadata.keys():
        raise ValueError("is a safetensors file, but not of a network that Zor.save wrote")
    version = file.metadata["version"]
    if version != VERSION:
        raise ValueError(
            f"has version {version} of the format, this zorbench reads {VERSION}: "
            f"load it with the zorbench that saved it"
        )
    return from_json(file.metadata["network"])


def _layout(settings: Settings, learning: bool) -> Layout:
    """The tensors of a network with these settings. Raises ValueError if its layers do not fit each other."""
    if not settings.layers:
        return {}  # that these are too few is said where all networks are made
    shape, dtype = input_shape(settings.layers[0]), settings.dtype
    connections = connect(shape, settings.layers[1:])
    layout: Layout = {}
    for index, connection in enumerate(connections):
        for name in ("weights", *(("first_moments", "second_moments") if learning else ())):
            layout[f"{name}.{index}"] = dtype, connection.weight_shape
    if learning:
        for index, units in enumerate([shape, *(connection.above for connection in connections)]):
            layout[f"charges.{index}"] = dtype, (None, *units)
        for index in range(len(connections)):
            layout[f"steps.{index}"] = torch.float32, ()
    return layout


def _check_fit(layout: Layout, tensors: Mapping[str, Tensor | Entry]) -> None:
    """Raises ValueError unless the tensors are those of the layout, no less and no more."""
    for name, (dtype, shape) in layout.items():
        if name not in tensors:
            raise ValueError(f"{name} is missing")
        found = tensors[name]
        fits = len(found.shape) == len(shape) and all(
            wanted in (None, length) for wanted, length in zip(shape, found.shape, strict=True)
        )
        if not fits:
            wanted = ", ".join("any" if length is None else str(length) for length in shape)
            raise ValueError(f"{name} must be [{wanted}] for these layers, got {list(found.shape)}")
        if found.dtype != dtype:
            raise ValueError(f"{name} must be {dtype} as the network is, got {found.dtype}")
    extra = [name for name in tensors if name not in layout]
    if extra:
        raise ValueError(f"holds what these layers do not have: {', '.join(extra)}")
