"""Tests of im2col and col2im against explicit loops, and of convolution as a matrix product with im2col."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from minicnn.autograd.tensor import Tensor
from minicnn.geometry import ConvSpec, conv_spec
from minicnn.ops.conv import conv, conv_input_grad
from minicnn.ops.im2col import col2im, im2col
from minicnn.runtime.devices import to_host
from minicnn.testing import cases

Array = np.ndarray[Any, Any]


def meetings(spec: ConvSpec) -> Any:
    """Yield (tap number, output number, position in the image) for every element of every window."""
    for k, tap in enumerate(product(*map(range, spec.kernel_size))):
        for o, out in enumerate(product(*map(range, spec.output_size))):
            axes = zip(out, tap, spec.stride, spec.dilation, spec.padding, strict=True)
            place = tuple(oo * s + kk * d - before for oo, kk, s, d, (before, _) in axes)
            if all(0 <= p < size for p, size in zip(place, spec.input_size, strict=True)):
                yield k, o, place


@given(case=cases("im2col"))
def test_im2col_against_loops(case, device):
    (x,), spec = case.inputs, case.params["spec"]
    taps = len(spec.taps)
    expected = np.zeros((x.shape[0], x.shape[1] * taps, int(np.prod(spec.output_size))), x.dtype)
    for k, o, place in meetings(spec):
        expected[:, k::taps, o] = x[(slice(None), slice(None), *place)]
    np.testing.assert_array_equal(to_host(im2col(Tensor._of(x, device=device), spec=spec).array), expected)


@given(case=cases("col2im"))
def test_col2im_against_loops(case, device):
    (columns,), spec = case.inputs, case.params["spec"]
    taps = len(spec.taps)
    expected = np.zeros((columns.shape[0], columns.shape[1] // taps, *spec.input_size), columns.dtype)
    for k, o, place in meetings(spec):
        expected[(slice(None), slice(None), *place)] += columns[:, k::taps, o]
    np.testing.assert_allclose(
        to_host(col2im(Tensor._of(columns, device=device), spec=spec).array), expected, atol=1e-12
    )


@given(case=cases("im2col"))
def test_they_are_adjoint(case, device):
    x, spec = Tensor._of(case.inputs[0], device=device), case.params["spec"]
    columns = im2col(x, spec=spec)
    g = Tensor._of(np.random.default_rng(0).standard_normal(columns.shape), device=device)
    assert (x * col2im(g, spec=spec)).sum().item() == pytest.approx((columns * g).sum().item(), abs=1e-9)


def test_convolution_is_a_product_with_columns(device):
    rng = np.random.default_rng(0)
    x, w = (Tensor._of(rng.standard_normal(s), device=device) for s in ((2, 3, 7, 6), (4, 3, 3, 2)))
    spec = conv_spec("conv2d", x.shape, w.shape, stride=(2, 1), padding=((1, 0), (0, 2)), dilation=(1, 2))
    y = conv(x, w, spec=spec)
    product = w.reshape(4, -1) @ im2col(x, spec=spec)
    np.testing.assert_allclose(to_host(product.array), to_host(y.reshape(2, 4, -1).array), atol=1e-12)
    back = col2im(w.reshape(4, -1).T @ product, spec=spec)
    np.testing.assert_allclose(to_host(back.array), to_host(conv_input_grad(y, w, spec=spec).array), atol=1e-12)


def test_by_hand(device):
    spec = conv_spec("unfold", (1, 1, 2, 2), (1, 1, 2, 1), padding=((1, 0), (0, 0)))
    columns = im2col(Tensor._of(np.array([[[[1.0, 2.0], [3.0, 4.0]]]]), device=device), spec=spec)
    assert columns.tolist() == [[[0.0, 0.0, 1.0, 2.0], [1.0, 2.0, 3.0, 4.0]]]
    assert col2im(columns, spec=spec).tolist() == [[[[2.0, 4.0], [3.0, 4.0]]]]  # only one window contains the last row


@pytest.mark.parametrize("dtype", [np.float32, np.int64])
@pytest.mark.parametrize("shape", [(0, 2, 3, 3), (2, 0, 3, 3), (1, 1, 1, 1)])
def test_shapes_at_the_edge(device, shape, dtype):
    x = Tensor._of(np.ones(shape, dtype), device=device)
    spec = conv_spec("unfold", shape, (1, shape[1], 3, 3), padding=1)
    columns = im2col(x, spec=spec)
    assert (columns.shape, columns.dtype) == ((shape[0], shape[1] * 9, shape[2] * shape[3]), dtype)
    image = col2im(columns, spec=spec)
    assert (image.shape, image.dtype) == (shape, dtype)
