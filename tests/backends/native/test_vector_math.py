"""Tests of the kernels' own exp, tanh, log etc.: accuracy at every magnitude, and NumPy's special values."""

import math

import numpy as np
import pytest

from minicnn.backends.native import library
from minicnn.runtime.devices import CPU
from minicnn.runtime.dispatch import kernels

pytestmark = pytest.mark.skipif(not library.usable(), reason="needs a compiler")

EXACT_ERF = np.vectorize(math.erf, otypes=[np.float64])
FUNCTIONS = {  # the function, and the largest error of a kernel in units in the last place
    "exp": (np.exp, 1.2),
    "expm1": (np.expm1, 1.4),
    "log": (np.log, 1.2),
    "log1p": (np.log1p, 1.2),
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), 2.6),
    "tanh": (np.tanh, 2.8),
    "erf": (EXACT_ERF, 1.4),
}
ERF_ERROR = 1.0  # error of math.erf itself, in units in the last place of float64
DIGITS = np.finfo(np.longdouble).nmant - np.finfo(np.float64).nmant  # bits of long double beyond float64
DTYPES = (np.float32, np.float64)


def native(operation):
    return next(k for k in kernels(operation, CPU) if k.backend == "native")


def exact(operation, x):
    """Return the function of x, in a more precise type than x if possible."""
    function, _ = FUNCTIONS[operation]
    wider = np.float64 if x.dtype == np.float32 or operation == "erf" else np.longdouble
    with np.errstate(all="ignore"):
        return function(x.astype(wider))


def sample(dtype):
    """Return numbers of every magnitude and both signs, with more numbers where the functions change."""
    rng = np.random.default_rng(0)
    limits = np.finfo(dtype)
    low, high = limits.minexp - limits.nmant, limits.maxexp
    magnitudes = [np.ldexp(rng.uniform(1, 2, 40), e) for e in range(low, high)]
    wide = [rng.uniform(0, width, 4000) for width in (0.1, 0.5, 1, 2, 4, 8, 20, 100, 800)]
    around_1 = [1 + rng.uniform(-width, width, 4000) for width in (1e-4, 0.5)]
    x = np.concatenate([*magnitudes, *wide, *around_1]).astype(dtype)
    return np.concatenate([x, -x])


def distance(y, right):
    """Return the error of y in units in the last place of its type."""
    limits = np.finfo(y.dtype)
    _, exponent = np.frexp(right)  # right = m 2^exponent, 1/2 <= |m| < 1
    unit = np.ldexp(np.ones_like(right), np.maximum(exponent - 1, limits.minexp) - limits.nmant)
    return np.abs(y.astype(right.dtype) - right) / unit


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("operation", FUNCTIONS)
def test_is_within_units_in_the_last_place(operation, dtype):
    x, (_, limit) = sample(dtype), FUNCTIONS[operation]
    right = exact(operation, x)
    with np.errstate(over="ignore"):
        rounded = right.astype(dtype)
    y = native(operation).function(x)
    assert y.dtype == dtype
    if operation == "sigmoid":  # 0, not a subnormal number, if e^-x overflows
        right = np.where(-x > np.log(np.finfo(dtype).max), 0, right)
    finite = np.isfinite(rounded)
    np.testing.assert_array_equal(y[~finite], rounded[~finite])
    assert finite.sum() > 10_000
    if dtype == np.float64:
        limit += ERF_ERROR if operation == "erf" else 0 if DIGITS else 1
    assert distance(y[finite], right[finite]).max() <= limit
    assert (np.signbit(y[finite]) == np.signbit(right[finite])).all()


def special(operation, limits):
    """Return special numbers, for which the result must be exact."""
    largest, smallest = limits.max, limits.smallest_subnormal
    values = [0.0, -0.0, np.inf, -np.inf, np.nan, -largest]
    if operation == "log":
        return [*values, 1, -1, -smallest]
    tiny = [smallest, -smallest, 3 * smallest]
    return [*values, *tiny, *([-1, -2] if operation == "log1p" else [largest])]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("operation", FUNCTIONS)
def test_special_values_are_numpys(operation, dtype):
    x = np.array(special(operation, np.finfo(dtype)), dtype)
    expected = exact(operation, x).astype(dtype)
    for size in (len(x), 1, 100):  # with and without a remainder after the last SIMD vector
        y = native(operation).function(np.resize(x, size))
        np.testing.assert_array_equal(y, np.resize(expected, size))
        numbers = ~np.isnan(y)
        assert (np.signbit(y) == np.signbit(np.resize(expected, size)))[numbers].all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("operation", FUNCTIONS)
def test_a_number_is_computed_alike_wherever_it_stands(operation, dtype):
    x = np.abs(np.random.default_rng(0).standard_normal(150)).astype(dtype)
    whole = native(operation).function(x)
    for start in range(33):
        assert native(operation).function(x[start:]).tobytes() == whole[start:].tobytes()
