"""Tests of `save` and `load`: every value comes back as it was, and other objects are refused."""

import io
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minicnn as mc
from minicnn import nn, optim
from minicnn.errors import CheckpointError
from minicnn.training import save_checkpoint, save_model
from minicnn.training.tensor_file import encode


def again(value):
    file = io.BytesIO()
    mc.save(value, file)
    file.seek(0)
    return mc.load(file)


PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
KEYS = st.booleans() | st.integers() | st.text() | st.tuples(st.integers(), st.text())
VALUES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(KEYS, inner)
        | st.dictionaries(KEYS, inner).map(OrderedDict)
    ),
    max_leaves=8,
)


@given(VALUES)
def test_plain_values_come_back(value):
    found = again(value)
    assert found == value
    assert repr(found) == repr(value)  # 1, 1.0 and True are equal, and no other test tells them apart


@pytest.mark.parametrize("dtype", [mc.float32, mc.float64, mc.int32, mc.int64, mc.uint8, mc.bool])
def test_tensors_come_back(dtype):
    x = mc.arange(6).to(dtype).reshape(2, 3).T
    found = again({"x": x, "empty": x[:0], "0-d": x[0, 0]})
    assert (found["x"].dtype, found["x"].tolist()) == (dtype, x.tolist())
    assert (found["empty"].shape, found["0-d"].shape) == ((0, 2), ())
    found["x"][0] = 1  # the memory may be written


def test_other_values_come_back():
    leaf, parameter, array = mc.ones(2, requires_grad=True), nn.Parameter(mc.ones(1)), np.arange(3.0)
    found = again([leaf, parameter, array, leaf * 2, mc.float64, leaf.shape, mc.device.named("cpu"), np.float32(2)])
    assert [found[0].requires_grad, type(found[1]), type(found[2])] == [True, nn.Parameter, np.ndarray]
    assert found[3].tolist() == [2, 2]
    assert found[3].is_leaf
    assert found[4:] == [mc.float64, (2,), mc.device.named("cpu"), 2.0]
    assert type(found[5]) is mc.Size
    assert str(again(float("nan"))) == "nan"
    assert again(float("-inf")) == float("-inf")


def test_sets_come_back():
    assert again({1, "a", (2, "b")}) == {1, "a", (2, "b")}


def test_a_tensor_that_comes_twice_is_one_tensor():
    x = mc.ones(2)
    first, second = again((x, x))
    assert first is second


def test_a_training_goes_on(tmp_path):
    def parts():
        mc.manual_seed(0)
        net = nn.Linear(2, 2)
        return net, optim.Adam(net.parameters())

    def step(net, optimizer):
        optimizer.zero_grad()
        (net(mc.ones(1, 2)) ** 2).sum().backward()
        optimizer.step()

    net, optimizer = parts()
    step(net, optimizer)
    mc.save({"net": net.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 1}, tmp_path / "new" / "run.pt")
    step(net, optimizer)
    other, other_optimizer = parts()
    state = mc.load(tmp_path / "new" / "run.pt")
    other.load_state_dict(state["net"])
    other_optimizer.load_state_dict(state["optimizer"])
    step(other, other_optimizer)
    assert state["epoch"] == 1
    assert other.weight.tolist() == net.weight.tolist()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (nn.Linear(1, 1), "save: the value is a Linear, .* save its state_dict"),
        ({"a": [1, {"b": object()}]}, r"save: the value\['a'\]\[1\]\['b'\] is a object"),
        ({frozenset(): 1}, "save: a key of the value is a frozenset"),
        (np.array(["a"]), "of type <U1"),
    ],
)
def test_other_objects_are_refused_and_an_old_file_stays(value, message, tmp_path):
    path = tmp_path / "a.pt"
    mc.save(1, path)
    with pytest.raises(CheckpointError, match=message):
        mc.save(value, path)
    assert mc.load(path) == 1


def test_other_files(tmp_path):
    from safetensors.numpy import save_file

    save_file({"x": np.ones(2, np.float32)}, tmp_path / "plain.safetensors")
    assert mc.load(str(tmp_path / "plain.safetensors"))["x"].tolist() == [1, 1]
    save_model(tmp_path / "model.safetensors", nn.Linear(1, 1))
    save_checkpoint(tmp_path / "run.safetensors", model=nn.Linear(1, 1))
    (tmp_path / "text").write_text("hello")
    for name, message in (
        ("missing", "load: there is no file"),
        ("", "load: there is a folder"),
        ("text", "is damaged, or not a safetensors file"),
        ("model.safetensors", r"is a model; minicnn.training.load_state reads it"),
        ("run.safetensors", r"is a checkpoint; minicnn.training.load_checkpoint reads it"),
    ):
        with pytest.raises(CheckpointError, match=message):
            mc.load(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        mc.load(tmp_path / "missing")


def test_the_device_of_all_tensors():
    file = io.BytesIO()
    mc.save({"x": mc.ones(2)}, file)
    file.seek(0)
    assert mc.load(file, map_location="cudasim")["x"].device == mc.device.named("cudasim")


def test_containers_in_themselves_and_damaged_documents():
    inside = []
    inside.append(inside)
    with pytest.raises(CheckpointError, match="save: the value holds itself, or its containers are nested too deeply"):
        mc.save(inside, io.BytesIO())
    for content in ({}, {"value": {}}, {"value": {"kind": "x", "value": 1}}, {"value": {"kind": "set", "value": [[]]}}):
        with pytest.raises(CheckpointError, match="is damaged"):
            mc.load(io.BytesIO(encode("test", "file", "value", {}, content)))
    for inner in ({"kind": "dtype", "value": "O"}, {"kind": "Tensor", "value": "7"}, {"kind": "dict", "value": [[1]]}):
        with pytest.raises(CheckpointError, match="is damaged"):
            mc.load(io.BytesIO(encode("test", "file", "value", {}, {"value": inner})))


def test_complex_numbers(tmp_path):
    value = {
        "z": mc.tensor([1 + 2j, 3j]),
        "number": 1 - 2j,
        "in a list": [0.5j],
        "double": mc.tensor(2j, dtype=mc.cdouble),
    }
    mc.save(value, tmp_path / "a.pt")
    found = mc.load(tmp_path / "a.pt")
    assert found["z"].tolist() == [1 + 2j, 3j]
    assert (found["number"], found["in a list"]) == (1 - 2j, [0.5j])
    assert (found["double"].dtype, found["double"].item()) == (mc.complex128, 2j)
