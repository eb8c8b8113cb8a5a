"""What a retina makes of an image: banks of filters, a threshold, and contrast held against its surround."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

DIGIT_DOGS = (
    (3, 3 / 9, 6 / 9),
    (3, 6 / 9, 3 / 9),
    (7, 7 / 9, 14 / 9),
    (7, 14 / 9, 7 / 9),
    (13, 13 / 9, 26 / 9),
    (13, 26 / 9, 13 / 9),
)
"""Window, σ₁ and σ₂ of the six differences of Gaussians for MNIST: on and off centres at three scales."""


def _offsets(window: int) -> tuple[Tensor, Tensor]:
    """Row and column of each tap from the centre, in float64."""
    if isinstance(window, bool) or not isinstance(window, int) or window < 1 or window % 2 == 0:
        raise ValueError(f"a filter's window must be an odd whole number of taps, got {window!r}")
    steps = torch.arange(window, dtype=torch.float64) - window // 2
    rows, columns = torch.meshgrid(steps, steps, indexing="ij")
    return rows, columns


def _balanced(kernel: Tensor) -> Tensor:
    """Mean 0 and (signed) maximum 1, as float32."""
    kernel = kernel - kernel.mean()
    return (kernel / kernel.max()).to(torch.float32)


def dog(window: int, sigma1: float, sigma2: float) -> Float[Tensor, "window window"]:
    """A difference of Gaussians, mean 0, maximum 1.

        g(r²) = (1/2π) [σ₁⁻² exp(−r² / 2σ₁²) − σ₂⁻² exp(−r² / 2σ₂²)]

    The maximum is signed: an off centre (σ₁ > σ₂) has a surround of 1 and a centre far below −1.
    """
    rows, columns = _offsets(window)
    squares = rows.square() + columns.square()
    inner, outer = (torch.exp(-squares / (2 * s * s)) / (s * s) for s in (sigma1, sigma2))
    return _balanced((inner - outer) / (2 * math.pi))


def gabor(window: int, orientation: float, div: float = 4.0) -> Float[Tensor, "window window"]:
    """A Gabor filter at `orientation` degrees, mean 0, maximum 1.

        g = exp(−(X² + γ² Y²) / 2σ²) cos(2π X / λ),   λ = 2 window / div,   σ = 0.8 λ,   γ = 0.3

    with X = y sin θ + x cos θ, Y = y cos θ − x sin θ for a tap x rows and y columns from the centre.
    """
    x, y = _offsets(window)
    angle = math.radians(orientation)
    wavelength = 2 * window / div
    sigma, gamma = 0.8 * wavelength, 0.3
    along = y * math.sin(angle) + x * math.cos(angle)
    across = y * math.cos(angle) - x * math.sin(angle)
    envelope = torch.exp(-(along.square() + gamma**2 * across.square()) / (2 * sigma**2))
    return _balanced(envelope * torch.cos(2 * math.pi * along / wavelength))


def bank(kernels: Sequence[Float[Tensor, "window window"]]) -> Float[Tensor, "kernels 1 size size"]:
    """Kernels of odd windows, each with zeros around it up to the size of the largest."""
    size = max(len(kernel) for kernel in kernels)
    margins = [(size - len(kernel)) // 2 for kernel in kernels]
    return torch.stack(
        [F.pad(kernel, [margin] * 4) for kernel, margin in zip(kernels, margins, strict=True)]
    )[:, None]


def digit_bank() -> Float[Tensor, "6 1 13 13"]:
    """The bank of `DIGIT_DOGS`."""
    return bank([dog(*parameters) for parameters in DIGIT_DOGS])


def filtered(
    images: Float[Tensor, "batch channels height width"],
    kernels: Float[Tensor, "kernels 1 size size"],
    threshold: float | Sequence[float] = 0.0,
    *,
    padding: int | None = None,
    absolute: bool = False,
) -> Float[Tensor, "batch kernels rows columns"]:
    """Each kernel's answer (cross-correlation); what is below `threshold` is 0.

    Images of several channels are added up by each kernel. `threshold`: one for all kernels, or one for each.
    `padding` zeros all around: unless given, as many as keep the size. `absolute` takes the magnitude of what
    passed the threshold.
    """
    channels = images.shape[1]
    weight = kernels.expand(-1, channels, -1, -1)
    answers = F.conv2d(images, weight, padding=kernels.shape[-1] // 2 if padding is None else padding)
    least = torch.as_tensor(threshold, dtype=answers.dtype).view(-1, 1, 1)
    answers.masked_fill_(answers < least, 0)
    return answers.abs_() if absolute else answers


def normalised(
    maps: Float[Tensor, "batch maps height width"], radius: int
) -> Float[Tensor, "batch maps height width"]:
    """Each value over the mean of the box of 2 radius + 1 around it, zeros beyond the border counted."""
    down, along = (_band(size, radius) for size in maps.shape[-2:])
    means = down @ maps @ along.T / (2 * radius + 1) ** 2
    return maps / (means + 1e-12)


def _band(size: int, radius: int) -> Float[Tensor, "size size"]:
    """1 where two places are at most `radius` apart: a product with it is a sum over the box."""
    places = torch.arange(size)
    return ((places[:, None] - places).abs() <= radius).to(torch.float32)
