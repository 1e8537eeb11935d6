"""Tests of model files: weights, model descriptions, and errors."""

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import minicnn
from minicnn import nn
from minicnn.errors import CheckpointError
from minicnn.training import load_state, save_checkpoint, save_model


def test_a_model_comes_back_with_its_metadata(tmp_path, tiny):
    path = tmp_path / "model.safetensors"
    model = tiny.Model()
    save_model(path, model, architecture="Tiny", arguments={"size": [1, 2], "rate": 0.1}, note=None)
    state, metadata = load_state(path)
    assert metadata == {"architecture": "Tiny", "arguments": {"size": [1, 2], "rate": 0.1}, "note": None}
    twin = tiny.Model()
    twin.load_state_dict(state)
    tiny.equal(*({k: t.numpy() for k, t in m.state_dict().items()} for m in (model, twin)))


def test_the_keys_are_the_state_dicts(tmp_path, tiny):
    model = tiny.Model()
    save_model(tmp_path / "x", model)
    assert load_file(tmp_path / "x").keys() == model.state_dict().keys()


def test_weights_that_are_not_contiguous(tmp_path):
    model = nn.Linear(2, 3)
    model.weight.data = minicnn.from_numpy(np.arange(6, dtype=np.float32).reshape(2, 3).T)
    save_model(tmp_path / "x", model)
    np.testing.assert_array_equal(load_state(tmp_path / "x")[0]["weight"], model.weight.detach())


def test_weights_of_somebody_else(tmp_path):
    save_file({"weight": np.ones((3, 2), np.float32), "bias": np.ones(3, np.float32)}, tmp_path / "x")
    state, metadata = load_state(tmp_path / "x")
    assert metadata == {}
    nn.Linear(2, 3).load_state_dict(state)


def test_messages(tmp_path):
    with pytest.raises(CheckpointError, match=r"load_state: there is no file"):
        load_state(tmp_path / "x")
    save_checkpoint(tmp_path / "x", step=1)
    with pytest.raises(CheckpointError, match=r"load_state: '.*x' is a checkpoint, not a model; use load_checkpoint"):
        load_state(tmp_path / "x")
    with pytest.raises(CheckpointError, match=r"save_model: '.*x' cannot hold this: .*object.* convert it to numbers"):
        save_model(tmp_path / "x", nn.Linear(2, 3), thing=object())
