"""Tests of the im2col and col2im kernels: the same bits as the reference, and their memory traffic."""

import numpy as np
import pytest

from minicnn.autograd.primitive import primitives
from minicnn.backends.cuda.simulator import counting, simulate
from minicnn.geometry import ConvSpec, conv_spec
from minicnn.runtime import dispatch
from minicnn.runtime.devices import CUDASIM

GEOMETRIES = {
    "same": ((2, 3, 20, 24), (3, 3), {"padding": 1}),
    "many slabs": ((1, 3, 70, 71), (3, 3), {"padding": 1}),
    "strided": ((2, 3, 33, 40), (3, 3), {"stride": 2, "padding": 1}),
    "gaps between windows": ((2, 2, 17, 19), (2, 1), {"stride": (3, 4)}),
    "dilated and lopsided": (
        (2, 2, 21, 19),
        (2, 4),
        {"padding": ((1, 0), (0, 5)), "stride": (2, 1), "dilation": (3, 2)},
    ),
    "more padding than image": ((2, 2, 3, 1), (2, 3), {"padding": 4, "stride": 3}),
    "one tap": ((2, 5, 6, 7), (1, 1), {}),
    "a signal": ((3, 2, 101), (5,), {"padding": 2, "stride": 3}),
    "a volume": ((1, 2, 5, 6, 7), (2, 3, 1), {"padding": (1, 0, 2), "stride": (1, 2, 2)}),
    "flat windows in a volume": ((1, 2, 4, 6, 7), (1, 3, 3), {"padding": (1, 1, 1)}),
    "flat windows beside a flat volume": (
        (1, 2, 1, 3, 3),
        (1, 3, 3),
        {"padding": ((1, 0), (0, 0), (0, 0)), "stride": (2, 1, 1)},
    ),
    "no images": ((0, 2, 5, 5), (3, 3), {}),
    "an image without rows": ((2, 2, 0, 5), (1, 2), {"padding": (1, 0)}),
}


def rungs(operation):
    return [k for k in dispatch.kernels(operation, CUDASIM) if k.backend == "cuda"]


def problem(shape, kernel, window, dtype=np.float32):
    """Return an image, its spec, and independent random columns."""
    rng = np.random.default_rng(0)
    spec = conv_spec("unfold", shape, (1, shape[1], *kernel), **window)
    columns = rng.standard_normal((shape[0], shape[1] * len(spec.taps), int(np.prod(spec.output_size))))
    return rng.standard_normal(shape).astype(dtype), spec, columns.astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("shape", "kernel", "window"), GEOMETRIES.values(), ids=GEOMETRIES)
def test_the_bits_of_the_reference(shape, kernel, window, dtype):
    x, spec, columns = problem(shape, kernel, window, dtype)
    for operation, array in (("im2col", x), ("col2im", columns)):
        expected = primitives()[operation].body(array, spec=spec)
        names = []
        for k in rungs(operation):
            assert k.supports(array, spec=spec)
            names.append(k.name)
            for order in ("forward", "shuffled"):
                with simulate(order=order):
                    y = k.function(array, spec=spec)
                assert (y.dtype, y.shape) == (dtype, expected.shape)
                np.testing.assert_array_equal(y, expected, err_msg=k.name)
        assert names == ["slab", "direct"]


def test_columns_too_many_for_32_bits_are_left_to_the_reference():
    huge = np.broadcast_to(np.float32(0), (1, 1, 2**14, 2**14))  # 2²⁸ elements that share the memory of one
    for kernel, expected in ((2, ["slab", "direct"]), (3, [])):
        spec = ConvSpec(huge.shape[2:], (kernel, kernel), (1, 1), ((1, 1), (1, 1)), (1, 1))
        assert [k.name for k in rungs("im2col") if k.supports(huge, spec=spec)] == expected
    columns = np.broadcast_to(np.float32(0), (2**15, 2**15, 1))
    for size, expected in ((1, ["slab", "direct"]), (2, [])):
        spec = ConvSpec((size, size), (1, 1), (2, 2), ((0, 0), (0, 0)), (1, 1))
        assert [k.name for k in rungs("col2im") if k.supports(columns, spec=spec)] == expected


@pytest.mark.parametrize("name", ["same", "strided", "many slabs"])
def test_what_is_moved(name):
    x, spec, columns = problem(*GEOMETRIES[name])
    ratios = []
    for operation, array in (("im2col", x), ("col2im", columns)):
        for k in rungs(operation):
            with counting() as launches:
                k.function(array, spec=spec)
            ratios.append(launches[0].sectors_moved / launches[0].sectors_ideal)
    im2col_slab, im2col_direct, col2im_slab, _ = ratios
    assert im2col_slab <= 1.05
    assert im2col_direct > 1.5  # reads the image once per tap
    assert col2im_slab <= 1.05
