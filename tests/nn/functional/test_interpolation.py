"""Tests of interpolation: mathematical properties and error messages. test_against_torch.py tests its values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minicnn
from minicnn import ArgumentError, DTypeError, ShapeError
from minicnn.autograd import gradcheck, gradgradcheck
from minicnn.nn import functional as F
from minicnn.nn.functional.interpolation import _interpolation_matrix

X = minicnn.ones(1, 2, 3, 4)
FOR_IMAGES = ("nearest", "bilinear", "bicubic")
sizes = st.integers(1, 6)


@given(st.sampled_from(FOR_IMAGES), st.booleans(), sizes, sizes, sizes, sizes)
def test_a_constant_image_stays_constant(mode, align, h, w, oh, ow):
    corners = None if mode == "nearest" else align
    y = F.interpolate(minicnn.full((1, 1, h, w), 0.25), size=(oh, ow), mode=mode, align_corners=corners)
    np.testing.assert_allclose(y.numpy(), np.full((1, 1, oh, ow), 0.25), rtol=1e-6)


@given(st.sampled_from(FOR_IMAGES), sizes, sizes, st.floats(0.4, 2.5))
def test_gradient_is_the_adjoint(mode, h, w, scale):
    """⟨A x, g⟩ = ⟨x, Aᵀ g⟩, also for factors that keep the size, for which PyTorch's bicubic gradient is wrong."""
    x = minicnn.randn(2, 1, max(h, 3), max(w, 3), dtype=minicnn.float64, requires_grad=True)
    y = F.interpolate(x, scale_factor=scale, mode=mode)
    g = minicnn.randn(y.shape, dtype=minicnn.float64)
    y.backward(g)
    np.testing.assert_allclose((y.detach() * g).sum().item(), (x.detach() * x.grad).sum().item(), atol=1e-12)


@pytest.mark.parametrize("size", [(5, 8), (2, 2)])
@pytest.mark.parametrize("mode", FOR_IMAGES)
def test_gradients_of_both_orders(mode, size):
    x = minicnn.randn(1, 2, 3, 4, dtype=minicnn.float64, requires_grad=True)
    assert gradcheck(lambda x: F.interpolate(x, size, mode=mode) ** 2, x)
    assert gradgradcheck(lambda x: F.interpolate(x, size, mode=mode) ** 2, x)


def test_large_images_go_by_blocks_to_the_same_result():
    for mode, out in (("bilinear", 700), ("bicubic", 900), ("bicubic", 270)):
        x = minicnn.randn(1, 1, 300, 7, dtype=minicnn.float64, requires_grad=True)
        y = F.interpolate(x, size=(out, 7), mode=mode)
        g = minicnn.randn(y.shape, dtype=minicnn.float64)
        y.backward(g)
        index, weight = _interpolation_matrix(mode, 300, out, None, False)
        matrix = np.zeros((out, 300))
        np.add.at(matrix, (np.arange(out)[:, np.newaxis], index), weight)
        np.testing.assert_allclose(y.detach().numpy(), matrix @ x.detach().numpy(), atol=1e-12)
        np.testing.assert_allclose(x.grad.numpy(), matrix.T @ g.numpy(), atol=1e-12)


def test_nearest_takes_integers():
    assert F.interpolate(minicnn.tensor([[[1, 2]]]), size=4).tolist() == [[[1, 1, 2, 2]]]
    assert F.interpolate(minicnn.tensor([[[1, 2, 3]]]), size=2).tolist() == [[[1, 2]]]


def test_an_empty_batch_stays_empty():
    for mode in FOR_IMAGES:
        assert F.interpolate(X[:0], size=(5, 5), mode=mode).shape == (0, 2, 5, 5)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: F.interpolate(X, 4, mode="linear"),
            ShapeError,
            r"mode='linear' does not fit input \(1, 2, 3, 4\); modes that fit: 'nearest', 'nearest-exact', 'area', ",
        ),
        (lambda: F.interpolate(X[0, 0], 4), ShapeError, r"modes that fit: none: it must be \(N, C, spatial axes\)"),
        (lambda: F.interpolate(X), ArgumentError, "give either size or scale_factor; got size=None, scale_f"),
        (lambda: F.interpolate(X, 4, 2.0), ArgumentError, "either size or scale_factor; got size=4, scale_factor=2.0"),
        (
            lambda: F.interpolate(X, 4, align_corners=True),
            ArgumentError,
            "align_corners has no meaning for mode='nearest'",
        ),
        (lambda: F.interpolate(X.long(), 4, mode="bilinear"), DTypeError, "'bilinear' needs floating point, got int64"),
        (lambda: F.interpolate(X, scale_factor=(1, 2, 3)), ShapeError, "a positive number or 2 positive numbers"),
        (lambda: F.interpolate(X, scale_factor=-1), ShapeError, "scale_factor must be a positive number"),
        (lambda: F.interpolate(X, (1, 2, 3)), ShapeError, "size must have a number for each of the 2 spatial axes"),
        (
            lambda: F.interpolate(X, 4, antialias=True),
            ArgumentError,
            "antialias is for the modes bilinear, bicubic, lanc",
        ),
        (lambda: F.interpolate(X, 4, mode="lanczos"), ArgumentError, "mode='lanczos' needs antialias=True"),
        (lambda: F.interpolate(X, 4, recompute_scale_factor=True), ArgumentError, "has no meaning with size=4"),
        (lambda: F.interpolate(X, scale_factor=0.1), ShapeError, r"at least 1, got \(3, 4\) -> \(0, 0\)"),
    ],
)
def test_messages(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_bicubic_weights_are_pytorchs():
    """Keys's cubic with a = -0.75, at a quarter and at three quarters of the way between two pixels."""
    impulse = minicnn.zeros(1, 1, 1, 9, dtype=minicnn.float64)
    impulse[..., 4] = 1
    y = F.interpolate(impulse, size=(1, 18), mode="bicubic").numpy().ravel()
    half = [-0.03515625, -0.10546875, 0.26171875, 0.87890625]
    np.testing.assert_allclose(y, [0] * 5 + half + half[::-1] + [0] * 5, atol=1e-15)


@given(st.sampled_from(("bilinear", "bicubic", "lanczos")), sizes, sizes, sizes, sizes)
def test_antialias_keeps_a_constant_image_and_is_linear(mode, h, w, oh, ow):
    def resized(x):
        return F.interpolate(x, size=(oh, ow), mode=mode, antialias=True)

    constant = minicnn.full((1, 1, h, w), 0.25, dtype=minicnn.float64)
    np.testing.assert_allclose(resized(constant).numpy(), np.full((1, 1, oh, ow), 0.25), rtol=1e-9)
    x = minicnn.randn(1, 1, h, w, dtype=minicnn.float64, requires_grad=True)
    y = resized(x)
    g = minicnn.randn(y.shape, dtype=minicnn.float64)
    y.backward(g)
    np.testing.assert_allclose((y.detach() * g).sum().item(), (x.detach() * x.grad).sum().item(), atol=1e-10)


def test_antialias_averages_where_the_image_shrinks():
    x = (minicnn.arange(32.0) % 2).reshape(1, 1, 1, 32).repeat(1, 1, 32, 1)  # stripes of one pixel
    inner = F.interpolate(x, size=(8, 8), mode="bilinear", antialias=True)[..., 1:-1]
    np.testing.assert_allclose(inner.numpy(), 0.5, atol=1e-6)


@pytest.mark.parametrize("size", [(2, 3), (6, 2)])
def test_area_is_the_mean_of_windows(size):
    x = minicnn.randn(2, 2, 6, 9)
    assert F.interpolate(x, size, mode="area").tolist() == F.adaptive_avg_pool2d(x, size).tolist()
