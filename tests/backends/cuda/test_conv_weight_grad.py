"""Tests of the weight gradient: every rung and tile with several slices, against the float64 reference."""

from math import prod

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import minicnn
from minicnn.backends.cuda import conv_weight_grad as module
from minicnn.backends.cuda.depthwise import add_slices
from minicnn.backends.cuda.simulator import counting, simulate
from minicnn.errors import KernelError, ShapeError
from minicnn.geometry import conv_spec
from minicnn.ops.conv import conv_weight_grad
from minicnn.runtime import dispatch
from minicnn.runtime.devices import CUDASIM, Device
from minicnn.testing import cases

RUNGS = ["split_gemm", "gemm_tiles", "direct"]
TOLERANCE = {np.float32: 1e-6, np.float64: 2e-15}  # relative to the sum of the absolute terms
pytestmark = pytest.mark.skipif(bool(Device.reasons()["cudasim"]), reason="needs a C++ compiler")


def run(name, x, g, spec):
    with minicnn.use_kernel("conv_weight_grad", name):
        kernel = dispatch.select("conv_weight_grad", CUDASIM, [x, g], {"spec": spec})
    return kernel(x, g, spec=spec)


def check(name, x, g, spec):
    """Compare with the reference, and require the same bits from a second run with the threads in another order."""
    expected = conv_weight_grad.body(x, g, spec=spec)
    size = np.linalg.norm(conv_weight_grad.body(abs(x), abs(g), spec=spec))
    for dtype, tolerance in TOLERANCE.items():
        inputs = x.astype(dtype), g.astype(dtype)
        w = run(name, *inputs, spec)
        with simulate(order="shuffled"):
            again = run(name, *inputs, spec)
        assert w.tobytes() == again.tobytes()
        assert (w.dtype, w.shape) == (dtype, expected.shape)
        assert np.linalg.norm(w - expected) <= tolerance * size


def example(x, w, *arguments, seed=0, **named):
    """Return random x and g, and the spec, for an input and a weight of these shapes."""
    spec = conv_spec("test", x, w, *arguments, **named)
    rng = np.random.default_rng(seed)
    return rng.standard_normal(x), rng.standard_normal((x[0], w[0], *spec.output_size)), spec


@st.composite
def geometries(draw):
    """Draw x, g and spec: up to several tiles, odd numbers of pixels, and windows with only padding."""
    axes = draw(st.integers(1, 3))
    most = (200, 23, 8)[axes - 1]

    def each(low, high):
        return tuple(draw(st.integers(low, high)) for _ in range(axes))

    groups, channels = draw(st.sampled_from([1, 1, 2, 3])), draw(st.sampled_from([1, 3, 5, 17]))
    filters = draw(st.sampled_from([1, 7, 13, 67, 131]))
    padding = tuple((draw(st.integers(0, 5)), draw(st.integers(0, 5))) for _ in range(axes))
    x, w = (draw(st.integers(1, 5)), groups * channels, *each(1, most)), (groups * filters, channels, *each(1, 4))
    try:
        return example(x, w, each(1, 3), padding, each(1, 3), groups, seed=draw(st.integers(0, 99)))
    except ShapeError:
        assume(False)


def test_the_rungs_are_tried_from_the_top():
    names = [k.name for k in dispatch.kernels("conv_weight_grad", CUDASIM)]
    assert names == ["depthwise", *RUNGS, "reference"]


@pytest.mark.parametrize("name", RUNGS)
@given(case=cases("conv_weight_grad"))
def test_small_geometries(name, case):
    check(name, *case.inputs, **case.params)


@pytest.mark.parametrize("name", RUNGS)
@given(case=geometries())
def test_geometries_of_several_tiles(name, case):
    check(name, *case)


# For each tile, sizes for which it is the fastest. The tiles are never full.
TILES = {
    "128x128": [((2, 14, 9, 11), (128, 14, 3, 3), 1, 1), ((1, 249, 6, 7), (253, 249, 1, 1))],
    "64x64": [((3, 7, 8, 9), (61, 7, 3, 3), 2, 1), ((2, 25, 23), (190, 25, 5), 1, 2)],
    "64x32": [((5, 3, 12, 13), (64, 3, 3, 3), 1, 1), ((2, 10, 5, 5, 5), (18, 5, 3, 3, 2), 1, 0, 1, 2)],
}


@pytest.mark.parametrize(("tile", "arguments"), [(tile, a) for tile, all_of in TILES.items() for a in all_of])
def test_every_tile_in_one_slice_and_in_several(tile, arguments, monkeypatch):
    x, g, spec = example(*arguments)
    w = arguments[1]
    chosen = module.tile_for(w[0] // spec.groups, prod(w[1:]))
    assert f"{chosen.rows}x{chosen.columns}" == tile
    check("split_gemm", x, g, spec)
    monkeypatch.setattr(module, "MIN_SLICE", 11)  # not a multiple of a stage
    assert module.slices_for(256, 1, x.shape[0] * prod(spec.output_size)) > 2
    check("split_gemm", x, g, spec)


@pytest.mark.parametrize(
    ("rows", "columns", "tile"),
    [(64, 27, (64, 32)), (32, 27, (64, 32)), (64, 576, (64, 64)), (256, 1152, (128, 128)), (1, 1, (64, 32))],
)
def test_the_tile_wastes_little(rows, columns, tile):
    chosen = module.tile_for(rows, columns)
    assert (chosen.rows, chosen.columns) == tile


@given(st.integers(32, 2**24), st.integers(1, 2**26), st.integers(1, 2**30))
def test_slices_are_few_enough(threads, weights, pixels):
    slices = module.slices_for(threads, weights, pixels)
    assert 1 <= slices <= 2**16 - 1  # the limit of a grid's second axis
    assert slices == 1 or slices * weights <= module.WORKSPACE
    assert slices == 1 or slices * module.MIN_SLICE <= pixels


@given(st.integers(1, 2**31), st.integers(1, 2**31), st.booleans())
def test_dividing_is_multiplying(p, d, multiple):
    if multiple:  # the quotient changes next to a multiple
        p = max(1, p // d * d)
    factor, shift = module.division(d)
    assert -(2**31) <= factor < 2**31  # fits an int
    for n in (p, min(p + 1, 2**31)):
        assert (n * (factor % 2**32) >> 32) >> shift == (n - 1) // d


@given(cases("conv_weight_grad"))
def test_the_tables_say_what_each_tap_of_each_pixel_reads(case):
    spec = case.params["spec"]
    windows, taps = module.tables(np, "test", spec)
    index = np.arange(prod(spec.input_size)).reshape(spec.input_size) + 1
    reach = [(max(b, 0), max(a, 0)) for b, a in spec.window_padding]
    around = np.pad(index, reach)  # 0 in the padding
    expected = np.stack([around[window].ravel() for _, window in spec.taps], 1) - 1  # (pixels, taps)
    outside = windows[:, None, 1] & taps[:, 1] != 0
    np.testing.assert_array_equal(outside, expected < 0)
    np.testing.assert_array_equal((windows[:, None, 0] + taps[:, 0])[~outside], expected[~outside])


@pytest.mark.parametrize("name", RUNGS)
@pytest.mark.parametrize("shape", [(0, 3, 5, 5), (2, 0, 5, 5)])
def test_nothing_to_sum_gives_zeros(name, shape):
    x, g, spec = example(shape, (4, shape[1], 3, 3))
    w = run(name, x, g, spec)
    assert w.shape == (4, shape[1], 3, 3)
    np.testing.assert_array_equal(w, 0)


@pytest.mark.parametrize("name", RUNGS)
def test_nan_and_infinity_go_where_the_reference_lets_them(name):
    x, g, spec = example((2, 3, 9, 10), (5, 3, 3, 3), 2, 1)
    x[0, 1, 4, 4], x[1, 2, 0, 3], g[0, 2, 1, 1], g[1, 4, 0, 0] = np.nan, np.inf, -np.inf, np.nan
    with np.errstate(invalid="ignore"):
        expected = conv_weight_grad.body(x, g, spec=spec)
    w = run(name, x, g, spec)
    assert not np.isfinite(expected).all()
    assert np.isfinite(expected).any()
    np.testing.assert_allclose(w, expected, rtol=1e-12)


@pytest.mark.parametrize("slices", [1, 2, 7, 8, 9, 40])
@pytest.mark.parametrize("weights", [1, 31, 32, 97])
def test_slices_are_added(slices, weights):
    parts = np.random.default_rng(0).integers(-9, 9, (slices, weights)).astype(np.float32)
    np.testing.assert_array_equal(add_slices(parts), parts.sum(0))


def test_a_kernel_too_large_for_the_bits_is_left_to_the_next_rung():
    x, g, spec = example((1, 1, 40), (2, 1, 30), 1, 3)  # 30 + 1 + 1 mask bits
    check("gemm_tiles", x, g, spec)
    assert "split_gemm: does not support this" in minicnn.explain("conv_weight_grad", *on_cudasim(x, g), spec=spec)
    with pytest.raises(
        KernelError, match="it requires float32 or float64, and kernel sizes whose sum over three axes is at most 31"
    ):
        run("split_gemm", x, g, spec)
    x, g, spec = example((1, 1, 40), (2, 1, 29), 1, 3)
    check("split_gemm", x, g, spec)


def on_cudasim(*arrays):
    return [minicnn.tensor(a, device="cudasim") for a in arrays]


def test_shared_memory_is_read_and_written_without_conflicts():
    for arguments in (all_of[0] for all_of in TILES.values()):
        x, g, spec = example(*arguments)
        with counting() as launches:
            run("split_gemm", x.astype(np.float32), g.astype(np.float32), spec)
        product = launches[0]
        assert "split_gemm" in product.entry
        assert product.shared_wavefronts == product.shared_ideal > 0
