"""Tests of PatchDiscriminator: its layers, the patch that a logit sees, its inputs, and a network that learns."""

import numpy as np
import pytest

import minicnn
import minicnn.nn as nn
import minicnn.nn.functional as F
from minicnn.errors import ArgumentError, ShapeError
from minicnn.models import PatchDiscriminator


def make(layers=2, **arguments):
    minicnn.manual_seed(0)
    return PatchDiscriminator(width=4, layers=layers, **arguments)


def test_the_layers_are_those_of_the_paper():
    body = PatchDiscriminator(width=64, layers=3).body  # C64-C128-C256-C512
    convolutions = [layer for layer in body if isinstance(layer, nn.Conv2d)]
    assert [layer.weight.shape for layer in convolutions] == [
        (64, 6, 4, 4), (128, 64, 4, 4), (256, 128, 4, 4), (512, 256, 4, 4),
    ]  # fmt: skip
    assert [layer.stride for layer in convolutions] == [(2, 2), (2, 2), (2, 2), (1, 1)]
    assert [type(layer).__name__ for layer in body] == ["Conv2d", "LeakyReLU"] * 4
    assert {layer.negative_slope for layer in body if isinstance(layer, nn.LeakyReLU)} == {0.2}
    assert make(layers=5).tail.weight.shape == (1, 8 * 4, 4, 4)


@pytest.mark.parametrize(("layers", "size"), [(1, 16), (2, 34), (3, 70)])
def test_a_logit_sees_its_receptive_field(layers, size):
    model = make(layers)
    assert model.receptive_field == size
    side = 64 + size
    picture = minicnn.rand(1, 3, side, side, requires_grad=True)
    logits = model(minicnn.rand(1, 3, side, side), picture)
    logits[0, 0, logits.shape[2] // 2, logits.shape[3] // 2].backward()
    seen = (picture.grad.numpy()[0] != 0).any(0)
    for axis in (0, 1):
        places = np.flatnonzero(seen.any(axis))
        assert (places[-1] - places[0] + 1, len(places)) == (size, size)


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_the_map_of_logits(layers):
    model = make(layers)
    for height, width in ((model.smallest, model.smallest + 1), (64, 80)):
        logits = model(minicnn.rand(2, 3, height, width), minicnn.rand(2, 3, height, width))
        assert logits.shape == (2, 1, height // 2**layers - 2, width // 2**layers - 2)
        assert logits.isfinite().all()


def test_the_pictures_are_put_together_around_zero():
    model, seen = make(in_channels=1), []
    model.body.register_forward_pre_hook(lambda layer, inputs: seen.append(inputs[0].detach().numpy()))
    x, y = minicnn.rand(2, 1, 16, 16), minicnn.rand(2, 3, 16, 16)
    model(x, y)
    np.testing.assert_allclose(seen[0], 2 * np.concatenate([x.numpy(), y.numpy()], 1) - 1, rtol=1e-6)


def test_a_small_input_is_enlarged():
    model, x, y = make(), minicnn.rand(1, 3, 8, 10), minicnn.rand(1, 3, 24, 30)
    enlarged = minicnn.from_numpy(x.numpy().repeat(3, 2).repeat(3, 3))
    np.testing.assert_array_equal(model(x, y).detach().numpy(), model(enlarged, y).detach().numpy())


def test_it_learns_to_tell_pictures_that_fit_from_others():
    model = make(layers=1)
    optimizer = minicnn.optim.Adam(model.parameters(), lr=0.01)
    losses = []
    for _ in range(60):
        x, other = (F.interpolate(minicnn.rand(8, 3, 4, 4), scale_factor=4) for _ in range(2))
        optimizer.zero_grad()
        loss = (F.softplus(-model(x, x)).mean() + F.softplus(model(x, other)).mean()) / 2
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert np.mean(losses[-5:]) < 0.5 * losses[0]


@pytest.mark.parametrize("arguments", [{"in_channels": 0}, {"out_channels": 0}, {"width": -1}, {"layers": 0.5}])
def test_arguments_that_are_not_positive(arguments):
    (name, value), *_ = arguments.items()
    with pytest.raises(ArgumentError, match=rf"PatchDiscriminator: {name} must be a positive integer, got {value}"):
        PatchDiscriminator(**arguments)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ((3, 16, 16), (1, 3, 16, 16)),
        ((1, 3, 16, 16), (3, 16, 16)),
        ((1, 1, 16, 16), (1, 3, 16, 16)),
        ((1, 3, 16, 16), (1, 1, 16, 16)),
        ((2, 3, 16, 16), (1, 3, 16, 16)),
        ((1, 3, 16, 16), (1, 3, 16, 24)),
        ((1, 3, 32, 32), (1, 3, 16, 16)),
    ],
)
def test_shapes_that_do_not_fit(x, y):
    with pytest.raises(ShapeError, match=r"inputs must be \(N, 3, H, W\) and the pictures .*, got .* and .*"):
        make()(minicnn.zeros(*x), minicnn.zeros(*y))


def test_pictures_that_are_too_small():
    with pytest.raises(ShapeError, match="must have at least 12 x 12 pixels, got 16 x 11; choose larger patches"):
        make()(minicnn.zeros(1, 3, 11, 16), minicnn.zeros(1, 3, 11, 16))
