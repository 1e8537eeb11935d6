"""Tests of grid_sample and affine_grid: gradients to second order, and laws."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minicnn
import minicnn.nn.functional as F
from minicnn import ArgumentError, DTypeError, ShapeError
from minicnn.autograd import gradcheck, gradgradcheck

MODES, PADDINGS = ("bilinear", "nearest", "bicubic"), ("zeros", "border", "reflection")
X, GRID = minicnn.ones(1, 1, 2, 2), minicnn.zeros(1, 1, 1, 2)


def draw(*shape):
    return minicnn.randn(*shape, dtype=minicnn.float64).requires_grad_()


@pytest.mark.parametrize(("mode", "padding", "align"), list(itertools.product(MODES, PADDINGS, (True, False))))
def test_gradients_of_both_orders(mode, padding, align):
    minicnn.manual_seed(3)
    x, grid = draw(2, 1, 3, 4), minicnn.rand(2, 2, 2, 2, dtype=minicnn.float64) * 3 - 1.5
    grid.requires_grad_()

    def function(x, grid):
        return F.grid_sample(x, grid, mode, padding, align) ** 2

    assert gradcheck(function, (x, grid))
    assert gradgradcheck(function, (x, grid))


def test_gradients_of_volumes():
    x, grid = draw(1, 2, 2, 3, 2), (minicnn.rand(1, 1, 2, 2, 3, dtype=minicnn.float64) * 2 - 1).requires_grad_()
    for padding in PADDINGS:
        assert gradcheck(lambda x, grid, p=padding: F.grid_sample(x, grid, "bilinear", p, False), (x, grid))
        assert gradgradcheck(lambda x, grid, p=padding: F.grid_sample(x, grid, "bilinear", p, False), (x, grid))


@given(st.sampled_from(MODES), st.sampled_from(PADDINGS), st.booleans(), st.integers(1, 5), st.integers(1, 5))
def test_the_identity_map_gives_the_image(mode, padding, align, h, w):
    x = minicnn.randn(1, 2, h, w, dtype=minicnn.float64)
    theta = minicnn.eye(2, 3, dtype=minicnn.float64).unsqueeze(0)
    grid = F.affine_grid(theta, x.shape, align)
    np.testing.assert_allclose(F.grid_sample(x, grid, mode, padding, align).numpy(), x.numpy(), atol=1e-12)


@given(st.integers(1, 4), st.integers(1, 4), st.sampled_from(PADDINGS))
def test_nearest_takes_pixels(h, w, padding):
    x, grid = minicnn.randn(1, 1, h, w), minicnn.randn(1, 5, 5, 2) * 2
    seen = set(F.grid_sample(x, grid, "nearest", padding, False).flatten().tolist())
    assert seen <= {0.0, *x.flatten().tolist()}


def test_it_runs_on_every_device(device):
    x, grid = minicnn.randn(1, 2, 3, 3), minicnn.randn(1, 2, 2, 2)
    here = F.grid_sample(x, grid, align_corners=False)
    there = F.grid_sample(x.to(device), grid.to(device), align_corners=False)
    np.testing.assert_allclose(there.cpu().numpy(), here.numpy(), rtol=1e-5, atol=1e-5)
    theta = minicnn.eye(2, 3).unsqueeze(0)
    found = F.affine_grid(theta.to(device), (1, 1, 2, 2), False)
    assert found.device is device
    assert found.tolist() == F.affine_grid(theta, (1, 1, 2, 2), False).tolist()


def test_without_align_corners_there_is_a_warning():
    with pytest.warns(UserWarning, match="grid_sample: without align_corners, it is False"):
        F.grid_sample(X, GRID)
    with pytest.warns(UserWarning, match="affine_grid: without align_corners"):
        F.affine_grid(minicnn.zeros(1, 2, 3), (1, 1, 2, 2))


def test_mistakes():
    with pytest.raises(ArgumentError, match="got 'cubic' and 'zeros'"):
        F.grid_sample(X, GRID, "cubic")
    with pytest.raises(ArgumentError, match="mode='bicubic' is for images"):
        F.grid_sample(minicnn.ones(1, 1, 2, 2, 2), minicnn.zeros(1, 1, 1, 1, 3), "bicubic", align_corners=False)
    with pytest.raises(ShapeError, match=r"got input \(1, 1, 2, 2\), grid \(2, 1, 1, 2\)"):
        F.grid_sample(X, minicnn.zeros(2, 1, 1, 2))
    with pytest.raises(DTypeError, match="got float32 and float64"):
        F.grid_sample(X, GRID.double())
    with pytest.raises(ShapeError, match=r"got size \(1, 1, 2\), theta \(1, 2, 3\)"):
        F.affine_grid(minicnn.zeros(1, 2, 3), (1, 1, 2), False)
    with pytest.raises(DTypeError, match="theta must be floating point, got int64"):
        F.affine_grid(minicnn.zeros(1, 2, 3).long(), (1, 1, 2, 2), False)
