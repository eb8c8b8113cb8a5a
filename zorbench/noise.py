"""Noise on test images: Gaussian, salt and pepper, Poisson; each with one level.

Images x are in [0, 1], and so is what comes out, which is clipped. Colour images are [n, channels, height,
width]. Inputs of other shapes, such as the four lengths of an iris, are scaled to [0, 1], too: each of their
numbers counts as a pixel.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from zorbench.conditions import Noise

Images = Float[Tensor, "n *shape"]


def gaussian(images: Images, sigma: float, rng: torch.Generator) -> Images:
    """x + σ z, clipped to [0, 1]; z standard normal, drawn for every value of every channel."""
    z = torch.randn(images.shape, generator=rng, dtype=images.dtype)
    return (images + sigma * z).clamp(0, 1)


def salt_pepper(images: Images, share: float, rng: torch.Generator) -> Images:
    """Each pixel, by itself and with probability p, becomes 0 or 1, either as likely; else it stays x.

    A pixel is a place of the image: all channels of it become black or white together. So p is the expected
    share of the places that are replaced, some by what they were already.
    """
    places = (len(images), 1, *images.shape[2:]) if images.ndim == 4 else images.shape
    u = torch.rand(places, generator=rng, dtype=images.dtype)
    salted = torch.where(u < share, torch.ones_like(images), images)
    return torch.where(u < share / 2, torch.zeros_like(images), salted)


def poisson(images: Images, peak: float, rng: torch.Generator) -> Images:
    """Shot noise, Poisson(x · peak) / peak, clipped to [0, 1]; drawn for every value of every channel.

    `peak` is the number of photons that a white pixel is expected to count: fewer are noisier. Before
    clipping, the mean is x and the variance x / peak; black stays black.
    """
    return (torch.poisson(images * peak, generator=rng) / peak).clamp(0, 1)


ADD = {"gaussian": gaussian, "salt_pepper": salt_pepper, "poisson": poisson}


def add_noise(images: Images, noise: Noise, rng: torch.Generator) -> Images:
    """Noisy images, in new memory. `rng` is on the CPU, as the images are, and decides all of it."""
    return ADD[noise.kind](images, noise.level, rng)
