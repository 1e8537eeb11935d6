"""Tests of every convolution kernel against the reference, for every block size and geometry."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from minicnn.backends.numpy import blocks, im2col
from minicnn.errors import ShapeError
from minicnn.geometry import conv_spec
from minicnn.runtime.devices import CPU
from minicnn.runtime.dispatch import Kernel, kernels
from minicnn.runtime.threads import get_num_threads, set_num_threads

CALLS = {"conv": "xw", "conv_input_grad": "gw", "conv_weight_grad": "xg"}


@st.composite
def cases(draw):
    axes = draw(st.integers(1, 3))

    def each(low, high):
        return tuple(draw(st.integers(low, high)) for _ in range(axes))

    groups = draw(st.sampled_from([1, 1, 2, 3]))
    n, channels = draw(st.integers(1, 5)), 4 * groups * draw(st.integers(1, 2))
    filters = groups * draw(st.integers(1, 3))
    kernel = each(1, 4)
    padding = tuple((draw(st.integers(0, 4)), draw(st.integers(0, 4))) for _ in range(axes))
    try:
        spec = conv_spec(
            "test",
            (n, channels, *each(1, 11)),
            (filters, channels // groups, *kernel),
            each(1, 3),
            padding,
            each(1, 2),
            groups,
        )
    except ShapeError:
        assume(False)
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    arrays = {
        "x": rng.normal(size=(n, channels, *spec.input_size)),
        "w": rng.normal(size=(filters, channels // groups, *kernel)),
        "g": rng.normal(size=(n, filters, *spec.output_size)),
    }
    for name in draw(st.sets(st.sampled_from("xwg"))):
        arrays[name] = arrays[name][::-1].transpose(*range(arrays[name].ndim - 1, -1, -1)).copy().T[::-1]
    return spec, arrays, draw(st.sampled_from([1, 300, 5000, 1 << 20]))


def applying(operation: str, inputs: list[np.ndarray], spec) -> list[Kernel]:
    """Return the kernels that support the call."""
    return [k for k in kernels(operation, CPU, ("numpy",))[:-1] if k.supports(*inputs, spec=spec)]


@pytest.mark.parametrize("operation", CALLS)
@given(case=cases())
def test_equals_the_reference(operation, case):
    spec, arrays, block_bytes = case
    inputs = [arrays[name] for name in CALLS[operation]]
    expected = kernels(operation, CPU)[-1].function(*inputs, spec=spec)
    with pytest.MonkeyPatch.context() as patch:
        for module in (blocks, im2col):
            patch.setattr(module, "BLOCK_BYTES", block_bytes)
        for kernel in applying(operation, inputs, spec):
            np.testing.assert_allclose(kernel.function(*inputs, spec=spec), expected, rtol=1e-11, atol=1e-11)


@pytest.fixture
def some_threads():
    before = get_num_threads()
    yield set_num_threads
    set_num_threads(before)


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize("kernel_size", [1, 3])
@pytest.mark.parametrize("size", [(31, 29), (12, 16)])
def test_the_number_of_threads_changes_no_bit_and_errors_are_small(operation, kernel_size, size, some_threads):
    rng = np.random.default_rng(0)
    for channels, filters in ((96, 100), (9, 3)):
        weight = (filters, channels, kernel_size, kernel_size)
        spec = conv_spec("test", (7, channels, *size), weight, 1, kernel_size // 2)
        shapes = {"x": (7, channels, *size), "w": weight, "g": (7, filters, *size)}
        inputs = [rng.normal(size=shapes[name]).astype(np.float32) for name in CALLS[operation]]
        expected = kernels(operation, CPU)[-1].function(*(a.astype(np.float64) for a in inputs), spec=spec)
        for kernel in applying(operation, inputs, spec):
            results = []
            for count in (1, 2, 3):
                some_threads(count)
                results.append(kernel.function(*inputs, spec=spec))
                assert results[-1].tobytes() == results[0].tobytes()
            assert np.linalg.norm(results[0] - expected) < 5e-6 * np.linalg.norm(expected)


def test_winograd_is_for_many_channels():
    spec = conv_spec("test", (7, 96, 16, 16), (96, 96, 3, 3), 1, 1)
    x, w = np.zeros((7, 96, 16, 16), np.float32), np.zeros((96, 96, 3, 3), np.float32)
    assert applying("conv", [x, w], spec)[0].name == "winograd"
    assert "winograd" not in [k.name for k in applying("conv", [x.astype(float), w.astype(float)], spec)]


def test_empty_inputs_are_left_to_the_reference():
    spec = conv_spec("test", (1, 8, 5, 5), (8, 8, 3, 3), 1, 1)
    assert not applying("conv", [np.zeros((0, 8, 5, 5)), np.zeros((8, 8, 3, 3))], spec)
    assert applying("conv", [np.zeros((1, 8, 5, 5)), np.zeros((8, 8, 3, 3))], spec)


def test_memory_stays_with_the_blocks():
    """A large image is processed in blocks of rows, so its im2col matrix (92 MB here) is never stored as a whole."""
    import tracemalloc

    spec = conv_spec("test", (1, 16, 400, 400), (16, 16, 3, 3), 1, 1)
    x, w = np.zeros((1, 16, 400, 400), np.float32), np.zeros((16, 16, 3, 3), np.float32)
    tracemalloc.start()
    applying("conv", [x, w], spec)[0].function(x, w, spec=spec)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * 400 * 400 * 4 + 8 * blocks.BLOCK_BYTES
