"""Tests of reductions against NumPy and SciPy, the gradients of max and min, and empty inputs.

Gradients, and kernels against the references, are tested in test_primitives.py, for all primitives.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logsumexp

import minicnn as mc
from minicnn.autograd import gradcheck, gradgradcheck
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.ops.reduce import MaxResult
from minicnn.runtime.devices import to_host

NUMPY = {
    "sum": np.sum,
    "mean": np.mean,
    "prod": np.prod,
    "amax": np.max,
    "amin": np.min,
    "all": np.all,
    "any": np.any,
    "std": lambda x, axis, keepdims: np.std(x, axis=axis, keepdims=keepdims, ddof=1),
    "var": lambda x, axis, keepdims: np.var(x, axis=axis, keepdims=keepdims, ddof=1),
    "norm": lambda x, axis, keepdims: np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims)),
    "logsumexp": lambda x, axis, keepdims: logsumexp(x, axis=axis, keepdims=keepdims),
}
X = np.random.default_rng(0).standard_normal((2, 3, 5))


@pytest.mark.parametrize("name", NUMPY)
@given(dim=st.sampled_from([None, 0, -1, (0, 2), (1,), (-1, 0, 1)]), keepdim=st.booleans())
def test_against_numpy(name, device, dim, keepdim):
    x = X > 0 if name in ("all", "any") else X
    if name == "logsumexp" and dim is None:
        dim = (0, 1, 2)
    y = getattr(mc, name)(Tensor._of(x, device=device), dim=dim, keepdim=keepdim)
    np.testing.assert_allclose(to_host(y.array), NUMPY[name](x, axis=dim, keepdims=keepdim), rtol=1e-12)
    method = getattr(Tensor._of(x, device=device), name)(dim=dim, keepdim=keepdim)
    assert (method.shape, method.tolist()) == (y.shape, y.tolist())


@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_argmax_max_and_cumsum(dim, keepdim):
    t = Tensor._of(X)
    for name in ("argmax", "argmin"):
        index = getattr(t, name)(dim, keepdim)
        np.testing.assert_array_equal(index.array, getattr(np, name)(X, axis=dim, keepdims=keepdim))
        assert index.dtype == mc.int64
    values, index = t.max(dim, keepdim)
    np.testing.assert_array_equal(values.array, X.max(dim, keepdims=keepdim))
    np.testing.assert_array_equal(index.array, X.argmax(dim, keepdims=keepdim))
    assert t.min(dim=dim).values.tolist() == X.min(dim).tolist()
    np.testing.assert_allclose(t.cumsum(dim).array, X.cumsum(dim))
    assert isinstance(t.max(dim), MaxResult)


def test_without_an_axis():
    t = Tensor._of(X)
    assert t.max().item() == X.max()
    assert t.min().item() == X.min()
    assert (t.argmax().item(), t.argmin().item()) == (X.argmax(), X.argmin())
    assert t.argmax(keepdim=True).shape == (1, 1, 1)


def test_numbers_reduce_to_themselves():
    x = mc.tensor(3.0)
    for name in ("sum", "mean", "prod", "amax", "amin", "norm"):
        assert getattr(x, name)().item() == getattr(x, name)(dim=0).item() == 3.0
    assert x.cumsum(0).shape == x.max(0).values.shape == x.logsumexp(0).shape == x.argmax(0).shape == ()
    assert x.max(0).indices.item() == 0


def test_nothing_to_reduce():
    empty = mc.zeros(0, 3)
    assert (mc.zeros(0).sum().item(), mc.zeros(0).prod().item()) == (0.0, 1.0)
    assert np.isnan(mc.zeros(0).mean().item())
    assert np.isnan(mc.tensor([1.0]).var().item())
    assert empty.sum(0).tolist() == [0.0, 0.0, 0.0]
    assert empty.mean(1).shape == empty.amax(1).shape == empty.argmax(1).shape == empty.max(1).values.shape == (0,)
    for name in ("amax", "amin", "argmax", "argmin", "max", "min"):
        with pytest.raises(ShapeError, match=r"a reduced axis must not have size 0, .*\(0, 3\)"):
            getattr(empty, name)(0)
    with pytest.raises(ShapeError, match="amax: a reduced axis must not have size 0"):
        mc.zeros(0).max()


def test_integers():
    x = mc.tensor([200, 100], dtype=mc.uint8)
    assert (x.sum().item(), x.prod().item(), x.cumsum(0).tolist()) == (300, 20000, [200, 300])
    assert {x.sum().dtype, x.prod().dtype, x.cumsum(0).dtype, mc.tensor([True, True]).sum().dtype} == {
        np.dtype("int64")
    }
    assert x.amax().dtype == mc.uint8
    assert mc.logsumexp(x, 0).dtype == mc.float32
    with pytest.raises(DTypeError, match=r"mean: the tensor holds int64; convert it with .float\(\) first"):
        mc.tensor([1]).mean()


@pytest.mark.parametrize("name", ["argmax", "argmin", "amax", "amin"])
def test_nan_wins(name):
    y = getattr(mc.tensor([1.0, float("nan"), 3.0]), name)()
    assert y.item() == 1 if name.startswith("arg") else np.isnan(y.item())


@pytest.mark.parametrize(
    ("function", "values", "expected"),
    [  # recorded from PyTorch 2.13
        (lambda x: x.max(), [3.0, 1.0, 3.0], [0.5, 0.0, 0.5]),
        (lambda x: x.amax(0), [3.0, 1.0, 3.0], [0.5, 0.0, 0.5]),
        (lambda x: x.min(), [3.0, 1.0, 1.0], [0.0, 0.5, 0.5]),
        (lambda x: x.max(0).values, [3.0, 1.0, 3.0], [1.0, 0.0, 0.0]),
        (lambda x: x.min(0).values, [3.0, 1.0, 1.0], [0.0, 1.0, 0.0]),
        (lambda x: x.prod(), [0.0, 2.0, 3.0], [6.0, 0.0, 0.0]),
        (lambda x: x.prod(), [0.0, 2.0, 0.0], [0.0, 0.0, 0.0]),
        (lambda x: x.norm(), [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]),
        (lambda x: x.norm(1), [0.0, -2.0, 3.0], [0.0, -1.0, 1.0]),
        (lambda x: x.norm(float("inf")), [1.0, -2.0, 0.0], [0.0, -1.0, 0.0]),
        (lambda x: x.std(), [2.0, 2.0, 2.0], [0.0, 0.0, 0.0]),
        (lambda x: x.var(), [1.0, 2.0, 3.0], [-1.0, 0.0, 1.0]),
    ],
)
def test_where_the_gradient_goes(function, values, expected):
    x = mc.tensor(values, requires_grad=True)
    function(x).backward()
    assert x.grad.tolist() == expected


@pytest.mark.parametrize("p", [0.5, 1, 2, 3, 4.5, float("inf")])
def test_the_norm_of_any_order(p):
    x = [3.0, -4.0, 0.5]
    expected = max(map(abs, x)) if p == float("inf") else sum(abs(v) ** p for v in x) ** (1 / p)
    assert mc.tensor(x, dtype=mc.float64).norm(p).item() == pytest.approx(expected, rel=1e-12)


def test_logsumexp_at_the_ends():
    inf = float("inf")
    for values, expected in [
        ([1e4, 1e4], 1e4 + np.log(2)),
        ([-inf, -inf], -inf),
        ([inf, 1.0], inf),
        ([-inf, 2.0], 2.0),
    ]:
        assert mc.logsumexp(mc.tensor(values), 0).item() == pytest.approx(expected)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.mean((0, 1)),
        lambda x: x.var(1),
        lambda x: x.std(0, correction=0, keepdim=True),
        lambda x: x.norm(dim=1),
        lambda x: x.norm(3.0, 0),
        lambda x: x.logsumexp(1),
        lambda x: x.prod(1),
        lambda x: x.max(1).values,
        lambda x: x.cumsum(0),
        lambda x: x[:0].prod(1),
    ],
)
def test_two_orders_of_gradients(function):
    x = Tensor._of(np.random.default_rng(1).standard_normal((3, 4)), requires_grad=True)
    assert gradcheck(function, x)
    assert gradgradcheck(function, x)


@pytest.mark.parametrize("p", [None, "nuc", float("nan")])
def test_norms_that_are_not_there(p):
    with pytest.raises(ArgumentError, match="norm: p must be a number or 'fro', got"):
        mc.ones(2).norm(p)


@pytest.mark.parametrize("name", ["sum", "mean", "amax", "argmax", "cumsum", "all", "std"])
def test_axes_that_are_not_there(name):
    call = "mean" if name == "std" else name
    with pytest.raises(ShapeError, match=f"({call}|var): dim=2 is out of range for a tensor of 2 axes"):
        getattr((mc.ones(2, 2) > 0) if name == "all" else mc.ones(2, 2), name)(2)


def test_large_sums_of_float32_stay_exact():
    assert mc.ones(1 << 24).mean().item() == 1.0
    assert mc.full((3, 100_000), 0.1).sum(1).tolist() == pytest.approx([1e4] * 3, rel=1e-6)
