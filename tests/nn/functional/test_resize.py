"""Tests of resizing: mathematical properties and error messages. test_against_torch.py tests its values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minicnn
from minicnn import ArgumentError, DTypeError, ShapeError
from minicnn.autograd import gradcheck, gradgradcheck
from minicnn.nn import functional as F
from minicnn.nn.functional.resize import _interpolation_matrix

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
    assert F.adaptive_avg_pool2d(X[:0], 1).shape == (0, 2, 1, 1)
    assert F.pixel_unshuffle(minicnn.ones(0, 1, 4, 4), 2).shape == (0, 4, 2, 2)


def test_adaptive_average_of_one_is_the_mean():
    x = minicnn.rand(2, 3, 5, 7)
    np.testing.assert_allclose(F.adaptive_avg_pool2d(x, 1).numpy()[..., 0, 0], x.numpy().mean((2, 3)), rtol=1e-6)


@given(st.integers(1, 3), sizes, sizes, sizes)
def test_unshuffle_undoes_shuffle(r, c, h, w):
    x = minicnn.randn(2, c * r * r, h, w)
    assert F.pixel_unshuffle(F.pixel_shuffle(x, r), r).tolist() == x.tolist()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: F.interpolate(X, 4, mode="linear"),
            ShapeError,
            r"mode='linear' does not fit input \(1, 2, 3, 4\); modes that fit: 'nearest', 'bilinear', 'bicubic'",
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
        (lambda: F.interpolate(X, scale_factor=0.1), ShapeError, r"at least 1, got \(3, 4\) -> \(0, 0\)"),
        (lambda: F.adaptive_avg_pool2d(X[0, 0], 1), ShapeError, r"adaptive_avg_pool2d: input must be .* got \(3, 4\)"),
        (lambda: F.adaptive_avg_pool2d(X, (1, 0)), ShapeError, r"output_size must be 2 integers >= 1 .* got \(1, 0\)"),
        (lambda: F.adaptive_avg_pool1d(X[0].long(), 1), DTypeError, "adaptive_avg_pool1d: the tensor holds int64"),
        (
            lambda: F.pixel_shuffle(X, 2),
            ShapeError,
            r"pixel_shuffle: .* multiple of upscale_factor² = 4, got \(1, 2, 3",
        ),
        (lambda: F.pixel_unshuffle(X, 2), ShapeError, r"pixel_unshuffle: .* multiples of downscale_factor = 2, got"),
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
