"""Tests of shape functions against NumPy: values, views and errors.

Gradients, and kernels against the references, are tested in test_primitives.py, for all primitives.
"""

import numpy as np
import pytest
from hypothesis import given

import minicnn as mc
from minicnn.autograd import grad
from minicnn.autograd.tensor import Tensor
from minicnn.errors import AutogradError, DeviceError, DTypeError, ShapeError
from minicnn.ops import shape as shapes
from minicnn.runtime.devices import CPU, to_host
from minicnn.testing import cases

A = np.arange(24.0).reshape(2, 3, 4)


@pytest.mark.parametrize(
    ("ours", "numpys"),
    [
        (lambda x: x.reshape(4, -1), A.reshape(4, -1)),
        (lambda x: x.view((6, 4)), A.reshape(6, 4)),
        (lambda x: x.flatten(), A.ravel()),
        (lambda x: x.flatten(1), A.reshape(2, 12)),
        (lambda x: x.flatten(0, -2), A.reshape(6, 4)),
        (lambda x: x.unflatten(2, (2, -1)), A.reshape(2, 3, 2, 2)),
        (lambda x: x.permute(2, 0, 1), A.transpose(2, 0, 1)),
        (lambda x: x.permute((-1, 0, 1)), A.transpose(2, 0, 1)),
        (lambda x: x.transpose(0, -1), A.swapaxes(0, -1)),
        (lambda x: x[0].T, A[0].T),
        (lambda x: x.mT, A.swapaxes(-1, -2)),
        (lambda x: x.flip((0, 2)), A[::-1, :, ::-1]),
        (lambda x: x.unsqueeze(-1).squeeze(), A),
        (lambda x: x[:1].squeeze(0), A[0]),
        (lambda x: x[:1].expand(5, -1, -1), np.broadcast_to(A[:1], (5, 3, 4))),
        (lambda x: x.expand(2, 2, 3, 4), np.broadcast_to(A, (2, 2, 3, 4))),
        (lambda x: x.repeat(2, 1, 3), np.tile(A, (2, 1, 3))),
        (lambda x: x.repeat(2, 1, 1, 2), np.tile(A, (2, 1, 1, 2))),
        (lambda x: x.repeat(0, 1, 1), A[:0]),
        (lambda x: x.permute(1, 2, 0).contiguous(), A.transpose(1, 2, 0)),
        (lambda x: x.permute(1, 2, 0).clone(), A.transpose(1, 2, 0)),
        (lambda x: mc.broadcast_to(x, (1, 2, 3, 4)), A[None]),
    ],
)
def test_against_numpy(ours, numpys, device):
    y = ours(Tensor._of(A.copy(), device=device))
    np.testing.assert_array_equal(to_host(y.array), numpys)
    assert y.dtype == mc.float64


def test_zero_axes_and_no_elements():
    x = mc.tensor(1.0)
    made = [x.flatten(), x.reshape(1, 1), x.squeeze(), x.unsqueeze(0), x.T, x.flip(()), x.repeat(2), x.transpose(0, 0)]
    assert [t.shape for t in made] == [(1,), (1, 1), (), (1,), (), (), (2,), ()]
    empty = mc.zeros(0, 3)
    made = [empty.view(-1, 3), empty.T, empty.flatten(), empty.expand(4, 0, 3), empty.repeat(2, 2)]
    assert [t.shape for t in made] == [(0, 3), (3, 0), (0,), (4, 0, 3), (0, 6)]
    assert mc.zeros(2, 0).reshape(0).shape == (0,)


@given(case=cases("permute"))
def test_permute_is_undone_by_the_inverse(case):
    (x,), axes = case.inputs, case.params["axes"]
    np.testing.assert_array_equal(Tensor._of(x).permute(axes).permute(*np.argsort(axes).tolist()).array, x)


@given(case=cases("expand"))
def test_expand_and_sum_are_adjoint(case):
    shape = case.params["shape"]
    t = Tensor._of(case.inputs[0].real, requires_grad=True)
    g = Tensor._of(np.random.default_rng(0).standard_normal(shape))
    (t.expand(shape) * g).sum().backward()
    assert (t.grad * t).sum().item() == pytest.approx((t.expand(shape) * g).sum().item(), abs=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: x.reshape(5, -1), r"reshape: \(2, 3, 4\) holds 24 elements and does not fit into \(5, -1\)"),
        (lambda x: x.reshape(-1, -1), r"does not fit into \(-1, -1\)"),
        (lambda x: x.reshape(-2, -12), r"does not fit into \(-2, -12\)"),
        (lambda x: x[:0].reshape(-1, 0), r"reshape: \(0, 3, 4\) holds 0 elements and does not fit into \(-1, 0\)"),
        (lambda x: x.flatten(2, 1), "flatten: start_dim=2 comes after end_dim=1"),
        (lambda x: x.unflatten(2, (3, 2)), "reshape: .* holds 24 elements"),
        (lambda x: x.permute(0, 1), r"permute: \(0, 1\) does not name each of the 3 axes once"),
        (lambda x: x.permute(0, 0, 1), "does not name each of the 3 axes once"),
        (lambda x: x.transpose(0, 3), "transpose: dim=3 is out of range for a tensor of 3 axes"),
        (lambda x: x.unsqueeze(4), "unsqueeze: dim=4 is out of range"),
        (lambda x: x.expand(2, 4), r"expand: \(2, 3, 4\) cannot be repeated to \(2, 4\); only axes of size 1 can"),
        (lambda x: x.expand(3, 3, 4), r"cannot be repeated to \(3, 3, 4\)"),
        (lambda x: x.expand(-1, 2, 3, 4), r"cannot be repeated to \(-1, 2, 3, 4\)"),
        (lambda x: x.repeat(2, 2), r"repeat: give a count >= 0 for each of the 3 axes of \(2, 3, 4\), got \(2, 2\)"),
        (lambda x: x.repeat(1, 1, -1), "repeat: give a count >= 0"),
        (lambda x: mc.ones(2).mT, r"mT: a matrix has at least two axes, the tensor is \(2,\)"),
    ],
)
def test_what_does_not_fit(call, message):
    with pytest.raises(ShapeError, match=message):
        call(Tensor._of(A))


def test_to_converts_or_returns_the_tensor():
    x = mc.ones(2, requires_grad=True)
    assert x.to("cpu") is x.to(mc.float32) is x.float() is x.cpu() is x.to(mc.zeros(1)) is x
    assert x.to(mc.float32, copy=True).array is not x.array
    assert x.to("cpu", mc.float64).dtype == x.double().dtype == x.to(dtype=np.float64).dtype == mc.float64
    assert (x.long().dtype, x.bool().dtype, x.type_as(mc.tensor([1])).dtype) == (mc.int64, mc.bool, mc.int64)
    x.double().sum().backward()
    assert x.grad.dtype == mc.float32


def test_to_names_what_it_does_not_know():
    with pytest.raises(DeviceError, match="there is no device 'moon'"):
        mc.ones(1).to("moon")
    with pytest.raises(DTypeError, match=r"to: expected a device, an element type or a tensor, got 3\.5"):
        mc.ones(1).to(3.5)


def test_contiguous_and_clone():
    x = mc.ones(2, 3)
    assert x.contiguous() is x
    assert not x.T.is_contiguous()
    assert x.T.contiguous().is_contiguous()
    assert x.T.clone().is_contiguous()
    assert shapes.as_float(mc.tensor([1])).dtype == mc.float32


def test_to_moves_there_and_the_gradient_back(device):
    x = mc.tensor([1.0, 2.0], requires_grad=True)
    y = x.to(device)
    assert (y.device, type(y.array)) == (device, type(device.array(1.0)))
    assert (y is x) == (device is CPU)
    (y * y).sum().backward()
    assert (x.grad.device, x.grad.tolist()) == (CPU, [2.0, 4.0])
    (first,) = grad((y**3).sum(), x, create_graph=True)
    (second,) = grad(first.sum(), x)
    assert (second.device, second.tolist()) == (CPU, [6.0, 12.0])
    assert x.to(device, mc.float64).dtype == x.to(mc.zeros(1, dtype=mc.float64, device=device)).dtype == mc.float64
    assert mc.ones(1, device=device).cpu().device is CPU


def test_devices_share_no_memory(device):
    x = mc.zeros(3)
    moved = x.to(device)
    moved.add_(1)
    assert x.tolist() == ([1.0] * 3 if device is CPU else [0.0] * 3)
    copied = moved.to(device, copy=True)
    copied.add_(1)
    assert moved.tolist() == [1.0] * 3


def test_what_is_repeated_cannot_be_written_on_any_device(device):
    with pytest.raises(AutogradError, match=r"in-place: .*read-only: .* expand\(\); modify a .clone\(\)"):
        mc.ones(1, device=device).expand(3).add_(1)
