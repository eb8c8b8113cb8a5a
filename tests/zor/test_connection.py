"""What joins two layers, held against matrices of windows that share nothing with it (`unfolded`)."""

import re

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from zorbench.zor import ConvLayer, ConvTransposeLayer, Layer, Zor
from zorbench.zor.connection import Dense, connect
from zorbench.zor.correlation import signal_scale

from .unfolded import UNFOLDED, over_norm, unit

DOWN = [  # image below, layer
    ((1, 5, 5), ConvLayer(1, 3)),
    ((2, 7, 6), ConvLayer(3, 3, stride=2)),
    ((3, 8, 5), ConvLayer(2, 4)),
    ((2, 9, 7), ConvLayer(4, 5, stride=3)),
    ((2, 9, 7), ConvLayer(4, 5, stride=3, padding=0)),
    ((2, 5, 8), ConvLayer(3, 4, stride=2, padding=3)),
    ((3, 4, 6), ConvLayer(5, 1, stride=2)),
    ((2, 3, 3), ConvLayer(3, 3, padding=0)),
    ((1, 6, 7), ConvLayer(2, 2, stride=3, padding=1)),
    ((2, 1, 1), ConvLayer(2, 5, padding=4)),
]
UP = [
    ((1, 5, 5), ConvTransposeLayer(1, 3)),
    ((2, 3, 4), ConvTransposeLayer(3, 3, stride=2)),
    ((3, 3, 2), ConvTransposeLayer(2, 5, stride=3)),
    ((2, 3, 4), ConvTransposeLayer(2, 4, stride=2)),
    ((2, 3, 4), ConvTransposeLayer(2, 3, stride=2, output_size=(5, 8))),
    ((2, 3, 2), ConvTransposeLayer(3, 3, stride=3, padding=0, output_size=(9, 8))),
    ((2, 4, 5), ConvTransposeLayer(4, 4, padding=3, output_size=(1, 2))),
    ((3, 2, 3), ConvTransposeLayer(2, 1, stride=2)),
    ((2, 2, 3), ConvTransposeLayer(3, 5, stride=2, padding=0, output_size=(7, 10))),
    ((1, 4, 3), ConvTransposeLayer(2, 2, stride=3, output_size=(11, 9))),
]
FLAT = [((5,), Layer(4)), ((2, 3, 4), Layer(7)), ((7,), Layer((2, 3, 3))), ((1, 2, 3), Layer((2, 4, 1)))]


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def close(actual: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("silent", [False, True], ids=["all fired", "some silent"])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize(("below", "layer"), DOWN + UP + FLAT)
def test_a_connection_is_the_product_with_a_matrix_of_windows(below, layer, batch, silent):
    (connection,) = connect(below, [layer])
    reference = UNFOLDED[type(layer)](below, layer)
    assert connection.above == reference.above
    weight = numbers(*connection.weight_shape)
    p, signal = numbers(batch, *below, seed=1), 3 * numbers(batch, *connection.above, seed=2)
    p *= p > -0.5  # as behind a gate
    spikes = (numbers(*signal.shape, seed=3) > 0.3).double() if silent else None
    delta = unit(reference.columns(signal))
    fired = torch.ones_like(signal) if spikes is None else spikes
    expected = reference.direction(p, delta * over_norm(reference.columns(fired)))

    scale = signal_scale(signal, connection.axes)
    before = [tensor.clone() for tensor in (p, signal, scale, weight, fired)]
    close(reference.columns(signal * scale), delta)
    close(connection.current(p, weight), reference.current(p, weight))
    below_signal = connection.transport(signal, scale, weight)
    assert below_signal.shape == p.shape
    close(below_signal, reference.below_signal(delta, weight))
    direction = connection.direction(p, signal, scale, spikes, torch.empty_like(weight))
    assert direction.shape == weight.shape
    close(direction, expected)
    close(connection.direction(p, signal, scale, spikes, None), expected)
    after = (p, signal, scale, weight, fired if spikes is None else spikes)
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_a_channel_without_signal_or_spikes_or_activity_takes_no_part():
    (connection,) = connect((2, 4, 4), [ConvLayer(3, 3)])
    p, signal = numbers(2, 2, 4, 4), numbers(2, 3, 4, 4, seed=1)
    spikes = torch.ones_like(signal)
    p[:, 0], signal[:, 1], spikes[:, 2] = 0, 0, 0
    scale = signal_scale(signal, connection.axes)
    direction = connection.direction(p, signal, scale, spikes, None)
    assert direction.isfinite().all()
    moved = direction.abs().amax((-2, -1)) > 0
    assert moved.tolist() == [[False, True], [False, False], [False, False]]


COUNTS = st.integers(1, 4)


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(COUNTS, st.integers(1, 12), st.integers(1, 12)), COUNTS, st.integers(1, 6), COUNTS, st.data()
)
def test_a_convolution_has_the_shapes_that_torchs_has(below, out, kernel, stride, data):
    padding = data.draw(st.none() | st.integers(0, kernel - 1))
    layer = ConvLayer(out, kernel, stride, padding)
    module = torch.nn.Conv2d(
        below[0], out, kernel, stride, (kernel - 1) // 2 if padding is None else padding, bias=False
    )
    assume(min(n + 2 * module.padding[0] - kernel for n in below[1:]) >= 0)
    same_shapes(below, layer, module)


@settings(max_examples=60, deadline=None)
@given(st.tuples(COUNTS, st.integers(1, 6), st.integers(1, 6)), COUNTS, st.integers(1, 6), COUNTS, st.data())
def test_a_transposed_convolution_has_the_shapes_that_torchs_has(below, out, kernel, stride, data):
    padding = data.draw(st.integers(0, kernel - 1))
    extra = data.draw(st.tuples(st.integers(0, stride - 1), st.integers(0, stride - 1)))
    module = torch.nn.ConvTranspose2d(below[0], out, kernel, stride, padding, extra, bias=False)
    least = [(n - 1) * stride - 2 * padding + kernel for n in below[1:]]
    size = tuple(low + more for low, more in zip(least, extra, strict=True))
    assume(min(size) > 0)
    same_shapes(below, ConvTransposeLayer(out, kernel, stride, padding, size), module)


def same_shapes(below, layer, module):
    (connection,) = connect(below, [layer])
    theirs = module(torch.zeros(1, *below))
    assert (1, *connection.above) == theirs.shape
    assert connection.weight_shape == module.weight.shape
    signal, weight = torch.ones(theirs.shape), torch.ones(connection.weight_shape)
    scale = signal_scale(signal, connection.axes)
    assert connection.transport(signal, scale, weight).shape == (1, *below)
    direction = connection.direction(torch.ones(1, *below), signal, scale, None, None)
    assert direction.shape == connection.weight_shape


@pytest.mark.parametrize("kernel", range(1, 6))
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_a_transposed_convolution_reaches_the_size_below_times_the_stride(kernel, stride):
    if kernel % 2 == 0 and stride == 1:  # no padding on both sides does that
        with pytest.raises(ValueError, match="set output_size"):
            connect((2, 3, 4), [ConvTransposeLayer(1, kernel, stride)])
    else:
        (connection,) = connect((2, 3, 4), [ConvTransposeLayer(1, kernel, stride)])
        assert connection.above == (1, 3 * stride, 4 * stride)


@pytest.mark.parametrize("silent", [False, True])
@pytest.mark.parametrize("batch", [1, 3, 4, 5, 6, 7, 40])
def test_dense_copies_and_whatever_is_scaled_give_the_same(batch, silent):
    """The batches lie on both sides of every size that decides what the scales are applied to."""
    dense = Dense((6,), (4,))
    weight, p = numbers(3, 6, 4), numbers(3, batch, 6, seed=1)
    signal = numbers(3, batch, 4, seed=2)
    spikes = (numbers(3, batch, 4, seed=3) > 0).double() if silent else None
    scale = signal_scale(signal, dense.axes)
    current, below = dense.current(p, weight), dense.transport(signal, scale, weight)
    direction = dense.direction(p, signal, scale, spikes, torch.empty_like(weight))
    fired = torch.ones_like(signal) if spikes is None else spikes
    for copy in range(3):
        delta = unit(signal[copy])
        close(current[copy], p[copy] @ weight[copy])
        close(below[copy], delta @ weight[copy].T)
        close(direction[copy], over_norm(p[copy]).T @ (delta * over_norm(fired[copy])))


def test_dense_copies_of_images_are_laid_flat_one_by_one():
    dense = Dense((2, 3, 3), (3, 2, 2))
    weight, p = numbers(2, 18, 12), numbers(2, 5, 2, 3, 3, seed=1)
    signal = numbers(2, 5, 3, 2, 2, seed=2)
    scale = signal_scale(signal, dense.axes)
    assert scale.shape == (2, 1, 3, 2, 2)
    current, below = dense.current(p, weight), dense.transport(signal, scale, weight)
    direction = dense.direction(p, signal, scale, torch.ones_like(signal), None)
    for copy in range(2):
        delta = unit(signal[copy].flatten(1))
        close(current[copy], (p[copy].flatten(1) @ weight[copy]).view(5, 3, 2, 2))
        close(below[copy], (delta @ weight[copy].T).view(5, 2, 3, 3))
        close(
            direction[copy], over_norm(p[copy].flatten(1)).T @ (delta * over_norm(torch.ones(5, 12).double()))
        )


def refuses(message: str, *layers) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Zor(layers)


@pytest.mark.parametrize("layer", [ConvLayer(2, 3), ConvTransposeLayer(2, 3)])
def test_a_convolution_needs_an_image_below_it(layer):
    refuses(
        f"{layer!r} needs an image below it, got 12 units: give that layer's size as "
        f"(channels, height, width)",
        Layer(12),
        layer,
    )
    refuses(f"the input layer must be a Layer, got {layer!r}", layer, Layer(3))


def test_a_convolution_that_leaves_nothing_is_refused():
    layer = ConvLayer(2, 5, padding=0)
    refuses(f"{layer!r} leaves nothing of an image of [1, 6, 4]", Layer((1, 6, 4)), layer)


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"stride": 2, "output_size": (5, 9)}, "5 to 6 and 7 to 8, not [5, 9]"),
        ({"stride": 2, "output_size": (4, 7)}, "5 to 6 and 7 to 8, not [4, 7]"),
        ({"padding": 0}, "5 to 5 and 6 to 6, not [3, 4]"),
    ],
)
def test_an_image_out_of_a_transposed_convolutions_reach_is_refused(options, wanted):
    layer = ConvTransposeLayer(2, 3, **options)
    refuses(
        f"{layer!r} on an image of [1, 3, 4] reaches height and width of {wanted}: "
        f"set output_size, kernel or padding",
        Layer((1, 3, 4)),
        layer,
    )
