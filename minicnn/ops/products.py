"""Products of vectors and matrices that are composed of `matmul` and `mul`."""

from collections.abc import Callable, Sequence
from functools import cache
from math import prod
from typing import Any

from minicnn.autograd.tensor import Tensor
from minicnn.errors import ArgumentError, DTypeError, ShapeError
from minicnn.ops.axes import axis_of, numpy_names
from minicnn.ops.comparison import ne
from minicnn.ops.complex_numbers import conj
from minicnn.ops.elementwise import abs, add, mul, square, sub
from minicnn.ops.indexing import roll
from minicnn.ops.linalg import _one_dtype, bmm, dot, matmul, mm, mT, mv, outer
from minicnn.ops.operands import common_shape
from minicnn.ops.reduce import _sqrt_zero_grad, norm, sum
from minicnn.ops.shape import broadcast_to, permute, reshape, unsqueeze

__all__ = [
    "addbmm",
    "addmm",
    "addmv",
    "addr",
    "baddbmm",
    "cdist",
    "chain_matmul",
    "cross",
    "ger",
    "inner",
    "kron",
    "tensordot",
    "vdot",
]

ger = outer


def inner(input: Tensor, other: Tensor) -> Tensor:
    """Return the sums of products along the last axes, for all pairs of the other axes; the product for numbers.

    Raises
    ------
    ShapeError
        If the last axes have different sizes.
    DTypeError
        If the element types differ.
    """
    _one_dtype("inner", input, other)
    if not input.ndim or not other.ndim:
        return mul(input, other)
    if input.shape[-1] != other.shape[-1]:
        raise ShapeError(f"inner: the last axes must have one size, got {input.shape} and {other.shape}")
    return tensordot(input, other, ([-1], [-1]))


def vdot(input: Tensor, other: Tensor) -> Tensor:
    """Return the sum of the products of two vectors, as `dot`; of complex vectors, the first is conjugated."""
    return dot(conj(input), other)


def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    """Return the sums of products along pairs of axes, for all pairs of the other axes.

    Parameters
    ----------
    a, b : Tensor
    dims : int or pair of lists of int
        The axes of a, and those of b. A number n means the last n axes of a, and the first n of b.

    Raises
    ------
    ShapeError
        If the sizes of the axes differ, or the numbers of axes.
    DTypeError
        If the element types differ.

    Examples
    --------
    >>> import minicnn
    >>> tensordot(minicnn.ones(2, 3, 4), minicnn.ones(4, 3, 5), ([1, 2], [1, 0])).shape
    (2, 5)
    """
    _one_dtype("tensordot", a, b)
    dims = dims.tolist() if isinstance(dims, Tensor) else dims
    if isinstance(dims, int):
        if not 0 <= dims <= min(a.ndim, b.ndim):
            raise ShapeError(f"tensordot: dims={dims} axes are not in both {a.shape} and {b.shape}")
        dims = list(range(a.ndim - dims, a.ndim)), list(range(dims))
    pairs = [[d] if isinstance(d, int) else list(d) for d in dims]
    at, bt = ([axis_of("tensordot", d, t.ndim) for d in ds] for ds, t in zip(pairs, (a, b), strict=True))
    if len(at) != len(bt) or len(set(at)) != len(at) or len(set(bt)) != len(bt):
        raise ShapeError(f"tensordot: dims={dims} must name as many different axes of both tensors")
    for i, j in zip(at, bt, strict=True):
        n, k = a.shape[i], b.shape[j]
        if n != k and 1 not in (n, k):
            raise ShapeError(f"tensordot: axis {i} of {a.shape} and axis {j} of {b.shape} have different sizes")
        if n != k:  # an axis of size 1 repeats
            a, b = (sum(a, i, keepdim=True), b) if k == 1 else (a, sum(b, j, keepdim=True))
    rows, columns = ([i for i in range(t.ndim) if i not in used] for t, used in ((a, at), (b, bt)))
    k = prod(a.shape[i] for i in at)
    left = reshape(permute(a, [*rows, *at]), (prod(a.shape[i] for i in rows), k))
    right = reshape(permute(b, [*bt, *columns]), (k, prod(b.shape[j] for j in columns)))
    return reshape(matmul(left, right), (*(a.shape[i] for i in rows), *(b.shape[j] for j in columns)))


def kron(input: Tensor, other: Tensor) -> Tensor:
    """Return the Kronecker product: other times each element of input, as blocks.

    Examples
    --------
    >>> import minicnn
    >>> kron(minicnn.tensor([1, 10]), minicnn.tensor([1, 2])).tolist()
    [1, 2, 10, 20]
    """
    n = max(input.ndim, other.ndim)
    a, b = ((1,) * (n - t.ndim) + t.shape for t in (input, other))
    left = reshape(input, tuple(s for size in a for s in (size, 1)))
    blocks = mul(left, reshape(other, tuple(s for size in b for s in (1, size))))
    return reshape(blocks, tuple(s * t for s, t in zip(a, b, strict=True)))


@numpy_names
def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """Return the cross product of vectors of 3 elements along an axis; by default the first axis of size 3.

    Raises
    ------
    ShapeError
        If the axis does not have size 3, or the shapes do not broadcast.

    Examples
    --------
    >>> import minicnn
    >>> cross(minicnn.tensor([1.0, 0.0, 0.0]), minicnn.tensor([0.0, 1.0, 0.0])).tolist()
    [0.0, 0.0, 1.0]
    """
    if input.ndim != other.ndim:
        raise ShapeError(f"cross: expected tensors with the same number of axes, got {input.shape} and {other.shape}")
    shape = common_shape("cross", (input, other))
    if dim is None:
        dim = next((i for i, n in enumerate(shape) if n == 3), None)
    axis = None if dim is None else axis_of("cross", dim, len(shape))
    if axis is None or not shape or input.shape[axis] != 3 or other.shape[axis] != 3:
        raise ShapeError(f"cross: an axis must have size 3 in both tensors, got {input.shape} and {other.shape}")
    a, b = (broadcast_to(t, shape) for t in (input, other))
    return sub(mul(roll(a, -1, axis), roll(b, 1, axis)), mul(roll(a, 1, axis), roll(b, -1, axis)))


def cdist(
    x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str | None = "use_mm_for_euclid_dist_if_necessary"
) -> Tensor:
    """Return the p-norm distances of all rows of x1 and all rows of x2; the gradient at 0 is 0.

    Parameters
    ----------
    x1 : Tensor, (..., n, d)
    x2 : Tensor, (..., m, d)
    p : float
        At least 0; with 0, the number of elements that differ.
    compute_mode : str
        When the distances for p = 2 are computed by a matrix product, which is less accurate for rows that are close:
        "use_mm_for_euclid_dist_if_necessary" for more than 25 rows, "use_mm_for_euclid_dist" always,
        "donot_use_mm_for_euclid_dist" never.

    Returns
    -------
    Tensor, (..., n, m)

    Raises
    ------
    ShapeError
        If the rows have different sizes.
    DTypeError
        If the tensors do not hold floats of one type.
    ArgumentError
        If p is negative, or the mode is unknown.
    """
    modes = ("use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist")
    if p < 0 or compute_mode not in (None, *modes):
        raise ArgumentError(f"cdist: p must be at least 0 and compute_mode one of {modes}, got {p}, {compute_mode!r}")
    if x1.ndim < 2 or x2.ndim < 2 or x1.shape[-1] != x2.shape[-1]:
        raise ShapeError(f"cdist: expected (..., n, d) and (..., m, d), got {x1.shape} and {x2.shape}")
    if x1.dtype.kind != "f" or x2.dtype != x1.dtype:
        raise DTypeError(f"cdist: expected floats of one type, got {x1.dtype} and {x2.dtype}")
    many = compute_mode in (None, modes[0]) and (x1.shape[-2] > 25 or x2.shape[-2] > 25)
    if p == 2 and (many or compute_mode == modes[1]):
        lengths = add(sum(square(x1), -1, keepdim=True), mT(sum(square(x2), -1, keepdim=True)))
        return _sqrt_zero_grad(sub(lengths, mul(matmul(x1, mT(x2)), 2)).clamp(min=0))
    difference = sub(unsqueeze(x1, -2), unsqueeze(x2, -3))
    if p == 0:
        return sum(ne(difference, 0), -1).to(x1.dtype)
    return sum(abs(difference), -1) if p == 1 or not x1.shape[-1] else norm(difference, p, -1)


def chain_matmul(*matrices: Tensor) -> Tensor:
    """Return the product of matrices, in the order of products that needs the fewest multiplications.

    Raises
    ------
    ShapeError
        If one is no matrix.
    ArgumentError
        If there is none.
    """
    if not matrices:
        raise ArgumentError("chain_matmul: give at least one matrix")
    if any(t.ndim != 2 for t in matrices):
        raise ShapeError(f"chain_matmul: expected matrices, got {', '.join(str(t.shape) for t in matrices)}")
    sizes = [*(t.shape[0] for t in matrices), matrices[-1].shape[1]]

    @cache
    def best(first: int, last: int) -> tuple[int, int]:
        """Return the cost of the product of matrices first to last, and the last matrix of its left factor."""
        if first == last:
            return 0, first
        costs = [
            (best(first, k)[0] + best(k + 1, last)[0] + sizes[first] * sizes[k + 1] * sizes[last + 1], k)
            for k in range(first, last)
        ]
        return min(costs)

    def multiplied(first: int, last: int) -> Tensor:
        k = best(first, last)[1]
        return matrices[first] if first == last else mm(multiplied(first, k), multiplied(k + 1, last))

    return multiplied(0, len(matrices) - 1)


# --- a product that is added ------------------------------------------------------------------------------------------


def _added(
    call: str, input: Tensor, product: Callable[..., Tensor], factors: Sequence[Tensor], beta: float, alpha: float
) -> Tensor:
    """Return beta input + alpha product; with beta = 0, input does not count, even if it is NaN."""
    _one_dtype(call, input, *factors)
    if input.dtype.kind != "f":
        beta, alpha = int(beta), int(alpha)
    y = product(*factors)
    y = y if alpha == 1 else mul(y, alpha)
    if input.ndim > y.ndim or any(n not in (1, k) for n, k in zip(input.shape[::-1], y.shape[::-1], strict=False)):
        raise ShapeError(f"{call}: input {input.shape} does not broadcast to the product {y.shape}")
    return y if beta == 0 else add(input if beta == 1 else mul(input, beta), y)


def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """Return beta input + alpha mat1 @ mat2; input broadcasts. With beta = 0, input does not count.

    Raises
    ------
    ShapeError
        If the sizes do not fit.
    DTypeError
        If the element types differ.

    Examples
    --------
    >>> import minicnn
    >>> addmm(minicnn.ones(1), minicnn.ones(1, 2), minicnn.ones(2, 1), alpha=2).tolist()
    [[5.0]]
    """
    return _added("addmm", input, mm, (mat1, mat2), beta, alpha)


def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """Return beta input + alpha mat @ vec for a matrix and a vector; errors as in `addmm`."""
    return _added("addmv", input, mv, (mat, vec), beta, alpha)


def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """Return beta input + alpha times the outer product of two vectors; errors as in `addmm`."""
    return _added("addr", input, outer, (vec1, vec2), beta, alpha)


def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """Return beta input + alpha batch1 @ batch2 for batches of matrices; errors as in `addmm`."""
    return _added("baddbmm", input, bmm, (batch1, batch2), beta, alpha)


def addbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """Return beta input + alpha times the sum of the products of two batches of matrices; errors as in `addmm`."""
    return _added("addbmm", input, lambda a, b: sum(bmm(a, b), 0, dtype=a.dtype), (batch1, batch2), beta, alpha)
