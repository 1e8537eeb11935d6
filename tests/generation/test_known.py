"""Tests of projections: the result has the known properties, and is the nearest such picture."""

import numpy as np
import pytest

import minicnn
from minicnn.data.images import LUMA
from minicnn.errors import ShapeError
from minicnn.generation.known import known_grey, known_means, known_part


@pytest.fixture
def x():
    minicnn.manual_seed(0)
    return minicnn.rand(3, 3, 4, 4, dtype=minicnn.float32)


def test_a_known_part(x):
    picture, hole = minicnn.rand(1, 3, 4, 4), np.zeros((4, 4), bool)
    hole[1:3, 2] = True
    y = known_part(picture, minicnn.tensor(hole))(x).numpy()
    np.testing.assert_array_equal(y[..., hole], x.numpy()[..., hole])
    np.testing.assert_array_equal(y[..., ~hole], picture.numpy()[..., ~hole].repeat(3, axis=0))


def test_known_means(x):
    small = minicnn.rand(1, 3, 2, 2)
    y = known_means(small, 2)(x).numpy()
    np.testing.assert_allclose(y.reshape(3, 3, 2, 2, 2, 2).mean((3, 5)), small.numpy().repeat(3, axis=0), atol=1e-6)
    change = y - x.numpy()  # the nearest: the same change in a square
    np.testing.assert_allclose(change, change[:, :, ::2, ::2].repeat(2, 2).repeat(2, 3), atol=1e-6)
    with pytest.raises(ShapeError, match="the factor must be at least 1, got 0"):
        known_means(small, 0)


def test_a_known_grey(x):
    grey = minicnn.rand(1, 1, 4, 4)
    y = known_grey(grey)(x).numpy()
    np.testing.assert_allclose(np.tensordot(LUMA, y, (0, 1)), grey.numpy()[:, 0].repeat(3, axis=0), atol=1e-6)
    change = (y - x.numpy()) / LUMA.reshape(3, 1, 1)  # the nearest: along the weights
    np.testing.assert_allclose(change, change[:, :1].repeat(3, axis=1), atol=1e-4)


@pytest.mark.parametrize("kind", ["part", "means", "grey"])
def test_a_second_projection_changes_nothing(x, kind):
    project = {
        "part": known_part(minicnn.rand(1, 3, 4, 4), minicnn.tensor(np.eye(4, dtype=bool))),
        "means": known_means(minicnn.rand(1, 3, 1, 1), 4),
        "grey": known_grey(minicnn.rand(1, 1, 4, 4)),
    }[kind]
    once = project(x)
    np.testing.assert_allclose(project(once).numpy(), once.numpy(), atol=1e-6)
