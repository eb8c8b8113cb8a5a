"""How predictions are scored: pure functions from a batch of predictions and its targets to numbers."""

from zorbench.metrics.colour import delta_e
from zorbench.metrics.images import PSNR_CAP, image_metrics, mae, mse, psnr
from zorbench.metrics.labels import classification_metrics, error_rate
from zorbench.metrics.ssim import ssim

__all__ = [
    "PSNR_CAP",
    "classification_metrics",
    "delta_e",
    "error_rate",
    "image_metrics",
    "mae",
    "mse",
    "psnr",
    "ssim",
]
