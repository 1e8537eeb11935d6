"""Tests of ResidualEditor: any image size, the scale, the radius, and an output near the input before training."""

import numpy as np
import pytest

import minicnn
from minicnn.errors import ArgumentError, CheckpointError, ShapeError
from minicnn.models import ResidualEditor, build


@pytest.mark.parametrize("scale", [1, 2, 3])
@pytest.mark.parametrize("size", [(1, 1), (7, 5), (8, 8), (13, 2)])
def test_any_size_gives_scale_times_that_size(scale, size):
    model = ResidualEditor(scale=scale, width=4, blocks=1)
    assert model(minicnn.zeros(2, 3, *size)).shape == (2, 3, scale * size[0], scale * size[1])


@pytest.mark.parametrize(("inside", "outside"), [(1, 3), (3, 1), (1, 1)])
def test_channels_may_differ(inside, outside):
    model = ResidualEditor(inside, outside, width=4, blocks=0)
    assert model(minicnn.zeros(1, inside, 6, 6)).shape == (1, outside, 6, 6)


def test_starts_near_the_identity():
    minicnn.manual_seed(0)
    x = minicnn.rand(1, 3, 16, 16)
    assert float((ResidualEditor()(x) - x).abs().mean()) < 0.1


@pytest.mark.parametrize("scale", [1, 2])
def test_sees_no_further_than_its_radius(scale):
    minicnn.manual_seed(1)
    model = ResidualEditor(scale=scale, width=4, blocks=1)
    x = minicnn.zeros(1, 3, 64, 64, requires_grad=True)
    middle = 32 * scale
    model(x)[0, :, middle, middle].sum().backward()
    touched = np.argwhere(x.grad.numpy()[0].any(0))
    reach = np.abs(touched - 32).max()
    assert 2 <= reach <= model.radius


def test_trains():
    minicnn.manual_seed(2)
    model = ResidualEditor(width=4, blocks=1)
    optimizer = minicnn.optim.Adam(model.parameters(), lr=0.01)
    clean = minicnn.rand(4, 3, 1, 1).expand(4, 3, 12, 12)
    noisy = clean + 0.2 * minicnn.randn(4, 3, 12, 12)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = ((model(noisy) - clean) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] * 0.6


def test_wrong_arguments_and_inputs_are_refused():
    with pytest.raises(ArgumentError, match="ResidualEditor: width must be a positive integer, got 0"):
        ResidualEditor(width=0)
    with pytest.raises(ShapeError, match=r"input must be \(N, 3, H, W\), got \(1, 1, 8, 8\)"):
        ResidualEditor(width=4)(minicnn.zeros(1, 1, 8, 8))


def test_build_makes_the_model_again_or_says_why_not():
    model = ResidualEditor(width=4, blocks=1, scale=2)
    assert build("ResidualEditor", model.arguments).arguments == model.arguments
    with pytest.raises(CheckpointError, match="no model 'Nonesuch'; this version has CNNGenerator, ResidualEditor"):
        build("Nonesuch", {})
    with pytest.raises(CheckpointError, match=r"ResidualEditor does not take the arguments {'depth': 3}"):
        build("ResidualEditor", {"depth": 3})
