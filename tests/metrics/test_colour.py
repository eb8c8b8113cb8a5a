"""ΔE*ab against scikit-image and published colours."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import deltaE_cie76, rgb2lab

from zorbench.metrics import delta_e


def by_scikit_image(prediction: torch.Tensor, target: torch.Tensor) -> np.ndarray:
    p, t = (rgb2lab(x.double().numpy(), channel_axis=1) for x in (prediction, target))
    return deltaE_cie76(p, t, channel_axis=1).mean(axis=(1, 2))


def flat(*rgb: float) -> torch.Tensor:
    return torch.tensor(rgb, dtype=torch.float64).view(1, 3, 1, 1).expand(1, 3, 4, 4)


@settings(deadline=None, max_examples=60)
@given(
    n=st.integers(1, 3),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    scale=st.sampled_from([0.01, 0.1, 1.0]),
    seed=st.integers(0, 2**31),
)
def test_equals_scikit_image_in_the_dark_and_in_the_light(n, height, width, scale, seed):
    rng = torch.Generator().manual_seed(seed)
    p, t = (scale * torch.rand(n, 3, height, width, generator=rng) for _ in range(2))
    np.testing.assert_allclose(delta_e(p, t), by_scikit_image(p, t), rtol=1e-9, atol=1e-10)


def test_equals_scikit_image_on_every_corner_of_the_colour_cube():
    corners = torch.cartesian_prod(*[torch.tensor([0.0, 0.5, 1.0])] * 3)
    p = corners.repeat_interleave(27, 0).view(-1, 3, 1, 1)
    t = corners.repeat(27, 1).view(-1, 3, 1, 1)
    np.testing.assert_allclose(delta_e(p, t), by_scikit_image(p, t), rtol=1e-9, atol=1e-10)


# L*a*b* of the sRGB primaries under D65, to two decimals, as colour tables list them.
@pytest.mark.parametrize(
    ("rgb", "lab"),
    [
        ((1, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 1, 0), (87.73, -86.18, 83.18)),
        ((0, 0, 1), (32.30, 79.19, -107.86)),
        ((1, 1, 1), (100.0, 0.0, 0.0)),
    ],
)
def test_a_primary_lies_at_its_published_distance_from_black(rgb, lab):
    assert delta_e(flat(*rgb), flat(0, 0, 0)).item() == pytest.approx(np.linalg.norm(lab), abs=0.02)


def test_grey_copies_differ_in_lightness_alone():
    # Mid grey 0.5 has Y = ((0.5 + 0.055) / 1.055)^2.4, and L* = 116 Y^(1/3) − 16.
    y = ((0.5 + 0.055) / 1.055) ** 2.4
    expected = 100 - (116 * y ** (1 / 3) - 16)
    assert delta_e(flat(1, 1, 1), flat(0.5, 0.5, 0.5)).item() == pytest.approx(expected, abs=0.01)


def test_the_same_colour_has_no_difference():
    x = torch.rand(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    assert delta_e(x, x).tolist() == [0.0] * 3


@pytest.mark.parametrize("shape", [(2, 1, 8, 8), (2, 4, 8, 8), (2, 3), (2, 3, 8)])
def test_what_is_no_colour_image_is_refused_with_its_shapes(shape):
    with pytest.raises(ValueError, match="needs images") as caught:
        delta_e(torch.zeros(shape), torch.zeros(shape))
    assert str(list(shape)) in str(caught.value)
