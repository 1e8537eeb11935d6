"""Tests of copies for other processes: what pickle makes of tensors, modules and optimizers."""

import copy
import multiprocessing
import pickle

import numpy as np
import pytest

import minicnn
from minicnn import nn, optim
from minicnn.errors import ArgumentError


def again(thing):
    return pickle.loads(pickle.dumps(thing))


def test_a_tensor_keeps_values_type_and_whether_it_has_a_gradient():
    x = minicnn.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=minicnn.float64, requires_grad=True)
    x.grad = minicnn.ones(2, 2, dtype=minicnn.float64)
    for y in (again(x), copy.copy(x)):
        assert (y.tolist(), y.dtype, y.requires_grad, y.is_leaf, y.grad) == (x.tolist(), x.dtype, True, True, None)
    assert again(x * 2).is_leaf
    assert again(minicnn.zeros(0, 3)).shape == (0, 3)
    assert again(minicnn.tensor([1, 2])[1]).item() == 2


def test_tensors_of_modules_keep_their_class():
    assert type(again(nn.Parameter([1.0]))) is nn.Parameter
    kept, left = again([nn.Buffer([1.0]), nn.Buffer([2.0], persistent=False)])
    assert (type(kept), kept.persistent, left.persistent) == (nn.Buffer, True, False)


def test_a_module_and_its_optimizer_stay_together():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU())
    optimizer = optim.Adam(model.parameters(), lr=0.1)
    x = minicnn.randn(2, 1, 5, 5)

    def step(model, optimizer):
        optimizer.zero_grad()
        model(x).sum().backward()
        optimizer.step()
        return model(x).tolist()

    step(model, optimizer)
    twins = again((model, optimizer)), copy.deepcopy((model, optimizer))
    expected = step(model, optimizer)
    for twin in twins:
        assert step(*twin) == expected
    assert list(twins[0][0].state_dict()) == list(model.state_dict())


def square(x):
    return x * x


@pytest.mark.filterwarnings("ignore:.*fork")
def test_a_tensor_goes_to_another_process_and_back():
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        (y,) = pool.map(square, [minicnn.tensor([3.0])])
    assert y.tolist() == [9]


def test_numpys_functions_take_tensors():
    x = minicnn.tensor([[1.0, 2.0], [3.0, 5.0]])
    assert np.sum(x).item() == 11
    assert np.sum(x, axis=0).tolist() == [4, 7]
    assert np.mean(x).item() == 2.75
    assert np.prod(x).item() == 30


def train(model, counter):
    with minicnn.no_grad():
        model.weight.add_(3)
    counter[1] += 5


@pytest.mark.filterwarnings("ignore:.*fork")
@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="the system does not fork")
def test_forked_processes_write_into_shared_memory():
    model, counter = nn.Linear(1, 1), minicnn.zeros(3)
    nn.init.zeros_(model.weight)
    plain = copy.deepcopy(model)
    model.share_memory()
    part = counter[1:]
    part.share_memory_()
    for target, expected in ((model, 3.0), (plain, 0.0)):
        process = multiprocessing.get_context("fork").Process(target=train, args=(target, part))
        process.start()
        process.join(60)
        assert process.exitcode == 0
        assert target.weight.item() == expected
    assert (counter.tolist(), part.tolist()) == ([0, 0, 10], [0, 10])
    assert [again(part).is_shared(), copy.deepcopy(part).is_shared(), part.clone().is_shared()] == [False] * 3


def test_a_spawned_process_is_refused_shared_memory():
    x = minicnn.ones(2).share_memory_()
    process = multiprocessing.get_context("spawn").Process(target=square, args=(x,))
    with pytest.raises(ArgumentError, match=r"a process that is spawned gets a copy .* use .*get_context.'fork'"):
        process.start()
