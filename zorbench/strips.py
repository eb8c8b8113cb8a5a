"""A few fixed images side by side as one small PNG, for galleries."""

import io

from jaxtyping import Float
from torch import Tensor

STRIP = 12


def strip(images: Float[Tensor, "n c h w"]) -> bytes:
    """The first 12 images in a row, as PNG bytes; values are clipped to [0, 1], c is 1 or 3."""
    from PIL import Image

    chosen = images[:STRIP].clamp(0, 1).mul(255).round().byte()
    _, channels, height, _ = chosen.shape
    row = chosen.permute(2, 0, 3, 1).reshape(height, -1, channels).numpy()
    picture = Image.fromarray(row[:, :, 0] if channels == 1 else row)
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
