"""Tests of tensor creation: dtypes as in PyTorch, and memory shared or copied as documented."""

import numpy as np
import pytest

import minicnn as mc
from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, DeviceError, DTypeError
from tests import standin_cupy


@pytest.mark.parametrize(
    ("data", "dtype"),
    [  # recorded from PyTorch 2.13
        (1.0, "float32"),
        (1, "int64"),
        (True, "bool"),
        ([], "float32"),
        ([1, 2.0], "float32"),
        ([1, True], "int64"),
        ([[1.0], [2.0]], "float32"),
        (2**40, "int64"),
        (np.float64(3), "float64"),
        (np.float32(3), "float32"),
        (np.arange(3), "int64"),
        (np.ones(2, np.int16), "int16"),
        ([np.float64(1.0)], "float64"),
        ([np.float32(1.0), 2.0], "float32"),
        ([np.array([1.0, 2.0])], "float64"),
        ([[np.float32(1.0)], [np.float64(2.0)]], "float64"),
    ],
)
def test_the_type_follows_the_data(data, dtype):
    assert str(mc.tensor(data).dtype) == dtype
    assert str(mc.as_tensor(data).dtype) == dtype


def test_tensors_in_lists_keep_their_type():
    double = mc.tensor(1.0, dtype=mc.float64)
    assert mc.tensor([double, 2.5]).dtype == mc.float64
    assert mc.tensor([mc.tensor(1), 2.5]).dtype == mc.float32
    assert mc.tensor([[mc.tensor(1.0, requires_grad=True)]]).tolist() == [[1.0]]
    assert mc.tensor((mc.ones(2), [3.0, 4.0])).tolist() == [[1.0, 1.0], [3.0, 4.0]]


def test_a_wanted_type_wins():
    assert mc.tensor([1.7], dtype=mc.int64).tolist() == [1]
    assert mc.tensor(np.ones(2), dtype=mc.float32).dtype == mc.float32
    assert mc.as_tensor(mc.ones(2), dtype=mc.float64).dtype == mc.float64


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([[1], [2, 3]], "tensor: the data is not a rectangular array of numbers"),
        ("abc", "tensor: element type <U3 is not supported"),
        ([None], "tensor: element type object is not supported"),
        (np.ones(1, "clongdouble"), "tensor: element type complex256 is not supported"),
    ],
)
def test_data_that_is_no_tensor(data, message):
    with pytest.raises(DTypeError, match=message):
        mc.tensor(data)
    with pytest.raises(DTypeError, match=message):
        mc.as_tensor(data)


def test_tensor_copies_and_as_tensor_shares():
    a = np.zeros(2)
    copied, shared, t = mc.tensor(a), mc.as_tensor(a), mc.from_numpy(a)
    a[0] = 5
    assert (copied[0].item(), shared[0].item(), t[0].item()) == (0, 5, 5)
    t[1] = 7
    assert a[1] == 7
    assert mc.as_tensor(t) is t
    assert mc.tensor(t).array is not t.array


@pytest.mark.parametrize(
    "view", [lambda a: a[:, ::2], lambda a: a[::-1], lambda a: a.T, np.asfortranarray, lambda a: a[:0]]
)
def test_from_numpy_shares_any_layout(view):
    a = view(np.arange(12.0).reshape(3, 4))
    t = mc.from_numpy(a)
    assert t.array is a
    assert t.numpy() is a
    assert t.tolist() == a.tolist()


def test_from_numpy_takes_arrays_alone():
    with pytest.raises(DTypeError, match=r"from_numpy: expected numpy.ndarray, got list; use minicnn.tensor"):
        mc.from_numpy([1.0])
    with pytest.raises(DTypeError, match="element type complex256 is not supported"):
        mc.from_numpy(np.ones(2, "clongdouble"))


def test_dlpack_both_ways_without_a_copy():
    a = np.arange(6.0, dtype=np.float32).reshape(2, 3)
    t = mc.from_dlpack(a[:, ::-1].T)
    back = np.from_dlpack(t)
    t[0, 0] = 9
    assert (a[0, 2], back[0, 0]) == (9, 9)
    again = mc.from_dlpack(t)
    again.fill_(1)
    assert t.sum().item() == 6
    assert again._writes is t._writes


def test_filled():
    assert mc.full((2,), 3).dtype == mc.int64
    assert mc.full((2,), 3.0).dtype == mc.full((2,), np.float64(3)).dtype == mc.float32
    assert mc.full((2,), True).dtype == mc.bool
    assert mc.full((2,), 3, dtype=mc.float64).tolist() == [3.0, 3.0]
    assert mc.zeros(2, 3).shape == mc.ones((2, 3)).shape == mc.empty([2, 3]).shape == (2, 3)
    assert {t.dtype for t in (mc.zeros(1), mc.ones(1), mc.empty(1), mc.eye(2), mc.rand(1), mc.randn(1))} == {mc.float32}
    assert mc.eye(2, 3).tolist() == [[1, 0, 0], [0, 1, 0]]
    assert mc.ones(2, requires_grad=True).requires_grad
    assert mc.zeros(0, 3).numel() == 0


def test_like_another():
    x = mc.ones(2, 3, dtype=mc.float64)
    made = [mc.zeros_like(x), mc.ones_like(x), mc.empty_like(x), mc.full_like(x, 2), mc.rand_like(x), mc.randn_like(x)]
    assert {(t.shape, t.dtype) for t in made} == {((2, 3), np.dtype(np.float64))}
    assert mc.zeros_like(x, dtype=mc.int64).dtype == mc.int64


def test_ranges():
    assert (mc.arange(3).tolist(), mc.arange(3).dtype) == ([0, 1, 2], mc.int64)
    assert mc.arange(1, 2, 0.25).tolist() == [1.0, 1.25, 1.5, 1.75]
    assert mc.arange(3.0).dtype == mc.float32
    assert mc.arange(5, 0, -2).tolist() == [5, 3, 1]
    assert mc.arange(0, 4, dtype=mc.float64).dtype == mc.float64
    assert mc.linspace(0, 1, 5).tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert mc.linspace(0, 1, 5).dtype == mc.float32


def test_random():
    mc.manual_seed(0)
    x, n = mc.rand(4000, dtype=mc.float64), mc.randn(4000)
    assert 0 <= x.min().item() < 0.01 < 0.99 < x.max().item() < 1
    assert abs(n.mean().item()) < 0.05
    assert abs(n.std().item() - 1) < 0.05
    assert set(mc.randint(2, 5, (100,)).tolist()) == {2, 3, 4}
    assert set(mc.randint(2, (100,)).tolist()) == {0, 1}
    assert sorted(mc.randperm(7).tolist()) == list(range(7))
    assert mc.randint(5, (2,)).dtype == mc.randperm(2).dtype == mc.int64


@pytest.mark.parametrize("draw", [mc.rand, mc.randn])
@pytest.mark.parametrize("dtype", [mc.int64, "float16"])
def test_random_numbers_are_floats(draw, dtype):
    with pytest.raises(DTypeError, match=r"randn?: numbers are .* float64 or complex, got (int64|float16)"):
        draw(2, dtype=dtype)


def test_devices_are_named():
    assert mc.zeros(1, device="cpu").device.name == "cpu"
    with pytest.raises(DeviceError, match="there is no device 'moon'"):
        mc.zeros(1, device="moon")


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: mc.zeros(-1), ArgumentError, r"zeros: negative dimensions .*; got zeros\(-1\)"),
        (lambda: mc.randn(2, -1), ArgumentError, r"randn: negative dimensions .*; got randn\(2, -1\)"),
        (lambda: mc.arange(0, 1, 0), ArgumentError, r"arange: .*; got arange\(0, 1, 0\)"),
        (lambda: mc.linspace(0, 1, -2), ArgumentError, r"linspace: .*; got linspace\(0, 1, -2\)"),
        (lambda: mc.randint(3, 1, (2,)), ArgumentError, r"randint: low >= high"),
        (lambda: mc.ones(2, dtype="foo"), DTypeError, r"ones: .*'foo'.*; got ones\(2, dtype='foo'\)"),
        (lambda: mc.tensor([1], dtype="foo"), DTypeError, r"tensor: .*'foo'"),
        (lambda: mc.full(3, 1.0), DTypeError, r"full: .*; got full\(3, 1.0\)"),
    ],
)
def test_what_numpy_refuses(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


@pytest.mark.parametrize(
    "make",
    [
        lambda d: mc.zeros(2, 3, device=d),
        lambda d: mc.ones(2, 3, device=d),
        lambda d: mc.full((2, 3), 2.5, device=d),
        lambda d: mc.eye(2, 3, device=d),
        lambda d: mc.arange(6, device=d),
        lambda d: mc.arange(0.0, 1.0, 0.1, device=d),
        lambda d: mc.linspace(0, 1, 7, device=d),
        lambda d: mc.zeros_like(mc.ones(2, device=d)),
        lambda d: mc.rand(5, device=d),
        lambda d: mc.randn(5, device=d),
        lambda d: mc.randint(0, 9, (5,), device=d),
        lambda d: mc.randperm(5, device=d),
        lambda d: mc.tensor([1.0, 2.0], device=d),
        lambda d: mc.as_tensor(np.ones(3), device=d),
        lambda d: mc.tensor([mc.ones(2, device=d), mc.zeros(2)], device=d),
    ],
)
def test_the_same_numbers_on_every_device(make, device):
    mc.manual_seed(3)
    expected = make("cpu")
    mc.manual_seed(3)
    x = make(device)
    assert (x.device, x.dtype, x.tolist()) == (device, expected.dtype, expected.tolist())


def test_a_tensor_is_copied_where_it_is(device):
    x = mc.ones(2, device=device)
    y = mc.tensor(x, requires_grad=True)
    assert (y.device, y.requires_grad, y.is_leaf) == (device, True, True)
    y.detach().add_(1)
    assert (x.tolist(), y.tolist()) == ([1.0, 1.0], [2.0, 2.0])
    assert Tensor(x).device is device
    assert mc.tensor(x, device="cpu").device.name == "cpu"
    assert mc.empty(2, device=device).device is device


def test_filling_on_the_gpu_sends_nothing(gpu):
    with standin_cupy.counting() as counts:
        mc.zeros(3, device=gpu), mc.ones(3, device=gpu), mc.full((3,), 2.0, device=gpu), mc.arange(3, device=gpu)
        mc.ones_like(mc.empty(3, device=gpu))
    assert (counts.uploads, counts.waits) == ([], [])


def test_arrays_of_cupy_are_tensors_of_the_gpu(gpu):
    array = gpu.xp.ones(3)
    assert mc.as_tensor(array).array is array
    assert mc.as_tensor(array).device is gpu
    assert mc.tensor(array).array is not array
    assert (mc.ones(3, device=gpu) + array).tolist() == [2.0] * 3
    assert (mc.ones(3, device=gpu) == array).tolist() == [True] * 3

    class Lender:  # has the attributes of a real CuPy array
        def __dlpack_device__(self):
            return (2, 0)

    taken = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gpu.xp, "from_dlpack", lambda source: taken.append(source) or array, raising=False)
        assert mc.from_dlpack(lender := Lender()).array is array
    assert taken == [lender]
