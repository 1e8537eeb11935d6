"""Tests of activations against scipy.special and PyTorch's recorded values, also for very large and small inputs.

Gradients, and kernels against the references, are tested in test_primitives.py, for all primitives.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

import minicnn as mc
import minicnn.nn.functional as F
from minicnn.autograd import gradcheck, gradgradcheck
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, ShapeError
from minicnn.runtime.devices import to_host

X = np.concatenate([np.linspace(-9, 9, 181), [-700.0, -100.0, -30.0, -1e-9, 0.0, 1e-9, 30.0, 100.0, 700.0]])
ORACLES = {
    "erf": (mc.erf, special.erf),
    "sigmoid": (mc.sigmoid, special.expit),
    "relu": (mc.relu, lambda x: x * (x > 0)),
    "leaky_relu": (F.leaky_relu, lambda x: np.where(x > 0, x, 0.01 * x)),
    "elu": (F.elu, lambda x: np.where(x > 0, x, special.expm1(np.minimum(x, 0)))),
    "silu": (F.silu, lambda x: x * special.expit(x)),
    "softplus": (lambda x: F.softplus(x, threshold=1e9), lambda x: np.logaddexp(0, x)),
    "logsigmoid": (F.logsigmoid, special.log_expit),
    "gelu": (F.gelu, lambda x: x * special.ndtr(x)),
    "gelu, tanh": (
        lambda x: F.gelu(x, approximate="tanh"),
        lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    ),
}


@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_against_scipy(name, dtype, device):
    function, oracle = ORACLES[name]
    y = function(Tensor._of(X.astype(dtype), device=device))
    expected = oracle(X.astype(dtype).astype(np.float64))
    assert y.dtype == dtype
    np.testing.assert_allclose(
        to_host(y.array),
        expected,
        rtol=1e-5 if dtype == np.float32 else 1e-12,
        atol=4e-7 if dtype == np.float32 else 1e-14,
    )


@pytest.mark.parametrize("name", ["sigmoid", "logsigmoid", "softplus", "erf"])
def test_small_results_are_exact_too(name):
    function, oracle = ORACLES[name]
    x = np.array([-80.0, -60.0, -20.0, -5.0, -1e-6, 1e-6], np.float32)
    np.testing.assert_allclose(function(Tensor._of(x)).array, oracle(x.astype(float)), rtol=3e-6)


@pytest.mark.parametrize("name", ORACLES)
def test_nan_comes_through(name):
    assert np.isnan(ORACLES[name][0](mc.tensor([float("nan")])).item())


@pytest.mark.parametrize("name", ORACLES)
def test_integers_become_floats_where_they_must(name):
    y = ORACLES[name][0](mc.tensor([-1, 0, 2]))
    assert y.dtype == (mc.int64 if name == "relu" else mc.float32)


@pytest.mark.parametrize("name", ORACLES)
def test_two_orders_of_gradients(name):
    x = Tensor._of(np.array([-3.0, -1.1, -0.2, 0.3, 1.2, 4.0]), requires_grad=True)
    assert gradcheck(ORACLES[name][0], x)
    assert gradgradcheck(ORACLES[name][0], x)


@pytest.mark.parametrize(
    ("function", "expected"),
    [  # the gradients at -1, 0 and 1, recorded from PyTorch 2.13
        (mc.relu, [0.0, 0.0, 1.0]),
        (F.leaky_relu, [0.01, 0.01, 1.0]),
        (lambda x: F.elu(x, 2.0), [0.7357589, 2.0, 1.0]),
        (F.gelu, [-0.0833155, 0.5, 1.0833155]),
        (lambda x: F.gelu(x, approximate="tanh"), [-0.0829640, 0.5, 1.0829641]),
        (lambda x: F.softplus(x * 30, threshold=20) / 30, [9.3575e-14, 0.5, 1.0]),
    ],
)
def test_gradients_at_the_kink(function, expected):
    x = mc.tensor([-1.0, 0.0, 1.0], requires_grad=True)
    function(x).sum().backward()
    np.testing.assert_allclose(x.grad.array, expected, rtol=1e-4)


def test_softplus_is_the_identity_above_its_threshold():
    x = mc.tensor([5.0, 25.0])
    assert F.softplus(x, beta=1).tolist()[1] == 25.0
    np.testing.assert_allclose(F.softplus(x, beta=2.0).array, np.logaddexp(0, 2 * x.array) / 2, rtol=1e-6)


@given(
    shape=st.tuples(st.integers(1, 4), st.integers(1, 4)), axis=st.integers(-2, 1), scale=st.sampled_from([1.0, 1e3])
)
def test_softmax_against_scipy(shape, axis, scale):
    x = np.random.default_rng(0).standard_normal(shape) * scale
    np.testing.assert_allclose(mc.softmax(Tensor._of(x), axis).array, special.softmax(x, axis), atol=1e-12)
    np.testing.assert_allclose(mc.log_softmax(Tensor._of(x), axis).array, special.log_softmax(x, axis), atol=1e-9)


def test_softmax_at_the_edges():
    assert mc.softmax(mc.tensor([0.0, float("-inf")]), 0).tolist() == [1.0, 0.0]
    assert mc.softmax(mc.zeros(0, 3), 0).shape == (0, 3)
    assert mc.softmax(mc.zeros(3, 0), 1).shape == (3, 0)
    assert mc.softmax(mc.tensor(3.0), 0).item() == 1.0
    assert mc.log_softmax(mc.tensor([1e4, 0.0]), 0).tolist() == [0.0, -1e4]
    with pytest.raises(ShapeError, match="softmax: dim=2 is out of range"):
        mc.softmax(mc.zeros(2), 2)


def test_gelu_has_two_forms():
    with pytest.raises(ArgumentError, match="gelu: approximate must be 'none' or 'tanh', got 'fast'"):
        F.gelu(mc.ones(1), approximate="fast")
