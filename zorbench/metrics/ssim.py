"""Structural similarity of images, batched."""

from jaxtyping import Float, Float64
from torch import Tensor

from zorbench.metrics._pairs import check_pair, per_item

WINDOW = 7
MIN_SIDE = 3
"""The shortest side an image may have: a window of one pixel has no variance."""

C1 = 0.01**2  # (K1 · data range)², for values in [0, 1]
C2 = 0.03**2  # (K2 · data range)²


def ssim(
    prediction: Float[Tensor, "batch channels height width"],
    target: Float[Tensor, "batch channels height width"],
) -> Float64[Tensor, "batch"]:
    """Mean structural similarity of each image, in [−1, 1]; 1 for a perfect image.

    SSIM = (2 μp μt + C1)(2 σpt + C2) / ((μp² + μt² + C1)(σp² + σt² + C2))

    over every whole 7 × 7 window (uniform weights, sample variances), averaged over windows and channels.
    Values are expected in [0, 1].

    Source: Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility to structural
    similarity", IEEE Transactions on Image Processing 13, 2004. Differs from the source in the window (theirs
    is an 11 × 11 Gaussian with weighted variances): this is what `skimage.metrics.structural_similarity`
    computes by default. Differs from that in shrinking the window to the largest odd size that fits an image
    with a side under 7.

    Raises `ValueError` if the shapes differ, nothing is given, or a side is shorter than `MIN_SIDE`.
    """
    check_pair(prediction, target)
    if prediction.ndim != 4 or min(prediction.shape[2:]) < MIN_SIDE:
        raise ValueError(
            f"SSIM needs images [N, C, H, W] with sides of at least {MIN_SIDE}: "
            f"prediction {list(prediction.shape)}, target {list(target.shape)}"
        )
    shortest = min(WINDOW, *prediction.shape[2:])
    window = shortest if shortest % 2 else shortest - 1
    return per_item(lambda p, t: _ssim(p, t, window), prediction, target)


def _ssim(p: Tensor, t: Tensor, window: int) -> Tensor:
    """`[n, c, h, w]` twice → `[n]`. The power p² + t² is all that the two variances are needed for."""
    count = window * window
    sample = count / (count - 1)  # from population to sample (co)variance
    mean_p, mean_t, power, product = (_window_sums(x, window) / count for x in (p, t, p * p + t * t, p * t))
    cross = mean_p * mean_t
    squares = mean_p * mean_p + mean_t * mean_t
    luminance = (2.0 * cross + C1) / (squares + C1)
    structure = (2.0 * sample * (product - cross) + C2) / (sample * (power - squares) + C2)
    return (luminance * structure).flatten(1).mean(1)


def _window_sums(x: Tensor, window: int) -> Tensor:
    """Sums over all whole windows: `[..., h, w]` → `[..., h − window + 1, w − window + 1]`.

    Shifted slices, rows before columns: for so small a window faster than pooling, and free of the
    cancellation of running sums.
    """
    for axis in (-2, -1):
        length = x.shape[axis] - window + 1
        total = x.narrow(axis, 0, length).clone()
        for shift in range(1, window):
            total += x.narrow(axis, shift, length)
        x = total
    return x
