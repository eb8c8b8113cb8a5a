"""Colour difference as the eye sees it: CIELAB ΔE*ab."""

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from zorbench.metrics._pairs import check_pair, per_item

# Linear sRGB (ITU-R BT.709 primaries) to CIE XYZ, and the white point D65 for the 2° observer.
_XYZ_FROM_RGB = torch.tensor(
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]],
    dtype=torch.float64,
)
_WHITE = torch.tensor([0.95047, 1.0, 1.08883], dtype=torch.float64)
_RELATIVE_FROM_RGB = _XYZ_FROM_RGB / _WHITE[:, None]

_SRGB_KNEE = 0.04045
_LAB_KNEE = 0.008856


def delta_e(
    prediction: Float[Tensor, "batch 3 height width"], target: Float[Tensor, "batch 3 height width"]
) -> Float64[Tensor, "batch"]:
    """Mean colour difference of each image: ΔE*ab = √(ΔL*² + Δa*² + Δb*²), averaged over pixels.

    Inputs are gamma-encoded sRGB in [0, 1]; about 2 is just noticeable, black against white is 100.

    Source: CIE 1976 L*a*b* (CIE 15) with the sRGB curve of IEC 61966-2-1 and the rounded constants of
    `skimage.color.rgb2lab` (six-digit matrix, white point D65 for the 2° observer).

    Raises `ValueError` if the shapes differ, nothing is given, or there are not three channels.
    """
    check_pair(prediction, target)
    if prediction.ndim != 4 or prediction.shape[1] != 3:
        raise ValueError(
            "a colour difference needs images [N, 3, H, W]: "
            f"prediction {list(prediction.shape)}, target {list(target.shape)}"
        )
    return per_item(_delta_e, prediction, target)


def _delta_e(p: Tensor, t: Tensor) -> Tensor:
    """`[n, 3, h, w]` twice → `[n]`. L*, a* and b* are linear in f, so the difference is taken in f."""
    x, y, z = (_f(p) - _f(t)).unbind(1)
    lightness, red_green, yellow_blue = 116.0 * y, 500.0 * (x - y), 200.0 * (y - z)
    return (lightness.square() + red_green.square() + yellow_blue.square()).sqrt().flatten(1).mean(1)


def _f(rgb: Tensor) -> Tensor:
    """sRGB `[n, 3, h, w]` → the compressed tristimulus values f(X/Xn), f(Y/Yn), f(Z/Zn) of CIELAB."""
    curved = ((rgb + 0.055) / 1.055).pow(2.4)
    linear = torch.where(rgb > _SRGB_KNEE, curved, rgb / 12.92)
    relative = torch.einsum("kc,nchw->nkhw", _RELATIVE_FROM_RGB, linear)
    return torch.where(relative > _LAB_KNEE, relative.pow(1.0 / 3.0), 7.787 * relative + 16.0 / 116.0)
