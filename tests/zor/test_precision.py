"""Precisions hold for the products of a network, for no longer than it computes, and for nothing else."""

import re
import warnings

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from zorbench.zor import ConvLayer, ConvTransposeLayer, Layer, Zor, ZorEnsemble
from zorbench.zor.precision import operands, products

CUDA = torch.device("cuda")
DENSE = [Layer(40, "tanh"), Layer(30), Layer(20, "sigmoid")]
IMAGES = [
    Layer((2, 3, 3)),
    ConvTransposeLayer(3, 3, stride=2),
    ConvLayer(4, 3, stride=2, activation="tanh"),
    ConvTransposeLayer(2, 3, stride=2),
    Layer(5),
]
PRODUCTS = {"mm", "bmm", "addmm", "baddbmm", "convolution", "convolution_backward"}


class Products(TorchDispatchMode):
    """Collects the types of the operands of all matrix products and convolutions."""

    def __init__(self):
        super().__init__()
        self.types = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func.overloadpacket.__name__ in PRODUCTS:
            self.types.append({arg.dtype for arg in args if isinstance(arg, torch.Tensor)})
        return func(*args, **(kwargs or {}))


def batches(layers, copies=()):
    first, last = [
        layer.size if isinstance(layer.size, tuple) else (layer.size,) for layer in (layers[0], layers[-1])
    ]
    draw = torch.Generator().manual_seed(1)
    # Two batches of 6 in which all gates open, one of 50 in which many do not.
    return [
        (
            scale * torch.randn(*copies, rows, *first, generator=draw),
            torch.rand(*copies, rows, *last, generator=draw),
        )
        for rows, scale in ((6, 0.3), (6, 0.3), (50, 4))
    ]


@pytest.mark.parametrize(("layers", "count"), [(DENSE, 5), (IMAGES, 11)], ids=["dense", "images"])
def test_bf16_is_the_precision_of_every_product_and_of_nothing_that_lasts(layers, count):
    full, coarse = Zor(layers, seed=0), Zor(layers, seed=0, precision="bf16")
    for x, t in batches(layers):
        for zor, kind in ((full, torch.float32), (coarse, torch.bfloat16)):
            with Products() as seen:
                errors = zor.train_batch(x, t)
            assert seen.types == [{kind}] * count
            lasting = (zor.weights, zor.charges, zor.first_moments, zor.second_moments, zor.steps)
            assert {tensor.dtype for tensors in lasting for tensor in tensors} == {torch.float32}
            assert {part.dtype for part in (errors, zor.predict(x), zor.encode(x, 1))} == {torch.float32}


@pytest.mark.parametrize("layers", [DENSE, IMAGES], ids=["dense", "images"])
def test_bf16_differs_from_full_by_its_rounding(layers):
    full, coarse = Zor(layers, seed=0), Zor(layers, seed=0, precision="bf16")
    x, t = batches(layers)[0]
    expected, got = full.predict(x), coarse.predict(x)
    assert not torch.equal(expected, got)
    rounding = torch.finfo(torch.bfloat16).eps
    # Operands and results are off by half of it at most: some of it is left after a few products.
    torch.testing.assert_close(got, expected, rtol=0, atol=3 * rounding * expected.abs().max().item())
    _, exact = full._propose(x, t)
    with coarse._products():
        _, directions = coarse._propose(x, t)
    for a, b in zip(directions, exact, strict=True):
        assert not torch.equal(a, b)
        assert (a - b).norm() < 4 * rounding * b.norm()


def test_bf16_serves_an_ensemble_too():
    ensemble = ZorEnsemble(DENSE, seeds=[0, 1], precision="bf16")
    for x, t in batches(DENSE, copies=(2,)):
        with Products() as seen:
            ensemble.train_batch(x, t)
        assert seen.types == [{torch.bfloat16}] * 5
        assert ensemble.network(1).precision == "bf16"


@pytest.mark.parametrize("precision", ["full", "tf32"])
def test_on_the_cpu_full_and_tf32_are_what_torch_does_by_itself(precision):
    assert type(products(precision, torch.device("cpu"))).__name__ == "nullcontext"
    plain, named = Zor(DENSE, seed=0), Zor(DENSE, seed=0, precision=precision)
    for x, t in batches(DENSE):
        assert torch.equal(plain.train_batch(x, t), named.train_batch(x, t))
        product = x @ plain.weights[0]
        with named._products():
            assert torch.equal(x @ plain.weights[0], product)
    assert all(torch.equal(a, b) for a, b in zip(plain.weights, named.weights, strict=True))


def test_a_float64_network_stays_as_it_is_in_bf16():
    options = {"seed": 0, "dtype": torch.float64}
    plain, named = Zor(IMAGES, **options), Zor(IMAGES, precision="bf16", **options)
    for x, t in batches(IMAGES):
        assert torch.equal(
            plain.train_batch(x.double(), t.double()), named.train_batch(x.double(), t.double())
        )
    assert all(torch.equal(a, b) for a, b in zip(plain.weights, named.weights, strict=True))


def test_operands_are_converted_where_products_are():
    pair = torch.ones(2), torch.ones(3)
    assert all(a is b for a, b in zip(operands(*pair), pair, strict=True))
    with products("bf16", torch.device("cpu")):
        assert [tensor.dtype for tensor in operands(*pair)] == [torch.bfloat16, torch.bfloat16]
    assert [tensor.dtype for tensor in operands(*pair)] == [torch.float32, torch.float32]


def flags() -> tuple[bool, bool]:
    return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32


@pytest.fixture(params=[(True, True), (False, True), (True, False), (False, False)])
def set_flags(request, monkeypatch):
    """Torch's two flags as somebody else may have set them."""
    before = flags()
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = request.param
    yield request.param
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


@pytest.mark.parametrize(
    ("precision", "inside"), [("full", (False, False)), ("tf32", (True, True)), ("bf16", (False, False))]
)
def test_torchs_flags_for_cuda_are_set_for_the_products_and_put_back(set_flags, precision, inside):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # autocast for a device that is not there
        with products(precision, CUDA):
            assert flags() == inside
            if torch.cuda.is_available():
                assert torch.is_autocast_enabled("cuda") == (precision == "bf16")
        assert flags() == set_flags
        with pytest.raises(KeyError, match="of the step"), products(precision, CUDA):
            raise KeyError("of the step")
    assert flags() == set_flags


@pytest.mark.parametrize("precision", ["full", "tf32", "bf16"])
def test_on_the_cpu_torchs_flags_are_left_alone(set_flags, precision):
    with products(precision, torch.device("cpu")):
        assert flags() == set_flags
    assert not torch.is_autocast_enabled("cpu")


@pytest.mark.parametrize("kind", [Zor, ZorEnsemble])
@pytest.mark.parametrize("precision", ["half", "FULL", "", None])
def test_an_unknown_precision_names_the_valid_ones(kind, precision):
    message = f"unknown precision {precision!r}; valid: full, tf32, bf16"
    source = {"seed": 0} if kind is Zor else {"seeds": [0]}
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        kind(DENSE, precision=precision, **source)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize(("precision", "most"), [("full", 1e-5), ("tf32", 1e-2), ("bf16", 5e-2)])
@pytest.mark.parametrize("layers", [DENSE, IMAGES], ids=["dense", "images"])
def test_a_cuda_device_predicts_in_the_precision_asked_for(layers, precision, most):
    host = Zor(layers, seed=0)
    device = Zor(layers, seed=0, precision=precision, device="cuda")
    x, t = batches(layers)[0]
    expected = host.predict(x)
    off = (device.predict(x.cuda()).cpu() - expected).abs().max() / expected.abs().max()
    assert off < most
    assert (off > 1e-5) == (precision != "full")
    device.train_batch(x.cuda(), t.cuda())
    assert {weight.dtype for weight in device.weights} == {torch.float32}
