"""Small networks of all kinds of layers, for tests that must hold for every one."""

import torch
from hypothesis import strategies as st

from zorbench.zor import ConvLayer, ConvTransposeLayer, Layer, Zor

GATES = st.fixed_dictionaries(
    {
        "activation": st.sampled_from([None, "sigmoid", "tanh", "relu", "softmax"]),
        "stateless": st.booleans(),
        "max_weight": st.sampled_from([0.1 + 0.2, 1.0, 3, float("inf")]),
        "threshold": st.sampled_from([-2.0, 0.1, -1, float("-inf")]),
    }
)
DTYPES = st.sampled_from([torch.float32, torch.float64, torch.bfloat16])


@st.composite
def stacks(draw) -> list:
    """Layers that fit each other: dense, convolutions and transposed ones, on images of 6 × 6 at first."""
    if draw(st.booleans()):
        return [Layer(draw(st.integers(1, 9)), **draw(GATES)) for _ in range(draw(st.integers(2, 5)))]
    layers = [Layer((draw(st.integers(1, 3)), 6, 6), **draw(GATES))]
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from([ConvLayer, ConvTransposeLayer]))
        # Kernel 3 with padding 1 fits images of every size.
        stride = draw(st.integers(1, 2))
        options = {"padding": draw(st.sampled_from([None, 1])), **draw(GATES)}
        layers.append(kind(draw(st.integers(1, 3)), 3, stride, **options))
    if draw(st.booleans()):
        layers.append(Layer(draw(st.integers(1, 9)), **draw(GATES)))
    return layers


def rows(network: Zor, batch: int, seed: int, layer: int = 0) -> torch.Tensor:
    """Inputs wide enough that some units of a layer fire and others wait."""
    draw = torch.Generator().manual_seed(seed)
    return (4 * torch.randn(batch, *network.shapes[layer], generator=draw)).to(network.dtype)


def train(network: Zor, steps: int, seed: int = 0) -> list[torch.Tensor]:
    """The errors of some steps on batches of 4, each on inputs of its own."""
    last = len(network.shapes) - 1
    return [
        network.train_batch(rows(network, 4, seed + step), rows(network, 4, seed + step, last).sigmoid())
        for step in range(steps)
    ]


def state(network: Zor) -> dict[str, list[torch.Tensor]]:
    names = ("weights", "charges", "first_moments", "second_moments", "steps")
    return {name: getattr(network, name) for name in names}


def same_bits(a: list[torch.Tensor], b: list[torch.Tensor]) -> bool:
    return len(a) == len(b) and all(
        p.dtype == q.dtype and torch.equal(p, q) for p, q in zip(a, b, strict=True)
    )
