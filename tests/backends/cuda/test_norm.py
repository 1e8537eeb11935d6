"""Tests of statistics and normalisation: every rung in higher precision, with large means, and its memory traffic."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicnn.backends.cuda import norm
from minicnn.backends.cuda.simulator import counting, simulate
from minicnn.runtime import dispatch
from minicnn.runtime.devices import CUDASIM, Device

pytestmark = pytest.mark.skipif(bool(Device.reasons()["cudasim"]), reason="needs a C++ compiler")

NAMES = ["columns", "warp", "split", "block", "two_pass"]
EPS = 1e-5


def rung(name, operation="normalize"):
    (found,) = [k for k in dispatch.kernels(operation, CUDASIM) if (k.backend, k.name) == ("cuda", name)]
    return found


def applicable(x, axes):
    return [
        k.name
        for k in dispatch.kernels("normalize", CUDASIM)
        if k.backend == "cuda" and k.supports(x, axes=axes, eps=EPS)
    ]


def exact(x, axes):
    """Return x - mean and rstd in long double, which is more precise than the kernels."""
    x = x.astype(np.longdouble)
    return x - x.mean(axis=axes, keepdims=True), 1 / np.sqrt(x.var(axis=axes, keepdims=True) + EPS)


def assert_right(name, x, axes):
    centred, rstd = exact(x, axes)
    precision = np.finfo(x.dtype).eps
    y, r = rung(name).function(x, axes=axes, eps=EPS), rung(name, "rstd").function(x, axes=axes, eps=EPS)
    assert (y.dtype, y.shape, r.dtype, r.shape) == (x.dtype, x.shape, x.dtype, rstd.shape)
    count = x.size // rstd.size
    rounding = 20 * precision * (np.log2(count + 1) if name != "two_pass" else np.sqrt(count))
    assert (np.abs(r - rstd) <= rounding * rstd).all()
    # The mean is rounded once, relative to its own size; all other errors are relative to the deviations.
    mean = np.abs(x.astype(np.longdouble).mean(axis=axes, keepdims=True))
    assert (np.abs(y - centred * rstd) <= (precision * mean + rounding * (np.abs(centred) + 1 / rstd)) * rstd).all()
    with simulate(order="shuffled"):
        assert y.tobytes() == rung(name).function(x, axes=axes, eps=EPS).tobytes()


PLANES = {"columns": [(), (1,), (7,), (2, 3)], "split": [(45, 47), (2100,), (48, 52), (33, 8, 9)]}
CHANNELS = {"columns": [2, 3, 31, 33, 100], "split": [1, 2, 3, 5], "warp": [1, 3, 9, 16], "two_pass": [1, 3, 257]}
BATCHES = {"columns": [2, 3, 33, 65, 300], "split": [2, 3, 4]}


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_every_rung_in_all_shapes(name, data):
    plane = data.draw(st.sampled_from(PLANES.get(name, [(), (1,), (5,), (4, 4), (7, 9), (2, 3, 5)])))
    channels = data.draw(st.sampled_from(CHANNELS.get(name, [1, 2, 3, 8])))
    batch = data.draw(st.sampled_from(BATCHES.get(name, [1, 2, 3, 5])))
    kind = data.draw(
        st.sampled_from(["batch", "batch", "instance", "layer"] if name in ("warp", "two_pass") else ["batch"])
    )
    shape = (batch, channels, *plane)
    spatial = tuple(range(2, len(shape)))
    axes = {"batch": (0, *spatial), "instance": spatial or (1,), "layer": (1, *spatial)}[kind]
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    dtype = data.draw(st.sampled_from([np.float32, np.float64]))
    offset = data.draw(st.sampled_from([0.0, 1e4, -3e5 if dtype == np.float64 else -300.0]))
    x = rng.normal(offset, 1, shape).astype(dtype)
    if data.draw(st.booleans()):
        x.reshape(-1)[0] += 1e3  # the element that is subtracted from all others is an outlier
    if data.draw(st.booleans()):
        x = np.ascontiguousarray(x.T).T[::-1]
    assert name in applicable(x, axes)
    assert_right(name, x, axes)


@pytest.mark.parametrize(
    ("shape", "axes", "expected"),
    [
        ((64, 128), (0,), ["columns", "warp", "block", "two_pass"]),
        ((2000, 128, 1, 1), (0, 2, 3), ["columns", "block", "two_pass"]),
        ((16, 512, 7, 7), (0, 2, 3), ["warp", "block", "two_pass"]),
        ((32, 512, 7, 7), (0, 2, 3), ["block", "two_pass"]),
        ((16, 64, 56, 56), (0, 2, 3), ["split", "block", "two_pass"]),
        ((4, 64, 16, 16), (2, 3), ["warp", "block", "two_pass"]),
        ((1, 3, 512, 512), (2, 3), ["split", "block", "two_pass"]),
        ((2, 200, 100), (-1, 1), ["split", "block", "two_pass"]),
        ((8, 100, 768), (2,), ["warp", "block", "two_pass"]),
        ((5, 6, 7), (0, 1, 2), ["warp", "block", "two_pass"]),
        ((1, 1), (0,), ["warp", "block", "two_pass"]),
        ((1, 5, 1, 6), (1, 3), ["warp", "block", "two_pass"]),
        ((3, 4, 5), (1,), []),  # kept axes before and after the reduced axis
        ((3, 4, 5, 6), (0, 2), []),
        ((0, 4), (0,), []),
    ],
)
def test_which_rungs_apply(shape, axes, expected):
    assert applicable(np.broadcast_to(np.float32(0), shape), axes) == expected


def test_only_floats():
    assert applicable(np.ones((3, 4), np.int64), (0,)) == []
    assert applicable(np.ones((3, 4), np.float16), (0,)) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_variance_is_biased(name):
    repeats = norm.PIECE if name == "split" else 1
    x, expected = (
        np.tile(np.array([row, row]).T, (repeats, 1)) for row in ([1.0, 2.0, 3.0, 6.0], [-1.0, -0.5, 0.0, 1.5])
    )
    axes = (0,)  # mean 3, variance 3.5
    assert name in applicable(x, axes)
    np.testing.assert_allclose(rung(name, "rstd").function(x, axes=axes, eps=0.5), 0.5, rtol=1e-14)
    np.testing.assert_allclose(rung(name).function(x, axes=axes, eps=0.5), expected, atol=1e-14)


def problem(name):
    """Return a small input for a rung: an array of shape (rows, 3, ...) with statistics per channel."""
    shape = {"columns": (40, 3, 2), "split": (2, 3, 50, 50)}.get(name, (2, 3, 9, 9))
    x = np.random.default_rng(0).normal(size=shape)
    axes = (0, *range(2, x.ndim))
    assert name in applicable(x, axes)
    return x, axes


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_stay_in_their_channel(name, value):
    x, axes = problem(name)
    right = rung(name).function(x, axes=axes, eps=EPS)
    for first in (True, False):
        spoilt = x.copy()
        spoilt[(0 if first else -1, 1, *((0 if first else -1,) * (x.ndim - 2)))] = value
        y, r = (rung(name, operation).function(spoilt, axes=axes, eps=EPS) for operation in ("normalize", "rstd"))
        assert np.isnan(y[:, 1]).all()
        assert np.isnan(r[:, 1]).all()
        np.testing.assert_array_equal(y[:, ::2], right[:, ::2])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [0.1, 1e30, -7777.77])
def test_a_constant_channel_is_zero(name, value):
    x, axes = problem(name)
    x = np.full_like(x, value, dtype=np.float32)
    assert not rung(name).function(x, axes=axes, eps=EPS).any()
    rstd = rung(name, "rstd").function(x, axes=axes, eps=EPS)
    np.testing.assert_allclose(rstd, 1 / np.sqrt(EPS), rtol=1e-6)


@pytest.mark.parametrize("shape", [(4, 6, 32, 32), (4, 6, 31, 33), (16, 5, 7, 7), (512, 96)])
def test_x_comes_once_for_the_statistics_and_once_for_y(shape):
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    axes = (0, *range(2, x.ndim))
    (name, *_) = applicable(x, axes)
    with counting() as launches:
        rung(name).function(x, axes=axes, eps=EPS)
    apply = launches[-1]
    assert apply.entry == "norm_apply"
    assert apply.sectors_moved <= 1.05 * apply.sectors_ideal
    assert apply.sectors_ideal <= 1.05 * 2 * x.nbytes / 32
    read = sum(launch.sectors_moved for launch in launches[:-1])
    assert x.nbytes / 32 <= read <= (1.5 if name == "columns" else 1.15) * x.nbytes / 32  # x once, and the partial sums


def test_few_channels_are_split_over_blocks():
    x = np.random.default_rng(0).normal(size=(2, 3, 50, 52)).astype(np.float32)
    with counting() as launches:
        rung("split").function(x, axes=(0, 2, 3), eps=EPS)
        rung("split").function(x[..., 1:], axes=(0, 2, 3), eps=EPS)
    assert [(launch.entry, launch.grid[0]) for launch in launches] == [
        ("norm_split_vec4", 6),
        ("norm_combine", 1),
        ("norm_apply", 4),
        ("norm_split", 6),
        ("norm_combine", 1),
        ("norm_apply", 4),
    ]


def test_parts_without_rows_count_nothing():
    x = np.random.default_rng(0).normal(size=(6145, 2)).astype(np.float32)  # 192 parts of 33 rows: the last are empty
    assert applicable(x, (0,))[0] == "columns"
    assert_right("columns", x, (0,))
