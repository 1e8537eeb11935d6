"""Tests of Tensor's Python protocol: operators, conversion to numbers, lists, arrays and text.

The functions behind the other methods are tested in the files of their modules, gradients in test_primitives.py.
"""

import copy

import numpy as np
import pytest

import minicnn as mc
from minicnn import nn, optim
from minicnn.autograd.tensor import Tensor
from minicnn.errors import AutogradError, DeviceError, DTypeError, ShapeError
from minicnn.ops.methods import Methods
from tests.ops.method_stubs import TARGET, stubs


def test_every_method_is_attached():
    names = [name for name in vars(Methods) if name not in ("__module__", "__dict__", "__weakref__", "__doc__")]
    assert [name for name in names if getattr(Tensor, name, None) is None] == []
    x = mc.rand(2, 2)
    for name in ("exp", "abs", "relu", "clone", "isnan", "neg", "square", "floor", "logical_not"):
        assert getattr(x, name)().shape == (2, 2)


def test_editors_see_the_methods_as_they_are():
    assert stubs() == TARGET.read_text(), "run: make stubs"


def test_one_element_is_a_number():
    assert [float(mc.tensor([2.5])), int(mc.tensor(3)), mc.tensor([[7]]).item()] == [2.5, 3, 7]
    assert [type(mc.tensor(v).item()) for v in (1.5, 1, True)] == [float, int, bool]
    assert [bool(mc.tensor([[0.0]])), bool(mc.tensor(2))] == [False, True]
    assert ["a", "b", "c"][mc.tensor([1])] == "b"
    assert list(range(mc.tensor(3))) == [0, 1, 2]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: mc.ones(2).item(), ShapeError, r"item: the tensor is \(2,\); item\(\) needs exactly one"),
        (lambda: float(mc.ones(2)), ShapeError, "item: the tensor is"),
        (lambda: int(mc.zeros(0)), ShapeError, r"item: the tensor is \(0,\)"),
        (
            lambda: bool(mc.ones(2)),
            ShapeError,
            r"bool: a tensor of shape \(2,\) is neither true nor false; use .any\(\)",
        ),
        (lambda: bool(mc.zeros(0)), ShapeError, r"bool: a tensor of shape \(0,\) is neither"),
        (lambda: [1, 2][mc.tensor(1.0)], DTypeError, "index: expected an integer tensor, got float32"),
        (lambda: [1, 2][mc.tensor([0, 1])], ShapeError, "item: the tensor is"),
        (lambda: len(mc.tensor(1.0)), ShapeError, "len: a 0-d tensor has no length"),
        (lambda: list(mc.tensor(1.0)), ShapeError, "iter: a 0-d tensor cannot be iterated"),
        (lambda: f"{mc.ones(1):.2f}", TypeError, "unsupported format string"),
        (lambda: mc.ones(2, requires_grad=True).numpy(), AutogradError, r"numpy: .* use .detach\(\).numpy\(\)"),
        (lambda: np.asarray(mc.ones(2, requires_grad=True)), AutogradError, "numpy: the tensor requires a gradient"),
        (lambda: mc.ones(2, requires_grad=True).__dlpack__(), AutogradError, r"dlpack: .* use .detach\(\)"),
        (lambda: copy.deepcopy(mc.ones(2, requires_grad=True) * 2), AutogradError, "deepcopy: only leaves"),
        (lambda: np.array(mc.ones(2), dtype=np.float64, copy=False), DTypeError, "__array__: float32 cannot become"),
    ],
)
def test_what_python_asks_in_vain(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_length_iteration_and_membership():
    x = mc.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert len(x) == 2
    assert [row.tolist() for row in x] == x.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert sum(x[0]).item() == 3.0
    assert max(x[0], key=float).item() == 2.0
    assert 2 in mc.tensor([1, 2])
    assert 3 not in mc.tensor([1, 2])
    a, b = x
    assert (a * b).tolist() == [3.0, 8.0]


def test_equality_is_by_element_and_hashing_by_identity():
    x, y = mc.tensor([1, 2]), mc.tensor([1, 3])
    assert (x == y).tolist() == [True, False]
    assert (x != 1).tolist() == [False, True]
    assert len({x, y, x}) == 2
    assert x != None  # noqa: E711 (None is no number, so they differ as a whole)
    assert (x == None) is False  # noqa: E711
    assert x != "text"
    assert x not in [None, "text"]


def test_sizes():
    x = mc.zeros(2, 3)
    assert (x.size(), x.size(0), x.size(-1), x.dim(), x.ndim, x.numel()) == ((2, 3), 2, 3, 2, 2, 6)
    assert (mc.tensor(1).size(), mc.tensor(1).numel()) == ((), 1)


def test_arrays_share_memory():
    x = mc.ones(2)
    x.numpy()[0] = 5
    np.asarray(x)[1] = 6
    assert x.tolist() == [5.0, 6.0]
    assert np.array(x).tolist() == [5.0, 6.0]
    assert np.array(x) is not x.array
    assert np.asarray(x, dtype=np.float64).dtype == np.float64
    assert np.array(x, copy=True).base is None
    assert x.detach().numpy() is x.array
    assert np.from_dlpack(x).tolist() == [5.0, 6.0]


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: mc.tensor([1.0, 2.5]), "tensor([1.0000, 2.5000])"),
        (lambda: mc.tensor(1), "tensor(1)"),
        (lambda: mc.tensor([1.0], requires_grad=True), "tensor([1.], requires_grad=True)"),
        (lambda: mc.tensor([1.0], requires_grad=True) * 2, "tensor([2.], grad_fn=<MulBackward0>)"),
        (lambda: mc.zeros(1, dtype=mc.float64), "tensor([0.], dtype=float64)"),
        (lambda: mc.zeros(0), "tensor([])"),
        (lambda: mc.tensor([[1, 2], [3, 4]]), "tensor([[1, 2],\n        [3, 4]])"),
    ],
)
def test_printing(make, text):
    assert repr(make()) == str(make()) == text


def test_formatting():
    assert f"{mc.tensor(1.23456):.2f}" == "1.23"
    assert f"{mc.tensor(3.0)}" == "3.0"
    assert f"{mc.tensor([3])}" == "tensor([3])"


def test_large_tensors_are_printed_short():
    assert len(repr(mc.zeros(1000, 1000))) < 500


def test_deepcopy_and_copy():
    x = mc.tensor([1.0, 2.0], requires_grad=True)
    (x * x).sum().backward()
    twin = copy.deepcopy({"a": x, "b": x})
    assert twin["a"] is twin["b"]
    twin = twin["a"]
    assert (twin.tolist(), twin.requires_grad, twin.is_leaf, twin.grad.tolist()) == ([1.0, 2.0], True, True, [2.0, 4.0])
    (twin * 3).sum().backward()
    twin.data.fill_(0)
    assert (x.tolist(), x.grad.tolist()) == ([1.0, 2.0], [2.0, 4.0])


def test_new_tensors_like_this_one():
    x = mc.ones(2, dtype=mc.float64)
    assert {t.dtype for t in (x.new_tensor([1]), x.new_zeros(2), x.new_ones((2, 2)))} == {mc.float64}
    assert (x.new_zeros(2, 3).shape, x.new_ones((2, 2)).sum().item()) == ((2, 3), 4.0)


def test_drawing_in_place():
    mc.manual_seed(0)
    x = mc.zeros(1000, dtype=mc.float64)
    assert x.normal_(5.0, 2.0) is x
    assert (abs(x.mean().item() - 5) < 0.3, abs(x.std().item() - 2) < 0.3, x.dtype) == (True, True, mc.float64)
    x.uniform_(-1, 1)
    assert -1 <= x.min().item() < x.max().item() < 1
    with pytest.raises(DTypeError, match="rand: numbers are drawn as float32, float64 or complex, got int64"):
        mc.tensor([1]).uniform_()
    w = mc.zeros(3, requires_grad=True)
    with pytest.raises(AutogradError, match="in-place: a leaf"):
        w.normal_()


def test_on_the_gpu(gpu):
    x = mc.tensor([1.5, 2.0], requires_grad=True).cuda()
    assert x.is_cuda
    assert not mc.ones(1).is_cuda
    assert x.device is gpu
    assert repr(mc.ones(2, device="cuda")) == "tensor([1., 1.], device='cuda')"
    assert (x.tolist(), x[0].item(), float(x[1])) == ([1.5, 2.0], 1.5, 2.0)
    assert copy.deepcopy(x.detach()).device is gpu
    with pytest.raises(DeviceError, match=r"numpy: the tensor is on cuda; call .cpu\(\) first"):
        x.detach().numpy()
    with pytest.raises(DeviceError, match=r"call \.cpu"):
        np.asarray(x.detach())
    assert x.detach().cpu().numpy().tolist() == [1.5, 2.0]


def test_errors_of_bytes_say_what_does_not_fit():
    x = mc.ones(3, 3)
    for tensor, wanted, message in (
        (x.t(), mc.uint8, r"cannot be read as uint8, .* the elements of the last axis are not neighbours; use .contig"),
        (
            x[:, :2],
            mc.float64,
            r"float64 has 8 bytes; the last axis has 8, steps along the others have \(12",
        ),
        (mc.tensor(1.0), mc.int64, r"the tensor has no axis; use .reshape\(1\)"),
    ):
        with pytest.raises(ShapeError, match=message):
            tensor.view(wanted)
    for wanted in (object, np.dtype("U4")):
        with pytest.raises(DTypeError, match=r"view: .* is no type of numbers"):
            x.view(wanted)
    assert x.view(size=(9,)).shape == (9,)


def test_hooks_after_a_gradient_step_parameters_one_by_one():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    optimizers = {p: optim.SGD([p], lr=1.0) for p in model.parameters()}
    expected = []

    def step(p):
        expected.append(p.detach() - p.grad)
        optimizers[p].step()
        optimizers[p].zero_grad()

    for p in model.parameters():
        p.register_post_accumulate_grad_hook(step)
    model(mc.ones(1, 2)).sum().backward()
    assert len(expected) == 4
    assert all(any(mc.equal(p, e) for e in expected) and p.grad is None for p in model.parameters())
