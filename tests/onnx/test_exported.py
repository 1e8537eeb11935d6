"""Networks that PyTorch exported give PyTorch's results, and train. `record_torch_onnx.py` has the programs."""

from pathlib import Path

import numpy as np
import pytest

import minicnn as mc
from minicnn import optim

FOLDER = Path(__file__).parents[1] / "oracles" / "exported"
FILES = sorted(path.stem for path in FOLDER.glob("*.onnx"))


def values(name, letter):
    """Return the inputs (x) or results (y) of a network."""
    with np.load(FOLDER / "exported.npz") as recorded:
        return [mc.tensor(recorded[key]) for key in sorted(recorded) if key.startswith(f"{name}-{letter}")]


def test_there_are_networks_of_both_exporters():
    assert len(FILES) == 12
    assert {file.split("-")[1] for file in FILES} == {"graph", "script"}


@pytest.mark.parametrize("file", FILES)
def test_the_results_are_pytorchs(file):
    name = file.split("-")[0]
    inputs, expected = values(name, "x"), values(name, "y")
    found = mc.onnx.load(FOLDER / f"{file}.onnx")(*inputs)
    found = found if isinstance(found, tuple) else (found,)
    for y, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(y.detach().numpy(), wanted.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("file", ["attention-script", "classifier-graph", "decoder-script", "functions-graph"])
def test_the_results_are_the_same_on_every_device(file, device):
    name = file.split("-")[0]
    model = mc.onnx.load(FOLDER / f"{file}.onnx").to(device)
    found = model(*(x.to(device) for x in values(name, "x")))
    for y, wanted in zip(found if isinstance(found, tuple) else (found,), values(name, "y"), strict=True):
        assert y.device == device
        np.testing.assert_allclose(y.detach().cpu().numpy(), wanted.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("file", [file for file in FILES if not file.startswith("functions")])
def test_every_parameter_has_a_gradient_and_learns(file):
    (x,) = values(file.split("-")[0], "x")
    model = mc.onnx.load(FOLDER / f"{file}.onnx")
    assert list(model.parameters())
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    losses = []
    for _ in range(3):
        y = model(x)
        loss = ((y[0] if isinstance(y, tuple) else y) - 1).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[2] < losses[0]
    if not file.startswith("enlarger"):  # of which one result has no part in the loss
        assert all(parameter.grad is not None for parameter in model.parameters())


def test_the_state_has_pytorchs_names():
    state = mc.onnx.load(FOLDER / "decoder-graph.onnx").state_dict()
    names = {"linear.weight", "linear.bias", "up1.weight", "up1.bias", "up2.weight", "up2.bias"}
    assert names <= state.keys()
    assert state["up1.weight"].shape == (6, 4, 4, 4)
