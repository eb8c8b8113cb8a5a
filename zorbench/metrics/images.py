"""Pixel errors of images (or feature vectors), and the scores that a reconstruction is reported by."""

from jaxtyping import Float, Float64
from torch import Tensor

from zorbench.metrics._pairs import check_pair, per_item
from zorbench.metrics.colour import delta_e
from zorbench.metrics.ssim import MIN_SIDE, ssim

PSNR_CAP = 100.0
"""The PSNR of a perfect image, in dB: an image's MSE counts as at least 1e-10."""


def mse(
    prediction: Float[Tensor, "batch *shape"], target: Float[Tensor, "batch *shape"]
) -> Float64[Tensor, "batch"]:
    """Mean squared error of each item: MSE_i = mean_j (p_ij − t_ij)², in squared pixel units.

    Raises `ValueError` if the shapes differ or nothing is given.
    """
    return per_item(lambda p, t: (p - t).square_().flatten(1).mean(1), prediction, target)


def mae(
    prediction: Float[Tensor, "batch *shape"], target: Float[Tensor, "batch *shape"]
) -> Float64[Tensor, "batch"]:
    """Mean absolute error of each item: MAE_i = mean_j |p_ij − t_ij|, in pixel units.

    Raises `ValueError` if the shapes differ or nothing is given.
    """
    return per_item(lambda p, t: (p - t).abs_().flatten(1).mean(1), prediction, target)


def psnr(
    prediction: Float[Tensor, "batch *shape"], target: Float[Tensor, "batch *shape"]
) -> Float64[Tensor, "batch"]:
    """Peak signal-to-noise ratio of each item for a peak of 1: 10 · log10(1 / MSE_i), in dB.

    At most `PSNR_CAP`, which a perfect image gets.
    Raises `ValueError` if the shapes differ or nothing is given.
    """
    return _decibels(mse(prediction, target))


def image_metrics(
    prediction: Float[Tensor, "batch *shape"], target: Float[Tensor, "batch *shape"]
) -> dict[str, float]:
    """Every image score, each the mean over the batch of its per-item values.

    error          the error that skill is computed from: the MSE
    mse, mae       in pixel units (squared for the MSE)
    zor_accuracy   1 − MAE, what Zor's own publications call accuracy
    psnr           dB, the mean of the per-image PSNR (not the PSNR of the mean MSE), capped at `PSNR_CAP`
    ssim           only for `[N, C, H, W]` with sides of at least `MIN_SIDE`
    delta_e        only for `[N, 3, H, W]`: the mean CIELAB colour difference

    Values are expected in [0, 1]; they are scored as they are. A value that is not a number makes the scores
    it enters nan. Raises `ValueError` if the shapes differ or nothing is given.
    """
    check_pair(prediction, target)
    squared = mse(prediction, target)
    absolute = float(mae(prediction, target).mean())
    error = float(squared.mean())
    scores = {
        "error": error,
        "mse": error,
        "mae": absolute,
        "zor_accuracy": 1.0 - absolute,
        "psnr": float(_decibels(squared).mean()),
    }
    if prediction.ndim == 4 and min(prediction.shape[2:]) >= MIN_SIDE:
        scores["ssim"] = float(ssim(prediction, target).mean())
    if prediction.ndim == 4 and prediction.shape[1] == 3:
        scores["delta_e"] = float(delta_e(prediction, target).mean())
    return scores


def _decibels(squared_error: Float64[Tensor, "batch"]) -> Float64[Tensor, "batch"]:
    return -10.0 * squared_error.clamp(min=10.0 ** (-PSNR_CAP / 10.0)).log10()
