"""Tests of indexing against NumPy: reads, writes, gradients; and of split and join functions.

Gradients, and kernels against the references, are tested in test_primitives.py, for all primitives.
"""

import numpy as np
import pytest
from hypothesis import given

import minicnn as mc
from minicnn.autograd.tensor import Tensor
from minicnn.errors import DTypeError, ShapeError
from minicnn.runtime.devices import to_host
from minicnn.testing import cases

A = np.arange(24.0).reshape(2, 3, 4)
INDICES = [
    1,
    -1,
    (0, 2),
    (0, 2, 3),
    slice(1, None),
    (slice(None), slice(None, None, -2)),
    (..., 1),
    (1, ..., 0),
    None,
    (None, slice(None), None, 1),
    (slice(None), [2, 0]),
    [1, 0, 1],
    [],
    ([0, 1], [2, 2]),
    (np.array([[0], [1]]), np.array([[0, 2]])),
    A > 7,
    (slice(None), np.array([True, False, True])),
    (np.array(1), slice(None)),
    np.int64(1),
    (slice(5, 9),),
    ...,
]


def ours(index):
    """Return the index with its arrays as tensors."""
    if isinstance(index, tuple):
        return tuple(map(ours, index))
    return mc.tensor(index) if isinstance(index, np.ndarray) else index


@pytest.mark.parametrize("index", INDICES)
def test_reading_and_its_gradient(index, device):
    x = Tensor._of(A.copy(), requires_grad=True, device=device)
    plain = np.zeros(0, int) if isinstance(index, list) and not index else index
    for key in (index, ours(index)):
        y = x[key]
        np.testing.assert_array_equal(to_host(y.array), A[plain])
        assert type(y.array) is type(x.array)
    weights = np.random.default_rng(0).standard_normal(y.shape)
    (y * Tensor._of(weights, device=device)).sum().backward()
    expected = np.zeros_like(A)
    np.add.at(expected, plain, weights)
    np.testing.assert_allclose(to_host(x.grad.array), expected)


@pytest.mark.parametrize("index", [*INDICES[:11], A > 7, ([0, 1], [2, 2]), ...])
@pytest.mark.parametrize("recorded", [False, True])
def test_writing(index, recorded, device):
    x = Tensor._of(A.copy(), requires_grad=recorded, device=device)
    y = x * 1
    value = Tensor._of(-np.ones(A[index].shape), requires_grad=recorded, device=device)
    y[index] = value
    expected = A.copy()
    expected[index] = -1
    np.testing.assert_array_equal(to_host(y.array), expected)
    if recorded:
        y.sum().backward()
        np.testing.assert_array_equal(to_host(x.grad.array), expected >= 0)
        np.testing.assert_array_equal(to_host(value.grad.array), np.ones(value.shape))


def test_values_are_broadcast_and_converted():
    x = mc.zeros(2, 3)
    x[0] = 1
    x[:, 2] = mc.tensor([[5.0, 6.0]])
    x[1] = np.array([7.0, 8.0, 9.0])
    x[x > 8] = 0.5
    assert x.tolist() == [[1.0, 1.0, 5.0], [7.0, 8.0, 0.5]]
    n = mc.tensor([1, 2])
    n[0] = 2.7
    assert (n.tolist(), n.dtype) == ([2, 2], mc.int64)


def test_broadcast_values_get_the_sum():
    x, v = mc.zeros(2, 3), mc.tensor(2.0, requires_grad=True)
    x[:, 1:] = v
    (x * 3).sum().backward()
    assert v.grad.item() == 12.0


def test_overlapping_parts():
    x = mc.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * 1
    y[1:] = y[:-1]
    (y * mc.tensor([1.0, 10.0, 100.0])).sum().backward()
    assert y.tolist() == [1.0, 1.0, 2.0]
    assert x.grad.tolist() == [11.0, 100.0, 0.0]


def test_adding_in_place_to_a_part():
    x = mc.zeros(3)
    x[0] += 2
    x[1:] -= mc.tensor([1.0, 2.0])
    x[mc.tensor([0, 2])] *= 10
    assert x.tolist() == [20.0, -1.0, -20.0]


def test_the_gradient_uses_the_index_of_the_call():
    x, i = mc.tensor([1.0, 2.0, 3.0], requires_grad=True), mc.tensor([0, 1])
    y = x[i]
    i.add_(1)
    y.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0, 0.0]


@pytest.mark.parametrize("step", [lambda x, i: x[i], lambda x, i: x.__setitem__(i, 1.0)])
@pytest.mark.parametrize(
    ("index", "message"),
    [
        (5, r"index: index 5 is out of bounds for axis 0 with size 2; the tensor is \(2, 3, 4\)"),
        ((0, 0, 0, 0), "index: too many indices for array"),
        (mc.tensor([1.5]), "index: arrays used as indices must be of integer"),
        (np.ones((2, 2), bool), "index: boolean index did not match"),
        ("a", "index: only integers, slices"),
    ],
)
@pytest.mark.parametrize("recorded", [False, True])
def test_indices_that_do_not_fit(step, index, message, recorded):
    x = Tensor._of(A.copy(), requires_grad=recorded) * 1
    with pytest.raises(ShapeError, match=message):
        step(x, index)


@pytest.mark.parametrize("recorded", [False, True])
def test_values_that_do_not_fit(recorded):
    x = Tensor._of(A.copy(), requires_grad=recorded) * 1
    with pytest.raises(ShapeError, match=r"expand: \(3,\) cannot be repeated to \(4,\)"):
        x[0, 0] = [1.0, 2.0, 3.0]


@given(case=cases("index_add"))
def test_index_and_index_add_are_adjoint(case):
    g, index = case.inputs[0].real, case.params["index"]
    x = Tensor._of(np.random.default_rng(0).standard_normal(case.params["shape"]), requires_grad=True)
    (x[index] * Tensor._of(g)).sum().backward()
    assert (x.grad * x).sum().item() == pytest.approx((x[index] * Tensor._of(g)).sum().item(), abs=1e-9)


def test_gather_and_index_select():
    x = mc.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = x.gather(1, mc.tensor([[0, 0, 1], [1, 1, 0]]))
    assert y.tolist() == [[1.0, 1.0, 2.0], [4.0, 4.0, 3.0]]
    y.sum().backward()
    assert x.grad.tolist() == [[2.0, 1.0], [1.0, 2.0]]
    assert x.gather(0, mc.tensor([[1, 0]])).tolist() == [[3.0, 2.0]]
    assert x.index_select(-1, mc.tensor([1, 1])).tolist() == [[2.0, 2.0], [4.0, 4.0]]
    assert mc.tensor(3.0).gather(0, mc.tensor(0)).item() == 3.0
    with pytest.raises(ShapeError, match=r"gather: index and src need the 2 axes of the input, got index \(1,\)"):
        x.gather(0, mc.tensor([1]))
    with pytest.raises(ShapeError, match="gather: the index 5 is out of range for an axis of size 2"):
        x.gather(0, mc.tensor([[5]]))


# --- joining and cutting --------------------------------------------------------------------------------------


def test_cat_and_stack():
    a, b = mc.ones(2, 1, requires_grad=True), mc.zeros(2, 3, requires_grad=True)
    y = mc.cat([a, b], -1)
    (y * mc.arange(4)).sum().backward()
    assert (a.grad.tolist(), b.grad.tolist()) == ([[0.0], [0.0]], [[1.0, 2.0, 3.0]] * 2)
    assert mc.stack([mc.ones(2), mc.zeros(2)], 1).tolist() == [[1.0, 0.0], [1.0, 0.0]]
    assert mc.stack([mc.tensor(1.0), mc.tensor(2.0)]).shape == (2,)
    assert mc.cat((mc.ones(0, 3), mc.ones(2, 3))).shape == (2, 3)
    assert mc.cat([mc.ones(1), mc.ones(1, dtype=mc.int64)]).dtype == mc.float32


def test_one_tensor_in_a_cat_twice():
    x = mc.ones(2, requires_grad=True)
    mc.cat([x, x, x * 2]).sum().backward()
    assert x.grad.tolist() == [4.0, 4.0]


def test_split_chunk_and_unbind():
    x = mc.arange(5.0, dtype=mc.float32)
    assert [p.tolist() for p in x.split(2)] == [[0, 1], [2, 3], [4]]
    assert [p.tolist() for p in x.split([1, 0, 4])] == [[0], [], [1, 2, 3, 4]]
    assert [len(p) for p in x.chunk(3)] == [2, 2, 1]
    assert [len(p) for p in x.chunk(4)] == [2, 2, 1]
    assert [len(p) for p in mc.zeros(0).split(3)] == [0]
    assert [v.item() for v in x.unbind()] == [0, 1, 2, 3, 4]
    assert [t.shape for t in mc.ones(2, 3).unbind(1)] == [(2,)] * 3
    w = mc.ones(4, requires_grad=True)
    a, b = w.split(2)
    (a * 2 + b * 3).sum().backward()
    assert w.grad.tolist() == [2.0, 2.0, 3.0, 3.0]


@pytest.mark.parametrize(("shifts", "dims"), [(1, 0), (-5, 1), ((1, 2), (0, 1)), (0, 0), (7, 2)])
def test_roll(shifts, dims):
    np.testing.assert_array_equal(Tensor._of(A).roll(shifts, dims).array, np.roll(A, shifts, dims))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mc.cat([]), "cat: expected tensors of at least one axis, got none"),
        (lambda: mc.cat([mc.tensor(1.0)]), r"cat: expected tensors of at least one axis, got \(\); use stack\(\) for"),
        (
            lambda: mc.cat([mc.ones(2, 3), mc.ones(3, 2)]),
            r"cat: sizes may differ along dim=0 only, got \(2, 3\), \(3, 2\)",
        ),
        (lambda: mc.cat([mc.ones(2), mc.ones(2, 2)]), "cat: sizes may differ"),
        (lambda: mc.cat([mc.ones(2)], 1), "cat: dim=1 is out of range"),
        (lambda: mc.stack([]), "stack: expected tensors of one shape, got none"),
        (lambda: mc.stack([mc.ones(2), mc.ones(3)]), r"stack: expected tensors of one shape, got \(2,\), \(3,\)"),
        (lambda: mc.ones(3).split(0), "split: split_size must be at least 1, got 0"),
        (lambda: mc.ones(3).split([1, 1]), r"split: sizes \[1, 1\] add up to 2, but dim=0 has 3"),
        (lambda: mc.ones(3).chunk(0), "chunk: chunks must be at least 1, got 0"),
        (lambda: mc.tensor(1.0).split(1), "split: expected a tensor with at least one axis, got a 0-d tensor"),
        (lambda: mc.tensor(1.0).chunk(1), "chunk: expected a tensor with at least one axis"),
        (lambda: mc.tensor(1.0).unbind(), "unbind: expected a tensor with at least one axis"),
        (lambda: mc.tensor(1.0).roll(1, 0), "roll: expected a tensor with at least one axis"),
        (lambda: mc.ones(3).roll((1, 2), 0), r"roll: each axis needs one shift, got shifts=\(1, 2\) for dims=\(0,\)"),
    ],
)
def test_what_cannot_be_joined_or_cut(call, message):
    with pytest.raises(ShapeError, match=message):
        call()


T = np.array([1, 0])
M = np.array([True, False, True])
STEPS = [  # an index with integers and arrays, and PyTorch's equivalent: first select with the integer, then index
    ((0, slice(None), T), (0,), (slice(None), T)),
    ((T, slice(None), 2), (..., 2), (T,)),
    ((slice(None), -1, T), (slice(None), -1), (slice(None), T)),
    ((0, T), (0,), (T,)),
    ((1, ..., T), (1,), (slice(None), T)),
    ((0, None, T), (0,), (None, T)),
    ((1, M), (1,), (M,)),
    ((A[:, :, 0] > 7, 2), (..., 2), (A[:, :, 0] > 7,)),
    ((np.array(0), slice(None), [3, 1]), (0,), (slice(None), [3, 1])),
    ((T, 1, T), (slice(None), 1), (T, T)),
]


@pytest.mark.parametrize(("index", "first", "then"), STEPS)
def test_integers_select_before_arrays(index, first, then):
    x = Tensor._of(A.copy(), requires_grad=True)
    expected = A[first][then]
    y = x[ours(index)]
    np.testing.assert_array_equal(y.array, expected)
    weights = np.random.default_rng(0).standard_normal(y.shape)
    (y * Tensor._of(weights)).sum().backward()
    gradient = np.zeros_like(A)
    np.add.at(gradient[first], then, weights)
    np.testing.assert_allclose(x.grad.array, gradient)


@pytest.mark.parametrize(("index", "first", "then"), STEPS)
def test_writing_where_integers_select_before_arrays(index, first, then):
    value = np.random.default_rng(0).standard_normal(A[first][then].shape)
    expected = A.copy()
    expected[first][then] = value
    plain = Tensor._of(A.copy())
    memory = plain.array
    plain[ours(index)] = Tensor._of(value)
    np.testing.assert_array_equal(memory, expected)
    x, v = Tensor._of(A.copy(), requires_grad=True), Tensor._of(value, requires_grad=True)
    y = x * 1
    y[ours(index)] = v
    np.testing.assert_array_equal(y.array, expected)
    y.sum().backward()
    kept = np.ones_like(A)
    kept[first][then] = 0
    np.testing.assert_array_equal(x.grad.array, kept)
    assert v.grad.sum().item() == np.sum(kept == 0)


@pytest.mark.parametrize(
    "index", [slice(None, None, 0), slice(0.5, None), "a", [[1], [1, 0]], (0, T, "a"), (0, T, 0, 0)]
)
def test_what_is_no_index(index):
    with pytest.raises(ShapeError, match=r"index: .*; the tensor is \(2, 3, 4\)"):
        Tensor._of(A)[index]
    with pytest.raises(ShapeError, match=r"index: .*; the tensor is \(2, 3, 4\)"):
        Tensor._of(A.copy())[index] = 0


def test_what_is_no_value():
    with pytest.raises(DTypeError, match=r"index: the value is not made of numbers .*; use a number or a tensor"):
        Tensor._of(A.copy())[0] = "a"


def test_only_tensors_are_joined():
    with pytest.raises(DTypeError, match=r"cat: expected tensors, got str; use minicnn.from_numpy"):
        mc.cat("ab")
    with pytest.raises(DTypeError, match=r"stack: expected tensors, got ndarray; use minicnn.from_numpy"):
        mc.stack([mc.ones(2), np.ones(2)])


def test_an_index_may_be_on_the_host_or_with_the_tensor(device):
    x = Tensor._of(A.copy(), device=device)
    for index in (np.array([1, 0, 1]), mc.tensor([1, 0, 1]), mc.tensor([1, 0, 1], device=device), [1, 0, 1]):
        np.testing.assert_array_equal(to_host(x[index].array), A[[1, 0, 1]])
    for mask in (A > 7, mc.tensor(A > 7), mc.tensor(A > 7, device=device)):
        np.testing.assert_array_equal(to_host(x[mask].array), A[A > 7])
    np.testing.assert_array_equal(to_host(x[1, :, mc.tensor([2, 0], device=device)].array), A[1][:, [2, 0]])
    assert x[mc.tensor(1, device=device)].shape == A[1].shape
    index = mc.tensor(np.zeros((1, *A.shape[1:]), int), device=device)
    np.testing.assert_array_equal(to_host(mc.gather(x, 0, index).array), A[:1])


def test_values_that_are_overwritten_have_no_gradient():
    """y[[0, 0, 2]] = v keeps v[1] at 0, so v[0] does not matter. PyTorch gives it a gradient."""
    v = mc.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = mc.zeros(3)
    y[mc.tensor([0, 0, 2])] = v
    (y * mc.tensor([5.0, 7.0, 11.0])).sum().backward()
    assert y.tolist() == [2, 0, 3]
    assert v.grad.tolist() == [0, 5, 11]

    def put(x, v):
        out = x.clone()
        out[[1, 0, 1], [2, 0, 2]] = v * v
        return out**2

    x, w = mc.randn(2, 3, dtype=mc.float64), mc.randn(3, dtype=mc.float64)
    inputs = x.requires_grad_(), w.requires_grad_()
    assert mc.autograd.gradcheck(put, inputs)
    assert mc.autograd.gradgradcheck(put, inputs)
