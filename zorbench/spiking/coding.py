"""Rate codes: pixels as spikes over T steps."""

import torch
from jaxtyping import Float
from torch import Tensor

from zorbench.spiking.checks import check_shape, check_steps, check_unit


class Bernoulli:
    """A pixel x fires at each of T steps with probability x: anew in training, by fixed thresholds otherwise.

    Raises `ValueError` for T below 1, and for inputs that are empty, of another shape or not in [0, 1].
    """

    def __init__(self, steps: int, shape: tuple[int, ...], generator: torch.Generator) -> None:
        """Draw the thresholds [T, *shape] for prediction from `generator`, which training draws on later."""
        check_steps(steps)
        self.steps, self.generator = steps, generator
        self.thresholds = torch.rand(steps, *shape, generator=generator)

    def draw(self, inputs: Float[Tensor, "batch *shape"]) -> Float[Tensor, "time batch *shape"]:
        """Spikes for training."""
        self._check(inputs)
        chances = torch.rand(self.steps, *inputs.shape, generator=self.generator)
        return (chances.to(inputs.device) < inputs).to(inputs.dtype)

    def fixed(self, inputs: Float[Tensor, "batch *shape"]) -> Float[Tensor, "time batch *shape"]:
        """Spikes for prediction: the same for the same input, whatever is beside it."""
        self._check(inputs)
        return (self.thresholds.to(inputs.device)[:, None] < inputs).to(inputs.dtype)

    def _check(self, inputs: Tensor) -> None:
        check_unit(inputs)
        check_shape(inputs, tuple(self.thresholds.shape[1:]))


def constant(inputs: Float[Tensor, "batch *shape"], steps: int) -> Float[Tensor, "time batch *shape"]:
    """The pixel values themselves as the current of every step, without copying them."""
    check_steps(steps)
    check_unit(inputs)
    return inputs.expand(steps, *inputs.shape)


def membrane_weights(steps: int, decay: float) -> Float[Tensor, " time"]:
    """c_t = (1/T) Σ_{t' ≥ t} τ^{t'−t}: the mean potential of a neuron that never fires is Σ_t c_t I[t]."""
    check_steps(steps)
    return torch.tensor([sum(decay**k for k in range(steps - t)) / steps for t in range(steps)])
