"""Tests of pooling kernels: the bits of the reference if the order of the sum is the same, and the memory traffic."""

import numpy as np
import pytest

from minicnn.autograd.primitive import primitives
from minicnn.backends.cuda.simulator import counting, simulate
from minicnn.geometry import PoolSpec, pool_spec
from minicnn.runtime import dispatch
from minicnn.runtime.devices import CUDASIM

GEOMETRIES = {
    "disjoint": ((2, 3, 20, 24), {"kernel_size": 2}),
    "disjoint, a rest left over": ((1, 2, 65, 31), {"kernel_size": (2, 3)}),
    "overlapping": ((2, 3, 33, 40), {"kernel_size": 3, "stride": 2, "padding": 1}),
    "many slabs": ((1, 3, 112, 112), {"kernel_size": 3, "stride": 1, "padding": 1}),
    "planes smaller than a block": ((5, 7, 7, 5), {"kernel_size": 2, "stride": 1}),
    "one element a plane": ((3, 100, 3, 3), {"kernel_size": 3}),
    "ceil": ((2, 2, 16, 17), {"kernel_size": (3, 2), "stride": (3, 4), "ceil_mode": True}),
    "a signal": ((3, 2, 101), {"kernel_size": 4, "stride": 3, "padding": 2, "axes": 1}),
    "a volume": ((1, 2, 7, 9, 10), {"kernel_size": (3, 2, 3), "stride": (2, 1, 3), "padding": (1, 1, 0), "axes": 3}),
    "flat windows in a volume": ((1, 2, 5, 8, 9), {"kernel_size": (1, 2, 2), "stride": (2, 2, 2), "axes": 3}),
    "large windows": ((2, 3, 29, 30), {"kernel_size": (7, 6), "padding": (3, 2)}),
    "large windows that overlap": ((1, 2, 20, 21), {"kernel_size": 6, "stride": (2, 1)}),
}
FOR_MAXIMA = {
    "dilated": ((2, 2, 21, 19), {"kernel_size": (2, 3), "stride": (2, 1), "padding": (1, 2), "dilation": (3, 2)}),
    "nothing but padding": ((1, 1, 1, 2), {"kernel_size": 2, "stride": 1, "padding": 2, "dilation": 3}),
    "large and dilated": ((1, 2, 30, 40), {"kernel_size": (6, 6), "stride": 13, "padding": 4, "dilation": 2}),
}
FOR_AVERAGES = {
    "not counting the padding": ((2, 2, 9, 9), {"kernel_size": 3, "padding": 1, "count_include_pad": False}),
    "another divisor": ((2, 2, 9, 9), {"kernel_size": 3, "stride": 2, "divisor_override": 7}),
    "cut off, counted": ((1, 2, 10, 10), {"kernel_size": 4, "stride": 3, "padding": 2, "ceil_mode": True}),
    "cut off, not counted": (
        (1, 2, 10, 10),
        {"kernel_size": 4, "stride": 3, "padding": 2, "ceil_mode": True, "count_include_pad": False},
    ),
}


def rungs(operation):
    return [k for k in dispatch.kernels(operation, CUDASIM) if k.backend == "cuda"]


def image(shape, dtype, kind="ties"):
    """Return an image: with many ties and some NaN for maxima, with random numbers for sums."""
    rng = np.random.default_rng(0)
    if kind == "normal":
        return rng.standard_normal(shape).astype(dtype)
    x = rng.integers(-3, 4, shape).astype(dtype)
    x[rng.random(shape) < 0.05] = np.nan
    x[rng.random(shape) < 0.05] = -np.inf
    return x


def check(operation, *inputs, spec, exactly=("slab", "direct")):
    """Run every kernel that applies, in two orders of threads; return their names."""
    expected = primitives()[operation].body(*inputs, spec=spec)
    names = []
    for k in rungs(operation):
        if not k.supports(*inputs, spec=spec):
            continue
        names.append(k.name)
        for order in ("forward", "shuffled"):
            with simulate(order=order):
                out = k.function(*inputs, spec=spec)
            pairs = zip(*((y if isinstance(y, tuple) else (y,)) for y in (out, expected)), strict=True)
            for y, right in pairs:
                assert (y.dtype, y.shape) == (right.dtype, right.shape)
                if k.name in exactly:
                    np.testing.assert_array_equal(y, right, err_msg=k.name)
                else:
                    np.testing.assert_allclose(y, right, rtol=1e-5, atol=1e-6, err_msg=k.name)
    return names


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("shape", "window"), (GEOMETRIES | FOR_MAXIMA).values(), ids=GEOMETRIES | FOR_MAXIMA)
def test_maxima_have_the_bits_of_the_reference(shape, window, dtype):
    x, spec = image(shape, dtype), pool_spec("pool", shape, **window)
    names = check("max_pool", x, spec=spec, exactly=("warp", "slab", "direct"))
    assert names[-2:] == ["slab", "direct"]
    _, winner = primitives()["max_pool"].body(x, spec=spec)
    assert check("max_unpool", image(winner.shape, dtype, "normal"), winner, spec=spec) == ["slab", "direct"]
    assert check("pick", image(shape, dtype, "normal"), winner, spec=spec) == ["slab", "direct"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("shape", "window"), (GEOMETRIES | FOR_AVERAGES).values(), ids=GEOMETRIES | FOR_AVERAGES)
def test_averages_have_the_bits_of_the_reference(shape, window, dtype):
    spec = pool_spec("pool", shape, **window)
    assert check("avg_pool", image(shape, dtype, "normal"), spec=spec)[-2:] == ["slab", "direct"]
    g = image((*shape[:2], *spec.output_size), dtype, "normal")
    assert check("avg_pool_input_grad", g, spec=spec) == ["slab", "direct"]


@pytest.mark.parametrize(
    ("shape", "window", "accepts"),
    [
        ((2, 3, 7, 7), {"kernel_size": 7}, True),
        ((2, 3, 8, 40), {"kernel_size": (4, 8)}, True),
        ((2, 3, 8, 40), {"kernel_size": (4, 8), "stride": (1, 8)}, True),
        ((2, 3, 8, 8), {"kernel_size": 5}, False),  # 25 taps
        ((2, 3, 8, 40), {"kernel_size": (4, 8), "stride": (4, 7)}, False),  # windows overlap along a row
        ((2, 3, 8, 9), {"kernel_size": (4, 8), "stride": 1}, False),
        ((2, 3, 9, 8), {"kernel_size": (4, 8), "stride": 1}, True),  # one window per row
    ],
)
def test_a_warp_for_large_windows_apart(shape, window, accepts):
    x, spec = image(shape, np.float32), pool_spec("pool", shape, **window)
    for operation in ("max_pool", "avg_pool"):
        chosen = dispatch.select(operation, CUDASIM, [x], {"spec": spec})
        assert chosen is rungs(operation)[0 if accepts else 1].function


def test_in_a_large_window_the_last_nan_wins_and_otherwise_the_first_of_equals():
    x = np.zeros((1, 3, 8, 8))
    x[0, 0, 1, 1] = x[0, 0, 5, 3] = np.nan
    x[0, 1, 4, 7] = x[0, 1, 5, 0] = x[0, 1, 7, 7] = 2
    x[0, 2] = -np.inf
    spec = pool_spec("pool", x.shape, 8)
    for k in rungs("max_pool"):
        y, winner = k.function(x, spec=spec)
        np.testing.assert_array_equal(y.ravel(), [np.nan, 2, -np.inf], err_msg=k.name)
        assert winner.ravel().tolist() == [5 * 8 + 3, 4 * 8 + 7, 0], k.name


def test_more_taps_than_a_byte_can_number_are_left_to_the_reference():
    x = image((1, 2, 16, 16), np.float32)
    for kernel, name in (((15, 17), "warp"), (16, "reference")):  # 255 taps and 256
        spec = pool_spec("pool", x.shape, kernel, padding=(0, 1) if name == "warp" else 0)
        taken = [k.name for k in dispatch.kernels("max_pool", CUDASIM) if not k.supports or k.supports(x, spec=spec)]
        assert taken[0] == name
        _, winner = primitives()["max_pool"].body(x, spec=spec)
        assert (winner.dtype == np.uint8) is (name == "warp")
        unpool = dispatch.select("max_unpool", CUDASIM, [winner * x[:, :, :1, :1], winner], {"spec": spec})
        assert (unpool is rungs("max_unpool")[0].function) is (name == "warp")


@pytest.mark.parametrize(
    "spec",
    [
        PoolSpec((2**20,), (1,), (2**12,), ((0, 0),), (1,)),
        PoolSpec((4,), (1,), (1,), ((0, 0),), (1,), divisor_override=2**31),
    ],
    ids=["strides", "divisor"],
)
def test_numbers_beyond_32_bits_are_left_to_the_reference(spec):
    x = np.zeros((1, 1, *spec.input_size), np.float32)
    assert [k.name for k in rungs("avg_pool") if k.supports(x, spec=spec)] == []


def test_integers_are_left_to_the_reference():
    x = np.zeros((1, 1, 4, 4), np.int64)
    assert [k.name for k in rungs("max_pool") if k.supports(x, spec=pool_spec("pool", x.shape, 2))] == []


@pytest.mark.parametrize("shape", [(0, 3, 4, 4), (2, 0, 4, 4)])
def test_empty_batches(shape):
    spec = pool_spec("pool", shape, 2)
    x, g = np.ones(shape, np.float32), np.ones((*shape[:2], 2, 2), np.float32)
    winner = np.zeros(g.shape, np.uint8)
    assert check("max_pool", x, spec=spec) == check("avg_pool", x, spec=spec) == ["slab", "direct"]
    assert check("max_unpool", g, winner, spec=spec) == check("pick", x, winner, spec=spec) == ["slab", "direct"]
    assert check("avg_pool_input_grad", g, spec=spec) == ["slab", "direct"]


# --- what is moved ------------------------------------------------------------------------------------------------

REALISTIC = [
    ((2, 8, 64, 64), {"kernel_size": 2}),
    ((2, 4, 112, 112), {"kernel_size": 2}),
    ((2, 3, 112, 112), {"kernel_size": 3, "stride": 2, "padding": 1}),
    ((2, 4, 56, 56), {"kernel_size": 3, "stride": 1, "padding": 1}),
    ((2, 4, 55, 55), {"kernel_size": 3, "stride": 2}),
    ((4, 16, 7, 7), {"kernel_size": 7}),
    ((2, 8, 56, 56), {"kernel_size": 8}),
]


def moved(kernel, *inputs, spec):
    """Return the sectors that the blocks move, relative to the minimum."""
    with counting() as launches:
        out = kernel.function(*inputs, spec=spec)
    (launch,) = launches
    arrays = [*inputs, *(out if isinstance(out, tuple) else (out,))]
    assert launch.sectors_ideal <= sum(a.nbytes // 32 + 1 for a in arrays)
    return launch.sectors_moved / launch.sectors_ideal


@pytest.mark.parametrize(("shape", "window"), REALISTIC, ids=str)
def test_shipped_kernels_move_little_more_than_they_must(shape, window):
    spec = pool_spec("pool", shape, **window)
    x = image(shape, np.float32, "normal")
    y, winner = primitives()["max_pool"].body(x, spec=spec)
    for operation, inputs in (
        ("max_pool", (x,)),
        ("max_unpool", (y, winner)),
        ("pick", (x, winner)),
        ("avg_pool", (x,)),
        ("avg_pool_input_grad", (y,)),
    ):
        chosen = next(k for k in rungs(operation) if k.supports(*inputs, spec=spec))
        assert 1 <= moved(chosen, *inputs, spec=spec) <= 1.05, operation


def test_the_lower_rung_moves_more():
    shape, window = REALISTIC[2]
    spec, x = pool_spec("pool", shape, **window), image(shape, np.float32, "normal")
    _, slab, direct = rungs("max_pool")
    assert moved(direct, x, spec=spec) == pytest.approx(1.09, abs=0.005)  # the 9% at the head of pool.cu
    assert moved(slab, x, spec=spec) < 1.02


def test_a_warp_asks_for_a_large_window_once():
    shape, window = REALISTIC[5]
    spec, x = pool_spec("pool", shape, **window), image(shape, np.float32, "normal")
    asked = []
    for k in rungs("avg_pool"):
        with counting() as launches:
            k.function(x, spec=spec)
        asked.append(launches[0].sectors_requested / launches[0].sectors_ideal)
    warp, slab, _ = asked
    assert warp < 2
    assert slab > 7
