"""Products are counted as loops over all their terms count them."""

from itertools import product as every

import pytest
import torch

from zorbench.products import Distances, MatrixProduct, Windows, aten, outer, products


def sparse(*shape, seed=0, zeros=0.4):
    """Numbers of which some are zero, and none is −1 or 1."""
    draw = torch.Generator().manual_seed(seed)
    values = torch.rand(shape, generator=draw) + 1.5
    return values * (torch.rand(shape, generator=draw) >= zeros)


def loops(left, right):
    """Dense and effective terms of a matrix product."""
    (n, k), m = left.shape, right.shape[1]
    terms = [(left[i, j], right[j, o]) for i, j, o in every(range(n), range(k), range(m))]
    return len(terms), sum(bool(a) and bool(b) for a, b in terms)


def window_loops(images, weights, stride, padding, dilation, transposed, extra, groups):
    """Dense and effective terms of a convolution: every pixel that meets a weight inside the image."""
    channels, maps = images.shape[1], weights.shape[1] if transposed else weights.shape[0]
    arguments = (stride, padding, dilation, transposed, extra, groups)
    size = torch.convolution(images, weights, None, *arguments).shape[2:]
    seen, fed = (images.shape[2:], size) if not transposed else (size, images.shape[2:])
    dense = effective = 0
    for i, j, a, b in every(*map(range, fed), *map(range, weights.shape[2:])):
        y, x = (
            place * s - p + tap * d
            for place, tap, s, p, d in zip((i, j), (a, b), stride, padding, dilation, strict=True)
        )
        if not (0 <= y < seen[0] and 0 <= x < seen[1]):
            continue
        row, column = (i, j) if transposed else (y, x)
        for image, channel, out in every(range(len(images)), range(channels), range(maps)):
            if transposed:
                group = channel // (channels // groups)
                weight, joined = weights[channel, out, a, b], True  # `out` counts within the group
            else:
                group = out // (maps // groups)
                joined = channel // (channels // groups) == group
                weight = weights[out, channel % (channels // groups), a, b]
            if joined:
                dense += 1
                effective += bool(images[image, channel, row, column]) and bool(weight)
    return dense, effective


def counted(found):
    return found.dense(), found.effective()


# Matrices


def test_a_matrix_product_counts_every_term_and_those_without_a_zero():
    left, right = sparse(5, 7), sparse(7, 4, seed=1)
    assert counted(MatrixProduct(left, right)) == loops(left, right)
    assert loops(left, right)[1] < loops(left, right)[0] / 2


def test_copies_are_counted_one_by_one():
    left, right = sparse(3, 5, 7), sparse(3, 7, 4, seed=1)
    each = [loops(a, b) for a, b in zip(left, right, strict=True)]
    assert counted(MatrixProduct(left, right)) == tuple(map(sum, zip(*each, strict=True)))


A, B = sparse(5, 7), sparse(7, 4, seed=1)
X, Y = sparse(7, seed=2), sparse(7, seed=3)
OPERATIONS = {
    "mm": (aten.mm, (A, B), (A, B)),
    "addmm": (aten.addmm, (torch.zeros(4), A, B), (A, B)),
    "bmm": (aten.bmm, (A[None], B[None]), (A, B)),
    "baddbmm": (aten.baddbmm, (torch.zeros(1, 5, 4), A[None], B[None]), (A, B)),
    "mv": (aten.mv, (A, X), (A, X[:, None])),
    "addmv": (aten.addmv, (torch.zeros(5), A, X), (A, X[:, None])),
    "dot": (aten.dot, (X, Y), (X[None], Y[:, None])),
    "addr": (aten.addr, (torch.zeros(7, 7), X, Y), (X[:, None], Y[None])),
    "linear": (aten.linear, (A, B.T, torch.zeros(4)), (A, B)),
    "sparse": (aten.mm, (A.to_sparse(), B), (A, B)),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_form_of_a_matrix_product_is_one(name):
    operation, arguments, factors = OPERATIONS[name]
    operation(*arguments)  # it takes these arguments
    (found,) = products(operation, arguments)
    assert counted(found) == loops(*factors)


def test_other_operations_are_no_products():
    assert products(aten.add, (A, A)) == products(aten.mul, (A, A)) == products(aten.t, (A,)) == []


def test_a_column_times_a_row_is_an_outer_product():
    found = outer(aten.mul, (X[:, None], Y))
    assert counted(found) == loops(X[:, None], Y[None])
    assert found.result == (7, 7)
    assert outer(aten.mul, (A, A)) is outer(aten.mul, (A, 2.0)) is outer(aten.add, (X[:, None], Y)) is None


def test_a_term_of_a_distance_counts_unless_both_numbers_are_zero():
    left, right = sparse(5, 7), sparse(6, 7, seed=1)
    terms = [(a, b) for i, j in every(left, right) for a, b in zip(i, j, strict=True)]
    expected = len(terms), sum(bool(a) or bool(b) for a, b in terms)
    for operation, rest in ((aten._cdist_forward, (2.0, None)), (aten._euclidean_dist, ())):
        (found,) = products(operation, (left, right, *rest))
        assert counted(found) == expected
    assert not Distances(left.sign(), right).accumulates()


# Convolutions

SETTINGS = [
    ((1, 1), (0, 0), (1, 1), 1),
    ((1, 1), (1, 1), (1, 1), 1),
    ((2, 2), (1, 1), (1, 1), 1),
    ((2, 1), (0, 2), (1, 2), 1),
    ((2, 2), (1, 1), (1, 1), 2),
]


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize(("stride", "padding", "dilation", "groups"), SETTINGS)
def test_a_convolution_counts_the_pixels_that_meet_a_weight(stride, padding, dilation, groups, transposed):
    images = sparse(2, 4, 5, 6)
    weights = sparse(4, 3, 3, 2, seed=1) if transposed else sparse(6, 4 // groups, 3, 2, seed=1)
    settings = (stride, padding, dilation, transposed, (0, 0), groups)
    (found,) = products(aten.convolution, (images, weights, None, *settings))
    dense, effective = window_loops(images, weights, *settings)
    assert counted(found) == (dense, effective)
    assert 0 < effective < dense / 2


def test_going_back_through_a_convolution_takes_as_many_terms_for_each_half():
    images, weights = sparse(2, 4, 5, 6), sparse(6, 4, 3, 3, seed=1)
    settings = ((2, 2), (1, 1), (1, 1), False, (0, 0), 1)
    forward = Windows(images, weights, settings)
    signal = torch.convolution(images, weights, None, *settings)

    def back(*mask):
        return products(aten.convolution_backward, (signal, images, weights, [6], *settings, mask))

    assert [part.dense() for part in back(True, True, True)] == [forward.dense()] * 2
    assert [part.moves for part in back(True, True, False)] == [(), (6, 4, 3, 3)]
    assert [part.moves for part in back(True, False, True)] == [()]
    assert back(False, False, True) == []


# What needs no multiplication


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0.0, 1.0], True), ([0.0, -1.0], True), ([0.0, 0.0], True), ([0.0, 2.0], False), ([1.0, 0.5], False)],
)
def test_a_factor_of_spikes_only_accumulates(values, expected):
    spikes = torch.tensor([[1.0, 0.0], values])  # the first row alone does not tell
    weights = torch.rand(2, 3) + 2
    assert MatrixProduct(spikes, weights).accumulates() is expected
    assert MatrixProduct(weights.T, spikes.T).accumulates() is expected
