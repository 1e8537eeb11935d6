"""Tests of convolution against explicit loops, SciPy, and the identities of its three primitives.

Gradients, and kernels against the references, are tested in test_primitives.py, for all primitives.
"""

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import correlate

from minicnn.autograd.tensor import Tensor
from minicnn.geometry import ConvSpec, conv_spec
from minicnn.ops.conv import conv, conv_input_grad, conv_weight_grad, padded
from minicnn.runtime import dispatch
from minicnn.runtime.devices import to_host
from minicnn.testing import cases

Array = np.ndarray[Any, Any]


def terms(spec: ConvSpec, n: int, filters: int, channels: int) -> Any:
    """Yield the (output, input, weight) indices of every product in a convolution."""
    per_group_in, per_group_out = channels // spec.groups, filters // spec.groups
    for f, c in product(range(filters), range(per_group_in)):
        channel = f // per_group_out * per_group_in + c
        for k in product(*map(range, spec.kernel_size)):
            for o in product(*map(range, spec.output_size)):
                axes = zip(o, k, spec.stride, spec.dilation, spec.padding, strict=True)
                i = tuple(oo * s + kk * d - before for oo, kk, s, d, (before, _) in axes)
                if all(0 <= p < size for p, size in zip(i, spec.input_size, strict=True)):
                    for image in range(n):
                        yield (image, f, *o), (image, channel, *i), (f, c, *k)


@given(case=cases("conv"))
def test_three_forms_against_loops(case):
    x, w = case.inputs
    spec = case.params["spec"]
    g = np.random.default_rng(0).standard_normal((x.shape[0], w.shape[0], *spec.output_size))
    y, back, weight = np.zeros(g.shape), np.zeros(x.shape), np.zeros(w.shape)
    for out, at, tap in terms(spec, x.shape[0], w.shape[0], x.shape[1]):
        y[out] += x[at] * w[tap]
        back[at] += g[out] * w[tap]
        weight[tap] += g[out] * x[at]
    tx, tw, tg = Tensor._of(x), Tensor._of(w), Tensor._of(g)
    np.testing.assert_allclose(conv(tx, tw, spec=spec).array, y, atol=1e-10)
    np.testing.assert_allclose(conv_input_grad(tg, tw, spec=spec).array, back, atol=1e-10)
    np.testing.assert_allclose(conv_weight_grad(tx, tg, spec=spec).array, weight, atol=1e-10)
    np.testing.assert_allclose(conv.body(x, w, spec=spec), y, atol=1e-10)
    np.testing.assert_allclose(conv_input_grad.body(g, w, spec=spec), back, atol=1e-10)
    np.testing.assert_allclose(conv_weight_grad.body(x, g, spec=spec), weight, atol=1e-10)


@given(case=cases("conv"), seed=st.integers(0, 99))
def test_one_trilinear_form(case, device, seed):
    """<conv(x, w), g> = <x, conv_input_grad(g, w)> = <w, conv_weight_grad(x, g)>."""
    x, w = (Tensor._of(a, device=device) for a in case.inputs)
    y = conv(x, w, **case.params)
    g = Tensor._of(np.random.default_rng(seed).standard_normal(y.shape), device=device)
    form = (y * g).sum().item()
    assert (x * conv_input_grad(g, w, **case.params)).sum().item() == pytest.approx(form, rel=1e-9, abs=1e-9)
    assert (w * conv_weight_grad(x, g, **case.params)).sum().item() == pytest.approx(form, rel=1e-9, abs=1e-9)


@given(case=cases("conv"), a=st.sampled_from([-2.0, 0.0, 0.5, 3.0]))
def test_linear_in_each_argument(case, device, a):
    x, w = (Tensor._of(array, device=device) for array in case.inputs)
    rng = np.random.default_rng(1)
    other_x, other_w = (Tensor._of(rng.standard_normal(t.shape), device=device) for t in (x, w))

    def f(x, w):
        return to_host(conv(x, w, **case.params).array)

    np.testing.assert_allclose(f(x * a + other_x, w), a * f(x, w) + f(other_x, w), atol=1e-10)
    np.testing.assert_allclose(f(x, w * a + other_w), a * f(x, w) + f(x, other_w), atol=1e-10)


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_moving_the_image_moves_the_result(device, stride):
    x = np.zeros((1, 2, 24, 17))
    x[..., 6:12, 6:11] = np.random.default_rng(0).standard_normal((1, 2, 6, 5))
    w = Tensor._of(np.random.default_rng(1).standard_normal((3, 2, 3, 3)), device=device)
    spec = conv_spec("conv2d", x.shape, w.shape, stride=stride, padding=1)
    y, moved = (
        to_host(conv(Tensor._of(image, device=device), w, spec=spec).array)
        for image in (x, np.roll(x, (stride, -stride), (2, 3)))
    )
    np.testing.assert_allclose(moved, np.roll(y, (1, -1), (2, 3)), atol=1e-12)


@pytest.mark.parametrize("shape", [(7,), (6, 5), (4, 5, 3)])
@pytest.mark.parametrize("mode", ["valid", "same", "full"])
def test_against_scipy(device, shape, mode):
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, 3, *shape)), rng.standard_normal((4, 3, *(3,) * len(shape)))
    padding = {"valid": 0, "same": 1, "full": 2}[mode]
    spec = conv_spec("conv", x.shape, w.shape, padding=padding)
    y = to_host(conv(Tensor._of(x, device=device), Tensor._of(w, device=device), spec=spec).array)
    expected = [[sum(correlate(x[n, c], w[f, c], mode) for c in range(3)) for f in range(4)] for n in range(2)]
    np.testing.assert_allclose(y, expected, atol=1e-12)


def test_by_hand(device):
    x = Tensor._of(np.arange(9.0).reshape(1, 1, 3, 3), device=device)
    w = Tensor._of(np.array([[[[1.0, 0.0], [0.0, -1.0]]]]), device=device)
    spec = conv_spec("conv2d", x.shape, w.shape)
    assert conv(x, w, spec=spec).tolist() == [[[[-4.0, -4.0], [-4.0, -4.0]]]]


@pytest.mark.parametrize(("batch", "size"), [(0, 5), (1, 1), (3, 1), (2, 13)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shapes_at_the_edge(device, batch, size, dtype):
    x = Tensor._of(np.ones((batch, 4, size, size), dtype), requires_grad=True, device=device)
    w = Tensor._of(np.ones((6, 4, 3, 3), dtype), requires_grad=True, device=device)
    y = conv(x, w, spec=conv_spec("conv2d", x.shape, w.shape, padding=1))
    y.sum().backward()
    assert (y.shape, y.dtype) == ((batch, 6, size, size), dtype)
    assert (x.grad.shape, x.grad.dtype) == (x.shape, dtype)
    assert (w.grad.shape, w.grad.dtype) == (w.shape, dtype)
    assert np.isfinite(to_host(w.grad.array)).all()


def test_nan_reaches_only_the_windows_that_see_it(device):
    x = np.ones((1, 4, 9, 9), np.float32)
    x[0, 0, 4, 4] = np.nan
    w = Tensor._of(np.ones((8, 4, 3, 3), np.float32), device=device)
    spec = conv_spec("conv2d", x.shape, w.shape, padding=1)
    for kernel in dispatch.kernels("conv", device):
        if not kernel.accepts([device.array(x), w.array], {"spec": spec}):
            continue
        y = to_host(kernel.function(device.array(x), w.array, spec=spec))
        assert np.isnan(y[:, :, 4, 4]).all(), kernel.name
        assert np.isfinite(y[:, :, 0, 0]).all(), kernel.name


def test_padded_leaves_what_needs_nothing_alone():
    x = np.ones((1, 1, 4, 4))
    assert padded(x, conv_spec("conv2d", x.shape, (1, 1, 3, 3))) is x
    assert padded(x, conv_spec("conv2d", x.shape, (1, 1, 3, 3), padding=((1, 0), (0, 2)))).shape == (1, 1, 5, 6)


def test_the_input_gradient_is_cropped_where_the_padding_begins():
    """One tap starts before the image, one ends after it; the gradient leaves out both parts."""
    g, w = np.array([[[1.0, 10.0, 100.0, 1000.0, 10000.0]]]), np.array([[[1.0, 2.0, 3.0]]])
    spec = conv_spec("test", (1, 1, 4), w.shape, padding=((2, 1),))
    assert conv_input_grad.body(g, w, spec=spec).tolist() == [[[123.0, 1230.0, 12300.0, 23000.0]]]
