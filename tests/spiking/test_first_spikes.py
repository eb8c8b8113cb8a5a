"""Rank-order latencies: figures of the specification, the oracle, and images that have little to say."""

import pytest
import torch

from tests.spiking import oracle
from zorbench.data import load
from zorbench.spiking.filters import bank, digit_bank, dog, filtered, normalised
from zorbench.spiking.first_spikes import CHUNK, encode, from_wave, latencies, padded, pooled, to_wave


def spikes_per_step(times: torch.Tensor, steps: int) -> list[int]:
    return to_wave(times, steps)[0].sum(dim=(1, 2, 3)).tolist()


def test_the_last_values_are_dropped():
    values = torch.zeros(1, 1, 1, 12)
    values[..., :9] = torch.arange(9, 0, -1)
    assert spikes_per_step(latencies(values, 4), 4) == [2, 4, 6, 8]
    assert latencies(values, 4).flatten().tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 4, 4]


def test_the_specifications_image():
    y, x = torch.meshgrid(torch.arange(28), torch.arange(28), indexing="ij")
    inside = (y >= 6) & (y < 22) & (x >= 8) & (x < 20)
    image = torch.where(inside, (37 * y + 101 * x + x * y) % 256, 0)
    assert image.sum() == 24816
    times = encode(image[None, None] / 255, digit_bank())
    wave = to_wave(times, 15)[0].long()
    assert wave.sum(dim=(1, 2, 3)).tolist() == list(range(79, 1186, 79))
    assert wave[-1].sum(dim=(1, 2)).tolist() == [76, 137, 98, 237, 188, 449]
    assert wave[0].sum(dim=(1, 2)).tolist() == [24, 8, 35, 12, 0, 0]
    assert wave.sum(dim=(0, 2, 3)).tolist() == [961, 1251, 1162, 1982, 1320, 2804]


@pytest.mark.parametrize("steps", [1, 4, 15, 255])
def test_as_the_oracle_with_equal_values_and_blank_places(steps):
    values = torch.randint(0, 40, (20, 3, 6, 7)).float() * (torch.rand(20, 3, 6, 7) < 0.7)
    expected = torch.stack([oracle.latency_wave(one, steps) for one in values])
    assert torch.equal(to_wave(latencies(values, steps), steps), expected.to(torch.uint8))


def test_order_is_told_by_the_last_bit():
    one = torch.tensor(1.0)
    above = torch.nextafter(one, torch.tensor(2.0))
    values = torch.stack([one, above, one, torch.tensor(1e-42), torch.tensor(3e38)]).view(1, 1, 1, 5)
    assert latencies(values, 5).flatten().tolist() == [2, 1, 3, 4, 0]


def test_fewer_values_than_steps_fire_one_a_step():
    values = torch.tensor([0.0, 0.3, 0.9, 0.0]).view(1, 1, 2, 2)
    assert latencies(values, 15).flatten().tolist() == [15, 1, 0, 15]


def test_a_blank_image_never_fires_and_changes_no_other():
    images = load("mnist5k").train_inputs(range(3)).clone()
    alone = encode(images[:1], digit_bank())
    images[1] = 0
    times = encode(images, digit_bank())
    assert (times[1] == 15).all()
    assert torch.equal(times[:1], alone)
    assert latencies(torch.tensor([-0.0, 0.0]).view(1, 1, 1, 2), 3).flatten().tolist() == [3, 3]


def test_digits_as_the_oracle():
    images, kernels = load("mnist5k").train_inputs(range(0, 4000, 80)), digit_bank()
    expected = torch.stack([oracle.encoded(image, kernels) for image in images])
    # Two orders of adding up a box can change places only where values are equal but for their last bits.
    different = (to_wave(encode(images, kernels), 15) != expected).sum()
    assert different <= 1e-5 * expected.numel()
    counts = expected[:, -1].sum(dim=(1, 2, 3))
    assert 1000 < counts.mean() < 1400


def test_chunks_leave_no_seam():
    images = torch.rand(CHUNK + 3, 1, 8, 8)
    times = encode(images, digit_bank(), threshold=20, steps=7)
    assert torch.equal(times[CHUNK - 1 :], encode(images[CHUNK - 1 :], digit_bank(), threshold=20, steps=7))
    assert times.dtype == torch.uint8
    assert encode(images, digit_bank()).element_size() * times[0].numel() * 60_000 < 400e6


def test_colour_images_with_a_margin():
    images = torch.rand(2, 3, 32, 32)
    kernels = bank([dog(5, 1, 2), dog(15, 2, 1)])
    times = encode(images, kernels, threshold=[40, 30], padding=8, steps=20)
    assert times.shape == (2, 2, 34, 34)
    maps = filtered(images * 255, kernels, [40, 30], padding=8)
    assert torch.equal(times, latencies(normalised(maps, 8), 20))


def test_waves_and_times_are_the_same():
    times = torch.randint(0, 6, (4, 3, 5, 5), dtype=torch.uint8)
    wave = to_wave(times, 5)
    assert torch.equal(from_wave(wave), times)
    assert torch.equal(from_wave(to_wave(times, 5).float()), times)
    assert torch.equal(to_wave(padded(times, 2, 5), 5)[0], oracle.pad(wave[0], 2))


@pytest.mark.parametrize("size", [1, 2, 3])
def test_pooling_is_max_pooling_of_the_wave(size):
    times = torch.randint(0, 8, (4, 3, 7, 8), dtype=torch.uint8)
    expected = torch.stack([oracle.pool(wave.float(), size) for wave in to_wave(times, 7)])
    assert torch.equal(to_wave(pooled(times, size), 7), expected.to(torch.uint8))


def test_pooling_with_a_stride():
    times = torch.arange(16, dtype=torch.uint8).view(1, 1, 4, 4)
    assert pooled(times, 2, 1).tolist() == [[[[0, 1, 2], [4, 5, 6], [8, 9, 10]]]]


def test_what_is_refused():
    with pytest.raises(ValueError, match="must be 0 or more, and no NaN"):
        latencies(torch.tensor([[-1.0]]), 3)
    with pytest.raises(ValueError, match="must be 0 or more, and no NaN"):
        latencies(torch.tensor([[float("nan")]]), 3)
    with pytest.raises(ValueError, match="T must be at most 255, got 256"):
        latencies(torch.ones(1, 1), 256)
    with pytest.raises(ValueError, match=r"images must lie in \[0, 1\]"):
        encode(torch.full((1, 1, 5, 5), 255.0), digit_bank())
