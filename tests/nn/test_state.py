"""Tests of the state of modules beyond PyTorch's recorded results: errors that change nothing, copies of hooks."""

import copy
import pickle
from functools import partial

import pytest

import minicnn
from minicnn import nn
from minicnn.errors import CheckpointError
from minicnn.nn.modules import module as everywhere


def add(amount, module, state, prefix, *rest):
    state[f"{prefix}bias"] = state[f"{prefix}bias"] + amount


def test_nothing_changes_if_a_shape_is_wrong_although_a_hook_comes_later():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    seen = []
    model.register_load_state_dict_post_hook(lambda *args: seen.append(args))
    before = [p.tolist() for p in model.parameters()]
    state = {**{k: v + 1 for k, v in model.state_dict().items()}, "1.bias": minicnn.ones(3)}
    with pytest.raises(CheckpointError, match=r"'1.bias' is \(3,\) in the state but \(1,\) in the model"):
        model.load_state_dict(state, strict=False)
    assert [p.tolist() for p in model.parameters()] == before
    assert not seen


def test_a_hook_that_forgives_too_little_is_heard_before_the_error():
    model = nn.Linear(1, 1)
    model.register_load_state_dict_post_hook(lambda module, keys: keys.missing_keys.remove("bias"))
    with pytest.raises(CheckpointError, match=r"Linear: unexpected keys 'more'"):
        model.load_state_dict({"weight": [[3.0]], "more": [1.0]})
    assert model.weight.tolist() == [[3.0]]


def test_a_post_hook_returns_nothing():
    model = nn.Linear(1, 1)
    handle = model.register_load_state_dict_post_hook(lambda module, keys: keys)
    with pytest.raises(RuntimeError, match="load_state_dict: a post-hook must return None"):
        model.load_state_dict(model.state_dict())
    with handle:  # a handle ends with a block, too
        pass
    model.load_state_dict(model.state_dict())


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_hooks_are_copied_with_a_module(copied):
    model = nn.Linear(1, 1)
    model.register_state_dict_post_hook(partial(add, 1))
    model._register_load_state_dict_pre_hook(partial(add, 10, None))
    twin = copied(model)
    state = {"weight": minicnn.ones(1, 1), "bias": minicnn.zeros(1)}
    twin.load_state_dict(state)
    assert twin.bias.tolist() == [10]
    assert twin.state_dict()["bias"].tolist() == [11]
    assert state["bias"].tolist() == [0]


def test_hooks_of_all_modules_see_layers_that_are_fused_otherwise():
    model = nn.Sequential(nn.Conv2d(1, 1, 3), nn.ReLU())
    x = minicnn.rand(1, 1, 5, 5)
    seen = []
    hook = lambda module, args, kwargs, output: seen.append(type(module).__name__)  # noqa: E731
    with everywhere.register_module_forward_hook(hook, with_kwargs=True):
        model(x)
    model(x)
    assert seen == ["Conv2d", "ReLU", "Sequential"]
    fail = lambda module, args: 1 / 0  # noqa: E731
    with (
        everywhere.register_module_forward_pre_hook(fail),
        everywhere.register_module_forward_hook(lambda *args: seen.append(args[2]), always_call=True),
        pytest.raises(ZeroDivisionError),
    ):
        model(x)
    assert seen[3:] == [None]


def test_an_extra_state_needs_both_methods():
    with pytest.raises(RuntimeError, match=r"Linear has no get_extra_state\(\); define it, and set_extra_state"):
        nn.Linear(1, 1).get_extra_state()
    with pytest.raises(RuntimeError, match=r"Linear has no set_extra_state\(\); define it"):
        nn.Linear(1, 1).set_extra_state(1)


def test_empty_memory_has_the_shapes_and_types():
    model = nn.BatchNorm2d(3).double()
    before = {k: (v.shape, v.dtype) for k, v in model.state_dict().items()}
    weight = model.weight
    assert model.to_empty(device="cpu") is model
    assert {k: (v.shape, v.dtype) for k, v in model.state_dict().items()} == before
    assert model.weight is weight
    model.load_state_dict(nn.BatchNorm2d(3).double().state_dict())
    assert model.weight.tolist() == [1, 1, 1]


def test_hooks_of_all_modules_come_before_those_of_the_module():
    model, seen = nn.Linear(1, 1), []
    model.register_forward_hook(lambda *args: seen.append("own"))
    with everywhere.register_module_forward_hook(lambda *args: seen.append("all")):
        model(minicnn.ones(1, 1))
    assert seen == ["all", "own"]
