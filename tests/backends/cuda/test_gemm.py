"""Tests of every rung of the matrix product: results in all sizes and layouts, no copies, no bank conflicts."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from minicnn.backends.cuda import gemm
from minicnn.backends.cuda.simulator import counting, simulate
from minicnn.runtime import dispatch
from minicnn.runtime.devices import CUDASIM, Device

pytestmark = pytest.mark.skipif(bool(Device.reasons()["cudasim"]), reason="needs a C++ compiler")

NAMES = ["split", "warp_tiles", "vec4", "registers_2d", "registers_1d", "shared", "coalesced", "naive"]
SIZES = [0, 1, 2, 3, 4, 7, 8, 16, 17, 31, 36, 64, 65, 127, 128, 129, 132, 200]  # near the tile sizes of all rungs
RNG = np.random.default_rng(0)


def rung(name, operation="matmul"):
    (found,) = [k for k in dispatch.kernels(operation, CUDASIM) if (k.backend, k.name) == ("cuda", name)]
    return found


def matrices(shape, layout, dtype=np.float64, rng=RNG):
    """Return matrices stored in rows, in columns (a transposed view), backwards, or misaligned for Vec4."""
    *lead, n, m = shape
    x = rng.normal(size=(*lead, m + 1, n) if layout == "columns" else (*lead, n, m + 1)).astype(dtype)
    if layout == "columns":
        return x[..., :m, :].swapaxes(-1, -2) if lead else np.ascontiguousarray(x[:m]).T
    if layout == "backwards":
        return x[..., ::-1, :m]
    return x[..., 1:] if layout == "misaligned" else np.ascontiguousarray(x[..., :m])


def assert_product(y, a, b):
    """Compare y with a @ b in float64; the error may be a few roundings of the sum of absolute products."""
    exact = a.astype(np.float64) @ b.astype(np.float64)
    size = np.abs(a.astype(np.float64)) @ np.abs(b.astype(np.float64))
    assert (y.dtype, y.shape) == (a.dtype, exact.shape)
    assert np.isfinite(y).all()
    assert (np.abs(y - exact) <= 0.5 * np.sqrt(a.shape[-1] + 1) * 4 * np.finfo(a.dtype).eps * size).all()


LAYOUTS = st.sampled_from(["rows", "columns", "backwards", "misaligned"])


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_every_rung_in_all_sizes_and_layouts(name, data):
    n, k, m = (data.draw(st.sampled_from(SIZES)) for _ in range(3))
    assume(n * k * m <= 1_200_000)
    lead = data.draw(st.sampled_from([(), (), (2,), (1, 3), (0,)]))
    if name == "vec4":
        k, m = k // 4 * 4, m // 4 * 4
    dtype = data.draw(st.sampled_from([np.float32, np.float64]))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    a = matrices((*lead, n, k), data.draw(LAYOUTS), dtype, rng)
    b = matrices((*lead, k, m), data.draw(LAYOUTS), dtype, rng)
    assert rung(name).supports(a, b)
    y = rung(name).function(a, b)
    assert_product(y, a, b)
    with simulate(order="shuffled"):
        again = rung(name).function(a, b)
    assert y.tobytes() == again.tobytes()
    if not lead:
        w = np.ascontiguousarray(b.T)
        assert rung(name, "linear").supports(a, w)
        assert_product(rung(name, "linear").function(a, w), a, w.T)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("sizes", [(129, 21, 70), (132, 20, 68)], ids=["odd", "multiples of 4"])
def test_infinity_and_nan_stay_in_their_rows_and_columns(name, sizes):
    n, k, m = sizes
    a, b = matrices((n, k), "rows"), matrices((k, m), "rows")
    a[-1, 0], a[3, -1], b[0, -1], b[-1, 2] = np.inf, np.nan, np.nan, -np.inf
    if rung(name).supports(a, b):
        with np.errstate(invalid="ignore"):
            np.testing.assert_allclose(rung(name).function(a, b), a @ b, rtol=1e-9, atol=1e-12)
    else:
        assert (name, sizes[0]) == ("vec4", 129)


@pytest.fixture
def launched(monkeypatch):
    """The launches of the wrappers: kernel names and arguments."""
    calls = []
    launch = gemm.source.launch

    def record(entry, grid, block, *arguments):
        calls.append((entry, arguments))
        launch(entry, grid, block, *arguments)

    monkeypatch.setattr(gemm.source, "launch", record)
    return calls


@pytest.mark.parametrize(
    ("left", "right", "layout"), [("rows", "rows", "nn"), ("rows", "columns", "nt"), ("columns", "rows", "tn")]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_transposed_operands_are_read_where_they_lie(left, right, layout, dtype, launched):
    a, b = matrices((132, 36), left, dtype), matrices((36, 128), right, dtype)
    assert_product(rung("warp_tiles").function(a, b), a, b)
    odd, turned = a[:131], b[:, :127]  # not contiguous if stored in columns
    assert_product(rung("warp_tiles").function(odd, turned), odd, turned)
    assert_product(rung("split").function(a, b), a, b)
    for name in ("registers_2d", "naive"):
        assert_product(rung(name).function(a, b), a, b)
    names = [entry for entry, _ in launched]
    assert names[0] == f"gemm_warp_{layout}"
    assert names[1].endswith("_odd")
    assert names[2:] == [f"gemm_split_{layout}", "gemm_registers_2d", "gemm_naive"]
    for entry, arguments in launched:
        if not entry.endswith("_odd"):
            assert np.shares_memory(arguments[0], a)
            assert np.shares_memory(arguments[1], b)


@pytest.mark.parametrize("layout", ["nn", "nt", "tn"])
def test_odd_sizes_in_every_layout(layout, launched):
    a = matrices((131, 19), "columns" if layout[0] == "t" else "rows")
    b = matrices((19, 129), "columns" if layout[1] == "t" else "rows")
    assert_product(rung("warp_tiles").function(a, b), a, b)
    assert [entry for entry, _ in launched] == [f"gemm_warp_{layout}_odd"]


def test_of_two_transposed_operands_one_is_copied(launched):
    a, b = matrices((20, 30), "columns"), matrices((30, 40), "columns")
    assert_product(rung("warp_tiles").function(a, b), a, b)
    ((entry, arguments),) = launched
    assert entry == "gemm_warp_tn"
    assert np.shares_memory(arguments[0], a)
    assert not np.shares_memory(arguments[1], b)


def test_many_k_are_summed_in_parts(launched):
    a, b = matrices((10, 3000), "rows", np.float32), matrices((3000, 70), "rows", np.float32)
    assert_product(rung("split").function(a, b), a, b)
    (entry, arguments), (last, _) = launched
    assert (entry, last) == ("gemm_split_nn", "gemm_sum")
    parts, share = arguments[-1][-2:]
    assert arguments[2].shape == (parts, 10, 70)
    assert parts == -(-3000 // share) == 24
    assert share % gemm.DEPTH == 0


def test_few_k_are_not(launched):
    a, b = matrices((10, 120), "rows"), matrices((120, 70), "rows")
    assert_product(rung("split").function(a, b), a, b)
    assert [entry for entry, _ in launched] == ["gemm_split_nn"]


@pytest.mark.parametrize(
    ("shape", "name"),
    [
        ((2048, 2048, 2048), "warp_tiles"),
        ((1200, 5, 1300), "warp_tiles"),
        ((64, 1024, 100_000), "split"),
        ((100_000, 1024, 1), "split"),
        ((500, 500, 500), "split"),
    ],
)
def test_small_products_take_the_small_tiles(shape, name):
    n, k, m = shape
    a, b = (np.broadcast_to(np.float32(0), s) for s in ((n, k), (k, m)))  # shapes without memory
    assert dispatch.select("matmul", CUDASIM, [a, b], {}) is rung(name).function
    assert dispatch.select("linear", CUDASIM, [a, b.T], {}) is rung(name, "linear").function


def test_what_does_not_fit_is_left_to_the_reference():
    column, row = (np.broadcast_to(np.float32(0), s) for s in ((2**16, 1), (1, 2**16)))
    whole = np.ones((3, 3), np.int64)
    for a, b in ((column, row), (whole, whole), (whole.astype(np.float32), whole.astype(np.float64))):
        assert not any(rung(name).supports(a, b) for name in NAMES)
    x = np.zeros((4, 6), np.float32)
    assert not rung("vec4").supports(x, x.T[:, :3])
    assert not rung("vec4").supports(x[:, :4], np.zeros((4, 5), np.float32))


def test_shared_memory_without_bank_conflicts():
    with counting() as launches:
        for n, k, m in ((128, 16, 128), (127, 13, 125)):
            for left, right in (("rows", "rows"), ("rows", "columns"), ("columns", "rows")):
                a, b = matrices((n, k), left, np.float32), matrices((k, m), right, np.float32)
                rung("warp_tiles").function(a, b)
        a, b = (matrices((128, 128), "rows", np.float32) for _ in range(2))
        rung("vec4").function(a[:, :16], b[:16])
    *top, lower = launches
    assert len({launch.entry for launch in top}) == 6
    assert all(launch.shared_wavefronts == launch.shared_ideal > 0 for launch in top)
    assert lower.shared_wavefronts > 1.2 * lower.shared_ideal  # bank conflicts, which the warp tiles avoid


def test_sides_that_a_tile_would_carry_beyond_32_bits_are_for_lower_rungs():
    a, b = np.ones((1, 1), np.float32), np.broadcast_to(np.float32(1), (1, 200_000_000))
    taken = [k.name for k in dispatch.kernels("matmul", CUDASIM) if k.supports is not None and k.supports(a, b)]
    assert taken[0] == "registers_2d"
