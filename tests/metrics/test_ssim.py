"""SSIM against scikit-image, its equation in closed form, and its symmetries."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import structural_similarity

from zorbench.metrics import ssim


def by_scikit_image(prediction: torch.Tensor, target: torch.Tensor, **options: int) -> list[float]:
    return [
        structural_similarity(a, b, data_range=1, channel_axis=0, **options)
        for a, b in zip(prediction.double().numpy(), target.double().numpy(), strict=True)
    ]


@settings(deadline=None, max_examples=60)
@given(
    n=st.integers(1, 4),
    channels=st.integers(1, 4),
    height=st.integers(7, 24),
    width=st.integers(7, 24),
    noise=st.sampled_from([0.0, 1e-4, 0.05, 1.0]),
    binary=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_equals_scikit_image(n, channels, height, width, noise, binary, seed):
    rng = np.random.default_rng(seed)
    target = rng.random((n, channels, height, width))
    if binary:
        target = target.round()
    prediction = np.clip(target + noise * rng.standard_normal(target.shape), 0, 1)
    p, t = torch.tensor(prediction, dtype=torch.float32), torch.tensor(target, dtype=torch.float32)
    np.testing.assert_allclose(ssim(p, t), by_scikit_image(p, t), rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("height", "width", "window"), [(6, 9, 5), (5, 5, 5), (4, 30, 3), (9, 3, 3), (7, 7, 7)]
)
def test_the_window_shrinks_to_the_largest_odd_size_that_fits(height, width, window):
    rng = torch.Generator().manual_seed(height * width)
    p, t = (torch.rand(3, 2, height, width, generator=rng) for _ in range(2))
    np.testing.assert_allclose(ssim(p, t), by_scikit_image(p, t, win_size=window), rtol=0, atol=1e-10)


@pytest.mark.parametrize(("a", "b"), [(0.0, 1.0), (0.5, 0.25), (0.0, 0.0), (1.0, 1.0)])
def test_constant_images_leave_only_the_luminance_term(a, b):
    p, t = torch.full((1, 1, 8, 8), a), torch.full((1, 1, 8, 8), b)
    c1 = 0.01**2
    assert ssim(p, t).item() == pytest.approx((2 * a * b + c1) / (a * a + b * b + c1), abs=1e-12)


def test_one_window_is_the_equation_itself():
    rng = np.random.default_rng(5)
    p, t = rng.random(49), rng.random(49)
    c1, c2 = 0.01**2, 0.03**2
    cov = np.cov(p, t)
    expected = (
        (2 * p.mean() * t.mean() + c1)
        * (2 * cov[0, 1] + c2)
        / ((p.mean() ** 2 + t.mean() ** 2 + c1) * (cov[0, 0] + cov[1, 1] + c2))
    )
    image_p, image_t = (torch.tensor(x).view(1, 1, 7, 7) for x in (p, t))
    assert ssim(image_p, image_t).item() == pytest.approx(expected, abs=1e-12)


def test_a_perfect_image_scores_exactly_one():
    x = torch.rand(5, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    assert ssim(x, x).tolist() == [1.0] * 5


def test_prediction_and_target_may_be_swapped():
    rng = torch.Generator().manual_seed(2)
    p, t = (torch.rand(4, 3, 10, 12, generator=rng) for _ in range(2))
    assert torch.equal(ssim(p, t), ssim(t, p))


def test_the_negative_of_an_image_scores_below_zero():
    t = torch.rand(4, 1, 16, 16, generator=torch.Generator().manual_seed(3))
    assert (ssim(1 - t, t) < 0).all()


@pytest.mark.parametrize("shape", [(2, 1, 2, 8), (2, 1, 8, 1), (2, 64), (2, 8, 8)])
def test_what_is_no_image_is_refused_with_its_shapes(shape):
    with pytest.raises(ValueError, match="needs images") as caught:
        ssim(torch.zeros(shape), torch.zeros(shape))
    assert str(list(shape)) in str(caught.value)
