"""Tests of native Winograd with several strips, tasks and chunks, odd channels and any padding."""

import numpy as np
import pytest

import minicnn
from minicnn.backends.native import library
from minicnn.geometry import conv_spec
from minicnn.runtime.devices import CPU
from minicnn.runtime.dispatch import kernels

pytestmark = pytest.mark.skipif(not library.usable(), reason="needs a compiler")

SHAPES = {  # (N, C, H, W), filters, padding
    "one pixel": ((1, 1, 1, 1), 1, 1),
    "tiles cut on both sides": ((2, 17, 13, 7), 33, 1),
    "few tiles, many filters": ((1, 40, 9, 9), 100, 1),
    "many tiles": ((3, 20, 37, 41), 19, 1),
    "rows of several strips": ((1, 8, 5, 600), 16, 1),
    "no padding": ((2, 16, 18, 22), 16, 0),
    "more padding than kernel": ((1, 9, 6, 11), 8, ((4, 0), (3, 5))),
    "several chunks": ((9, 48, 56, 56), 48, 1),
}
CALLS = {"conv": "xw", "conv_input_grad": "gw", "conv_weight_grad": "xg"}


def problem(name, dtype):
    x, filters, padding = SHAPES[name]
    w = (filters, x[1], 3, 3)
    spec = conv_spec("test", x, w, padding=padding)
    rng = np.random.default_rng(0)
    shapes = {"x": x, "w": w, "g": (x[0], filters, *spec.output_size)}
    return {key: rng.standard_normal(shape).astype(dtype) for key, shape in shapes.items()}, spec


def named(operation, *names):
    return next(k.function for k in kernels(operation, CPU, ("native",)) if k.name in names)


@pytest.mark.parametrize(("dtype", "limit"), [("float32", 1e-5), ("float64", 1e-13)])
@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("operation", CALLS)
def test_is_as_near_to_the_exact_result_as_promised(operation, name, dtype, limit):
    arrays, spec = problem(name, dtype)
    inputs = [arrays[letter] for letter in CALLS[operation]]
    exact = named(operation, "implicit_gemm", "outer_products")(*(a.astype(np.float64) for a in inputs), spec=spec)
    result = named(operation, "winograd")(*inputs, spec=spec)
    assert result.dtype == dtype
    assert np.linalg.norm(result - exact) <= limit * np.linalg.norm(exact)


@pytest.mark.parametrize("operation", CALLS)
def test_the_number_of_threads_changes_no_bit(operation):
    arrays, spec = problem("several chunks", "float32")
    inputs = [arrays[letter] for letter in CALLS[operation]]
    before, results = minicnn.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            minicnn.set_num_threads(threads)
            results.append(named(operation, "winograd")(*inputs, spec=spec).tobytes())
    finally:
        minicnn.set_num_threads(before)
    assert len(set(results)) == 1


def test_is_the_default_where_it_pays():
    arrays, spec = problem("many tiles", "float32")
    assert "native/winograd: taken" in minicnn.explain("conv", arrays["x"], arrays["w"], spec=spec)
    arrays, spec = problem("one pixel", "float32")
    assert "native/winograd: not profitable" in minicnn.explain("conv", arrays["x"], arrays["w"], spec=spec)


@pytest.mark.parametrize("value", [np.nan, np.inf, 3e38])
@pytest.mark.parametrize("name", ["tiles cut on both sides", "few tiles, many filters", "many tiles"])
@pytest.mark.parametrize("operation", CALLS)
def test_what_is_not_finite_does_not_spread(operation, name, value):
    """The results are those of the equation: a NaN reaches 9 pixels of each filter, not a tile."""
    arrays, spec = problem(name, "float32")
    inputs = [arrays[letter] for letter in CALLS[operation]]
    inputs[0][0, 0, 2, 3] = value
    with np.errstate(all="ignore"):
        expected = named(operation, "implicit_gemm", "outer_products")(*inputs, spec=spec)
        result = named(operation, "winograd")(*inputs, spec=spec)
    np.testing.assert_array_equal(result, expected)
    if np.isnan(value):
        assert np.isnan(expected).sum() == 9 * inputs[1].shape[0 if operation == "conv" else 1]


def test_bias_and_relu_see_the_same_numbers():
    arrays, spec = problem("many tiles", "float32")
    x, w, b = arrays["x"], arrays["w"], np.linspace(-1, 1, len(arrays["w"]), dtype=np.float32)
    x[1, 2, 5, 6] = np.nan
    result = named("conv_bias_relu", "winograd")(x, w, b, spec=spec)
    np.testing.assert_array_equal(result, named("conv_bias_relu", "implicit_gemm")(x, w, b, spec=spec))
    assert np.isnan(result).sum() == 9 * len(w)
    assert (result[np.isfinite(result)] >= 0).all()
