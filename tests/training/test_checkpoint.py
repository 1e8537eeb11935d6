"""Tests of checkpoints: save and load of their parts, and errors for checkpoints that do not fit."""

import numpy as np
import pytest

import minicnn
from minicnn import nn, optim
from minicnn.errors import CheckpointError
from minicnn.optim.lr_scheduler import StepLR
from minicnn.training import load_checkpoint, save_checkpoint, save_model
from minicnn.training.checkpoint import _put_arrays, _take_arrays


@pytest.fixture
def run(tiny):
    minicnn.manual_seed(1)
    model = tiny.Model()
    optimizer = optim.Adam(model.parameters())
    tiny.loss(model(minicnn.randn(5, 4)), minicnn.randn(5, 2)).backward()
    optimizer.step()
    return {"model": model, "optimizer": optimizer}


def test_parts_and_random_state_come_back(tmp_path, tiny, run):
    scheduler = StepLR(run["optimizer"], 3)
    scheduler.step()
    save_checkpoint(tmp_path / "x", **run, scheduler=scheduler, step=7, note="good", best=None)
    expected = minicnn.randn(3).numpy()
    minicnn.manual_seed(99)
    model = tiny.Model()
    optimizer = optim.Adam(model.parameters())
    twin = StepLR(optimizer, 3)
    rest = load_checkpoint(tmp_path / "x", model=model, optimizer=optimizer, scheduler=twin)
    assert rest == {"step": 7, "note": "good", "best": None}
    assert twin.last_epoch == 1
    np.testing.assert_array_equal(minicnn.randn(3).numpy(), expected)
    for p, q in zip(run["model"].parameters(), model.parameters(), strict=True):
        np.testing.assert_array_equal(p.detach(), q.detach())
        for name in ("exp_avg", "exp_avg_sq"):
            np.testing.assert_array_equal(run["optimizer"].state[p][name], optimizer.state[q][name])
        assert optimizer.state[q]["step"] == 1


def test_without_parts_all_is_returned_and_nothing_changed(tmp_path, run):
    save_checkpoint(tmp_path / "x", **run)
    before = minicnn.get_rng_state()
    minicnn.randn(1)
    after = minicnn.get_rng_state()
    found = load_checkpoint(tmp_path / "x")
    assert found["model"].keys() == run["model"].state_dict().keys()
    assert isinstance(found["optimizer"]["state"]["0"]["exp_avg"], minicnn.Tensor)
    assert minicnn.get_rng_state() == after != before


def test_trees():
    a, b = np.ones(2), minicnn.zeros(3)
    arrays = {}
    tree = {"x": [1, {"y": a}], "z": (b, "text"), "": {}, "w": None}
    taken = _take_arrays(tree, "", arrays)
    assert sorted(arrays) == ["x.1.y", "z.0"]
    back = _put_arrays(taken, arrays)
    assert back["x"][1]["y"].tolist() == [1, 1]
    assert back["z"][0].tolist() == [0, 0, 0]
    assert (back["x"][0], back["z"][1], back[""], back["w"]) == (1, "text", {}, None)


def test_keys_with_dots_do_not_overwrite_each_other(tmp_path):
    tree = {"a.b": np.zeros(1), "a": {"b": np.ones(2)}, "a.b+": np.full(3, 2.0)}
    save_checkpoint(tmp_path / "x", state=tree)
    back = load_checkpoint(tmp_path / "x")["state"]
    assert back["a.b"].tolist() == [0]
    assert back["a"]["b"].tolist() == [1, 1]
    assert back["a.b+"].tolist() == [2, 2, 2]


def test_the_key_that_stands_for_an_array_is_refused(tmp_path):
    with pytest.raises(
        CheckpointError,
        match=r"must not have the key 'array in this file', .*; 'note.0' has the keys \[.*\]; rename it",
    ):
        save_checkpoint(tmp_path / "x", note=[{"array in this file": "w"}])
    assert list(tmp_path.iterdir()) == []


def test_messages(tmp_path, run):
    path = tmp_path / "x"
    with pytest.raises(CheckpointError, match=r"load_checkpoint: there is no file '.*x'; check the name"):
        load_checkpoint(path)
    save_model(path, nn.Linear(1, 1))
    with pytest.raises(
        CheckpointError, match=r"load_checkpoint: '.*x' is a model, not a checkpoint; a model is read by"
    ):
        load_checkpoint(path)
    save_checkpoint(path, **run)
    with pytest.raises(CheckpointError, match=r"load_checkpoint: '.*x' holds no loader; it holds model, optimizer"):
        load_checkpoint(path, loader=None)
    with pytest.raises(CheckpointError, match=r"'.*x' does not fit the model: .*Linear.*first.weight"):
        load_checkpoint(path, model=nn.Linear(4, 6))
    with pytest.raises(CheckpointError, match=r"'.*x' does not fit the optimizer: .*groups of"):
        load_checkpoint(path, optimizer=optim.Adam([minicnn.zeros(2, requires_grad=True)]))
    with pytest.raises(CheckpointError, match=r"save_checkpoint: '.*x' cannot hold this: .*set"):
        save_checkpoint(path, **run, tags={1})
    assert load_checkpoint(path).keys() == {"model", "optimizer"}


def test_foreign_safetensors(tmp_path):
    from safetensors.numpy import save_file

    save_file({"a": np.zeros(2)}, tmp_path / "x")
    with pytest.raises(CheckpointError, match=r"'.*x' is no checkpoint of minicnn; a model is read by load_state"):
        load_checkpoint(tmp_path / "x")


def test_a_model_of_other_sizes(tmp_path):
    save_checkpoint(tmp_path / "x", model=nn.Linear(2, 3))
    with pytest.raises(CheckpointError, match=r"weight.*\(3, 2\).*\(5, 2\)"):
        load_checkpoint(tmp_path / "x", model=nn.Linear(2, 5))
