"""Initial weights come from a generator of their own and from nowhere else."""

import math

import pytest
import torch

from zorbench.zor import ConvLayer, ConvTransposeLayer, Layer, NoveltyLayer, NoveltyZor, Zor, ZorEnsemble
from zorbench.zor.initial import own_generator

LAYERS = [Layer(4), Layer(3), Layer(5)]


def same(a, b) -> bool:
    return all(torch.equal(p, q) for p, q in zip(a.weights, b.weights, strict=True))


@pytest.mark.parametrize(
    "options", [{}, {"seed": 1}, {"generator": torch.Generator()}, {"init": "orthogonal"}]
)
def test_the_global_generator_is_left_alone(options):
    before = torch.get_rng_state()
    zor = Zor(LAYERS, **options)
    options = {key: value for key, value in options.items() if key != "init"}
    zor.train_batch(torch.ones(2, 4), torch.ones(2, 5))
    zor.predict(torch.ones(2, 4))
    novelty = NoveltyZor([NoveltyLayer(4), NoveltyLayer(5)], **options)
    novelty.train_batch(torch.ones(2, 4), torch.ones(2, 5))
    assert torch.equal(torch.get_rng_state(), before)


def test_the_global_seed_does_not_matter():
    torch.manual_seed(0)
    first = Zor(LAYERS, seed=7)
    torch.manual_seed(1)
    assert same(first, Zor(LAYERS, seed=7))


def test_a_seed_a_generator_at_that_seed_and_both_rules_draw_the_same_weights():
    zor = Zor(LAYERS, seed=7)
    assert same(zor, Zor(LAYERS, generator=torch.Generator().manual_seed(7)))
    assert same(zor, NoveltyZor([NoveltyLayer(layer.size) for layer in LAYERS], seed=7))
    assert not same(zor, Zor(LAYERS, seed=8))


def test_without_a_seed_two_networks_differ():
    assert not same(Zor(LAYERS), Zor(LAYERS))


def test_the_dtype_does_not_change_what_is_drawn():
    double = Zor(LAYERS, seed=7, dtype=torch.float64)
    assert all(weight.dtype == torch.float64 for weight in double.weights)
    assert all(
        torch.equal(a, b.float()) for a, b in zip(Zor(LAYERS, seed=7).weights, double.weights, strict=True)
    )


def test_weights_are_normal_with_the_published_deviation():
    weight = Zor([Layer(400), Layer(900)], seed=0).weights[0]
    deviation = 0.5 * math.sqrt(2 / 1300)
    assert weight.shape == (400, 900)
    assert weight.mean().item() == pytest.approx(0, abs=5 * deviation / 600)
    assert weight.std().item() == pytest.approx(deviation, rel=0.01)
    assert (weight.abs() < deviation).float().mean().item() == pytest.approx(0.6827, abs=0.005)


@pytest.mark.parametrize("gain", [0.5, 2.0])
def test_a_window_of_weights_is_normal_with_the_deviation_of_its_fans(gain):
    layers = [Layer((40, 3, 3)), ConvLayer(60, 5), ConvTransposeLayer(30, 3)]
    down, up = Zor(layers, gain=gain, seed=0).weights
    # A weight ends in, and leaves, as many as a window has times the channels there.
    for weight, fans in ((down, (40 + 60) * 25), (up, (60 + 30) * 9)):
        deviation = gain * math.sqrt(2 / fans)
        error = 1 / math.sqrt(weight.numel())
        assert weight.mean().item() == pytest.approx(0, abs=5 * deviation * error)
        assert weight.std().item() == pytest.approx(deviation, rel=4 * error)


def test_a_gain_scales_the_published_weights():
    for default, wide in zip(Zor(LAYERS, seed=7).weights, Zor(LAYERS, seed=7, gain=1.5).weights, strict=True):
        torch.testing.assert_close(wide, 3 * default)


SHAPES = {
    "wide": [Layer(5), Layer(40)],
    "tall": [Layer(40), Layer(5)],
    "square": [Layer(17), Layer(17)],
    "one unit": [Layer(1), Layer(6)],
    "convolution": [Layer((3, 6, 6)), ConvLayer(8, 3)],
    "convolution, tall": [Layer((1, 6, 6)), ConvLayer(12, 3)],
    "transposed convolution": [Layer((8, 4, 4)), ConvTransposeLayer(2, 4, stride=2)],
}


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("gain", [1.0, 0.7])
def test_orthogonal_weights_have_rows_or_columns_of_one_length_at_right_angles(name, gain):
    """gain² I for the smaller of W Wᵀ and Wᵀ W; a window's axes but the first are laid flat."""
    (weight,) = Zor(SHAPES[name], init="orthogonal", gain=gain, seed=0).weights
    matrix = weight.reshape(len(weight), -1).double()
    small = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    found = torch.linalg.svdvals(small)
    torch.testing.assert_close(found, torch.full_like(found, gain), atol=1e-5, rtol=0)
    expected = gain**2 * torch.eye(len(small), dtype=torch.float64)
    torch.testing.assert_close(small @ small.T, expected, atol=1e-5, rtol=0)


def test_orthogonal_weights_favour_no_direction():
    """Each element of many 3×3 matrices has mean 0 and mean square 1/3; fixed signs would give a mean."""
    drawn = torch.stack(
        [Zor([Layer(3), Layer(3)], init="orthogonal", gain=1.0, seed=seed).weights[0] for seed in range(2000)]
    )
    assert float(drawn.mean(dim=0).abs().max()) < 5 * math.sqrt(1 / 3 / 2000)
    assert float((drawn.square().mean(dim=0) - 1 / 3).abs().max()) < 0.04


def test_a_seed_decides_orthogonal_weights_in_every_dtype_and_ensemble():
    zor = Zor(LAYERS, init="orthogonal", seed=7)
    assert same(zor, Zor(LAYERS, init="orthogonal", generator=torch.Generator().manual_seed(7)))
    assert not same(zor, Zor(LAYERS, init="orthogonal", seed=8))
    assert not same(zor, Zor(LAYERS, seed=7, gain=1.0))
    double = Zor(LAYERS, init="orthogonal", seed=7, dtype=torch.float64)
    assert all(torch.equal(a.double(), b) for a, b in zip(zor.weights, double.weights, strict=True))
    assert same(zor, ZorEnsemble(LAYERS, init="orthogonal", seeds=[8, 7]).network(1))


@pytest.mark.parametrize("init", ["xavier", "", None])
def test_an_unknown_init_is_told_with_the_valid_ones(init):
    with pytest.raises(ValueError, match=f"^unknown init {init!r}; valid: normal, orthogonal$"):
        Zor(LAYERS, init=init)


@pytest.mark.parametrize("gain", [0, -1.0, math.inf, math.nan])
def test_a_gain_is_above_zero(gain):
    with pytest.raises(ValueError, match=f"^gain must be above 0, got {gain!r}$"):
        Zor(LAYERS, gain=gain)


def test_a_seed_and_a_generator_together_are_refused():
    with pytest.raises(ValueError, match=r"^expected a seed or a generator, got both$"):
        Zor(LAYERS, seed=0, generator=torch.Generator())


def test_a_generator_elsewhere_than_on_the_cpu_is_refused():
    class Elsewhere:
        device = torch.device("cuda", 0)

    with pytest.raises(ValueError, match=r"^expected a generator on the cpu, got one on cuda:0$"):
        own_generator(None, Elsewhere())


def test_a_dtype_of_whole_numbers_is_refused():
    with pytest.raises(ValueError, match=r"^dtype must be a floating point type, got torch\.int64$"):
        Zor(LAYERS, dtype=torch.int64)
