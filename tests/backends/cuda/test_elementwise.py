"""Tests of element-wise kernels: every length, alignment and activation, and their memory traffic."""

import numpy as np
import pytest

from minicnn.autograd.primitive import primitives
from minicnn.backends.cuda import elementwise
from minicnn.backends.cuda.simulator import counting, simulate
from minicnn.ops import bias
from minicnn.runtime import dispatch
from minicnn.runtime.devices import CUDASIM

LENGTHS = [0, 1, 3, 4, 5, 255, 1023, 1024, 1025, 4099]
SHAPES = [
    (1, 1),
    (64, 10),
    (3, 7),
    (5, 1030),
    (40, 512),
    (2, 3, 5),
    (7, 5, 3),
    (2, 3, 4, 4),
    (9, 6, 7, 7),
    (2, 3, 37, 41),
]
SHAPES += [(0, 3, 4), (2, 0, 4), (2, 3, 0), (1, 2, 2, 3, 4)]


def rungs(operation):
    kernels = [k for k in dispatch.kernels(operation, CUDASIM) if k.backend == "cuda"]
    assert [k.name for k in kernels] == ["vec4", "direct"]
    return kernels


def numbers(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape).astype(dtype)
    for special in (0, -0.0, np.nan, np.inf, -np.inf):
        x[rng.random(shape) < 0.03] = special
    return x


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("length", LENGTHS)
def test_relu_and_its_gradient(length, dtype):
    x, g = numbers(length, dtype), numbers(length, dtype, 1)
    for operation, inputs in (("relu", (x,)), ("relu_grad", (g, x))):
        expected = primitives()[operation].body(*inputs)
        for k in rungs(operation):
            with simulate(order="shuffled"):
                y = k.function(*inputs)
            assert y.dtype == dtype
            np.testing.assert_array_equal(y, expected, err_msg=k.name)


def test_views_and_arrays_at_odd_addresses():
    memory = numbers(200, np.float32)
    for x in (memory[1:], memory[::-2], memory[:, None].T):
        for operation, inputs in (("relu", (x,)), ("relu_grad", (x, x[...]))):
            for k in rungs(operation):
                np.testing.assert_array_equal(k.function(*inputs), primitives()[operation].body(*inputs))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", bias.ACTIVATIONS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_bias_and_activation(shape, activation, dtype):
    x, b = numbers(shape, dtype), numbers(shape[1:2], dtype, 1)
    operation, params = ("bias_add", {}) if activation == "identity" else ("bias_act", {"activation": activation})
    with np.errstate(all="ignore"):
        expected = primitives()[operation].body(x, b, **params)
    for k in rungs(operation):
        with simulate(order="shuffled"):
            y = k.function(x, b, **params)
        assert (y.dtype, y.shape) == (dtype, shape)
        if activation in ("identity", "relu"):
            np.testing.assert_array_equal(y, expected, err_msg=k.name)
        else:
            np.testing.assert_allclose(y, expected, rtol=4 * np.finfo(dtype).eps, err_msg=k.name)


def test_activations_are_numbered_alike():
    assert elementwise.ACTIVATIONS == bias.ACTIVATIONS


def test_other_kinds_are_left_to_the_reference():
    x, b = np.ones((2, 3), np.int64), np.ones(3, np.float32)
    assert [k.name for k in rungs("relu") if k.supports(x)] == []
    assert [k.name for k in rungs("relu") if k.supports(-np.ones((), np.float32))] == []  # a number, not an array
    assert [k.name for k in rungs("bias_add") if k.supports(x.astype(np.float64), b)] == []


@pytest.mark.parametrize(
    "shape", [(2, 8, 32, 32), (4, 64, 14, 14), (2, 3, 111, 113), (8, 16, 7, 7), (64, 512), (64, 10), (4, 4096)], ids=str
)
def test_shipped_kernels_move_little_more_than_they_must(shape):
    x, g, b = numbers(shape, np.float32), numbers(shape, np.float32, 1), numbers(shape[1:2], np.float32)
    with counting() as launches:
        rungs("relu")[0].function(x)
        rungs("relu_grad")[0].function(g, x)
        rungs("bias_act")[0].function(x, b, activation="relu")
        rungs("bias_add")[0].function(x, b)
    assert [launch.entry for launch in launches] == ["relu_vec4", "relu_grad_vec4", "bias_act_vec4", "bias_act_vec4"]
    for launch in launches:
        assert launch.sectors_moved <= 1.05 * launch.sectors_ideal, launch.entry
        assert launch.sectors_ideal >= 2 * x.nbytes // 32


def test_the_lower_rungs_ask_more_often():
    x, b = numbers((64, 512), np.float32), numbers(512, np.float32)
    with counting() as launches:
        for operation, inputs in (("relu", (x,)), ("bias_add", (x, b))):
            for k in rungs(operation):
                k.function(*inputs)
    relu_vec4, relu_direct, bias_vec4, bias_direct = launches
    assert 4 * relu_vec4.global_requests == relu_direct.global_requests
    assert bias_vec4.sectors_moved < 1.01 * bias_vec4.sectors_ideal
    assert bias_direct.sectors_moved > 1.4 * bias_direct.sectors_ideal  # reads a bias for every element
