"""What options can be, and the options that several commands have."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Retry(StrEnum):
    """What of an earlier run is run again."""

    failed = "failed"


class Equal(StrEnum):
    """What is held equal."""

    samples = "samples"
    time = "time"
    tuned = "tuned"


class Part(StrEnum):
    """What says which epoch's weights are the model's."""

    validation = "validation"
    test = "test"
    last = "last"


class Listing(StrEnum):
    """What can be listed."""

    baselines = "baselines"
    suites = "suites"
    datasets = "datasets"


class Asked(StrEnum):
    """What a new plugin is for."""

    classification = "classification"
    reconstruction = "reconstruction"
    colorization = "colorization"


DataRoot = Annotated[
    Path | None,
    typer.Option("--data-root", envvar="ZORBENCH_DATA", help="Folder that holds the real data sets."),
]
Plugins = Annotated[
    list[Path] | None,
    typer.Option("--plugin", help="A plugin file, or a folder of them; repeatable."),
]
