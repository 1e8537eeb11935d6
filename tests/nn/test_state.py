"""Tests of the state of modules beyond PyTorch's recorded results: errors that change nothing, copies of hooks."""

import copy
import pickle
from functools import partial

import numpy as np
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


def test_a_copy_of_a_model_begins_without_gradients():
    model = nn.Linear(2, 2)
    model(minicnn.ones(1, 2)).sum().backward()
    assert copy.deepcopy(model).weight.grad is None
    assert model.weight.grad is not None


def test_tensors_of_another_library_are_values():
    class Foreign:
        """A tensor with the methods of PyTorch's."""

        shape, dtype = (2, 2), "torch.float32"

        def detach(self):
            return self

        def cpu(self):
            return self

        def numpy(self):
            return np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)

    model = nn.Linear(2, 2, bias=False)
    model.load_state_dict({"weight": Foreign()})
    assert model.weight.tolist() == [[1, 2], [3, 4]]
    assert minicnn.tensor([Foreign(), Foreign()]).shape == (2, 2, 2)


def test_a_counter_without_axes_takes_one_number():
    model = nn.BatchNorm1d(2)
    model.load_state_dict({**model.state_dict(), "num_batches_tracked": minicnn.tensor([3])})
    assert model.num_batches_tracked.item() == 3
    assert model.num_batches_tracked.shape == ()


def test_type_converts_integers_too_and_to_does_not():
    assert nn.BatchNorm1d(2).type(minicnn.float64).num_batches_tracked.dtype == minicnn.float64
    assert nn.BatchNorm1d(2).to(minicnn.float64).num_batches_tracked.dtype == minicnn.int64


def test_a_prefix_goes_from_the_versions_too():
    state = nn.DataParallel(nn.Sequential(nn.BatchNorm1d(2))).state_dict()
    nn.modules.utils.consume_prefix_in_state_dict_if_present(state, "module.")
    assert list(state._metadata) == ["", "0"]
    assert "0.weight" in state
