"""Tests of Winograd convolution: exact for integers, near the float64 reference, never chosen by default."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minicnn
from minicnn.autograd.primitive import primitives
from minicnn.backends.cuda.launch import LIMIT
from minicnn.backends.cuda.simulator import simulate
from minicnn.errors import KernelError
from minicnn.geometry import ConvSpec, conv_spec
from minicnn.runtime import dispatch
from minicnn.runtime.devices import CUDASIM, Device

CALLS = {"conv": "xw", "conv_input_grad": "gw"}
RUNGS = ["winograd", "winograd_4x4"]
KERNELS = list(product(CALLS, RUNGS))
TOLERANCE = {  # relative to the sum of the absolute terms, with all taps of a filter and all pixels of a plane alike
    "winograd": {np.float32: 1e-6, np.float64: 2e-15},
    "winograd_4x4": {np.float32: 5e-6, np.float64: 1e-14},
}
pytestmark = pytest.mark.skipif(bool(Device.reasons()["cudasim"]), reason="needs a C++ compiler")


def run(operation, name, inputs, spec):
    with minicnn.use_kernel(operation, name):
        kernel = dispatch.select(operation, CUDASIM, inputs, {"spec": spec})
    return kernel(*inputs, spec=spec)


def even(a):
    """Replace each number by the root mean square of its plane or filter. A transform mixes their numbers.

    So a large tap or pixel adds its rounding error to results that depend on small numbers alone.
    """
    return np.broadcast_to(np.sqrt(np.square(a).mean((2, 3), keepdims=True)), a.shape)


def check(operation, name, arrays, spec):
    """Compare with the reference, and require the same bits from a second run with the threads in another order."""
    reference = primitives()[operation].body
    inputs = [arrays[letter] for letter in CALLS[operation]]
    expected, size = reference(*inputs, spec=spec), np.linalg.norm(reference(*map(even, inputs), spec=spec))
    for dtype, tolerance in TOLERANCE[name].items():
        cast = [a.astype(dtype) for a in inputs]
        y = run(operation, name, cast, spec)
        with simulate(order="shuffled"):
            again = run(operation, name, cast, spec)
        assert y.tobytes() == again.tobytes()
        assert (y.dtype, y.shape) == (dtype, expected.shape)
        assert np.linalg.norm(y - expected) <= tolerance * size


def example(n, channels, filters, size, padding=1, seed=0):
    x, w = (n, channels, *size), (filters, channels, 3, 3)
    spec = conv_spec("test", x, w, 1, padding)
    rng = np.random.default_rng(seed)
    g = (n, filters, *spec.output_size)
    return {letter: rng.standard_normal(shape) for letter, shape in {"x": x, "w": w, "g": g}.items()}, spec


@st.composite
def geometries(draw):
    """Draw planes from one tile to several blocks, and channels and filters below and above a stage and a block."""
    padding = tuple((draw(st.integers(0, 5)), draw(st.integers(0, 5))) for _ in range(2))
    size = tuple(draw(st.integers(max(1, 3 - sum(p)), 21)) for p in padding)
    channels, filters = (draw(st.sampled_from([1, 2, 3, 7, 9, 17, 37, 67])) for _ in range(2))
    return example(draw(st.integers(0, 3)), channels, filters, size, padding, draw(st.integers(0, 99)))


@pytest.mark.parametrize(("operation", "name"), KERNELS)
@given(case=geometries())
def test_equals_the_reference(operation, name, case):
    check(operation, name, *case)


CASES = [
    (1, 1, 1, (1, 1)),
    (1, 1, 1, (1, 17), ((0, 5), (0, 3)), 97),
    (3, 37, 67, (17, 13)),
    (2, 64, 32, (8, 16)),
    (5, 3, 5, (2, 41), 2),
]


@pytest.mark.parametrize(("operation", "name"), KERNELS)
@pytest.mark.parametrize("case", CASES)
def test_listed_geometries(operation, name, case):
    check(operation, name, *example(*case))


@pytest.mark.parametrize("operation", CALLS)
def test_two_by_two_is_exact_for_small_integers(operation):
    """The matrices of F(2×2) contain ±1 and 1/2, so no sum is rounded, and every wrong sign or index is visible."""
    arrays, spec = example(2, 11, 35, (9, 15), ((0, 2), (1, 3)))
    arrays = {letter: np.round(4 * a) for letter, a in arrays.items()}
    inputs = [arrays[letter] for letter in CALLS[operation]]
    expected = primitives()[operation].body(*inputs, spec=spec)
    y = run(operation, "winograd", [a.astype(np.float32) for a in inputs], spec)
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize(("name", "error"), [("winograd", 1e-6), ("winograd_4x4", 1e-5)])
def test_float32_stays_near_float64(operation, name, error):
    """Relative to the norm of the result: 3.7e-7 for F(2×2), 2.4e-6 for F(4×4)."""
    arrays, spec = example(1, 128, 64, (28, 28))
    inputs = [arrays[letter] for letter in CALLS[operation]]
    expected = primitives()[operation].body(*inputs, spec=spec)
    y = run(operation, name, [a.astype(np.float32) for a in inputs], spec)
    assert np.linalg.norm(y - expected) <= error * np.linalg.norm(expected)


@pytest.mark.parametrize(("operation", "name"), KERNELS)
def test_a_nan_spreads_no_further_than_its_tiles(operation, name):
    arrays, spec = example(2, 3, 4, (16, 16))
    inputs = [arrays[letter] for letter in CALLS[operation]]
    inputs[0][0, 1, 8, 8] = np.nan
    wrong = np.isnan(run(operation, name, inputs, spec))
    assert (wrong >= np.isnan(primitives()[operation].body(*inputs, spec=spec))).all()
    assert wrong[0].all(0)[7:10, 7:10].all()
    assert not wrong[0, :, :4].any()
    assert not wrong[0, :, 12:].any()
    assert not wrong[1].any()


@pytest.mark.parametrize(("operation", "name"), KERNELS)
def test_empty_batches_and_no_channels(operation, name):
    arrays, spec = example(0, 3, 4, (7, 7))
    inputs = [arrays[letter] for letter in CALLS[operation]]
    assert run(operation, name, inputs, spec).shape == (0, 4 if operation == "conv" else 3, 7, 7)
    x, w = np.empty((2, 0, 7, 7)), np.empty((4, 0, 3, 3))
    spec = conv_spec("test", x.shape, w.shape, 1, 1)
    if operation == "conv":
        np.testing.assert_array_equal(run(operation, name, [x, w], spec), np.zeros((2, 4, 7, 7)))
    else:
        assert run(operation, name, [np.ones((2, 4, 7, 7)), w], spec).shape == (2, 0, 7, 7)


@pytest.mark.parametrize("operation", CALLS)
def test_it_comes_last_and_is_never_the_default(operation):
    names = [k.name for k in dispatch.kernels(operation, CUDASIM)]
    assert names[-3:] == [*RUNGS, "reference"]
    arrays, spec = example(2, 3, 4, (7, 7))
    tensors = [minicnn.tensor(arrays[letter], device="cudasim") for letter in CALLS[operation]]
    text = minicnn.explain(operation, *tensors, spec=spec)
    for name in RUNGS:
        assert f"cuda/{name}: possible, but comes after" in text


OTHERS = {
    "a larger kernel": ((5, 5), (1, 1), (1, 1), 1),
    "stride": ((3, 3), (2, 1), (1, 1), 1),
    "dilation": ((3, 3), (1, 1), (1, 2), 1),
    "groups": ((3, 3), (1, 1), (1, 1), 2),
    "three axes": ((3, 3, 3), (1, 1, 1), (1, 1, 1), 1),
}


@pytest.mark.parametrize("case", OTHERS)
@pytest.mark.parametrize(("operation", "name"), KERNELS)
def test_it_refuses_every_other_geometry(operation, name, case):
    kernel, stride, dilation, groups = OTHERS[case]
    size = (8,) * len(kernel)
    spec = ConvSpec(size, kernel, stride, ((0, 0),) * len(kernel), dilation, groups)
    x, w, g = np.ones((1, 4, *size)), np.ones((4, 4 // groups, *kernel)), np.ones((1, 4, *spec.output_size))
    with pytest.raises(KernelError, match="it requires float32 or float64, two axes, a 3×3 kernel, stride 1"):
        run(operation, name, [x if operation == "conv" else g, w], spec)


@pytest.mark.parametrize("operation", CALLS)
def test_four_by_four_asks_for_no_workspace_beyond_the_limit(operation):
    x, w = (36, 4, 2048, 2048), (4, 4, 3, 3)
    spec = conv_spec("test", x, w, 1, 1)
    inputs = np.broadcast_to(np.float32(0), x), np.zeros(w, np.float32)
    two, four = (k for k in dispatch.kernels(operation, CUDASIM) if k.name in RUNGS)
    assert inputs[0].size < LIMIT
    assert two.supports(*inputs, spec=spec)
    assert not four.supports(*inputs, spec=spec)
    small = conv_spec("test", (1, *x[1:]), w, 1, 1)
    assert four.supports(inputs[0][:1], inputs[1], spec=small)
    with pytest.raises(KernelError, match="fewer elements in the workspace than the launcher's limit"):
        run(operation, "winograd_4x4", list(inputs), spec)
