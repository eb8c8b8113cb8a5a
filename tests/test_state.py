import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from zorbench.clock import TrainingClock
from zorbench.protocol import Budget
from zorbench.state import find_tensors


def holder(**attributes):
    return SimpleNamespace(**attributes)


def total(root):
    return sum(tensor.numel() for tensor in find_tensors(root).values())


def test_tensors_in_lists_tuples_dicts_and_objects_are_found_by_dotted_names():
    root = holder(a=torch.ones(2), b=[torch.ones(3), (torch.ones(4),)], c={"d": holder(e=torch.ones(5))})
    sizes = {name: tensor.numel() for name, tensor in find_tensors(root).items()}
    assert sizes == {"a": 2, "b.0": 3, "b.1.0": 4, "c.d.e": 5}


def test_a_module_gives_its_parameters_and_buffers():
    net = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    found = find_tensors(holder(net=net))
    expected = {f"net.{name}" for name in net.state_dict()}
    assert set(found) == expected
    assert total(holder(net=net)) == 3 * 2 + 2 + 2 + 2 + 2 + 2 + 1


def test_numpy_arrays_count_as_tensors_and_texts_do_not():
    found = find_tensors(holder(w=np.arange(6.0).reshape(2, 3), names=np.array(["a", "b"])))
    assert list(found) == ["w"]
    assert found["w"].tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0)[::-1],
        np.arange(6.0).reshape(2, 3).T,
        np.arange(6, dtype=np.longdouble),
        np.arange(6, dtype=np.uint16),
        np.arange(6) > 2,
    ],
)
def test_every_kind_of_numeric_array_is_found(array):
    (found,) = find_tensors(holder(a=array)).values()
    assert found.tolist() == array.tolist()


def test_a_tensor_reached_twice_counts_once():
    shared = torch.ones(7)
    assert total(holder(a=shared, b=[shared], c={"again": shared.detach()})) == 7


def test_tied_weights_of_two_modules_count_once():
    one, two = torch.nn.Linear(4, 4, bias=False), torch.nn.Linear(4, 4, bias=False)
    two.weight = one.weight
    assert total(holder(one=one, two=two)) == 16


@pytest.mark.parametrize("part_first", [True, False])
def test_a_view_of_a_part_counts_with_the_whole_whichever_comes_first(part_first):
    whole = torch.ones(4, 5)
    parts = {"row": whole[0], "last": whole[-1], "turned": whole.T}
    names = [*parts, "whole"] if part_first else ["whole", *parts]
    root = holder(**{name: parts.get(name, whole) for name in names})
    assert total(root) == 20


def test_disjoint_views_of_one_storage_all_count():
    theta = torch.ones(6, 3)
    assert total(holder(weights=theta[:-1], bias=theta[-1])) == 18


def test_a_tensor_made_from_an_array_counts_with_it():
    array = np.ones((3, 3))
    assert total(holder(array=array, tensor=torch.from_numpy(array), row=array[1])) == 9


def test_optimisers_generators_and_budgets_are_passed_over():
    net = torch.nn.Linear(2, 1)
    optimiser = torch.optim.Adam(net.parameters())
    net(torch.ones(1, 2)).sum().backward()
    optimiser.step()
    budget = Budget(
        torch.ones(9, 2),
        torch.ones(9, 1),
        samples=10,
        batch=5,
        order_seed=0,
        clock=TrainingClock(torch.device("cpu")),
    )
    root = holder(
        net=net, optimiser=optimiser, rng=torch.Generator(), budget=budget, module=np, kind=torch.Tensor
    )
    assert set(find_tensors(root)) == {"net.weight", "net.bias"}


def test_an_object_that_can_be_called_is_looked_into():
    class Affine:
        def __init__(self):
            self.w = torch.ones(3)

        def __call__(self, x):
            return self.w * x

    assert total(holder(net=Affine(), function=torch.relu, method=Affine().__call__)) == 3


def test_circles_and_endless_depth_come_to_an_end():
    root = holder(w=torch.ones(2))
    root.me = root
    root.list = [root]
    root.list.append(root.list)
    deep = []
    for _ in range(5000):
        deep = [deep]
    root.deep = deep
    assert total(root) == 2


def test_empty_and_sparse_tensors_are_no_stumbling_block():
    root = holder(none=torch.empty(0), nothing=torch.empty(0, 3), sparse=torch.eye(3).to_sparse())
    assert set(find_tensors(root)) == {"none", "nothing", "sparse"}


def test_gradients_do_not_come_along():
    w = torch.ones(2, requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not find_tensors(holder(w=w))["w"].requires_grad
