"""Pixel errors and the image scores, against their equations and scikit-image."""

import json
import math

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio
from sklearn.metrics import mean_absolute_error, mean_squared_error

from zorbench.metrics import PSNR_CAP, delta_e, image_metrics, mae, mse, psnr, ssim
from zorbench.metrics._pairs import BLOCK


def random_pair(*shape: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(seed)
    return torch.rand(shape, generator=rng), torch.rand(shape, generator=rng)


def test_a_constant_offset_has_its_square_as_mse_and_itself_as_mae():
    target = torch.full((4, 1, 8, 8), 0.25)
    prediction = target + torch.tensor([0.0, 0.25, 0.5, -0.25]).view(4, 1, 1, 1)
    assert mse(prediction, target).tolist() == [0.0, 0.0625, 0.25, 0.0625]
    assert mae(prediction, target).tolist() == [0.0, 0.25, 0.5, 0.25]


def test_pixel_errors_equal_those_of_scikit_learn_image_by_image():
    p, t = random_pair(7, 3, 9, 11)
    rows_p, rows_t = p.flatten(1).T.double(), t.flatten(1).T.double()
    np.testing.assert_allclose(
        mse(p, t), mean_squared_error(rows_t, rows_p, multioutput="raw_values"), rtol=1e-12
    )
    np.testing.assert_allclose(
        mae(p, t), mean_absolute_error(rows_t, rows_p, multioutput="raw_values"), rtol=1e-12
    )


def test_psnr_equals_that_of_scikit_image():
    p, t = random_pair(5, 3, 8, 8)
    expected = [
        peak_signal_noise_ratio(b, a, data_range=1) for a, b in zip(p.numpy(), t.numpy(), strict=True)
    ]
    np.testing.assert_allclose(psnr(p, t), expected, rtol=1e-6)


def test_an_mse_of_one_hundredth_is_twenty_decibels():
    target = torch.zeros(1, 1, 8, 8, dtype=torch.float64)
    assert psnr(target + 0.1, target).item() == pytest.approx(20.0)


def test_a_perfect_image_has_the_capped_psnr():
    assert psnr(torch.rand(2, 10), torch.rand(2, 10)).max() < PSNR_CAP
    _, t = random_pair(3, 1, 8, 8)
    assert psnr(t, t).tolist() == [PSNR_CAP] * 3 == [100.0] * 3


def test_mean_psnr_is_the_mean_over_images_and_not_of_the_mean_error():
    target = torch.zeros(2, 1, 8, 8, dtype=torch.float64)
    prediction = target + torch.tensor([0.1, 0.01], dtype=torch.float64).view(2, 1, 1, 1)
    assert image_metrics(prediction, target)["psnr"] == pytest.approx((20 + 40) / 2)


def test_image_metrics_are_the_means_of_the_per_image_scores():
    p, t = random_pair(6, 3, 12, 10)
    scores = image_metrics(p, t)
    assert scores == {
        "error": mse(p, t).mean().item(),
        "mse": mse(p, t).mean().item(),
        "mae": mae(p, t).mean().item(),
        "zor_accuracy": 1 - mae(p, t).mean().item(),
        "psnr": psnr(p, t).mean().item(),
        "ssim": ssim(p, t).mean().item(),
        "delta_e": delta_e(p, t).mean().item(),
    }


def test_a_perfect_prediction_has_the_best_of_every_score():
    _, t = random_pair(3, 3, 8, 8)
    assert image_metrics(t, t) == {
        "error": 0.0,
        "mse": 0.0,
        "mae": 0.0,
        "zor_accuracy": 1.0,
        "psnr": 100.0,
        "ssim": 1.0,
        "delta_e": 0.0,
    }


@pytest.mark.parametrize(
    ("shape", "absent"),
    [
        ((4, 20), {"ssim", "delta_e"}),
        ((4, 8, 8), {"ssim", "delta_e"}),
        ((4, 1, 8, 8), {"delta_e"}),
        ((4, 2, 8, 8), {"delta_e"}),
        ((4, 3, 2, 8), {"ssim"}),
        ((4, 3, 8, 8), set()),
    ],
)
def test_scores_that_make_no_sense_for_a_shape_are_left_out(shape, absent):
    every = {"error", "mse", "mae", "zor_accuracy", "psnr", "ssim", "delta_e"}
    assert set(image_metrics(*random_pair(*shape))) == every - absent


def test_scores_survive_json_as_plain_floats():
    scores = image_metrics(*random_pair(4, 3, 8, 8))
    assert all(type(value) is float for value in scores.values())
    assert json.loads(json.dumps(scores, allow_nan=False)) == scores


@pytest.mark.parametrize("score", [mse, mae, psnr, ssim, delta_e])
def test_a_batch_of_many_blocks_scores_like_its_images_alone(score):
    p, t = random_pair(3 * BLOCK // (3 * 32 * 32) + 5, 3, 32, 32)
    values = score(p, t)
    assert values.shape == (len(p),)
    assert values.dtype == torch.float64
    picked = [0, BLOCK // (3 * 32 * 32), len(p) - 1]
    alone = torch.cat([score(p[i : i + 1], t[i : i + 1]) for i in picked])
    torch.testing.assert_close(values[picked], alone, rtol=1e-13, atol=0)


@pytest.mark.parametrize("score", [mse, mae, psnr, ssim, delta_e])
def test_one_image_larger_than_a_block_is_scored(score):
    side = math.isqrt(BLOCK // 3) + 10
    p, t = random_pair(2, 3, side, side)
    assert score(p, t).shape == (2,)


@pytest.mark.parametrize("score", [mse, mae, psnr, ssim, delta_e])
def test_scores_leave_inputs_alone_and_carry_no_gradient(score):
    p, t = random_pair(2, 3, 8, 8)
    p.requires_grad_()
    before = p.detach().clone(), t.clone()
    assert not score(p, t).requires_grad
    assert torch.equal(p, before[0])
    assert torch.equal(t, before[1])


def test_views_that_are_not_contiguous_score_like_their_copies():
    p, t = random_pair(4, 8, 9, 3)
    p, t = p.permute(0, 3, 1, 2), t.permute(0, 3, 1, 2)
    assert image_metrics(p, t) == pytest.approx(image_metrics(p.contiguous(), t.contiguous()), rel=1e-12)


def test_a_nan_reaches_the_scores_it_enters_and_no_other_image():
    p, t = random_pair(3, 3, 8, 8)
    p[1, 0, 0, 0] = math.nan
    for score in (mse, mae, psnr, ssim, delta_e):
        assert score(p, t).isnan().tolist() == [False, True, False]
    assert math.isnan(image_metrics(p, t)["error"])


@pytest.mark.parametrize("score", [mse, mae, psnr, ssim, delta_e, image_metrics])
@pytest.mark.parametrize(
    ("left", "right"),
    [((2, 3, 8, 8), (2, 3, 8, 9)), ((1, 3, 8, 8), (2, 3, 8, 8)), ((0, 3, 8, 8), (0, 3, 8, 8)), ((8,), (8,))],
)
def test_shapes_that_cannot_be_scored_are_named_both(score, left, right):
    with pytest.raises(ValueError, match=r"differ in shape|nothing to score|batch axis") as caught:
        score(torch.zeros(left), torch.zeros(right))
    assert f"prediction {list(left)}, target {list(right)}" in str(caught.value)
