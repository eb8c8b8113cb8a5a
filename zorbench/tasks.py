"""What is asked of a learning rule: inputs, targets and score of each task."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from zorbench.metrics import classification_metrics, error_rate, image_metrics, mse

# ITU-R BT.601 luma weights of R, G and B.
LUMA = (0.299, 0.587, 0.114)


def luma(images: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 1 h w"]:
    """Grey images from colour: Y = 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601), in [0, 1]."""
    weights = torch.tensor(LUMA, dtype=images.dtype, device=images.device).view(1, 3, 1, 1)
    return (images * weights).sum(dim=1, keepdim=True)


class Task(ABC):
    """A task. Used as a class, never instantiated: `tasks = {Reconstruction, Classification}`."""

    name: ClassVar[str]
    images_out: ClassVar[bool]  # predictions are images: clipped to [0, 1], kept for the gallery

    @staticmethod
    def input_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of one input, from the shape of one item of the data set."""
        return shape

    @staticmethod
    @abstractmethod
    def output_shape(shape: tuple[int, ...], n_classes: int) -> tuple[int, ...]:
        """Shape of one target."""

    @staticmethod
    def inputs(items: Float[Tensor, "n *shape"]) -> Float[Tensor, "n *inputs"]:
        """What the rule is shown."""
        return items

    @staticmethod
    @abstractmethod
    def targets(items: Float[Tensor, "n *shape"], labels: Int64[Tensor, " n"], n_classes: int) -> Tensor:
        """What the rule should answer."""

    @staticmethod
    @abstractmethod
    def metrics(prediction: Tensor, targets: Tensor) -> dict[str, Any]:
        """Scores of predictions [n, *out]; `error` is what everything is ranked by (less is better)."""

    @staticmethod
    def error(prediction: Tensor, targets: Tensor) -> float:
        """`metrics(...)["error"]` alone, for learning curves: by default the mean squared error."""
        return float(mse(prediction, targets).mean())


class _ImageTask(Task):
    """The image itself is the target."""

    images_out = True

    @staticmethod
    def output_shape(shape: tuple[int, ...], n_classes: int) -> tuple[int, ...]:
        return shape

    @staticmethod
    def targets(items: Tensor, labels: Tensor, n_classes: int) -> Tensor:
        return items

    @staticmethod
    def metrics(prediction: Tensor, targets: Tensor) -> dict[str, Any]:
        return dict(image_metrics(prediction, targets))


class Reconstruction(_ImageTask):
    """Give back the image through a bottleneck of `code` numbers; error = mean squared error."""

    name = "reconstruction"


class Colorization(_ImageTask):
    """Luma in (ITU-R BT.601), RGB out; error = mean squared error over the three channels."""

    name = "colorization"

    @staticmethod
    def input_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
        return (1, *shape[1:])

    @staticmethod
    def inputs(items: Tensor) -> Tensor:
        return luma(items)


class Classification(Task):
    """A score for each class; error = 1 − accuracy, and a row without a unique maximum is wrong."""

    name = "classification"
    images_out = False

    @staticmethod
    def output_shape(shape: tuple[int, ...], n_classes: int) -> tuple[int, ...]:
        return (n_classes,)

    @staticmethod
    def targets(items: Tensor, labels: Tensor, n_classes: int) -> Tensor:
        """One-hot rows, float32."""
        return torch.nn.functional.one_hot(labels, n_classes).to(torch.float32)

    @staticmethod
    def metrics(prediction: Tensor, targets: Tensor) -> dict[str, Any]:
        return dict(classification_metrics(prediction, targets.argmax(dim=1), targets.shape[1]))

    @staticmethod
    def error(prediction: Tensor, targets: Tensor) -> float:
        return error_rate(prediction, targets.argmax(dim=1), targets.shape[1])


TASKS: dict[str, type[Task]] = {task.name: task for task in (Reconstruction, Colorization, Classification)}
