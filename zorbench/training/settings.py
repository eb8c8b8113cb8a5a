"""What a training is asked for: settings that determine the result, and their checks."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from zorbench.errors import InputError, unknown
from zorbench.spiking.networks import NETWORKS, Network

SelectOn = Literal["validation", "test", "last"]
VALIDATION, SHARE = 5000, 10  # images held out unless told: a tenth of the training part, at most 5,000


@dataclass(frozen=True)
class Settings:
    """All that a training's result follows from, beside the data set. Raises `InputError`.

    epochs             one number for each stage, in the order of training; the last are those by reward
    seed               of weights, held-out images and orders
    batch              images after which rewards and punishments are scaled anew
    validation         images held out of the training part; None: a tenth, at most 5,000, if the epoch is
                       selected on them, else none
    select_on          what says which epoch's weights are the model's: right decisions on the held-out images
                       or, as the sources do it, on the test images; or it is the last epoch
    patience           stop when more than so many epochs have gone by since the best one; None: never
    test_every_epoch   test images are decided on after each epoch by reward, for the history
    """

    network: str
    epochs: tuple[int, ...]
    seed: int = 0
    batch: int = 1000
    validation: int | None = None
    select_on: SelectOn = "validation"
    patience: int | None = None
    test_every_epoch: bool = False

    def __post_init__(self) -> None:
        if self.network not in NETWORKS:
            raise unknown("network", self.network, NETWORKS)
        self._check_epochs()
        if self.select_on not in get_args(SelectOn):
            raise unknown("choice", self.select_on, get_args(SelectOn), "--select-on")
        if self.batch < 1:
            raise InputError(f"--batch {self.batch}: must be at least 1")
        for option, value in (
            ("seed", self.seed),
            ("validation", self.validation),
            ("patience", self.patience),
        ):
            if value is not None and value < 0:
                raise InputError(f"--{option} {value}: must be 0 or more")
        if self.validation == 0 and self.select_on == "validation":
            raise InputError("--validation 0: nothing to select on; use --select-on last, or hold images out")
        if self.patience is not None and self.select_on == "last":
            raise InputError(
                "--patience: with --select-on last no epoch is the best, so none can be waited for"
            )

    def _check_epochs(self) -> None:
        stages = NETWORKS[self.network].stages
        takes = f"{self.network} is trained in {len(stages)} stages ({', '.join(stages)})"
        given = ",".join(str(epochs) for epochs in self.epochs)
        if len(self.epochs) != len(stages):
            example = ",".join(["2", *["4"] * (len(stages) - 2), "20"])
            said = f"--epochs {given}" if self.epochs else "--epochs is missing"
            raise InputError(f"{said}: {takes}: give a number of epochs for each, as in --epochs {example}")
        if min(self.epochs) < 0 or self.epochs[-1] < 1:
            raise InputError(f"--epochs {given}: must be 0 or more, and at least 1 for the decision")

    @property
    def described(self) -> Network:
        """The network's description."""
        return NETWORKS[self.network]

    @property
    def schedule(self) -> tuple[tuple[str, int], ...]:
        """Stages and their epochs, in the order of training."""
        return tuple(zip(self.described.stages, self.epochs, strict=True))

    @property
    def tests_every_epoch(self) -> bool:
        return self.test_every_epoch or self.select_on == "test"

    def held_out(self, images: int) -> int:
        """How many of the training part's images are for validation."""
        if self.validation is not None:
            return self.validation
        return min(VALIDATION, images // SHARE) if self.select_on == "validation" else 0

    def record(self) -> dict[str, Any]:
        """For files, and to be compared with theirs."""
        return asdict(self) | {"epochs": list(self.epochs)}


def parse_epochs(given: Sequence[str]) -> tuple[int, ...]:
    """Numbers of epochs, from an option that may be repeated or take several, with commas.

    Raises `InputError`.
    """
    texts = [text.strip() for part in given for text in part.split(",")]
    try:
        return tuple(int(text) for text in texts)
    except ValueError:
        raise InputError(
            f"--epochs {','.join(texts)}: must be whole numbers, as in --epochs 2,4,20"
        ) from None


def differences(wanted: Mapping[str, Any], there: Mapping[str, Any]) -> list[str]:
    """What differs between two records of settings, for a reader."""
    names = [*wanted, *(name for name in there if name not in wanted)]
    return [
        f"{name} is {there.get(name)!r} there and {wanted.get(name)!r} here"
        for name in names
        if wanted.get(name) != there.get(name)
    ]
