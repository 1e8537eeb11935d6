"""Tests of pooling against explicit loops, and PyTorch's corner cases: NaN, ties, ceil_mode, divisors of averages.

Gradients, and kernels against the references, are tested in test_primitives.py, for all primitives.
"""

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from minicnn.autograd.tensor import Tensor
from minicnn.geometry import PoolSpec, pool_spec
from minicnn.nn import functional as F
from minicnn.ops.pool import avg_pool, avg_pool_input_grad, max_pool, max_unpool, pick, winner_index
from minicnn.runtime.devices import to_host
from minicnn.testing import cases

Array = np.ndarray[Any, Any]


def windows(spec: PoolSpec) -> Any:
    """Yield each output and the (tap number, position) pairs of its window, including padding."""
    for o in product(*map(range, spec.output_size)):
        places = []
        for tap, k in enumerate(product(*map(range, spec.kernel_size))):
            axes = zip(o, k, spec.stride, spec.dilation, spec.padding, strict=True)
            places.append((tap, tuple(oo * s + kk * d - before for oo, kk, s, d, (before, _) in axes)))
        yield o, places


def inside(place: tuple[int, ...], spec: PoolSpec, padding: bool = False) -> bool:
    pads = spec.padding if padding else ((0, 0),) * len(place)
    return all(-b <= p < i + a for p, i, (b, a) in zip(place, spec.input_size, pads, strict=True))


def naive_max(x: Array, spec: PoolSpec) -> tuple[Array, Array]:
    values = np.zeros((*x.shape[:2], *spec.output_size), x.dtype)
    winners = np.zeros(values.shape, int)
    for n, c in product(*map(range, x.shape[:2])):
        for o, places in windows(spec):
            best = None
            for tap, place in places:
                if inside(place, spec):
                    value = x[(n, c, *place)]
                    if best is None or value > best or np.isnan(value):
                        best, winners[(n, c, *o)] = value, tap
            if best is not None:
                values[(n, c, *o)] = best
    return values, winners


def naive_average(x: Array, spec: PoolSpec) -> Array:
    y = np.zeros((*x.shape[:2], *spec.output_size))
    for n, c in product(*map(range, x.shape[:2])):
        for o, places in windows(spec):
            total = sum(x[(n, c, *place)] for _, place in places if inside(place, spec))
            counted = sum(inside(place, spec, spec.count_include_pad) for _, place in places)
            y[(n, c, *o)] = total / (spec.divisor_override or counted)
    return y


@given(case=cases("max_pool"))
def test_max_against_loops(case, device):
    (x,), spec = case.inputs, case.params["spec"]
    values, winners = (to_host(t.array) for t in max_pool(Tensor._of(x, device=device), spec=spec))
    expected, taps = naive_max(x, spec)
    reached = values != -np.inf  # a dilated window may contain only padding
    np.testing.assert_array_equal(values[reached], expected[reached])
    np.testing.assert_array_equal(winners[reached], taps[reached])


@given(case=cases("avg_pool"))
def test_average_against_loops(case, device):
    (x,), spec = case.inputs, case.params["spec"]
    y = to_host(avg_pool(Tensor._of(x, device=device), spec=spec).array)
    np.testing.assert_allclose(y, naive_average(x, spec), atol=1e-12)


@given(case=cases("max_unpool"))
def test_pick_and_unpool_are_adjoint(case, device):
    (g, winner), spec = case.inputs, case.params["spec"]
    x = Tensor._of(np.random.default_rng(0).standard_normal((*g.shape[:2], *spec.input_size)), device=device)
    tg, tw = Tensor._of(g, device=device), Tensor._of(winner, device=device)
    left = (pick(x, tw, spec=spec) * tg).sum().item()
    assert (x * max_unpool(tg, tw, spec=spec)).sum().item() == pytest.approx(left, abs=1e-9)


@given(case=cases("avg_pool"))
def test_average_and_its_gradient_are_adjoint(case, device):
    (x,), spec = case.inputs, case.params["spec"]
    tx = Tensor._of(x, device=device)
    y = avg_pool(tx, spec=spec)
    g = Tensor._of(np.random.default_rng(0).standard_normal(y.shape), device=device)
    back = avg_pool_input_grad(g, spec=spec)
    assert (tx * back).sum().item() == pytest.approx((y * g).sum().item(), abs=1e-9)


@given(case=cases("max_pool"))
def test_the_index_points_at_the_maximum(case, device):
    (x,), spec = case.inputs, case.params["spec"]
    values, winners = max_pool(Tensor._of(x, device=device), spec=spec)
    index, values = (to_host(t.array) for t in (winner_index(winners, spec=spec), values))
    assert index.dtype == np.int64
    for place in np.argwhere(index >= 0):
        n, c, *_ = place
        np.testing.assert_equal(x[n, c].ravel()[index[tuple(place)]], values[tuple(place)])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nan_wins_and_otherwise_the_first_of_equals(device, dtype):
    x = np.ones((1, 1, 4, 4), dtype)
    x[0, 0, 1, 0] = x[0, 0, 1, 1] = np.nan
    values, index = F.max_pool2d(Tensor._of(x, device=device), 2, return_indices=True)
    np.testing.assert_array_equal(to_host(values.array), [[[[np.nan, 1], [1, 1]]]])
    assert index.tolist() == [[[[5, 2], [8, 10]]]]  # the last of several NaN wins, as in PyTorch
    assert values.dtype == dtype


def test_the_gradient_of_ties_goes_to_the_first(device):
    x = Tensor._of(np.ones((1, 1, 2, 4)), requires_grad=True, device=device)
    F.max_pool2d(x, 2).sum().backward()
    assert x.grad.tolist() == [[[[1, 0, 1, 0], [0, 0, 0, 0]]]]


def test_overlapping_windows_add_their_gradients(device):
    x = Tensor._of(np.array([[[0.0, 5.0, 0.0]]]), requires_grad=True, device=device)
    F.max_pool1d(x, 2, stride=1).sum().backward()
    assert x.grad.tolist() == [[[0, 2, 0]]]


@pytest.mark.parametrize("value", [-np.inf, -1e30])
def test_padding_never_wins(device, value):
    x = Tensor._of(np.full((1, 1, 3, 3), value), device=device)
    values, index = F.max_pool2d(x, 3, stride=2, padding=1, return_indices=True)
    assert (to_host(values.array) == value).all()
    assert index.tolist() == [[[[0, 1], [3, 4]]]]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [  # recorded from PyTorch 2.13 for ones of (1, 1, 5, 5), first row
        ({"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}, [4 / 9, 2 / 3, 4 / 9]),
        ({"kernel_size": 3, "stride": 2, "padding": 1, "count_include_pad": False}, [1, 1, 1]),
        ({"kernel_size": 2, "stride": 2, "ceil_mode": True}, [1, 1, 1]),
        ({"kernel_size": 2, "stride": 2, "ceil_mode": True, "divisor_override": 2}, [2, 2, 1]),
        ({"kernel_size": 2, "stride": 3, "padding": 1, "ceil_mode": True}, [0.25, 0.5]),
    ],
)
def test_what_an_average_divides_by(device, arguments, expected):
    y = F.avg_pool2d(Tensor._of(np.ones((1, 1, 5, 5)), device=device), **arguments)
    np.testing.assert_allclose(to_host(y.array)[0, 0, 0], expected)


@pytest.mark.parametrize("pool", [F.max_pool2d, F.avg_pool2d])
@pytest.mark.parametrize("shape", [(0, 3, 4, 4), (1, 1, 2, 2), (2, 0, 4, 4)])
def test_empty_and_tiny(device, pool, shape):
    x = Tensor._of(np.ones(shape, np.float32), requires_grad=True, device=device)
    y = pool(x, 2)
    y.sum().backward()
    assert y.shape == (*shape[:2], shape[2] // 2, shape[3] // 2)
    assert (x.grad.shape, x.grad.dtype) == (shape, np.float32)


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.bool_])
def test_a_maximum_of_integers(device, dtype):
    x = np.array([[[0, 1, 1, 0, 0]]], dtype)
    y = F.max_pool1d(Tensor._of(x, device=device), 3, stride=2, padding=1, ceil_mode=True)
    assert (y.dtype, y.tolist()) == (dtype, np.array([[[1, 1, 0]]], dtype).tolist())


def test_a_window_without_a_place():
    spec = pool_spec("max_pool1d", (1, 1, 1), 2, 1, 2, 3, axes=1)
    values, _ = max_pool(Tensor._of(np.ones((1, 1, 1))), spec=spec)
    assert values.shape == (1, 1, *spec.output_size)


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (7, 7), (9, 31)])
@pytest.mark.parametrize("divisor", [None, 3])
def test_the_average_of_a_whole_plane_and_its_gradient(size, divisor, device):
    rng = np.random.default_rng(0)
    x, g = rng.standard_normal((5, 200, *size)), rng.standard_normal((5, 200, 1, 1))
    spec = pool_spec("avg_pool2d", x.shape, size, divisor_override=divisor)
    t = Tensor._of(x, requires_grad=True, device=device)
    y = avg_pool(t, spec=spec)
    y.backward(Tensor._of(g, device=device))
    count = divisor or size[0] * size[1]
    np.testing.assert_allclose(to_host(y.detach().array), x.sum((2, 3), keepdims=True) / count, rtol=0, atol=1e-12)
    np.testing.assert_allclose(to_host(t.grad.array), np.broadcast_to(g / count, x.shape), rtol=1e-12)


@given(case=cases("max_pool"))
def test_the_reference_of_max_against_loops(case):
    (x,), spec = case.inputs, case.params["spec"]
    x = np.round(x)  # many are equal
    values, winners = max_pool.body(x, spec=spec)
    expected, taps = naive_max(x, spec)
    reached = values != -np.inf
    np.testing.assert_array_equal(values[reached], expected[reached])
    np.testing.assert_array_equal(winners[reached], taps[reached])
    back, g = np.zeros(x.shape), np.random.default_rng(0).standard_normal(values.shape)
    picked = np.zeros(values.shape)
    for n, c in product(*map(range, x.shape[:2])):
        for o, places in windows(spec):
            place = places[winners[(n, c, *o)]][1]
            if inside(place, spec):
                back[(n, c, *place)] += g[(n, c, *o)]
                picked[(n, c, *o)] = x[(n, c, *place)]
    np.testing.assert_allclose(max_unpool.body(g, winners, spec=spec), back, atol=1e-12)
    np.testing.assert_array_equal(pick.body(x, winners, spec=spec), picked)


@given(case=cases("avg_pool"))
def test_the_reference_of_averages_against_loops(case):
    (x,), spec = case.inputs, case.params["spec"]
    y = avg_pool.body(x, spec=spec)
    np.testing.assert_allclose(y, naive_average(x, spec), atol=1e-12)
    g = np.random.default_rng(0).standard_normal(y.shape)
    assert (avg_pool_input_grad.body(g, spec=spec) * x).sum() == pytest.approx((y * g).sum(), abs=1e-9)


def test_of_equal_elements_the_first_inside_the_image_wins():
    x = np.zeros((1, 1, 3, 3))
    spec = pool_spec("test", x.shape, 2, 2, 1)
    for value in (0.0, -np.inf):
        x[...] = value
        assert max_pool.body(x, spec=spec)[1].tolist() == [[[[3, 2], [1, 0]]]]
        assert max_pool(Tensor._of(x), spec=spec)[1].tolist() == [[[[3, 2], [1, 0]]]]
