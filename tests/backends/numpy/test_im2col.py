"""Every block size and every geometry gives what the reference gives."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from minicnn.backends.numpy import im2col, threads
from minicnn.devices import CPU
from minicnn.dispatch import kernels
from minicnn.errors import ShapeError
from minicnn.geometry import ConvSpec, conv_spec

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


@pytest.mark.parametrize("operation", CALLS)
@given(case=cases())
def test_equals_the_reference(operation, case):
    spec, arrays, block_bytes = case
    kernel, reference = (k.function for k in kernels(operation, CPU))
    inputs = [arrays[name] for name in CALLS[operation]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(im2col, "BLOCK_BYTES", block_bytes)
        result = kernel(*inputs, spec=spec)
    np.testing.assert_allclose(result, reference(*inputs, spec=spec), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("operation", CALLS)
def test_the_number_of_threads_changes_no_bit(operation, monkeypatch):
    spec = conv_spec("test", (7, 4, 31, 29), (8, 4, 3, 3), 1, 1)
    rng = np.random.default_rng(0)
    arrays = {
        "x": rng.normal(size=(7, 4, 31, 29)).astype(np.float32),
        "w": rng.normal(size=(8, 4, 3, 3)).astype(np.float32),
        "g": rng.normal(size=(7, 8, 31, 29)).astype(np.float32),
    }
    inputs = [arrays[name] for name in CALLS[operation]]
    kernel = kernels(operation, CPU)[0].function
    before = kernel(*inputs, spec=spec)
    monkeypatch.setattr(im2col, "run", lambda function, tasks: [function(task) for task in tasks])
    with threads._pool()[2].limit(limits=1, user_api="blas"):
        np.testing.assert_array_equal(kernel(*inputs, spec=spec), before)


def test_depthwise_and_empty_inputs_are_left_to_the_reference():
    spec = ConvSpec((5, 5), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 8)
    kernel = kernels("conv", CPU)[0]
    assert not kernel.when(np.zeros((2, 8, 5, 5)), np.zeros((8, 1, 3, 3)), spec=spec)
    one = ConvSpec((5, 5), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 1)
    assert not kernel.when(np.zeros((0, 8, 5, 5)), np.zeros((8, 8, 3, 3)), spec=one)
    assert kernel.when(np.zeros((1, 8, 5, 5)), np.zeros((8, 8, 3, 3)), spec=one)


def test_memory_stays_with_the_blocks():
    """A large image is cut by rows: the columns of all of it (92 MB here) never exist."""
    import tracemalloc

    spec = conv_spec("test", (1, 16, 400, 400), (4, 16, 3, 3), 1, 1)
    x, w = np.zeros((1, 16, 400, 400), np.float32), np.zeros((4, 16, 3, 3), np.float32)
    tracemalloc.start()
    kernels("conv", CPU)[0].function(x, w, spec=spec)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * 400 * 400 * 4 + 8 * im2col.BLOCK_BYTES
