"""Trivial methods: what an answer is worth that has learned next to nothing."""

import numpy as np
import torch
from _precise import distances
from torch import Tensor

from zorbench import (
    Baseline,
    Budget,
    Classification,
    Colorization,
    EntrySpec,
    Reconstruction,
    Tags,
    Task,
)

_NO_CLASSES: dict[type[Task], str] = {Classification: "answers with an image"}
_NO_IMAGES: dict[type[Task], str] = {
    Reconstruction: "answers with a class",
    Colorization: "answers with a class",
}


class _ConstantImage(Baseline):
    """The same image for every input; its code is empty but for one zero."""

    role = "floor"
    tasks = {Reconstruction, Colorization}
    unsupported = _NO_CLASSES
    image: Tensor

    def summary(self, targets: Tensor) -> Tensor:
        """One image [*out] from the shots' targets [n, *out]."""
        raise NotImplementedError(f"{type(self).__name__} has no summary")

    def fit(self, budget: Budget) -> None:
        self.image = self.summary(budget.shots()[1])

    def predict(self, inputs: Tensor) -> Tensor:
        return self.decode(self.encode(inputs))

    def encode(self, inputs: Tensor) -> Tensor:
        return inputs.new_zeros(len(inputs), 1)

    def decode(self, codes: Tensor) -> Tensor:
        return self.image.expand(len(codes), *self.image.shape)


class Black(_ConstantImage):
    """y = 0."""

    name = "black"

    def summary(self, targets: Tensor) -> Tensor:
        return torch.zeros_like(targets[0])


class Mean(_ConstantImage):
    """y = the mean of the shots' targets, pixel by pixel: the constant of least squared error."""

    name = "mean"

    def summary(self, targets: Tensor) -> Tensor:
        return targets.mean(dim=0)


class PixelMedian(_ConstantImage):
    """y = the median of the shots' targets, pixel by pixel: the constant of least absolute error."""

    name = "pixel_median"

    def summary(self, targets: Tensor) -> Tensor:
        median = np.median(targets.cpu().numpy(), axis=0)  # torch's is several times slower
        return torch.from_numpy(median).to(targets.device)


class NearestShot(Baseline):
    """The target of the shot whose input is nearest (Euclidean); its code is that shot's number."""

    name = "nearest_shot"
    role = "floor"
    tasks = {Reconstruction, Colorization}
    unsupported = {Classification: "there it is 1-NN, a reference: see one_nn"}

    def build(self, entry: EntrySpec, config: Baseline.Config, rng: torch.Generator) -> None:
        self.one_of_both = entry.task is Reconstruction  # inputs and targets are the same images: kept once

    def fit(self, budget: Budget) -> None:
        self.inputs, targets = budget.shots()
        self.targets = self.inputs if self.one_of_both else targets

    def encode(self, inputs: Tensor) -> Tensor:
        nearest = distances(inputs, self.inputs).argmin(dim=1)
        return nearest.to(torch.float32)[:, None]

    def decode(self, codes: Tensor) -> Tensor:
        return self.targets[codes[:, 0].long()]


class LumaCopy(Baseline):
    """Colorization by leaving the image grey: R = G = B = luma."""

    name = "luma_copy"
    role = "floor"
    tasks = {Colorization}
    unsupported = {**_NO_CLASSES, Reconstruction: "would return its input: has no bottleneck"}

    def fit(self, budget: Budget) -> None:
        pass

    def predict(self, inputs: Tensor) -> Tensor:
        return inputs.expand(-1, 3, -1, -1)


class MajorityClass(Baseline):
    """The most frequent class of the shots; of equally frequent ones the first."""

    name = "majority_class"
    role = "floor"
    tasks = {Classification}
    unsupported = _NO_IMAGES

    def fit(self, budget: Budget) -> None:
        counts = budget.shots()[1].sum(dim=0)
        self.scores = torch.nn.functional.one_hot(counts.argmax(), len(counts)).to(torch.float32)

    def predict(self, inputs: Tensor) -> Tensor:
        return self.scores.expand(len(inputs), -1)


class ClassMean(Baseline):
    """The class whose mean shot is nearest: score = −‖x − mean of the class's shots‖."""

    name = "class_mean"
    role = "floor"
    tasks = {Classification}
    unsupported = _NO_IMAGES
    tags = Tags(output="−distance")

    def build(self, entry: EntrySpec, config: Baseline.Config, rng: torch.Generator) -> None:
        self.lowest = torch.finfo(torch.float32).min  # the score of a class without a shot

    def fit(self, budget: Budget) -> None:
        inputs, targets = budget.shots()
        counts = targets.sum(dim=0)
        self.means = (targets.T @ inputs.flatten(1)) / counts.clamp_min(1)[:, None]
        self.absent = counts == 0

    def predict(self, inputs: Tensor) -> Tensor:
        return (-distances(inputs, self.means)).masked_fill(self.absent, self.lowest)
