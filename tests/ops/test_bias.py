"""Tests of the fused bias and activation: values and gradients as in two steps, and the saved arrays.

Gradients, and kernels against the references, are tested in test_primitives.py, for all primitives.
"""

import numpy as np
import pytest

import minicnn
from minicnn import ArgumentError, DTypeError, ShapeError
from minicnn.autograd import gradcheck, gradgradcheck
from minicnn.autograd.tensor import Tensor
from minicnn.nn import functional as F
from minicnn.ops.bias import ACTIVATIONS, bias_act, bias_add
from minicnn.runtime.devices import CPU, Device, to_host

SHAPES = [(3, 2), (1, 1), (2, 3, 5), (2, 3, 4, 4), (2, 1, 2, 3, 2), (0, 3, 4), (2, 0, 4), (2, 3, 0)]
FUNCTIONS = {
    "identity": lambda z: z,
    "relu": lambda z: np.maximum(z, 0),
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
}


def drawn(shape: tuple[int, ...], device: Device = CPU, dtype: type = np.float64) -> list[Tensor]:
    rng = np.random.default_rng(0)
    x, b = rng.standard_normal(shape), rng.standard_normal(shape[1:2])
    return [Tensor._of(a.astype(dtype), requires_grad=True, device=device) for a in (x, b)]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_against_numpy(activation, shape, dtype, device):
    x, b = drawn(shape, device, dtype)
    y = F.bias_act(x, b, activation)
    z = to_host(x.array) + to_host(b.array).reshape(1, -1, *(1,) * (len(shape) - 2))
    assert y.dtype == dtype
    np.testing.assert_allclose(
        to_host(y.detach().array), FUNCTIONS[activation](z), rtol=1e-6 if dtype == np.float32 else 1e-13
    )


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_gradients_are_those_of_two_steps(activation, shape, device):
    h = Tensor._of(np.random.default_rng(1).standard_normal(shape), device=device)
    x, b = drawn(shape, device)
    bias_act(x, b, activation).backward(h)
    u, v = drawn(shape, device)
    z = u + v.reshape(-1, *(1,) * (len(shape) - 2))
    (z if activation == "identity" else getattr(F, activation)(z)).backward(h)
    for fused, plain in ((x, u), (b, v)):
        np.testing.assert_allclose(to_host(fused.grad.array), to_host(plain.grad.array), atol=1e-12)


@pytest.mark.parametrize("activation", ["identity", "sigmoid", "tanh"])
def test_two_orders_of_gradients(activation):
    inputs = drawn((2, 3, 2))
    assert gradcheck(lambda x, b: bias_act(x, b, activation), inputs)
    assert gradgradcheck(lambda x, b: bias_act(x, b, activation) ** 2, inputs)


def test_by_hand(device):
    x, b = (
        Tensor._of([[1.0, -3.0], [-0.5, 2.0]], requires_grad=True, device=device),
        Tensor._of([0.5, 1.0], device=device),
    )
    y = bias_act(x, b, "relu")
    assert y.tolist() == [[1.5, 0.0], [0.0, 3.0]]
    y.sum().backward()
    assert x.grad.tolist() == [[1.0, 0.0], [0.0, 1.0]]  # the gradient at 0 is 0
    assert b.grad is None


def test_nan_stays_nan_and_infinity_is_a_number(device):
    x, b = (
        Tensor._of([[np.nan, -np.inf, np.inf, 1.0]], device=device),
        Tensor._of([0.0, 0.0, 0.0, np.nan], device=device),
    )
    assert to_host(bias_act(x, b, "relu").array)[0, 1:3].tolist() == [0.0, np.inf]
    assert to_host(bias_act(x, b, "sigmoid").array)[0, 1:3].tolist() == [0.0, 1.0]
    assert to_host(bias_act(x, b, "tanh").array)[0, 1:3].tolist() == [-1.0, 1.0]
    for activation in ACTIVATIONS:
        assert np.isnan(to_host(bias_act(x, b, activation).array)).tolist() == [[True, False, False, True]]


def test_the_identity_keeps_nothing():
    """So an operation after a convolution or linear layer may work in place."""
    x, b = drawn((2, 3, 4))
    bias_add(x, b).mul_(2).sum().backward()
    assert (x.grad.array == 2).all()
    assert b.grad.tolist() == [16.0] * 3
    y = bias_act(x, b, "tanh")
    y.mul_(2)
    with pytest.raises(minicnn.AutogradError, match=r"bias_act needs its output of shape .* modified in place"):
        y.sum().backward()


@pytest.mark.parametrize(
    "layer",
    [
        lambda: (F.linear, (2, 5), (3, 5)),
        lambda: (F.conv1d, (2, 5, 4), (3, 5, 2)),
        lambda: (F.conv2d, (2, 5, 4, 4), (3, 5, 2, 2)),
        lambda: (F.conv_transpose2d, (2, 5, 4, 4), (5, 3, 2, 2)),
    ],
    ids=["linear", "conv1d", "conv2d", "conv_transpose2d"],
)
def test_layers_add_their_bias_along_axis_1(layer, device):
    function, x, w = layer()
    x, w = minicnn.randn(*x, device=device), minicnn.randn(*w, device=device)
    b = minicnn.tensor([10.0, 20.0, 30.0], device=device)
    difference = to_host((function(x, w, b) - function(x, w)).array)
    np.testing.assert_allclose(np.moveaxis(difference, 1, -1).reshape(-1, 3).mean(0), [10, 20, 30], rtol=1e-4)


X, B = minicnn.ones(2, 3, 4), minicnn.ones(3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: bias_act(X, B, "gelu"),
            ArgumentError,
            "bias_act: activation must be one of identity, relu, sigmoid, tanh, got 'gelu'",
        ),
        (
            lambda: bias_act(X, B.double()),
            DTypeError,
            r"bias_act: x and b need one floating-point type, got float32 and float64; use .to\(\)",
        ),
        (lambda: bias_act(X.long(), B.long()), DTypeError, "one floating-point type, got int64 and int64"),
        (
            lambda: bias_act(X, minicnn.ones(4)),
            ShapeError,
            r"bias_act: x must be \(N, C, ...\) and b \(C,\), got x \(2, 3, 4\) and b \(4,\)",
        ),
        (lambda: bias_act(B, B), ShapeError, r"got x \(3,\) and b \(3,\)"),
        (lambda: bias_act(X, minicnn.ones(3, 1)), ShapeError, r"and b \(3, 1\)"),
    ],
)
def test_messages(call, error, message):
    with pytest.raises(error, match=message):
        call()
