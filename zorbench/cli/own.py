"""The options by which `zorbench run` is asked for an entry without a suite. Light imports, as in `app`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zorbench.errors import InputError

if TYPE_CHECKING:
    from zorbench.own import Own

_PANEL = "Your own images, without a suite"


def _option(help_: str) -> Any:
    return typer.Option(help=help_, rich_help_panel=_PANEL)


Dataset = Annotated[
    str | None, _option("folder:PATH with a folder of images for each class, or any data set by name.")
]
Task = Annotated[str | None, _option("reconstruction, colorization or classification.")]
Shots = Annotated[list[int] | None, _option("Images to learn from, of each class; repeatable. Default: 5.")]
Images = Annotated[list[int] | None, _option("Images to learn from in all, instead of shots; repeatable.")]
Samples = Annotated[int | None, _option("Presentations in training. Default: 5000.")]
Batch = Annotated[int | None, _option("Images in a minibatch. Default: 10.")]
Hidden = Annotated[int | None, _option("Hidden size suggested to networks. Default: 64.")]
Code = Annotated[int | None, _option("Width of the bottleneck. Default: a quarter of an image, at most 64.")]
Validation = Annotated[int | None, _option("Images for curves. Default: a fifth, at most 500.")]
Test = Annotated[int | None, _option("Images to be tested on. Default: all of the test part.")]


def asked(options: Mapping[str, Any], *, others: bool) -> "Own | None":
    """What the options ask for; None if nothing. `others`: a suite or preset was asked for, too.

    Raises `InputError` for options that go with `--dataset` without it, or for it with a suite or preset.
    """
    given = {name: value for name, value in options.items() if value}
    given |= {name: value for name, value in options.items() if value == 0}
    if not given:
        return None
    if "dataset" not in given:
        raise InputError(f"--{next(iter(given))}: goes with --dataset; a suite says its own")
    if others:
        raise InputError(f"--dataset {given['dataset']}: either this or a suite or --preset")
    from zorbench.own import Own

    return Own(**{"task": None, **given})
