"""Nearest neighbour."""

import torch
from _precise import distances
from torch import Tensor

from zorbench import Baseline, Budget, Classification, Colorization, Reconstruction, Tags

_FLOOR = "there it is a floor: see nearest_shot"


class OneNN(Baseline):
    """1-NN on raw pixels: score of a class = −(Euclidean distance to its nearest shot).

    Source: Cover & Hart 1967. A class without a shot gets the lowest score there is.
    """

    name = "one_nn"
    role = "reference"
    tasks = {Classification}
    unsupported = {Reconstruction: _FLOOR, Colorization: _FLOOR}
    tags = Tags(output="−distance")

    def fit(self, budget: Budget) -> None:
        inputs, targets = budget.shots()
        self.inputs, self.labels = inputs.flatten(1), targets.argmax(dim=1)
        self.n_classes = targets.shape[1]

    def predict(self, inputs: Tensor) -> Tensor:
        scores = inputs.new_full((len(inputs), self.n_classes), torch.finfo(inputs.dtype).min)
        closeness = -distances(inputs, self.inputs)
        return scores.scatter_reduce(1, self.labels.expand(len(inputs), -1), closeness, reduce="amax")
