"""A convolutional block of spiking neurons: batch normalisation, LIF neurons, 2×2 max pooling, as one."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from zorbench.spiking import _block_loops
from zorbench.spiking.lif import ALPHA, DECAY, LIF, lif
from zorbench.spiking.threads import parts, share_out


class NormalisedLIFPool(nn.Module):
    """y = γ (x − mean) / √(var + ε) + β by channel, LIF neurons on y, then 2×2 max pooling of their spikes.

    `neurons`: LIF neurons of the shape [channels, height, width]. Moments are over time, batch and places;
    those of prediction are running means, as in torch's BatchNorm2d. Trailing rows and columns are not
    pooled. On the CPU all three are one pass over the memory, which is what they cost, and the gradient of
    the currents is written over them; elsewhere torch's own operations, with the same result.
    """

    def __init__(self, neurons: LIF, *, momentum: float = 0.1, eps: float = 1e-5) -> None:
        super().__init__()
        channels = len(neurons.thresholds)
        self.neurons, self.momentum, self.eps = neurons, momentum, eps
        self.weight, self.shift = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.running_mean: Tensor
        self.running_var: Tensor
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(
        self, currents: Float[Tensor, "time batch channels height width"]
    ) -> Float[Tensor, "time batch channels h w"]:
        neurons = self.neurons
        mean, variance = self._moments(currents.detach())
        bias = torch.zeros_like(neurons.thresholds) if neurons.bias is None else neurons.bias
        if currents.device.type == "cpu" and currents.dtype == torch.float32:
            given = (self.weight, self.shift, neurons.thresholds, bias, mean, (variance + self.eps).sqrt())
            pooled: Tensor = _Block.apply(currents, *given, neurons.decay, neurons.alpha, self.training)
            return pooled
        return self._apart(currents, mean, variance, bias)

    def _moments(self, currents: Tensor) -> tuple[Tensor, Tensor]:
        """Those to normalise with; in training the batch's, which enter the running ones."""
        if not self.training:
            return self.running_mean, self.running_var
        if currents.device.type == "cpu" and currents.dtype == torch.float32:
            mean, variance = torch.empty_like(self.running_mean), torch.empty_like(self.running_var)
            planes = currents.contiguous().flatten(3).numpy()
            arrays = planes, mean.numpy(), variance.numpy()
            share_out(_ranges(currents), lambda low, high: _block_loops.moments(*arrays, low, high))
        else:
            variance, mean = torch.var_mean(currents, dim=(0, 1, 3, 4), correction=0)
        count = currents.numel() // currents.shape[2]
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (count / max(count - 1, 1)), self.momentum)
        return mean, variance

    def _apart(self, currents: Tensor, mean: Tensor, variance: Tensor, bias: Tensor) -> Tensor:
        flat = currents.flatten(0, 1)
        if self.training:  # torch's own takes the moments anew, to pass the gradient through them
            y = nn.functional.batch_norm(flat, None, None, self.weight, self.shift, True, 0.0, self.eps)
        else:
            y = nn.functional.batch_norm(flat, mean, variance, self.weight, self.shift, False, 0.0, self.eps)
        spikes = lif(
            y.view_as(currents) + bias, self.neurons.thresholds, self.neurons.decay, self.neurons.alpha
        )
        return nn.functional.max_pool2d(spikes.flatten(0, 1), 2).unflatten(0, currents.shape[:2])


class _Block(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        currents: Tensor,
        weight: Tensor,
        shift: Tensor,
        thresholds: Tensor,
        bias: Tensor,
        mean: Tensor,
        deviation: Tensor,
        decay: float = DECAY,
        alpha: float = ALPHA,
        whole: bool = True,
    ) -> Tensor:
        currents = currents.contiguous()
        scale = weight / deviation
        ctx.save_for_backward(currents, scale, shift - scale * mean, bias, thresholds, mean, deviation)
        ctx.constants, ctx.spent = (decay, alpha, whole), False
        height, width = currents.shape[3:]
        pooled = currents.new_empty(*currents.shape[:3], height // 2, width // 2)
        arrays = [tensor.detach().numpy() for tensor in (scale, shift - scale * mean)]
        planes = [bias.detach().flatten(1).numpy(), thresholds.detach().flatten(1).numpy()]
        source, out = currents.detach().flatten(3).numpy(), pooled.flatten(3).numpy()

        def work(low: int, high: int) -> None:
            _block_loops.forward(source, *arrays, *planes, decay, width, out, low, high)

        share_out(_ranges(currents), work)
        return pooled

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        currents, scale, offset, bias, thresholds, mean, deviation = ctx.saved_tensors
        decay, alpha, whole = ctx.constants
        if ctx.spent:
            raise RuntimeError(
                "the block's gradient can be taken once: it is written over what it is taken of"
            )
        ctx.spent = True
        results = [torch.zeros_like(thresholds), torch.zeros_like(bias)]
        results += [torch.empty_like(scale), torch.empty_like(scale)]
        channels = [tensor.detach().numpy() for tensor in (mean, deviation, scale, offset)]
        planes = [tensor.detach().flatten(1).numpy() for tensor in (bias, thresholds)]
        source = gradients[0].contiguous().flatten(3).numpy(), currents.detach().flatten(3).numpy()
        outputs = [part.flatten(1).numpy() for part in results[:2]] + [part.numpy() for part in results[2:]]
        width = currents.shape[4]

        def work(low: int, high: int) -> None:
            _block_loops.backward(
                *source, *channels, *planes, decay, alpha, width, whole, *outputs, low, high
            )

        share_out(_ranges(currents), work)
        to_thresholds, to_bias, to_weight, to_shift = results
        return currents.detach(), to_weight, to_shift, to_thresholds, to_bias, None, None, None, None, None


def _ranges(currents: Tensor) -> list[tuple[int, int]]:
    channels = currents.shape[2]
    return parts(channels, channels)


class SteadyDropout(nn.Module):
    """Dropout whose mask, drawn from `generator`, is one for all time steps: [time, batch, …].

    A mask of its own for every step would let nearly every neuron through at some step.
    """

    def __init__(self, share: float, generator: torch.Generator) -> None:
        super().__init__()
        self.share, self.generator = share, generator

    def forward(self, spikes: Float[Tensor, "time batch ..."]) -> Float[Tensor, "time batch ..."]:
        if not self.training or not self.share:
            return spikes
        kept = torch.rand(spikes.shape[1:], generator=self.generator).to(spikes.device) >= self.share
        return spikes * (kept.to(spikes.dtype) / (1 - self.share))
