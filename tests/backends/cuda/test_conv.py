"""Tests of convolution and its input gradient: all rungs and tiles equal the reference, and the tables are correct.

Values are small integers. So every sum is exact in float32, and results are compared bit by bit.
"""

from itertools import product
from math import prod

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import minicnn
from minicnn.autograd.primitive import primitives
from minicnn.backends.cuda import conv
from minicnn.backends.cuda.simulator import counting
from minicnn.errors import KernelError, ShapeError
from minicnn.geometry import ConvSpec, conv_spec
from minicnn.runtime import dispatch
from minicnn.runtime.devices import CUDASIM, Device
from minicnn.testing import cases

if Device.reasons()["cudasim"]:
    pytest.skip(Device.reasons()["cudasim"], allow_module_level=True)

TILES = {f"{tile.rows}x{tile.columns}": tile for tile in conv.TILES}
RUNGS = {
    "conv": [conv.conv_implicit_gemm, conv.conv_gemm_tiles, conv.conv_tiled, conv.conv_direct],
    "conv_input_grad": [
        conv.conv_input_grad_implicit_gemm,
        conv.conv_input_grad_gemm_tiles,
        conv.conv_input_grad_direct,
    ],
}
FAST = {operation: rungs[0] for operation, rungs in RUNGS.items()}
PAIRS = [(operation, rung) for operation, rungs in RUNGS.items() for rung in rungs]
FEW = settings(max_examples=max(8, (settings.default or settings()).max_examples // 3))

all_rungs = pytest.mark.parametrize(("operation", "rung"), PAIRS, ids=lambda v: getattr(v, "__name__", v))
all_tiles = pytest.mark.parametrize("tile", TILES.values(), ids=TILES)
both = pytest.mark.parametrize("operation", RUNGS)


def inputs(operation, n, w, spec, seed=0):
    """Return an image (x, or g for the gradient) and weights, with small integers."""
    rng = np.random.default_rng(seed)
    channels = (n, w[1] * spec.groups, *spec.input_size)
    filters = (n, w[0], *spec.output_size)
    shape = channels if operation == "conv" else filters
    return rng.integers(-3, 4, shape).astype(float), rng.integers(-3, 4, w).astype(float)


def check(operation, rung, x, w, spec):
    """Compare a rung in both types with the reference in float64."""
    with np.errstate(all="ignore"):
        expected = primitives()[operation].body(x, w, spec=spec)
    for dtype in (np.float32, np.float64):
        y = rung(x.astype(dtype), w.astype(dtype), spec=spec)
        assert y.dtype == dtype
        np.testing.assert_array_equal(y, expected.astype(dtype))


def fits(rung, x, w, spec):
    kernel = next(k for op in RUNGS for k in dispatch.kernels(op, CUDASIM) if k.function is rung)
    return kernel.supports is None or kernel.supports(x, w, spec=spec)


@st.composite
def large(draw):
    """Draw batch, weight shape and spec: up to three tiles along each dimension, with sizes that no tile divides."""
    axes = draw(st.integers(1, 3))
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    low, high = ((20, 300), (3, 20), (2, 7))[axes - 1]

    def each(*bounds):
        return tuple(draw(st.integers(*bounds)) for _ in range(axes))

    w = (groups * draw(st.integers(1, 150 // groups)), draw(st.integers(1, 9)), *each(1, 4))
    padding = tuple((draw(st.integers(0, 4)), draw(st.integers(0, 4))) for _ in range(axes))
    n = draw(st.integers(1, 3))
    try:
        shape = (n, w[1] * groups, *each(low, high))
        spec = conv_spec("conv", shape, w, each(1, 3), padding, each(1, 2), groups)
    except ShapeError:
        assume(False)
    if draw(st.booleans()):  # exchange filters and channels, because the gradient exchanges their roles
        w = (w[1] * groups, w[0] // groups, *w[2:])
    return n, w, spec


@all_rungs
@given(case=cases("conv"), seed=st.integers(0, 99))
def test_small_geometries(operation, rung, case, seed):
    x, w = inputs(operation, len(case.inputs[0]), case.inputs[1].shape, case.params["spec"], seed)
    assume(fits(rung, x, w, case.params["spec"]))
    check(operation, rung, x, w, case.params["spec"])


@all_rungs
@FEW
@given(case=large(), seed=st.integers(0, 99))
def test_large_geometries(operation, rung, case, seed):
    n, shape, spec = case
    x, w = inputs(operation, n, shape, spec, seed)
    assume(fits(rung, x, w, spec))
    check(operation, rung, x, w, spec)


@all_tiles
@both
@FEW
@given(case=large(), seed=st.integers(0, 99))
def test_every_tile(operation, tile, case, seed):
    n, shape, spec = case
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conv, "tile_for", lambda *sizes: tile)
        check(operation, FAST[operation], *inputs(operation, n, shape, spec, seed), spec)


@all_tiles
@both
def test_every_tile_beyond_its_own_size(operation, tile, monkeypatch):
    """At least two panels of rows and two tiles of columns, with and without `fours`."""
    monkeypatch.setattr(conv, "tile_for", lambda *sizes: tile)
    for size in (23, 24):
        w = (tile.rows + 3, 3, 3, 3) if operation == "conv" else (3, tile.rows + 3, 3, 3)
        spec = conv_spec("conv", (2, w[1], size, size), w, 1, 1)
        assert 2 * size * size > tile.columns
        check(operation, FAST[operation], *inputs(operation, 2, w, spec), spec)


@both
def test_the_tile_changes_no_bit(operation, monkeypatch):
    """Every tile sums in the same order, so the result of an image does not depend on the batch size."""
    w = (20, 12, 3, 3)
    spec = conv_spec("conv", (3, 12, 14, 14), w, 2, 1)
    rng = np.random.default_rng(0)
    x, w = (rng.normal(size=a.shape).astype(np.float32) for a in inputs(operation, 3, w, spec))
    results = []
    for tile in conv.TILES:
        monkeypatch.setattr(conv, "tile_for", lambda *sizes, tile=tile: tile)
        results.append(FAST[operation](x, w, spec=spec))
    for y in results[1:]:
        np.testing.assert_array_equal(y, results[0])


@all_rungs
@pytest.mark.parametrize(
    ("n", "w", "size", "arguments"),
    [
        (1, (1, 1, 1, 1), (1, 1), {}),
        (2, (1, 1, 1), (131,), {}),
        (1, (1, 67, 1, 1), (13, 11), {}),
        (3, (67, 1, 3, 3), (7, 11), {"padding": 1}),
        (1, (5, 3, 11, 11), (23, 23), {"stride": 4, "padding": 2}),
        (2, (4, 2, 2, 2), (9, 9), {"stride": 5}),  # pixels outside of all windows
        (2, (4, 2, 3), (11,), {"padding": ((7, 0),)}),  # windows with only padding
        (2, (6, 1, 3, 3), (8, 8), {"groups": 6, "padding": 1}),
        (1, (3, 2, 13, 13), (14, 15), {"padding": 6}),  # 27 of 31 mask bits
        (1, (2, 2, 29), (40,), {"padding": 3}),  # 31 of 31 mask bits
    ],
)
def test_corners(operation, rung, n, w, size, arguments):
    spec = conv_spec("conv", (n, w[1] * arguments.get("groups", 1), *size), w, **arguments)
    x, w = inputs(operation, n, w, spec)
    if rung is conv.conv_tiled and not fits(rung, x, w, spec):
        pytest.skip("no room in shared memory")
    check(operation, rung, x, w, spec)


@all_rungs
@pytest.mark.parametrize(
    ("n", "w", "size"), [(0, (4, 3, 3), (8,)), (2, (0, 3, 3), (8,)), (2, (4, 0, 3), (8,)), (2, (4, 3, 3), (0,))]
)
def test_nothing_to_do_and_sums_of_nothing(operation, rung, n, w, size):
    spec = conv_spec("conv", (n, w[1], *size), w, 1, 2)
    check(operation, rung, *inputs(operation, n, w, spec), spec)


@all_rungs
def test_nan_and_infinity_in_the_image_stay_where_they_belong(operation, rung):
    for stride, dilation in ((1, 1), (2, 1), (3, 2)):
        spec = conv_spec("conv", (2, 3, 12, 13), (5, 3, 3, 3), stride, 1, dilation)
        x, w = inputs(operation, 2, (5, 3, 3, 3), spec)
        x[0, 1, 0, 0], x[1, 2, 2, 3], x[1, 0, -1, -1] = np.nan, np.inf, -np.inf
        check(operation, rung, x, w, spec)


@pytest.mark.parametrize("rung", [*RUNGS["conv"], conv.conv_input_grad_direct], ids=lambda f: f.__name__)
def test_infinite_weights_as_in_the_reference(rung):
    operation = "conv" if rung in RUNGS["conv"] else "conv_input_grad"
    spec = conv_spec("conv", (1, 2, 9, 9), (3, 2, 3, 3), 2, 1)
    x, w = inputs(operation, 1, (3, 2, 3, 3), spec)
    w[0, 0, 0, 0], w[1, 1, 2, 1] = np.inf, np.nan
    check(operation, rung, x, w, spec)


# --- tables ----------------------------------------------------------------------------------------------------------


def what_tables_say(t, step):
    """Return {(pixel, index in the weight): index in the image}, decoded as conv.cu describes."""
    found, pixels = {}, []
    for tap, steps, *rest in t.classes.tolist():
        for place in product(*(range(first, first + n) for first, n in zip(rest[:3], rest[3:], strict=True))):
            base, blocked, target, _ = (t.positions[list(place), i].tolist() for i in range(4))
            pixels.append(sum(target))
            mask = blocked[0] | blocked[1] | blocked[2]
            for k, (offset, bits) in enumerate(t.taps.tolist()):
                if not mask & bits:
                    assert tap <= k < tap + steps * step, "a tap of another class, or one that is only there to fill up"
                    assert (sum(target), int(t.source[k])) not in found
                    found[sum(target), int(t.source[k])] = sum(base) + offset
    assert sorted(pixels) == list(range(len(pixels)))
    return found


def what_loops_say(spec, channels, pitch, gradient):
    found = {}
    for o in np.ndindex(*spec.output_size):
        for k in np.ndindex(*spec.kernel_size):
            axes = zip(o, spec.stride, k, spec.dilation, spec.padding, spec.input_size, strict=True)
            i = tuple(a * s + b * d - before for a, s, b, d, (before, _), _ in axes)
            if not all(0 <= a < n for a, n in zip(i, spec.input_size, strict=True)):
                continue
            y, x = np.ravel_multi_index(o, spec.output_size), np.ravel_multi_index(i, spec.input_size)
            tap = int(np.ravel_multi_index(k, spec.kernel_size))
            for c in range(channels):
                if gradient:
                    found[int(x), c * pitch + tap] = int(c * prod(spec.output_size) + y)
                else:
                    found[int(y), c * pitch + tap] = int(c * prod(spec.input_size) + x)
    return found


@pytest.mark.parametrize("gradient", [False, True])
@given(case=cases("conv"), channels=st.integers(1, 3), step=st.sampled_from([4, 8, 16]))
def test_tables_say_what_loops_say(gradient, case, channels, step):
    spec = case.params["spec"]
    pitch = 7 * prod(spec.kernel_size)
    t = conv.tables(np, "test", spec, channels, pitch, gradient, step)
    assert what_tables_say(t, step) == what_loops_say(spec, channels, pitch, gradient)
    assert (t.taps[-step:, 1] == conv.BLOCKED).all()
    assert (t.source[-step:] == -1).all()
    assert all(a.dtype == np.int32 and a.flags.c_contiguous for a in vars(t).values())


def test_tables_of_a_small_case():
    """Three pixels, a kernel of two, padding on the left: tap 0 of y[0] is in the padding."""
    spec = ConvSpec((3,), (2,), (1,), ((1, 0),), (1,))
    t = conv.tables(np, "test", spec, 1, 2, False, 4)
    first, last, filler = 0b0100, 0b1000, conv.BLOCKED  # bits 0 and 1 belong to the two axes of size 1
    assert t.taps.tolist() == [[0, first | 3], [1, last | 3]] + 6 * [[0, filler]]
    assert t.source.tolist() == [0, 1, -1, -1, -1, -1, -1, -1]
    assert t.positions.tolist()[2:] == [[-1, first | filler, 0, 0], [0, filler, 1, 0], [1, filler, 2, 0]]
    assert t.classes.tolist() == [[0, 1, 0, 1, 2, 1, 1, 3]]


def test_a_stride_leaves_no_zeros_between_the_taps():
    """The classes divide the taps: a strided gradient does not multiply by inserted zeros, and needs one launch."""
    spec = conv_spec("conv", (2, 4, 16, 16), (8, 4, 3, 3), 2, 1)
    t = conv.tables(np, "test", spec, 8, 36, True, 8)
    assert [steps for _, steps, *_ in t.classes.tolist()] == [1 * 8 // 8, 2 * 8 // 8, 2 * 8 // 8, 4 * 8 // 8]
    x, w = inputs("conv_input_grad", 2, (8, 4, 3, 3), spec)
    with counting() as launches:
        conv.conv_input_grad_implicit_gemm(x, w, spec=spec)
    assert [launch.entry.partition("_gemm")[0] for launch in launches] == ["conv_pack", "conv_implicit"]


def test_tables_are_made_once():
    spec = conv_spec("conv", (1, 1, 5), (1, 1, 2))
    assert conv.tables(np, "test", spec, 1, 2, False, 8) is conv.tables(np, "test", spec, 1, 2, False, 8)
    assert conv.tables(np, "test", spec, 1, 2, False, 8) is not conv.tables(np, "another", spec, 1, 2, False, 8)


# --- tiles -----------------------------------------------------------------------------------------------------------


def test_tiles_are_those_of_the_kernels():
    entries = {name: entry.threads for name, entry in conv.forward.entries.items() if "implicit_gemm" in name}
    assert entries == {f"conv_implicit_gemm_{name}": tile.threads for name, tile in TILES.items()}
    assert f"PATCH = {conv.PATCH}, TAPS = {conv.TAPS};" in conv.forward.text


@pytest.mark.parametrize(
    ("groups", "rows", "columns", "name"),
    [
        (1, 512, 100_000, "128x128"),
        (1, 128, 100_000, "128x128"),
        (1, 64, 100_000, "64x128"),
        (1, 32, 1_000_000, "32x256"),
        (32, 8, 1_000_000, "8x512"),
        (1, 3, 1_000_000, "8x512"),
        (1, 512, 392, "64x64"),
        (1, 16, 100, "64x64"),
    ],
)
def test_the_tile_follows_the_filters_and_the_pixels(groups, rows, columns, name):
    assert conv.tile_for(groups, rows, columns) is TILES[name]


@given(st.lists(st.integers(1, 300), min_size=1, max_size=3))
def test_boxes_hold_as_many_pixels_as_a_block_has_threads(size):
    spec = ConvSpec(tuple(size), (1,) * len(size), (1,) * len(size), ((0, 0),) * len(size), (1,) * len(size))
    box = conv._box(spec)
    assert prod(box) == conv.THREADS
    assert all(n & (n - 1) == 0 for n in box)


@all_tiles
@pytest.mark.parametrize("size", [15, 16])  # without and with `fours`
def test_no_bank_is_asked_twice(tile, size, monkeypatch):
    monkeypatch.setattr(conv, "tile_for", lambda *sizes: tile)
    spec = conv_spec("conv", (2, 5, size, size), (70, 5, 3, 3), 1, 1)
    x, w = inputs("conv", 2, (70, 5, 3, 3), spec)
    with counting() as launches:
        conv.conv_implicit_gemm(x.astype(np.float32), w.astype(np.float32), spec=spec)
    assert len(launches) == 2
    for launch in launches:
        assert launch.shared_wavefronts == launch.shared_ideal > 0


@all_tiles
@pytest.mark.parametrize(("size", "most"), [(15, 2.7), (16, 1.7)])
def test_what_a_warp_stores_lies_side_by_side(tile, size, most, monkeypatch):
    """One channel and many filters, so most accesses are stores. Rows of 225 floats begin in the middle of a sector."""
    monkeypatch.setattr(conv, "tile_for", lambda *sizes: tile)
    x, w = np.ones((2, 1, size, size), np.float32), np.ones((128, 1, 1, 1), np.float32)
    with counting() as launches:
        conv.conv_implicit_gemm(x, w, spec=conv_spec("conv", x.shape, w.shape))
    assert launches[1].sectors_requested < most * launches[1].sectors_ideal


# --- what does not apply ---------------------------------------------------------------------------------------------


def call(operation, x, w, spec):
    tensors = (minicnn.tensor(a, device="cudasim") for a in (x, w))
    return primitives()[operation](*tensors, spec=spec)


@both
def test_too_many_bits(operation):
    spec = conv_spec("conv", (1, 1, 40), (1, 1, 30))
    x, w = inputs(operation, 1, (1, 1, 30), spec)
    message = "'implicit_gemm' does not support .* requires .* whose sum over three axes is at most 31"
    with minicnn.use_kernel(operation, "implicit_gemm"), pytest.raises(KernelError, match=message):
        call(operation, x, w, spec)
    np.testing.assert_array_equal(
        call(operation, x, w, spec).numpy(), primitives()[operation].body(x, w, spec=spec)
    )  # another rung runs


@pytest.mark.parametrize(
    ("kernel", "dilation"), [((16, 17), 1), ((3, 3), 40)], ids=["272 taps", "tiles see 112 × 96 elements"]
)
def test_too_much_for_shared_memory(kernel, dilation):
    spec = conv_spec("conv", (1, 1, 90, 90), (1, 1, *kernel), 1, 0, dilation)
    x, w = inputs("conv", 1, (1, 1, *kernel), spec)
    message = (
        "'tiled' does not support .* requires float32 or float64, at most 256 taps, "
        "and at most 4096 input elements for a tile of 256 output pixels"
    )
    with minicnn.use_kernel("conv", "tiled"), pytest.raises(KernelError, match=message):
        call("conv", x, w, spec)


@all_rungs
def test_other_types_and_arrays_too_large_are_left_to_others(operation, rung):
    spec = conv_spec("conv", (1, 1, 8), (1, 1, 3))
    x, w = inputs(operation, 1, (1, 1, 3), spec)
    assert fits(rung, x, w, spec)
    assert not fits(rung, x.astype(np.float32), w, spec)
    assert not fits(rung, x.astype(np.float16), w.astype(np.float16), spec)
    spec = conv_spec("conv", (1, 1, 2**31 + 8), (1, 1, 3))
    assert not fits(rung, np.broadcast_to(x[:, :, :1], (1, 1, 2**31)), w, spec)
    name = next(k.name for k in dispatch.kernels(operation, CUDASIM) if k.function is rung)
    message = f"{operation}: kernel '{name}' does not support .* requires float32 or float64"
    with minicnn.use_kernel(operation, name), pytest.raises(KernelError, match=message):
        dispatch.select(operation, CUDASIM, [x.astype(np.float16), w], {"spec": spec})
