"""Tests of matrix products against NumPy, in all shapes that PyTorch accepts.

Gradients, and kernels against the references, are tested in test_primitives.py, for all primitives.
"""

import numpy as np
import pytest

import minicnn as mc
import minicnn.nn.functional as F
from minicnn.autograd import gradcheck, gradgradcheck
from minicnn.autograd.tensor import Tensor
from minicnn.errors import DTypeError, ShapeError
from minicnn.ops.linalg import mT
from minicnn.runtime.devices import to_host

SHAPES = [
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 4)),
    ((2, 3), (3, 4)),
    ((5, 2, 3), (3, 4)),
    ((5, 2, 3), (3,)),
    ((3,), (5, 3, 4)),
    ((2, 3), (5, 3, 4)),
    ((5, 2, 3), (5, 3, 4)),
    ((5, 1, 2, 3), (6, 3, 4)),
    ((0, 3), (3, 4)),
    ((2, 0, 3), (3, 4)),
    ((2, 3, 0), (0, 4)),
    ((2, 3, 0), (2, 0, 4)),
    ((1, 1), (1, 1)),
    ((7, 1), (1, 5)),
]


@pytest.mark.parametrize(("a", "b"), SHAPES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_against_numpy(a, b, dtype, device):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal(a).astype(dtype), rng.standard_normal(b).astype(dtype)
    product = Tensor._of(x, device=device) @ Tensor._of(y, device=device)
    assert product.dtype == dtype
    np.testing.assert_allclose(to_host(product.array), x @ y, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(to_host((x @ Tensor._of(y, device=device)).array), x @ y, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("a", "b"), SHAPES)
def test_two_orders_of_gradients(a, b):
    rng = np.random.default_rng(0)
    x, y = (Tensor._of(rng.standard_normal(shape), requires_grad=True) for shape in (a, b))
    assert gradcheck(mc.matmul, [x, y])
    assert gradgradcheck(mc.matmul, [x, y])


def test_layouts_do_not_matter():
    x = np.arange(24.0).reshape(4, 6)
    for view in (x.T[::-1], x[:, ::2].T, np.asfortranarray(x).T):
        np.testing.assert_allclose((Tensor._of(view) @ Tensor._of(x[: view.shape[1]])).array, view @ x[: view.shape[1]])
    np.testing.assert_array_equal(mT(Tensor._of(x)).array, x.T)


@pytest.mark.parametrize("x", [(2, 3), (3,), (4, 2, 3), (0, 3), (2, 0, 3)])
@pytest.mark.parametrize("bias", [False, True])
def test_linear(x, bias):
    rng = np.random.default_rng(0)
    inputs = [Tensor._of(rng.standard_normal(s), requires_grad=True) for s in (x, (5, 3), (5,))][: 3 if bias else 2]
    expected = inputs[0].array @ inputs[1].array.T + (inputs[2].array if bias else 0)
    np.testing.assert_allclose(F.linear(*inputs).array, expected)
    assert gradcheck(F.linear, inputs)


def test_linear_without_features():
    assert F.linear(mc.ones(2, 3, 0), mc.ones(4, 0)).tolist() == mc.zeros(2, 3, 4).tolist()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mc.ones(2, 3) @ mc.ones(2, 3), r"matmul: \(2, 3\) @ \(2, 3\): the inner sizes must be equal"),
        (lambda: mc.ones(2) @ mc.ones(3), r"matmul: \(2,\) @ \(3,\)"),
        (
            lambda: mc.tensor(2.0) @ mc.ones(3),
            r"matmul: both operands need at least one axis, got \(\) and \(3,\); use \*",
        ),
        (
            lambda: mc.ones(2, 3, 4) @ mc.ones(3, 4, 2),
            r"matmul: the leading axes of \(2, 3, 4\) and \(3, 4, 2\) do not",
        ),
        (lambda: F.linear(mc.ones(2, 3), mc.ones(4, 2)), r"linear: the last axis of the input must be in_features = 2"),
        (lambda: F.linear(mc.ones(2, 3), mc.ones(4, 3), mc.ones(3)), r"linear: bias must be \(4,\), got \(3,\)"),
    ],
)
def test_sizes_that_do_not_fit(call, message):
    with pytest.raises(ShapeError, match=message):
        call()


def test_types_are_not_mixed():
    double = mc.ones(3, 3, dtype=mc.float64)
    with pytest.raises(DTypeError, match=r"matmul: all tensors need one element type, got float32, float64; .*to\(\)"):
        mc.ones(3, 3) @ double
    with pytest.raises(DTypeError, match="linear: all tensors need one element type, got float64, float32, float32"):
        F.linear(double, mc.ones(3, 3), mc.ones(3))
    assert (mc.tensor([[1, 2]]) @ mc.tensor([[3], [4]])).tolist() == [[11]]
